"""Tickets that are offered to somebody else, as long as the offer is open."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger.store import Row, Tx

COLUMNS = "code, ticket_id, sender, recipient, made_at, expires_at"


class Offer(NamedTuple):
    """A ticket that `sender` holds and `recipient` may take; both are people's numbers."""

    code: str
    ticket_id: str
    sender: int
    recipient: int
    made_at: int
    expires_at: int


def offer(tx: Tx, one: Offer) -> None:
    """Write a new offer. A ticket has one at a time."""
    tx.change(f"INSERT INTO transfer ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", one)


def get(tx: Tx, code: str) -> Offer | None:
    """The open offer with this code."""
    return _first(tx, "code = ?", code)


def of_ticket(tx: Tx, ticket_id: str) -> Offer | None:
    """The open offer of a ticket."""
    return _first(tx, "ticket_id = ?", ticket_id)


def to_person(tx: Tx, person: int) -> list[Offer]:
    """What somebody may take, oldest first."""
    return _all(tx, "recipient = ? ORDER BY made_at, code", person)


def by_person(tx: Tx, person: int) -> list[Offer]:
    """What somebody offers to others, oldest first."""
    return _all(tx, "sender = ? ORDER BY made_at, code", person)


def close(tx: Tx, code: str) -> None:
    """It is decided, one way or the other."""
    tx.change("DELETE FROM transfer WHERE code = ?", (code,))


def _first(tx: Tx, where: str, value: str) -> Offer | None:
    row = tx.row(f"SELECT {COLUMNS} FROM transfer WHERE {where}", (value,))
    return None if row is None else _offer(row)


def _all(tx: Tx, where: str, value: int) -> list[Offer]:
    return [
        _offer(row) for row in tx.rows(f"SELECT {COLUMNS} FROM transfer WHERE {where}", (value,))
    ]


def _offer(row: Row) -> Offer:
    return Offer._make(row)
