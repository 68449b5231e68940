"""`status`, `orders`, `cancel` and `link`: somebody's own orders, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ticketbot.domain import spending
from ticketbot.domain.command import CancelOrder, ListOrders, ShowLink, ShowStatus
from ticketbot.domain.order import OPEN, Order, State
from ticketbot.errors import Refused
from ticketbot.handlers import finding, viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.events import closing
from ticketbot.handlers.money import cashier
from ticketbot.ledger import invoices, orders, refunds, tickets
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Outcome, RefundOwed, Reply, Report, Said

SHOWN = 8  # orders in one message
LONGEST_LINE = 48  # characters of what an order is for, in a list
ROOM = 50_000  # bytes of a program's answer: NIP-44 takes 65,535


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
        if refund.state is not spending.State.DUE:
            yield Said("refund-under-way", {"amount": refund.amount_msat})
            continue
        if viewing.is_placed(tx, refund):
            yield Said("order-refund-placed", {"amount": refund.amount_msat})
            continue
        title = viewing.listed(tx, order.event_id).listing.title
        yield RefundOwed(order.id, title, refund.amount_msat, "refund-reminder")


def list_orders(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The orders of who asks, newest first: to people a line each, to programs as JSON."""
    wish = request.command
    assert isinstance(wish, ListOrders)
    most, person, before = wish.limit or SHOWN, request.person.id, None
    if wish.after and (before := orders.place_of(tx, person, wish.after)) is None:
        raise Refused("bad-request", "bad-cursor")
    event = finding.event_in(wish.words, tx, ctx)[0].listing.event_id if wish.words else None
    found = orders.page_of(
        tx,
        person,
        most + 1,
        before=before,
        skip=wish.first - 1,
        states=_states(wish),
        event_id=event,
    )
    if request.request_id is not None:
        return [_for_program(found, most, tx)]
    if not found:
        return [Said("orders-none" if wish.words or wish.state else "status-none")]
    lines = tuple(_line(order, tx) for order in found[:most])
    more = [Said("orders-more", {"next": wish.first + most})] if len(found) > most else []
    return [Said("orders", {"lines": lines}), *more]


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
        if made := invoices.shown(tx, order.id):
            listing = viewing.listed(tx, order.event_id).listing
            return [replace(viewing.invoice_shown(tx, order, listing, made), link_only=True)]
    return [Said("link-none")]


def _states(wish: ListOrders) -> tuple[State, ...]:
    if wish.state is None:
        return ()
    return OPEN if wish.state == "open" else (State(wish.state),)


def _for_program(found: Sequence[Order], most: int, tx: Tx) -> Report:
    """As many as were asked for, and as one answer has room for."""
    shown: list[dict[str, object]] = []
    room = ROOM
    for order in found[:most]:
        owed = [
            {"amount_msat": one.amount_msat, "state": str(one.state)}
            for one in refunds.of_order(tx, order.id)
        ]
        room -= 300 + 6 * len(order.event_id + order.tier) + 60 * len(owed)
        if shown and room < 0:
            break
        live = [row for row in tickets.of_order(tx, order.id) if row.state != "void"]
        shown.append(viewing.facts_of(order) | {"tickets": len(live), "refunds": owed})
    more = found[len(shown) - 1].id if len(shown) < len(found) else None
    facts: dict[str, object] = {"orders": shown, "next": more}
    return Report("orders", facts, "orders-counted", {"n": len(shown)})


def _line(order: Order, tx: Tx) -> Said:
    title = viewing.listed(tx, order.event_id).listing.title
    what = f"{order.quantity} × {title}{f' ({order.tier})' if order.tier else ''}"
    values: dict[str, object] = {"order": order.short, "amount": order.amount_msat}
    values["what"] = what if len(what) <= LONGEST_LINE else f"{what[: LONGEST_LINE - 1]}…"
    return Said("orders-line", values | {"state": Said(f"order-is-{order.state}")})


COMMANDS: Commands = {
    ShowStatus: show_status,
    ListOrders: list_orders,
    CancelOrder: cancel,
    ShowLink: link,
}
