"""Organizers' notes: on sale, edited, cancelled, deleted. The ledger decides, tags only ask."""

from __future__ import annotations

from ticketbot.domain.decision import What
from ticketbot.domain.listing import Listing
from ticketbot.domain.listing_note import ListingProblems, is_for, read_listing, says_cancelled
from ticketbot.domain.naming import short_code
from ticketbot.domain.nostr import Event
from ticketbot.domain.note import looks_like_listing
from ticketbot.domain.when import DAY
from ticketbot.handlers import finding
from ticketbot.handlers.context import Context
from ticketbot.handlers.events import closing
from ticketbot.handlers.money import cashier
from ticketbot.handlers.rounds import changes, reminders
from ticketbot.ledger import inbox, journal, listings, marks, orders
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Addressee, EventShown, Outcome, Reply, Said, Told

NOTE_KINDS = frozenset({1, 5, 31922, 31923})
IGNORED = "ignored-notes"
ANSWERED_FOR = 7 * DAY  # an older note with mistakes is not answered again


def note_seen(note: Event, tx: Tx, ctx: Context) -> Reply:
    """A note of somebody who may sell here; anybody else's is counted and passed over."""
    allowed = ctx.settings.organizers
    if allowed is not None and note.pubkey not in allowed:
        if inbox.claim(tx, bytes.fromhex(note.id), ctx.now):
            marks.put(tx, IGNORED, str(marks.number(tx, IGNORED) + 1))
        return []
    return _deleted(note, tx, ctx) if note.kind == 5 else _published(note, tx, ctx)


def _published(note: Event, tx: Tx, ctx: Context) -> Reply:
    event_id = note.id if note.kind == 1 else note.address()
    before = listings.by_id(tx, event_id)
    if says_cancelled(note):  # an older version may still be on its way from a slower relay
        marks.raise_to(tx, f"deleted:{event_id}", note.created_at - 1)
    if before is None and not (is_for(note, ctx.settings.bot) and looks_like_listing(note)):
        return []
    if before is not None and not _newer(note, before.listing):
        return []
    if marks.number(tx, f"deleted:{event_id}") >= note.created_at:
        return []
    if marks.get(tx, f"deleted:{note.pubkey}:{note.id}") is not None:
        return []
    if not inbox.claim(tx, bytes.fromhex(note.id), ctx.now):
        return []
    if before is not None and says_cancelled(note):  # whatever else its tags have become
        if before.state == "closed":
            return []
        listings.cancel(tx, event_id)
        return _off_sale(note, before, tx, ctx)
    try:
        listing = read_listing(note, ctx.settings.bot)
    except ListingProblems as problems:
        if note.created_at < ctx.now - ANSWERED_FOR:
            return []
        return [_tell(note, _wrong(problems, before))]
    if before is None and listing.end <= ctx.now:
        return []
    return _save(note, listing, before, tx, ctx)


def _save(note: Event, listing: Listing, before: Listed | None, tx: Tx, ctx: Context) -> Reply:
    code = before.code if before else short_code(listing.title, listings.taken(tx))
    if before is not None and not closing.put_back(listing.event_id, tx, ctx):
        return [_tell(note, Said("listing-being-closed", {"title": before.listing.title}))]
    listings.save(tx, listing, code)
    if listing.cancelled:
        return _off_sale(note, Listed(listing, code, "cancelled"), tx, ctx)
    what: What = "put on sale" if before is None else "edited"
    journal.note(tx, ctx.now, listing.event_id, what, code=code, note=note.id)
    reminders.arm(listing, tx, ctx)
    saved = Listed(listing, code, "on-sale")
    first = "listing-new" if before is None else "listing-updated"
    said = Said(first, {"code": code.lower(), "title": listing.title})
    moved = None if before is None else changes.noticed(before.listing, listing, tx, ctx)
    reply: Reply = [_tell(note, said), _tell(note, EventShown(finding.card(tx, saved, ctx.now)), 1)]
    return [*reply, _tell(note, moved, 2)] if moved else reply


def _deleted(note: Event, tx: Tx, ctx: Context) -> Reply:
    reply: Reply = []
    addresses = {row[0] for row in note.rows("a") if row and _owns(note, row[0])}
    found = [listings.by_id(tx, address) for address in addresses]
    found += [listings.by_note(tx, row[0]) for row in note.rows("e") if row]
    for address in addresses:
        marks.raise_to(tx, f"deleted:{address}", note.created_at)
    for row in note.rows("e"):
        if row and len(row[0]) == 64:
            marks.put(tx, f"deleted:{note.pubkey}:{row[0]}", str(note.created_at))
    for one in found:
        if one is None or one.listing.organizer != note.pubkey or one.state != "on-sale":
            continue
        if one.listing.created_at <= note.created_at:
            listings.cancel(tx, one.listing.event_id)
            reply += _off_sale(note, one, tx, ctx)
    return reply


def _off_sale(note: Event, found: Listed, tx: Tx, ctx: Context) -> Reply:
    """Sales stop in this transaction; open orders are released, their buyers told.

    What becomes of the tickets that were sold, the organizer is asked.
    """
    event_id = found.listing.event_id
    how: What = "deleted" if note.kind == 5 else "cancelled"
    journal.note(tx, ctx.now, event_id, how, code=found.code, note=note.id)
    reply: Reply = []
    for order in orders.open_of_event(tx, event_id):
        reply += cashier.released(order.id, "released-cancelled", tx, ctx)
    return [*reply, _tell(note, closing.ask(found, note.created_at, tx, ctx))]


def _wrong(problems: ListingProblems, before: Listed | None) -> Outcome:
    values: dict[str, object] = {
        "title": problems.title or "?",
        "problems": tuple((p.field, p.sentence, p.values) for p in problems.problems),
    }
    return Said("listing-edit-refused" if before else "listing-refused", values)


def _newer(note: Event, known: Listing) -> bool:
    """NIP-01: the later stamp wins, of two equal ones the lower id."""
    if note.created_at != known.created_at:
        return note.created_at > known.created_at
    return note.id < known.note_id


def _owns(note: Event, address: str) -> bool:
    return address.split(":")[1:2] == [note.pubkey]


def _tell(note: Event, outcome: Outcome, number: int = 0) -> Told:
    return Told(Addressee(note.pubkey, "auto"), outcome, f"note:{note.id[:16]}:{number}")
