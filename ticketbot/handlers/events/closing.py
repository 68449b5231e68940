"""A cancelled event: its organizer is asked, then every ticket is void and every order refunded."""

from __future__ import annotations

from typing import Any, NamedTuple

from ticketbot.domain.listing import Listing
from ticketbot.domain.order import Order
from ticketbot.domain.when import DAY
from ticketbot.handlers import viewing
from ticketbot.handlers.context import Context, Request
from ticketbot.handlers.holding.giving_back import CANCELLED, give_back
from ticketbot.handlers.telling import alert
from ticketbot.ledger import journal, listings, orders, outbox, tickets
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Addressee, Outcome, Reply, Said, Told

ANSWER_WITHIN = DAY  # seconds the organizer has to put it back on sale
PAGE = 50  # tickets in one transaction: purchases of other events are not kept waiting
REPORT_EACH = 1_000  # orders


class Tally(NamedTuple):
    """How far a closing has come: the last row that was read, and what was given back."""

    after: int = 0
    orders: int = 0
    tickets: int = 0
    refunds: int = 0
    msat: int = 0


def job(event_id: str) -> str:
    """The key of the outbox row that closes an event."""
    return f"closing:{event_id}"


def ask(found: Listed, asked_at: int, tx: Tx, ctx: Context) -> Outcome:
    """An event went off sale: what goes back, and how its organizer says yes.

    `asked_at` is when the note was written that took it off.
    """
    listing, live = found.listing, tickets.live_of_event(tx, found.listing.event_id)
    values: dict[str, object] = {
        "title": listing.title,
        "n": live.orders,
        "paid": live.paid_msat,
        "code": found.code.lower(),
    }
    if not live.tickets:
        listings.close(tx, listing.event_id)
        return Said("listing-cancelled-empty", values)
    if ctx.now >= listing.end:  # its tickets were used: who tidies up old notes gives nothing back
        return Said("listing-cancelled-over", values)
    body = _fresh(listing.event_id, asked_at)
    outbox.put(tx, job(listing.event_id), "closing", ctx.now + ANSWER_WITHIN, body)
    journal.note(
        tx,
        ctx.now,
        listing.event_id,
        "event cancelled",
        orders=live.orders,
        tickets=live.tickets,
        msat=live.paid_msat,
    )
    return Said("listing-cancelled", values)


def confirm(request: Request, word: str, tx: Tx, ctx: Context) -> Reply | None:
    """`cancel <code>` of an event's own organizer; None when the word names no such event."""
    named = [one for one in listings.by_code(tx, word) if one.code == word.upper()]
    if not named or named[0].listing.organizer != request.sender:
        return None
    found = named[0]
    event_id = found.listing.event_id
    title: dict[str, object] = {"title": found.listing.title}
    if found.state == "on-sale":
        return [Said("closing-note-first", title)]
    body = outbox.body_of(tx, job(event_id))
    over = body is None and ctx.now >= found.listing.end
    if over or not tickets.live_of_event(tx, event_id).tickets:
        return [Said("closing-nothing", title)]
    asked_at = int(body["asked_at"]) if body else 0
    if request.again and request.sent_at < asked_at:  # notes are heard first then
        return []
    if body is None or not body["begun"]:
        outbox.hasten(tx, job(event_id), "closing", 0, _fresh(event_id, asked_at))  # by every clock
        journal.note(tx, ctx.now, event_id, "closing confirmed")
    return [Said("closing-confirmed", title)]


def put_back(event_id: str, tx: Tx, ctx: Context) -> bool:
    """A newer note sells it again: nobody loses a ticket. False once that has begun."""
    body = outbox.body_of(tx, job(event_id))
    if body is None:
        return True
    if body["begun"]:
        return False
    outbox.drop(tx, job(event_id))
    journal.note(tx, ctx.now, event_id, "closing taken back")
    return True


def page(event_id: str, number: int, tx: Tx, ctx: Context) -> Reply:
    """The next tickets become void; with the last of them the event is closed, its row done.

    `number` is the outbox row's, and part of every message's key.
    """
    found, body = viewing.listed(tx, event_id), outbox.body_of(tx, job(event_id))
    if body is None or not outbox.waits(tx, number):  # taken back, and perhaps asked anew
        return []
    if found.state != "cancelled":
        outbox.drop(tx, job(event_id))
        return []
    reply: Reply = []
    if not body["begun"]:
        reply.append(_tell(found.listing, number, "begun", _begun(found.listing, tx, ctx)))
    before = _tally(body)
    order_ids, last = tickets.page_of_event(tx, event_id, before.after, PAGE)
    if not order_ids and before.after:  # done only when nothing lives from the first row on
        order_ids, last = tickets.page_of_event(tx, event_id, 0, PAGE)
    tally = before._replace(after=last)
    for order_id in order_ids:
        order = orders.get(tx, order_id)
        assert order is not None
        told, tally = _empty(order, found.listing, tally, tx, ctx)
        reply += told
    listings.fit(tx, found.listing)
    outbox.amend(tx, job(event_id), begun=True, **tally._asdict())
    if tally.orders // REPORT_EACH > before.orders // REPORT_EACH:
        said = Said("closing-progress", _totals(found.listing, tally))
        reply.append(_tell(found.listing, number, f"{tally.orders}", said))
    if not order_ids:
        reply += _finish(found.listing, number, tally, tx, ctx)
    return reply


def _begun(listing: Listing, tx: Tx, ctx: Context) -> Said:
    live = tickets.live_of_event(tx, listing.event_id)
    journal.note(tx, ctx.now, listing.event_id, "closing begun", orders=live.orders)
    return Said("closing-begun", {"title": listing.title, "n": live.orders})


def _empty(
    order: Order, listing: Listing, tally: Tally, tx: Tx, ctx: Context
) -> tuple[Reply, Tally]:
    """Every ticket of an order becomes void, and what was paid for it is owed to its holder."""
    live = [row for row in tickets.of_order(tx, order.id) if row.state != "void"]
    reply, done = give_back(live, order, listing, CANCELLED, tx, ctx, alone=False)
    return reply, Tally(
        tally.after,
        tally.orders + 1,
        tally.tickets + len(live),
        tally.refunds + done.refunds,
        tally.msat + done.msat,
    )


def _finish(listing: Listing, number: int, tally: Tally, tx: Tx, ctx: Context) -> Reply:
    listings.close(tx, listing.event_id)
    outbox.drop(tx, job(listing.event_id))
    done = {name: value for name, value in tally._asdict().items() if name != "after"}
    journal.note(tx, ctx.now, listing.event_id, "closed", **done)
    totals = _totals(listing, tally)
    reply: Reply = [_tell(listing, number, "done", Said("closing-done", totals))]
    if tally.refunds:
        reply += alert(ctx, Said("alert-closing", totals), f"closing:{number}")
    return reply


def _totals(listing: Listing, tally: Tally) -> dict[str, object]:
    return {"title": listing.title, "n": tally.orders, "paid": tally.msat}


def _fresh(event_id: str, asked_at: int) -> dict[str, Any]:
    """What the row of a closing carries before it has begun."""
    return {"event": event_id, "asked_at": asked_at, "begun": False, **Tally()._asdict()}


def _tally(body: dict[str, Any]) -> Tally:
    return Tally(*(body[name] for name in Tally._fields))


def _tell(listing: Listing, number: int, what: str, said: Said) -> Told:
    to = Addressee(listing.organizer, "auto")
    return Told(to, said, f"closing:{number}:{what}")
