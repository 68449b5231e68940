"""`status`, `cancel` and `link`: somebody's own orders, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator

from ticketbot.domain.command import CancelOrder, ShowLink, ShowStatus
from ticketbot.domain.order import OPEN
from ticketbot.domain.spending import State
from ticketbot.handlers import finding, viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.events import closing
from ticketbot.handlers.money import cashier
from ticketbot.ledger import orders, refunds
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import InvoiceShown, Outcome, RefundOwed, Reply, Said


def show_status(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The newest orders, or the one that was asked for."""
    command = request.command
    assert isinstance(command, ShowStatus)
    if command.order_id is not None:
        return [viewing.summary(tx, finding.own_order(tx, request, command.order_id), request)]
    mine = orders.latest_of(tx, request.person.id)
    shown = [viewing.summary(tx, order) for order in mine[:3]]
    return [*shown, *_owed_for_others(request.person.id, tx)] or [Said("status-none")]


def _owed_for_others(person: int, tx: Tx) -> Iterator[Outcome]:
    """What comes back to somebody for tickets that were handed on to them."""
    for refund in refunds.owed_to(tx, person):
        order = orders.get(tx, refund.order_id)
        if order is None or order.person == person:
            continue
        if refund.state is not State.DUE:
            yield Said("refund-under-way", {"amount": refund.amount_msat})
            continue
        title = viewing.listed(tx, order.event_id).listing.title
        yield RefundOwed(order.id, title, refund.amount_msat, "refund-reminder")


def cancel(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Give the held seats of an unpaid order back; organizers confirm a cancelled event."""
    command = request.command
    assert isinstance(command, CancelOrder)
    if command.order_id is not None:
        if request.request_id is None:
            closed = closing.confirm(request, command.order_id, tx, ctx)
            if closed is not None:
                return closed
            if len(command.order_id) < finding.LETTERS:
                return [Said("did-you-mean", {"guess": "cancel"})]
        order = finding.own_order(tx, request, command.order_id)
    else:
        waiting = orders.open_of(tx, request.person.id)
        if not waiting:
            return [Said("cancel-none")]
        order = waiting[0]
    if order.state not in OPEN:
        return [viewing.summary(tx, order)]
    cashier.released(order.id, "order-cancelled", tx, ctx)
    if request.request_id is None:
        return [Said("order-cancelled", {"order": order.short})]
    return [viewing.summary(tx, finding.own_order(tx, request, order.id))]


def link(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The open invoice as a `lightning:` link, for clients that want one."""
    for order in orders.open_of(tx, request.person.id):
        if made := orders.invoice_for(tx, order.id):
            shown = viewing.invoice_shown(order, viewing.listed(tx, order.event_id).listing, made)
            return [
                InvoiceShown(
                    order,
                    shown.listing,
                    shown.bolt11,
                    shown.payment_hash,
                    shown.expires_at,
                    link_only=True,
                )
            ]
    return [Said("link-none")]


COMMANDS: Commands = {ShowStatus: show_status, CancelOrder: cancel, ShowLink: link}
