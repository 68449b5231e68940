"""Invoices asked for orders: one row an attempt, and whose order a payment hash means."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from ticketbot.domain.order import Order
from ticketbot.ledger import orders
from ticketbot.ledger.store import Tx


class InvoiceRow(NamedTuple):
    """One attempt at an invoice; the bolt11 is None until the wallet has answered."""

    external_id: str
    order_id: str
    asked_at: int
    payment_hash: str | None
    bolt11: str | None
    amount_msat: int | None
    expires_at: int | None


def ask(tx: Tx, order: Order, now: int) -> str:
    """A fresh external_id for the next attempt at an invoice of this order."""
    sql = (
        "INSERT INTO invoice (external_id, order_id, asked_at) VALUES (?, ?, ?)"
        " ON CONFLICT (external_id) DO NOTHING"
    )
    for attempt in itertools.count(1):
        external_id = f"{order.id}-{attempt}"
        if tx.change(sql, (external_id, order.id, now)):
            return external_id
    raise AssertionError("numbers do not end")


def adopt(tx: Tx, made: InvoiceRow) -> bool:
    """Record a bolt11 the wallet made for us; False when its hash is known already.

    An external_id may bring several (a time-out, then another try): the first fills the
    row that asked, each further one has a row of its own, so that all are watched.
    """
    assert made.payment_hash is not None
    fresh = tx.change(
        "INSERT OR IGNORE INTO payment_hash (hash, use, ref) VALUES (?, 'invoice', ?)",
        (made.payment_hash, made.external_id),
    )
    if not fresh:
        return False
    filled = tx.change(
        "UPDATE invoice SET payment_hash = ?, bolt11 = ?, amount_msat = ?, expires_at = ?"
        " WHERE external_id = ? AND payment_hash IS NULL",
        (made.payment_hash, made.bolt11, made.amount_msat, made.expires_at, made.external_id),
    )
    if not filled:
        twin = f"{made.external_id}+{made.payment_hash[:8]}"
        tx.change(
            "INSERT INTO invoice VALUES (?, ?, ?, ?, ?, ?, ?)",
            (twin, *made[1:]),
        )
    return True


def shown(tx: Tx, order_id: str) -> InvoiceRow | None:
    """The bolt11 that the buyer was shown, or None while there is none."""
    row = tx.row(
        "SELECT * FROM invoice WHERE order_id = ? AND bolt11 IS NOT NULL"
        " ORDER BY length(external_id), external_id LIMIT 1",
        (order_id,),
    )
    return None if row is None else InvoiceRow(*row)


def owner_of(tx: Tx, payment_hash: str) -> str | None:
    """The order whose invoice has this hash; None for money that is not ours."""
    row = tx.row("SELECT ref FROM payment_hash WHERE hash = ? AND use = 'invoice'", (payment_hash,))
    return None if row is None else str(row[0]).rsplit("-", 1)[0]


def awaited(tx: Tx, hashes: Sequence[str]) -> list[str]:
    """Those of the hashes that are our invoices' and not credited yet."""
    rows = tx.rows(
        "SELECT hash FROM payment_hash LEFT JOIN payment ON payment_hash = hash"
        " WHERE hash IN (SELECT value FROM json_each(?)) AND use = 'invoice'"
        " AND payment_hash IS NULL",
        (orjson.dumps(hashes).decode(),),
    )
    return [row[0] for row in rows]


def named(tx: Tx, external_id: str) -> str | None:
    """The order whose invoice was asked for under this external_id, or None."""
    order_id = external_id.rpartition("-")[0]
    return order_id if orders.exists(tx, order_id) else None


def watched(tx: Tx) -> list[tuple[str, int]]:
    """(payment_hash, bolt11's expiry) of every open order."""
    rows = tx.rows(
        "SELECT payment_hash, expires_at FROM orders CROSS JOIN invoice ON order_id = orders.id"
        " WHERE state IN ('held', 'invoiced') AND payment_hash IS NOT NULL"
    )
    return [(row[0], row[1]) for row in rows]
