"""`orders`: who waits for money, and who is owed some.

Buyers are nowhere named: what an operator needs to help is the order's id, which they know.
"""

from __future__ import annotations

from argparse import Namespace

from ticketbot.cli.opening import open_house
from ticketbot.cli.output import at, count, sats, show, show_json, table
from ticketbot.domain.order import Order
from ticketbot.domain.refund import Refund
from ticketbot.errors import Broken
from ticketbot.ledger import listings, overview, refunds
from ticketbot.ledger import orders as ledger
from ticketbot.ledger.store import Tx


def orders(args: Namespace) -> int:
    """The newest orders, or what is owed back."""
    if args.last < 1:
        raise Broken("--last is the number of orders to show, at least 1")
    house = open_house(args)
    if args.refunds:
        show_refunds(args, house.look(lambda tx: _read_refunds(tx, args)))
        return 0
    rows = house.look(lambda tx: _read_orders(tx, args))
    if args.json:
        show_json([order_json(order, code) for order, code in rows])
    elif not rows:
        show("No order waits for money." if args.open else "There is no order yet.")
    else:
        headings = ("order", "placed", "event", "tier", ">tickets", ">sats", "state", "held until")
        show(table(headings, [_order_line(order, code) for order, code in rows]))
    return 0


def _read_orders(tx: Tx, args: Namespace) -> list[tuple[Order, str]]:
    event_id = _event_id(tx, args.event)
    found = overview.newest_orders(tx, event_id, args.last, waiting=args.open)
    codes = {order.event_id: _code(tx, order.event_id) for order in found}
    return [(order, codes[order.event_id]) for order in found]


def _read_refunds(tx: Tx, args: Namespace) -> list[tuple[Refund, str | None]]:
    found = refunds.owed(tx, args.last, _event_id(tx, args.event))
    return [(refund, refunds.destination(tx, refund.id)) for refund in found]


def find_order(tx: Tx, text: str) -> Order:
    """The one order whose id ends so; Broken when there is none, or more than one."""
    found = ledger.ending(tx, text) if text.isascii() and text.isalnum() else []
    if len(found) > 1:
        ids = ", ".join(order.id for order in found)
        raise Broken(f"several orders end in {text}: say more of the id ({ids})")
    if not found:
        raise Broken(f"no order's id ends in {text}")
    return found[0]


def refunds_of_order(tx: Tx, order_id: str) -> list[tuple[Refund, str | None]]:
    """Everything that is or was owed for one order."""
    return [(one, refunds.destination(tx, one.id)) for one in refunds.of_order(tx, order_id)]


def _event_id(tx: Tx, code: str | None) -> str | None:
    if code is None:
        return None
    found = listings.by_code(tx, code)
    if len(found) > 1:
        codes = ", ".join(one.code for one in found)
        raise Broken(f"several events' codes begin with {code}: {codes}")
    if not found:
        raise Broken(f"no event has the code {code}: `ticketbot events --all` lists them")
    return found[0].listing.event_id


def _code(tx: Tx, event_id: str) -> str:
    listed = listings.by_id(tx, event_id)
    return listed.code if listed else "-"


def _order_line(order: Order, code: str) -> tuple[object, ...]:
    until = at(order.hold_until) if order.state in ("held", "invoiced") else ""
    amount = sats(order.amount_msat)
    head = (order.id, at(order.placed_at), code, order.tier, order.quantity)
    return (*head, amount, order.state.value, until)


def order_json(order: Order, code: str) -> dict[str, object]:
    """An order as programs read it."""
    return {
        "order_id": order.id,
        "event_id": order.event_id,
        "code": code,
        "tier": order.tier,
        "quantity": order.quantity,
        "amount_msat": order.amount_msat,
        "state": order.state.value,
        "via": order.via,
        "placed_at": order.placed_at,
        "hold_until": order.hold_until,
    }


def show_refunds(args: Namespace, rows: list[tuple[Refund, str | None]]) -> None:
    """Refunds, each with where its money shall go."""
    if args.json:
        show_json([refund_json(*row) for row in rows])
        return
    if not rows:
        show("Nobody is owed anything.")
        return
    lines = [
        (
            one.order_id,
            at(one.decided_at),
            sats(one.amount_msat),
            one.reason.removeprefix("refund-"),
            one.state,
            known or "not told yet",
        )
        for one, known in rows
    ]
    show(table(("order", "decided", ">sats", "why", "state", "where to"), lines))
    total = sum(one.amount_msat for one, _ in rows)
    show(f"\n{count(len(rows), 'refund')}, {sats(total)} sats in all.")


def refund_json(one: Refund, known: str | None) -> dict[str, object]:
    """A refund as programs read it; `destination` is None as long as nobody has said it."""
    return {
        "refund_id": one.id,
        "order_id": one.order_id,
        "amount_msat": one.amount_msat,
        "reason": one.reason,
        "state": one.state,
        "decided_at": one.decided_at,
        "destination": known,
    }
