"""`order` and `resend`: the story of one order, and its tickets once more to who holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ticketbot.domain.command import ResendOrder, ShowOrder
from ticketbot.domain.listing import Listing
from ticketbot.domain.naming import quote
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.order import Order
from ticketbot.errors import Refused
from ticketbot.handlers import issuing, viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.desk import looking, story
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import attendees, journal, orders, people, refunds, remarks, scans, tickets
from ticketbot.ledger.journal import Decision
from ticketbot.ledger.scans import ScanRow
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import Addressee, Reply, Report, Said, Told

LETTERS = 4
NEWEST = 10  # lines in one answer to people
MOST_SCANS = 50
SENT_AGAIN: Final = "tickets sent again"
PATIENCE = 600  # seconds between two times


def show(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Where an order stands, and everything that was decided about it."""
    wish = request.command
    assert isinstance(wish, ShowOrder)
    found, _ = own_event(wish.words, request, tx, ctx)
    order = order_in(found.listing, wish.order, tx)
    looking.note("order shown", found.listing.event_id, request, tx, ctx, order=order.id)
    decided, seen = story.decisions_of(tx, order), _scans(order, found.listing, tx, ctx)
    values = _head(order, found.listing, tx)
    values["story"] = _lines(order, found.listing, decided, seen)
    facts = _json(order, decided, tx) | {"scans": [story.scan_json(one) for one in seen]}
    return [Report("order-story", facts, "order-story", values), *_remark(order, found.listing, tx)]


def resend(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The live tickets of an order go to their holders again; every ten minutes at most."""
    wish = request.command
    assert isinstance(wish, ResendOrder)
    found, _ = own_event(wish.words, request, tx, ctx)
    order = order_in(found.listing, wish.order, tx)
    live = _live(order, tx)
    if not live:
        raise Refused("bad-request", "resend-none", order=order.short)
    before = [one.at for one in journal.of(tx, order.id) if one.what == SENT_AGAIN]
    if before and ctx.now < before[-1] + PATIENCE:
        raise Refused("try-later", "resend-soon", order=order.short)
    journal.note(tx, ctx.now, order.id, SENT_AGAIN, tickets=len(live), by="organizer")
    values = {"order": order.short, "n": len(live)}
    facts: dict[str, object] = {"order_id": order.id, "tickets": len(live)}
    told = [_again(row, found.listing, tx, ctx) for row in live]
    return [*told, Report("resend", facts, "resent", values)]


def order_in(listing: Listing, named: str, tx: Tx) -> Order:
    """The order of this event that is meant, by its id or the last four letters of it."""
    whole = orders.get(tx, named.lower())
    if whole is not None and whole.event_id == listing.event_id:
        return whole
    ends = attendees.orders_ending(tx, listing.event_id, named) if len(named) >= LETTERS else []
    if not ends:
        raise Refused("not-yours", "event-order-unknown", order=quote(named), title=listing.title)
    if len(ends) > 1:
        ids = ", ".join(one.id for one in ends)
        raise Refused("bad-request", "event-order-which", order=quote(named), codes=ids)
    return ends[0]


def _live(order: Order, tx: Tx) -> list[TicketRow]:
    rows = tickets.of_order(tx, order.id)
    return [row for row in rows if row.state != "void" and row.holder != people.NOBODY]


def _again(row: TicketRow, listing: Listing, tx: Tx, ctx: Context) -> Told:
    holder = people.person(tx, row.holder)
    shown = issuing.show(tx, ctx, row, listing, holder, everywhere=False)
    to = Addressee(holder.pubkey, "auto", None, holder.id)
    return Told(to, shown, f"{row.order_id}:again:{ctx.now}:{row.id}")


def _head(order: Order, listing: Listing, tx: Tx) -> dict[str, object]:
    buyer = people.person(tx, order.person)
    live = len(_live(order, tx))
    return {
        "order": order.short,
        "what": f"{order.quantity} × {listing.title}{f' ({order.tier})' if order.tier else ''}",
        "amount": order.amount_msat,
        "state": Said(f"order-is-{order.state}"),
        "buyer": npub_encode(buyer.pubkey) if buyer.pubkey else "-",
        "live": live,
    }


def _scans(order: Order, listing: Listing, tx: Tx, ctx: Context) -> list[ScanRow]:
    """What its tickets met at the door; when all is over only if visits may be told one by one.

    Until then the door says the same to whoever scans the ticket once more.
    """
    if ctx.settings.attendance != "full" and ctx.now >= listing.end:
        return []
    seen = scans.of_order(tx, order.id, MOST_SCANS)
    return [one for one in seen if one.event_id == listing.event_id]  # no other door's affair


def _lines(
    order: Order, listing: Listing, decided: Sequence[Decision], seen: Sequence[ScanRow]
) -> tuple[Said, ...]:
    """The newest of all that happened, in the order in which it did."""
    alone = order.quantity == 1
    both = [(one.at, story.decided(one, listing)) for one in decided]
    both += [(one.happened, story.scanned(one, listing, alone=alone)) for one in seen]
    both.sort(key=lambda line: line[0])
    return tuple(line for _, line in both[-NEWEST:])


def _remark(order: Order, listing: Listing, tx: Tx) -> list[Said]:
    remark = remarks.of(tx, order.id)
    if remark is None:
        return []
    values: dict[str, object] = {"when": story.moment(remark.at, listing), "said": remark.said}
    return [Said(f"remark-by-{remark.by}", values)]


def _json(order: Order, decided: list[Decision], tx: Tx) -> dict[str, object]:
    buyer, remark = people.person(tx, order.person), remarks.of(tx, order.id)
    return viewing.standing_of(order) | {
        "buyer": npub_encode(buyer.pubkey) if buyer.pubkey else "",
        "note": None if remark is None else remark._asdict(),
        "live": [
            {"ticket_id": row.id, "state": row.state, "price_msat": row.price_msat}
            for row in _live(order, tx)
        ],
        "given_back": [
            {"amount_msat": one.amount_msat, "state": str(one.state)}
            for one in refunds.of_order(tx, order.id)
        ],
        "decisions": [
            {"at": one.at, "what": one.what, "detail": one.detail} for one in decided[-50:]
        ],
    }


COMMANDS: Commands = {
    ShowOrder: show,
    ResendOrder: resend,
}
