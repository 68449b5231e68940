"""Tickets that organizers gave away."""

from __future__ import annotations

from ticketbot.domain.order import Order
from ticketbot.ledger.store import Tx


def give(tx: Tx, order: Order, now: int) -> None:
    """This order was given."""
    tx.change(
        "INSERT INTO gift (order_id, event_id, tickets, given_at) VALUES (?, ?, ?, ?)",
        (order.id, order.event_id, order.quantity, now),
    )


def given_since(tx: Tx, event_id: str, since: int) -> int:
    """How many tickets of an event were given away since then."""
    row = tx.row(
        "SELECT coalesce(sum(tickets), 0) FROM gift WHERE event_id = ? AND given_at > ?",
        (event_id, since),
    )
    return int(row[0]) if row else 0


def live(tx: Tx, event_id: str) -> int:
    """How many given tickets of an event live."""
    row = tx.row(
        "SELECT count(*) FROM gift JOIN ticket ON ticket.order_id = gift.order_id"
        " WHERE gift.event_id = ? AND ticket.state <> 'void'",
        (event_id,),
    )
    return int(row[0]) if row else 0
