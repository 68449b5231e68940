"""Orphans: money that came for an order of ours that this ledger does not know.

So it is after a restore, for orders that were placed after the backup. An orphan waits for the
message that ordered it, which relays bring again; the operator sees those that nobody claims.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ticketbot.domain.order import tag_of
from ticketbot.ledger.store import Tx

OURS = re.compile(r"([0-9a-v]{12})-[1-9][0-9]{0,3}")
"""The external_id of an invoice of ours: its order, and which attempt it was."""


class Orphan(NamedTuple):
    """A payment without an order. Amount in msat, times in unix seconds."""

    payment_hash: str
    external_id: str
    amount_msat: int
    settled_at: int | None

    @property
    def order_id(self) -> str:
        """The order that it was for."""
        return self.external_id.partition("-")[0]


def take_in(tx: Tx, orphan: Orphan, now: int) -> bool:
    """Record an orphan; False when it is known, or its external_id is not of our making."""
    if OURS.fullmatch(orphan.external_id) is None:
        return False
    fresh = tx.change(
        "INSERT OR IGNORE INTO orphan VALUES (?, ?, ?, ?, ?, ?, 'open')",
        (*orphan[:2], tag_of(orphan.order_id), *orphan[2:], now),
    )
    return fresh == 1


def waiting(tx: Tx, tag: str) -> list[Orphan]:
    """The orphans of the order with this tag (`domain.order.tag_of`)."""
    return _orphans(tx, "state = 'open' AND tag = ? ORDER BY settled_at, payment_hash", tag)


def unclaimed(tx: Tx, most: int = 1000) -> list[Orphan]:
    """Orphans that nobody has claimed."""
    return _orphans(tx, "state = 'open' ORDER BY settled_at, payment_hash LIMIT ?", most)


def total(tx: Tx) -> tuple[int, int]:
    """How many there are, and how much they are worth."""
    row = tx.row("SELECT count(*), coalesce(sum(amount_msat), 0) FROM orphan WHERE state = 'open'")
    assert row is not None
    return (row[0], row[1])


def adopted(tx: Tx, payment_hash: str) -> None:
    """Its order is known now."""
    tx.change("DELETE FROM orphan WHERE payment_hash = ?", (payment_hash,))


def close(tx: Tx, payment_hash: str) -> None:
    """An operator has seen to it by hand."""
    tx.change("UPDATE orphan SET state = 'closed' WHERE payment_hash = ?", (payment_hash,))


def is_open(tx: Tx, payment_hash: str) -> bool:
    """Whether this payment waits for its order."""
    sql = "SELECT 1 FROM orphan WHERE payment_hash = ? AND state = 'open'"
    return tx.row(sql, (payment_hash,)) is not None


def is_closed(tx: Tx, payment_hash: str) -> bool:
    """Whether an operator has seen to it by hand: it has its fate."""
    sql = "SELECT 1 FROM orphan WHERE payment_hash = ? AND state = 'closed'"
    return tx.row(sql, (payment_hash,)) is not None


def _orphans(tx: Tx, where: str, *params: object) -> list[Orphan]:
    rows = tx.rows(
        f"SELECT payment_hash, external_id, amount_msat, settled_at FROM orphan WHERE {where}",
        params,
    )
    return [Orphan(*row) for row in rows]
