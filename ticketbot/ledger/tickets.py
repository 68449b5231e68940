"""Tickets: claims in the ledger, the token made again from them when it is needed."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger.store import Tx

COLUMNS = (
    "id, order_id, event_id, tier, holder, payment_hash, price_msat, state, version,"
    " issued_at, expires_at, nonce, token_hash"
)
LIVE = "state <> 'void'"


class TicketRow(NamedTuple):
    """A ticket; `holder` is a person's number, `token_hash` all that is kept of its token."""

    id: str
    order_id: str
    event_id: str
    tier: str
    holder: int
    payment_hash: str | None
    price_msat: int
    state: str
    version: int
    issued_at: int
    expires_at: int
    nonce: bytes
    token_hash: bytes


def issue(tx: Tx, ticket: TicketRow) -> None:
    """Write a new ticket."""
    tx.change(f"INSERT INTO ticket ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", ticket)


def get(tx: Tx, ticket_id: str) -> TicketRow | None:
    """The ticket with this id."""
    row = tx.row(f"SELECT {COLUMNS} FROM ticket WHERE id = ?", (ticket_id,))
    return None if row is None else TicketRow(*row)


def of_holder(
    tx: Tx, person: int, now: int, most: int, *, skip: int = 0, after: tuple[int, str] = (0, "")
) -> list[TicketRow]:
    """A person's live tickets that have not expired, oldest first.

    Without the first `skip`; past the cursor (issued_at, id).
    """
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM ticket WHERE holder = ? AND {LIVE} AND expires_at > ?"
        " AND (issued_at, id) > (?, ?) ORDER BY issued_at, id LIMIT ? OFFSET ?",
        (person, now, *after, most, skip),
    )
    return [TicketRow(*row) for row in rows]


def count_of_holder(tx: Tx, person: int, now: int) -> int:
    """How many live tickets a person has that have not expired."""
    row = tx.row(
        f"SELECT count(*) FROM ticket WHERE holder = ? AND {LIVE} AND expires_at > ?",
        (person, now),
    )
    return int(row[0]) if row else 0


def of_order(tx: Tx, order_id: str) -> list[TicketRow]:
    """Every ticket of an order, void ones too."""
    rows = tx.rows(f"SELECT {COLUMNS} FROM ticket WHERE order_id = ? ORDER BY id", (order_id,))
    return [TicketRow(*row) for row in rows]


def live_count(tx: Tx, person: int, event_id: str) -> int:
    """How many live tickets a person has for an event."""
    row = tx.row(
        f"SELECT count(*) FROM ticket WHERE holder = ? AND event_id = ? AND {LIVE}",
        (person, event_id),
    )
    return int(row[0]) if row else 0
