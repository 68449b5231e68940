"""A note that moves its event: every holder hears it once, and may step back for a while.

A round goes through the holders page by page. Its row of the outbox says how far it has come, so
that nobody is told twice; a note that moves the event again begins it anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ticketbot.domain.listing import Listing
from ticketbot.domain.ticket import expiry
from ticketbot.domain.when import HOUR, MINUTE
from ticketbot.handlers import issuing, viewing
from ticketbot.handlers.context import Context
from ticketbot.handlers.telling import tell_person
from ticketbot.ledger import journal, moves, outbox, people, tickets
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.moves import Move
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Outcome, Reply, Report, Said, Told

PAGE = 50  # holders in one transaction: purchases of other events are not kept waiting
REMEMBERED = ("start", "end", "place", "timezone", "all_day")


def job(event_id: str) -> str:
    """The key of the outbox row that tells an event's holders."""
    return f"change:{event_id}"


def noticed(before: Listing, now: Listing, tx: Tx, ctx: Context) -> Said | None:
    """A newer note is in force: what its organizer hears if it moved the event, else None."""
    body = outbox.body_of(tx, job(now.event_id))
    was = _was(before) if body is None or body["after"] else body["was"]  # nobody has heard yet
    if _where(before) == _where(now):
        return None
    if body is not None and _where(replace(now, **was)) == _where(now):
        outbox.drop(tx, job(now.event_id))  # moved back before anybody was told
        return None
    live = tickets.live_of_event(tx, now.event_id)
    if not live.tickets or ctx.now >= now.end:
        return None
    until = min(ctx.now + ctx.settings.change_refund_hours * HOUR, now.start)
    moves.note(tx, now.event_id, Move(ctx.now, until))
    journal.note(tx, ctx.now, now.event_id, "event moved", note=now.note_id, tickets=live.tickets)
    round_ = {"what": "change", "event": now.event_id, "at": ctx.now, "was": was, "after": 0}
    outbox.arm(tx, job(now.event_id), "errand", ctx.now, round_)
    return Said("listing-moved", {"title": now.title, "n": live.tickets})


def page(key: str, tx: Tx, ctx: Context) -> Reply:
    """The next holders hear it; tickets that would expire too early are made again for them."""
    body = outbox.body_of(tx, key)
    if body is None:
        return []
    found = viewing.listed(tx, body["event"])
    holders = tickets.holders_of(tx, body["event"], body["after"], body["at"], PAGE)
    if not holders or found.state != "on-sale" or ctx.now >= found.listing.end:
        outbox.drop(tx, key)
        return []
    outbox.amend(tx, key, after=holders[-1])
    reply: Reply = []
    for holder in holders:
        told = f"change:{found.listing.note_id[:16]}:{body['at']}:{holder}"
        reply += tell_person(tx, holder, told, _said(found, body, tx, ctx))
        reply += _made_again(holder, found.listing, body, tx, ctx)
    return reply


def _made_again(holder: int, listing: Listing, body: dict[str, Any], tx: Tx, ctx: Context) -> Reply:
    """New versions of tickets that end before they should.

    While people are at the door nobody's code dies, unless it would not last to the end.
    """
    wanted, someone = expiry(listing.end), people.person(tx, holder)
    begun = ctx.now >= body["was"]["start"]
    reply: Reply = []
    for row in tickets.of_holder_at(tx, holder, listing.event_id):
        enough = row.expires_at >= (listing.end if begun else wanted)
        if enough or row.state != "valid":
            continue
        shown = issuing.rotate(tx, ctx, row, listing, someone, wanted)
        journal.note(tx, ctx.now, row.order_id, "ticket made again", ticket=row.id)
        key = f"{issuing.delivery(row)}:v{shown.version}"
        reply += _only_dm(tell_person(tx, holder, key, shown))
    return reply


def _only_dm(told: list[Outcome | Told]) -> Reply:
    """A ticket goes both ways by itself."""
    return [*told[:1]]


def _said(found: Listed, body: dict[str, Any], tx: Tx, ctx: Context) -> Outcome:
    listing, move = found.listing, moves.of(tx, body["event"])
    until = move.until if move is not None and move.until > ctx.now else None
    facts: dict[str, object] = {
        "event_id": listing.event_id,
        "title": listing.title,
        "start": listing.start,
        "end": listing.end,
        "place": listing.place,
        "refund_until": until,
    }
    values: dict[str, object] = {
        "title": listing.title,
        "now": listing,
        "was": replace(listing, **body["was"]),
        "code": found.code.lower(),
    }
    if until is None or listing.prices[-1] == 0:
        return Report("event-moved", facts, "event-moved", values)
    return Report("event-moved", facts, "event-moved-refund", values | {"at": until})


def _was(listing: Listing) -> dict[str, Any]:
    return {name: getattr(listing, name) for name in REMEMBERED}


def _where(listing: Listing) -> tuple[object, ...]:
    """Where and when, as far as people are shown it: to the minute."""
    return listing.start // MINUTE, listing.end // MINUTE, listing.place
