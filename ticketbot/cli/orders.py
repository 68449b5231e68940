"""`orders` and `orders show`: who waits for money, who is owed some, and one order's story.

Buyers are nowhere named: what an operator needs to help is the order's id, which they know.
"""

from __future__ import annotations

from argparse import Namespace
from typing import NamedTuple

from ticketbot.cli.opening import open_house
from ticketbot.cli.output import at, count, pairs, sats, show, show_json, table
from ticketbot.domain.order import Order
from ticketbot.domain.refund import Refund
from ticketbot.domain.ticket import group_id
from ticketbot.errors import Broken
from ticketbot.ledger import listings, overview, refunds, tickets
from ticketbot.ledger import orders as ledger
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.orders import InvoiceRow
from ticketbot.ledger.overview import Payment
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow


class _Story(NamedTuple):
    order: Order
    listed: Listed
    invoices: list[InvoiceRow]
    payments: list[Payment]
    tickets: list[TicketRow]
    refunds: list[tuple[Refund, str | None]]


def orders(args: Namespace) -> int:
    """The newest orders, or what is owed back."""
    if args.last < 1:
        raise Broken("--last is the number of orders to show, at least 1")
    house = open_house(args)
    if args.refunds:
        return _refunds(args, house.look(lambda tx: _read_refunds(tx, args)))
    rows = house.look(lambda tx: _read_orders(tx, args))
    if args.json:
        show_json([_order_json(order, code) for order, code in rows])
    elif not rows:
        show("No order waits for money." if args.open else "There is no order yet.")
    else:
        headings = ("order", "placed", "event", "tier", ">tickets", ">sats", "state", "held until")
        show(table(headings, [_order_line(order, code) for order, code in rows]))
    return 0


def show_order(args: Namespace) -> int:
    """Everything that happened to one order."""
    story = open_house(args).look(lambda tx: _read_story(tx, args.order))
    if args.json:
        show_json(_story_json(story))
        return 0
    order, listed = story.order, story.listed
    show(
        pairs(
            [
                ("order", f"{order.id} (buyers see {order.short})"),
                ("event", f"{listed.listing.title} ({listed.code})"),
                ("state", order.state.value),
                ("tickets", " × ".join(filter(None, (str(order.quantity), order.tier)))),
                ("amount", f"{sats(order.amount_msat)} sats"),
                ("asked by", order.via),
                ("placed", at(order.placed_at)),
                ("held until", at(order.hold_until)),
            ]
        )
    )
    show("")
    show(table(("when", "what", ">sats", "details"), _happenings(story)))
    return 0


def _read_orders(tx: Tx, args: Namespace) -> list[tuple[Order, str]]:
    event_id = _event_id(tx, args.event)
    found = overview.newest_orders(tx, event_id, args.last, waiting=args.open)
    codes = {order.event_id: _code(tx, order.event_id) for order in found}
    return [(order, codes[order.event_id]) for order in found]


def _read_refunds(tx: Tx, args: Namespace) -> list[tuple[Refund, str | None]]:
    found = refunds.owed(tx, args.last, _event_id(tx, args.event))
    return [(refund, refunds.destination(tx, refund.id)) for refund in found]


def _read_story(tx: Tx, text: str) -> _Story:
    order = _find(tx, text)
    listed = listings.by_id(tx, order.event_id)
    assert listed is not None
    owed = refunds.of_order(tx, order.id)
    return _Story(
        order,
        listed,
        overview.invoices_of(tx, order.id),
        overview.payments_of(tx, order.id),
        tickets.of_order(tx, order.id),
        [(refund, refunds.destination(tx, refund.id)) for refund in owed],
    )


def _find(tx: Tx, text: str) -> Order:
    found = ledger.ending(tx, text) if text.isascii() and text.isalnum() else []
    if len(found) > 1:
        ids = ", ".join(order.id for order in found)
        raise Broken(f"several orders end in {text}: say more of the id ({ids})")
    if not found:
        raise Broken(f"no order's id ends in {text}")
    return found[0]


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


def _order_json(order: Order, code: str) -> dict[str, object]:
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


def _refunds(args: Namespace, rows: list[tuple[Refund, str | None]]) -> int:
    if args.json:
        show_json([_refund_json(*row) for row in rows])
        return 0
    if not rows:
        show("Nobody is owed anything.")
        return 0
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
    return 0


def _refund_json(one: Refund, known: str | None) -> dict[str, object]:
    return {
        "refund_id": one.id,
        "order_id": one.order_id,
        "amount_msat": one.amount_msat,
        "reason": one.reason,
        "state": one.state,
        "decided_at": one.decided_at,
        "destination": known,
    }


def _happenings(story: _Story) -> list[tuple[object, ...]]:
    """Every dated row of an order, in the order of time."""
    order = story.order
    happened: list[tuple[int, str, str, str]] = [
        (order.placed_at, "ordered", sats(order.amount_msat), f"{order.quantity} held"),
    ]
    for invoice in story.invoices:
        made = f"invoice {invoice.payment_hash}" if invoice.payment_hash else "no invoice came yet"
        until = f", payable until {at(invoice.expires_at)}" if invoice.expires_at else ""
        happened.append((invoice.asked_at, "invoice asked", "", made + until))
    happened += [
        (paid.credited_at, "paid", sats(paid.amount_msat), f"{paid.payment_hash} → {paid.fate}")
        for paid in story.payments
    ]
    happened += [
        (row.issued_at, "ticket", sats(row.price_msat), _ticket_says(row)) for row in story.tickets
    ]
    for refund, known in story.refunds:
        says = f"{refund.state}, {refund.reason.removeprefix('refund-')}"
        says += "" if known or refund.state == "sent" else ", the buyer has not said where to"
        happened.append((refund.decided_at, "refund decided", sats(refund.amount_msat), says))
    happened.sort(key=lambda one: one[0])
    return [(at(moment), *rest) for moment, *rest in happened]


def _ticket_says(row: TicketRow) -> str:
    version = f", version {row.version}" if row.version > 1 else ""
    return f"{group_id(row.id)} {row.state}{version}"


def _story_json(story: _Story) -> dict[str, object]:
    return {
        **_order_json(story.order, story.listed.code),
        "title": story.listed.listing.title,
        "invoices": [one._asdict() for one in story.invoices],
        "payments": [one._asdict() for one in story.payments],
        "tickets": [
            {
                "ticket_id": row.id,
                "tier": row.tier,
                "state": row.state,
                "version": row.version,
                "price_msat": row.price_msat,
                "issued_at": row.issued_at,
                "expires_at": row.expires_at,
            }
            for row in story.tickets
        ],
        "refunds": [_refund_json(*row) for row in story.refunds],
    }
