"""Notes that are kept with orders: sealed, one an order, and gone with its people."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger.store import Tx

SEALED = b"remark"


class Remark(NamedTuple):
    """What was noted, when (unix seconds), and by whom: `organizer` or `operator`."""

    said: str
    at: int
    by: str


def of(tx: Tx, order_id: str) -> Remark | None:
    """The note of an order."""
    row = tx.row("SELECT said, at, by FROM remark WHERE order_id = ?", (order_id,))
    return None if row is None else Remark(tx.vault.open(row[0], SEALED).decode(), *row[1:])


def keep(tx: Tx, order_id: str, remark: Remark) -> None:
    """Write a note, in place of an earlier one."""
    tx.change(
        "INSERT INTO remark (order_id, said, at, by) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (order_id) DO UPDATE SET said = excluded.said, at = excluded.at,"
        " by = excluded.by",
        (order_id, tx.vault.seal(remark.said.encode(), SEALED), *remark[1:]),
    )


def drop(tx: Tx, order_id: str) -> None:
    """There is no note of this order any more."""
    tx.change("DELETE FROM remark WHERE order_id = ?", (order_id,))
