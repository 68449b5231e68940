"""Tickets change hands: offered by their holder, taken by the recipient, and then another ticket.

An offer is open as long as its row is there. Whoever takes the row away has decided, so that of
an acceptance, a second thought and the end of its time only one can win.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final

from ticketbot.domain.command import Accept, Decline, Transfer
from ticketbot.domain.decision import What
from ticketbot.domain.listing import Listing
from ticketbot.domain.naming import quote
from ticketbot.domain.nip19 import npub_encode, read_pubkey
from ticketbot.domain.ticket import group_id
from ticketbot.domain.when import DAY
from ticketbot.errors import Malformed, Refused
from ticketbot.handlers import issuing, viewing
from ticketbot.handlers.allowance import exceeded
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.holding import held
from ticketbot.handlers.telling import tell_person
from ticketbot.ledger import journal, outbox, people, tickets, transfers
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.people import Person
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.ledger.transfers import Offer
from ticketbot.replies.outcome import Addressee, Reply, Report, Told
from ticketbot.secp import parse_point

OFFER_LIVES = 3 * DAY
MOST_OFFERS = 5  # of one ticket within a day: each writes to somebody who may not know us
OFFERED: Final = "ticket offered"


def transfer(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Offer a ticket to somebody, who is told; or take the offer back."""
    wish = request.command
    assert isinstance(wish, Transfer)
    if not wish.cancel and wish.to is None:
        raise Refused("bad-request", "transfer-how")
    row = held.one(wish.words, request, tx, ctx)
    if wish.cancel:
        return _take_back(row, request, tx, ctx)
    listed = viewing.listed(tx, row.event_id)
    _require_movable(row, listed, ctx)
    pubkey = _recipient(wish.to or "", request, ctx)
    before = transfers.of_ticket(tx, row.id)
    if before is None:
        recipient = people.meet(tx, pubkey)
        offer = _offer(row, listed.listing, recipient, request, tx, ctx)
        return [_to_sender(offer, "offered", "transfer-offered", listed.listing), *_asked(
            offer, row, listed.listing, request, tx
        )]  # fmt: skip
    if people.person(tx, before.recipient).pubkey != pubkey:
        code = group_id(row.id)
        raise Refused("bad-request", "transfer-pending", code=code, at=before.expires_at)
    return [_to_sender(before, "offered", "transfer-offered", listed.listing)]


