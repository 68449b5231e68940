"""Who holds tickets of an event, for its organizer."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.order import Order
from ticketbot.ledger import orders, tickets
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow

COLUMNS = ", ".join(f"ticket.{name}" for name in tickets.COLUMNS.split(", "))


class Row(NamedTuple):
    """A live ticket and where it stands among the tickets ever made; that number never changes."""

    place: int
    ticket: TicketRow


def page(tx: Tx, event_id: str, most: int, *, after: int = 0, skip: int = 0) -> list[Row]:
    """Live tickets in the order in which they were sold, past a place, without the first `skip`."""
    rows = tx.rows(
        f"SELECT rowid, {COLUMNS} FROM ticket WHERE event_id = ? AND rowid > ? AND {tickets.LIVE}"
        " ORDER BY rowid LIMIT ? OFFSET ?",
        (event_id, after, most, skip),
    )
    return [Row(row[0], TicketRow(*row[1:])) for row in rows]


def of_person(tx: Tx, event_id: str, person: int, most: int) -> list[TicketRow]:
    """A person's live tickets of an event."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM ticket WHERE holder = ? AND event_id = ? AND {tickets.LIVE}"
        " ORDER BY issued_at, id LIMIT ?",
        (person, event_id, most),
    )
    return [TicketRow(*row) for row in rows]


def tickets_ending(tx: Tx, event_id: str, letters: str, most: int) -> list[TicketRow]:
    """Tickets of an event whose code ends in these letters, void ones too."""
    ends = letters.lower().replace("0", "o").replace("8", "b")
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM ticket WHERE event_id = ? AND substr(id, -length(?)) = ?"
        " ORDER BY issued_at, id LIMIT ?",
        (event_id, ends, ends, most),
    )
    return [TicketRow(*row) for row in rows]


def orders_ending(tx: Tx, event_id: str, letters: str, most: int = 5) -> list[Order]:
    """Orders of an event whose id is or ends in these letters, whatever became of them."""
    ends = "%" + letters.lower().replace("%", "").replace("_", "")
    rows = tx.rows(
        "SELECT order_id FROM ticket WHERE event_id = ?1 AND order_id LIKE ?2"
        f" UNION SELECT id FROM orders WHERE event_id = ?1 AND {orders.OPEN} AND id LIKE ?2"
        " UNION SELECT id FROM orders WHERE event_id = ?1 AND state IN ('released', 'closed')"
        " AND id LIKE ?2 LIMIT ?3",
        (event_id, ends, most),
    )
    return [order for (number,) in rows if (order := orders.get(tx, number)) is not None]
