"""`status`, `cancel` and `link`: somebody's own orders, and where they stand."""

from __future__ import annotations

from dataclasses import replace

from ticketbot.domain.command import CancelOrder, ShowLink, ShowStatus
from ticketbot.domain.order import OPEN
from ticketbot.handlers import finding, viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.events import closing
from ticketbot.handlers.money import cashier
from ticketbot.ledger import orders
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Said


def show_status(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The newest orders, or the one that was asked for."""
    command = request.command
    assert isinstance(command, ShowStatus)
    if command.order_id is not None:
        return [viewing.summary(tx, finding.own_order(tx, request, command.order_id), request)]
    mine = orders.latest_of(tx, request.person.id)
    if not mine:
        return [Said("status-none")]
    return [viewing.summary(tx, order) for order in mine[:3]]


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
            listing = viewing.listed(tx, order.event_id).listing
            return [replace(viewing.invoice_shown(tx, order, listing, made), link_only=True)]
    return [Said("link-none")]


COMMANDS: Commands = {ShowStatus: show_status, CancelOrder: cancel, ShowLink: link}
