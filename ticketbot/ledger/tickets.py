"""Tickets: claims in the ledger, the token made again from them when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

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
    tx.add(f"INSERT INTO ticket ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", ticket)


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


def live_count(tx: Tx, person: int, event_id: str, tier: str | None = None) -> int:
    """How many live tickets a person has for an event, or of one of its kinds."""
    row = tx.row(
        f"SELECT count(*) FROM ticket WHERE holder = ?1 AND event_id = ?2 AND {LIVE}"
        " AND (?3 IS NULL OR tier = ?3)",
        (person, event_id, tier),
    )
    return int(row[0]) if row else 0


class Live(NamedTuple):
    """What still lives of an event: how many orders and tickets, and what was paid for them."""

    orders: int
    tickets: int
    paid_msat: int


def live_of_event(tx: Tx, event_id: str) -> Live:
    """How much there is to give back when an event is cancelled."""
    row = tx.row(
        "SELECT count(DISTINCT order_id), count(*), coalesce(sum(price_msat), 0) FROM ticket"
        f" WHERE event_id = ? AND {LIVE}",
        (event_id,),
    )
    assert row is not None
    return Live(*row)


def page_of_event(tx: Tx, event_id: str, after: int, most: int) -> tuple[list[str], int]:
    """Orders with the next live tickets past a row number, and the last row that was read."""
    rows = tx.rows(
        f"SELECT order_id, rowid FROM ticket WHERE event_id = ? AND rowid > ? AND {LIVE}"
        " ORDER BY rowid LIMIT ?",
        (event_id, after, most),
    )
    return list(dict.fromkeys(row[0] for row in rows)), rows[-1][1] if rows else 0


def of_holder_at(tx: Tx, person: int, event_id: str) -> list[TicketRow]:
    """A person's live tickets for an event."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM ticket WHERE holder = ? AND event_id = ? AND {LIVE} ORDER BY id",
        (person, event_id),
    )
    return [TicketRow(*row) for row in rows]


def holders_of(tx: Tx, event_id: str, after: int, ordered_by: int, most: int) -> list[int]:
    """The next people, by their numbers, with a live ticket that was ordered by then."""
    rows = tx.rows(
        "SELECT DISTINCT holder FROM ticket CROSS JOIN orders ON orders.id = order_id"
        " WHERE ticket.event_id = ? AND holder > ? AND ticket.state <> 'void'"
        " AND placed_at <= ? ORDER BY holder LIMIT ?",
        (event_id, after, ordered_by, most),
    )
    return [row[0] for row in rows]


def named(tx: Tx, event_id: str, letters: str) -> list[TicketRow]:
    """Live tickets of an event whose code, or whose order's id, ends so."""
    end = f"%{letters}"
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM ticket WHERE event_id = ? AND {LIVE}"
        " AND (id LIKE ? OR order_id LIKE ?) ORDER BY id",
        (event_id, end, end),
    )
    return [TicketRow(*row) for row in rows]


def rotate(tx: Tx, before: TicketRow, now: TicketRow) -> bool:
    """Put a version of a ticket in the place of the one before; False: that is not it any more."""
    return (
        tx.change(
            "UPDATE ticket SET holder = ?, version = ?, expires_at = ?, nonce = ?, token_hash = ?"
            " WHERE id = ? AND version = ? AND holder = ? AND state = 'valid'",
            (
                *(now.holder, now.version, now.expires_at, now.nonce, now.token_hash),
                *(before.id, before.version, before.holder),
            ),
        )
        == 1
    )


def void(tx: Tx, ticket_ids: Sequence[str], refund_id: str | None, kept_msat: int = 0) -> None:
    """End tickets for good; `refund_id` says which refund gives their price back.

    `kept_msat`: less so much of each, which its organizer keeps.
    """
    tx.change(
        "UPDATE ticket SET state = 'void', refund_id = ?, kept_msat = ?"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (refund_id, kept_msat, orjson.dumps(ticket_ids).decode()),
    )