def accept(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The ticket is theirs: a new version of it, and the one before admits nobody any more."""
    wish = request.command
    assert isinstance(wish, Accept)
    offer = _open_to(request.person, wish.code, tx)
    row = tickets.get(tx, offer.ticket_id)
    assert row is not None
    listed = viewing.listed(tx, row.event_id)
    _require_movable(row, listed, ctx)
    assert row.holder == offer.sender
    _require_room(request.person, row, listed.listing, tx)
    shown = issuing.rotate(tx, ctx, row, listed.listing, request.person)
    _close(offer, tx)
    _note(tx, ctx, row, "ticket transferred", version=shown.version)
    to = Addressee(request.sender, request.via, request.request_id, request.person.id)
    return [
        _report(offer, "accepted", "transfer-taken", {"title": listed.listing.title}),
        Told(to, shown, f"{issuing.delivery(row)}:v{shown.version}"),
        *_tell_sender(offer, "accepted", "transfer-accepted", listed.listing, tx),
    ]


def decline(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The ticket stays where it is."""
    wish = request.command
    assert isinstance(wish, Decline)
    offer = _open_to(request.person, wish.code, tx)
    row, listing = _of(offer, tx)
    _close(offer, tx)
    _note(tx, ctx, row, "offer declined")
    return [
        _report(offer, "declined", "transfer-left", {"title": listing.title}),
        *_tell_sender(offer, "declined", "transfer-declined", listing, tx),
    ]


def lapse(key: str, tx: Tx, ctx: Context) -> Reply:
    """The time of an offer is over: both hear that nothing has changed."""
    body = outbox.body_of(tx, key)
    offer = None if body is None else transfers.get(tx, body["code"])
    if offer is None:
        outbox.drop(tx, key)
        return []
    if ctx.now < offer.expires_at:
        outbox.arm(tx, key, "errand", offer.expires_at, {"what": "offer", "code": offer.code})
        return []
    row, listing = _of(offer, tx)
    _close(offer, tx)
    _note(tx, ctx, row, "offer over")
    return [
        *_tell_sender(offer, "expired", "transfer-expired", listing, tx),
        *_tell_recipient(offer, "expired", "transfer-missed", listing, tx),
    ]


def withdraw(rows: Iterable[TicketRow], tx: Tx) -> Reply:
    """These tickets end: who might have taken one hears that there is nothing to take."""
    reply: Reply = []
    for row in rows:
        if offer := transfers.of_ticket(tx, row.id):
            _close(offer, tx)
            listing = viewing.listed(tx, row.event_id).listing
            reply += _tell_recipient(offer, "withdrawn", "transfer-withdrawn", listing, tx)
    return reply


def forget(person: Person, tx: Tx, ctx: Context) -> Reply:
    """Somebody is forgotten: what was offered to them stays with its holder, who is told."""
    reply: Reply = []
    for offer in transfers.by_person(tx, person.id):
        _close(offer, tx)
    for offer in transfers.to_person(tx, person.id):
        row, listing = _of(offer, tx)
        _close(offer, tx)
        _note(tx, ctx, row, "offer declined")
        reply += _tell_sender(offer, "declined", "transfer-declined", listing, tx)
    return reply


def job(code: str) -> str:
    """The key of the outbox row that ends an offer."""
    return f"offer:{code}"


def _take_back(row: TicketRow, request: Request, tx: Tx, ctx: Context) -> Reply:
    offer = transfers.of_ticket(tx, row.id)
    if offer is None:
        raise Refused("bad-request", "transfer-not-offered", code=group_id(row.id))
    listing = viewing.listed(tx, row.event_id).listing
    _close(offer, tx)
    _note(tx, ctx, row, "offer taken back")
    return [
        _to_sender(offer, "taken-back", "transfer-taken-back", listing),
        *_tell_recipient(offer, "taken-back", "transfer-withdrawn", listing, tx),
    ]


def _require_movable(row: TicketRow, listed: Listed, ctx: Context) -> None:
    held.require_unused(row, listed, ctx)
    if not listed.listing.terms.transferable:
        raise Refused("bad-request", "transfer-forbidden", title=listed.listing.title)


def _require_room(person: Person, row: TicketRow, listing: Listing, tx: Tx) -> None:
    """Only the recipient hears of this: how many tickets somebody has is nobody else's business."""
    broken = exceeded(tx, person.id, listing, row.tier, 1)
    if broken is not None:
        raise Refused("too-many", "too-many-per-buyer", most=broken[0], title=broken[1])


def _recipient(text: str, request: Request, ctx: Context) -> str:
    """The key that was written, hex; a name is not looked up: who answers for it may lie."""
    if "nsec1" in text.lower():
        raise Refused("bad-request", "transfer-nsec")
    try:
        pubkey = read_pubkey(text)
        parse_point(bytes.fromhex(pubkey))
    except Malformed:
        sentence = "transfer-name" if "@" in text else "transfer-whom"
        raise Refused("bad-request", sentence, text=quote(text)) from None
    if pubkey in (request.sender, ctx.settings.bot):
        raise Refused("bad-request", "transfer-self")
    return pubkey


def _offer(
    row: TicketRow, listing: Listing, recipient: Person, request: Request, tx: Tx, ctx: Context
) -> Offer:
    offers = [one for one in journal.of(tx, row.order_id) if one.what == OFFERED]
    lately = [one for one in offers if one.detail["ticket"] == row.id and one.at > ctx.now - DAY]
    if len(lately) >= MOST_OFFERS:
        raise Refused("try-later", "transfer-often", code=group_id(row.id))
    made_at = request.sent_at if request.again else ctx.now
    expires_at = min(made_at + OFFER_LIVES, listing.end)
    code = _fresh_code(request, row, tx)
    offer = Offer(code, row.id, row.holder, recipient.id, made_at, expires_at)
    transfers.offer(tx, offer)
    outbox.arm(tx, job(code), "errand", expires_at, {"what": "offer", "code": code})
    _note(tx, ctx, row, OFFERED)
    return offer


def _fresh_code(request: Request, row: TicketRow, tx: Tx) -> str:
    """Six letters, the same when the letter is read again by another ledger of this bot."""
    for number in range(256):
        seed = request.key + row.id.encode() + bytes([number])
        code = base64.b32encode(tx.vault.tag(b"transfer", seed)[:5]).decode().lower()[:6]
        if transfers.get(tx, code) is None:
            return code
    raise LookupError("no code is free")


def _open_to(person: Person, code: str | None, tx: Tx) -> Offer:
    """The offer that this person may take; somebody else's is as good as none."""
    waiting = transfers.to_person(tx, person.id)
    if code is None and len(waiting) == 1:
        return waiting[0]
    if code is None and waiting:
        codes = ", ".join(one.code.upper() for one in waiting[: held.SHOWN])
        raise Refused("bad-request", "transfer-which", codes=codes)
    for one in waiting:
        if one.code == code:
            return one
    if code is None:
        raise Refused("not-yours", "transfer-none")
    raise Refused("not-yours", "transfer-unknown", code=quote(code).upper())


def _close(offer: Offer, tx: Tx) -> None:
    transfers.close(tx, offer.code)
    outbox.drop(tx, job(offer.code))


def _of(offer: Offer, tx: Tx) -> tuple[TicketRow, Listing]:
    row = tickets.get(tx, offer.ticket_id)
    assert row is not None
    return row, viewing.listed(tx, row.event_id).listing


def _note(tx: Tx, ctx: Context, row: TicketRow, what: What, **detail: journal.Detail) -> None:
    journal.note(tx, ctx.now, row.order_id, what, ticket=row.id, **detail)


def _asked(
    offer: Offer, row: TicketRow, listing: Listing, request: Request, tx: Tx
) -> list[Report | Told]:
    npub = npub_encode(request.sender)
    facts: dict[str, object] = {
        "code": offer.code,
        "event_id": listing.event_id,
        "title": listing.title,
        "tier": row.tier,
        "from": request.sender,
        "expires_at": offer.expires_at,
    }
    values: dict[str, object] = {
        "npub": f"{npub[:12]}…{npub[-4:]}",
        "title": listing.title,
        "now": listing,
        "code": offer.code.upper(),
        "at": offer.expires_at,
    }
    said = Report("transfer-offer", facts, "transfer-asked", values)
    if listing.age is not None:
        facts["age"] = values["age"] = listing.age
        said = Report("transfer-offer", facts, "transfer-asked-age", values)
    return list(tell_person(tx, offer.recipient, f"offer:{offer.code}:asked", said))  # type: ignore[arg-type]


def _report(offer: Offer, state: str, sentence: str, values: dict[str, object]) -> Report:
    facts: dict[str, object] = {"ticket_id": offer.ticket_id, "state": state}
    return Report("transfer", facts, sentence, values)


def _to_sender(offer: Offer, state: str, sentence: str, listing: Listing) -> Report:
    values: dict[str, object] = {"title": listing.title, "code": group_id(offer.ticket_id)}
    return _report(offer, state, sentence, values | {"at": offer.expires_at})


def _tell_sender(offer: Offer, state: str, sentence: str, listing: Listing, tx: Tx) -> Reply:
    said = _to_sender(offer, state, sentence, listing)
    return tell_person(tx, offer.sender, f"offer:{offer.code}:{state}:sender", said)


def _tell_recipient(offer: Offer, state: str, sentence: str, listing: Listing, tx: Tx) -> Reply:
    said = _report(offer, state, sentence, {"title": listing.title})
    return tell_person(tx, offer.recipient, f"offer:{offer.code}:{state}:recipient", said)


COMMANDS: Commands = {
    Transfer: transfer,
    Accept: accept,
    Decline: decline,
}
