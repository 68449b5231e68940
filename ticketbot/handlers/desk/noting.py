"""`order CODE ID note …`: a line of one's own, kept with an order for who looks it up later."""

from __future__ import annotations

from ticketbot.domain.command import NoteOrder
from ticketbot.domain.listing import Listing
from ticketbot.domain.order import Order
from ticketbot.domain.remark import read_remark
from ticketbot.errors import Refused
from ticketbot.handlers import finding, viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.desk.orders import order_in
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import journal, orders, people, remarks, tickets
from ticketbot.ledger.remarks import Remark
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report


def note(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Keep it in place of the one before, which is told once more; without words none is kept."""
    wish = request.command
    assert isinstance(wish, NoteOrder)
    order, listing = _meant(wish, request, tx, ctx)
    by = "organizer" if request.sender == listing.organizer else "operator"
    before = remarks.of(tx, order.id)
    if wish.text is None:
        remarks.drop(tx, order.id)
        if before is not None:
            journal.note(tx, ctx.now, order.id, "note taken away", by=by)
        return [_told(order, None, before)]
    said = read_remark(wish.text)
    _refuse_the_forgotten(order, tx)
    if before is None or before.said != said:
        remarks.keep(tx, order.id, Remark(said, ctx.now, by))
        journal.note(tx, ctx.now, order.id, "noted", by=by)
    return [_told(order, said, before)]


def _meant(wish: NoteOrder, request: Request, tx: Tx, ctx: Context) -> tuple[Order, Listing]:
    """The order, of one's own event; operators may name any event, or an order by its whole id."""
    if request.console or request.sender in ctx.settings.operators:
        if wish.words:
            found, _ = finding.event_in(wish.words, tx, ctx)
            return order_in(found.listing, wish.order, tx), found.listing
        if (order := orders.get(tx, wish.order.lower())) is not None:
            return order, viewing.listed(tx, order.event_id).listing
    found, _ = own_event(wish.words, request, tx, ctx)
    return order_in(found.listing, wish.order, tx), found.listing


def _refuse_the_forgotten(order: Order, tx: Tx) -> None:
    """What is noted goes with the people of the order: of those who are gone nothing is kept."""
    holders = {row.holder for row in tickets.of_order(tx, order.id)}
    if {order.person, *holders} <= {people.NOBODY}:
        raise Refused("bad-request", "remark-forgotten", order=order.short)


def _told(order: Order, said: str | None, before: Remark | None) -> Report:
    facts: dict[str, object] = {
        "order_id": order.id,
        "event_id": order.event_id,
        "note": said,
        "before": None if before is None else before.said,
    }
    values: dict[str, object] = {"order": order.short, "said": said}
    if before is not None and before.said != said:
        sentence = "remark-gone" if said is None else "remark-changed"
        return Report("note", facts, sentence, values | {"before": before.said})
    return Report("note", facts, "remark-none" if said is None else "remark-kept", values)


COMMANDS: Commands = {NoteOrder: note}
OPERATOR_COMMANDS: Commands = {NoteOrder: note}
