"""What only the operator's tables ask of the ledger."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.order import Order
from ticketbot.ledger import listings, orders, outbox
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx


class Payment(NamedTuple):
    """Money that came for an order. `fate`: tickets or refund."""

    payment_hash: str
    amount_msat: int
    credited_at: int
    fate: str


class Spend(NamedTuple):
    """A bolt11 of somebody else that the wallet was asked to pay. `state`: open, paid, failed."""

    payment_hash: str
    amount_msat: int
    fee_msat: int
    state: str
    made_at: int
    expires_at: int


class Waiting(NamedTuple):
    """What still has to leave: tried so often, next at `due`, taken by these relays so far."""

    key: str
    kind: str
    attempts: int
    due: int
    relays: tuple[str, ...]


class Counts(NamedTuple):
    """How much there is of what waits."""

    open_orders: int
    poison: int


def counts(tx: Tx) -> Counts:
    """Orders that wait for money, and what was put aside because it failed thrice."""
    row = tx.row(
        f"SELECT (SELECT count(*) FROM orders WHERE {orders.OPEN}),"
        " (SELECT count(*) FROM quarantine)"
    )
    assert row is not None
    return Counts(*row)


def all_listings(tx: Tx) -> list[Listed]:
    """Every event there ever was, by start."""
    ids = tx.rows("SELECT event_id FROM listing ORDER BY starts, event_id")
    return [listed for (event_id,) in ids if (listed := listings.by_id(tx, event_id)) is not None]


def newest_orders(tx: Tx, event_id: str | None, most: int, *, waiting: bool) -> list[Order]:
    """The newest orders, of one event or of all; `waiting`: only those that wait for money."""
    where = " AND ".join(
        filter(None, (orders.OPEN if waiting else "", "event_id = ?" if event_id else "")),
    )
    rows = tx.rows(
        f"SELECT id FROM orders{' WHERE ' if where else ''}{where} ORDER BY rowid DESC LIMIT ?",
        (event_id, most) if event_id else (most,),
    )
    return [order for (number,) in rows if (order := orders.get(tx, number)) is not None]


def invoices_of(tx: Tx, order_id: str) -> list[InvoiceRow]:
    """Every attempt at an invoice of an order, oldest first."""
    rows = tx.rows(
        "SELECT * FROM invoice WHERE order_id = ? ORDER BY length(external_id), external_id",
        (order_id,),
    )
    return [InvoiceRow(*row) for row in rows]


def payments_of(tx: Tx, order_id: str) -> list[Payment]:
    """What was paid for an order, oldest first."""
    rows = tx.rows(
        "SELECT payment_hash, amount_msat, credited_at, fate FROM payment WHERE order_id = ?"
        " ORDER BY credited_at, payment_hash",
        (order_id,),
    )
    return [Payment(*row) for row in rows]


def spends_of(tx: Tx, refund_id: str) -> list[Spend]:
    """Every attempt at sending a refund, oldest first."""
    rows = tx.rows(
        "SELECT payment_hash, amount_msat, fee_msat, state, made_at, expires_at FROM spend"
        " WHERE purpose = 'refund' AND ref = ? ORDER BY made_at, payment_hash",
        (refund_id,),
    )
    return [Spend(*row) for row in rows]


def waiting_of(tx: Tx, order_id: str) -> list[Waiting]:
    """What of an order has not left yet: its messages, and invoices to be made."""
    found = []
    for prefix in (f"{order_id}:", f"invoice:{order_id}-", f"refund:{order_id}-"):
        rows = tx.rows(
            "SELECT id, key, kind, attempts, due FROM outbox WHERE key >= ? AND key < ?"
            " ORDER BY id",
            (prefix, prefix + "\x7f"),
        )
        found += [
            Waiting(key, kind, tries, due, tuple(sorted(outbox.accepted(tx, number))))
            for number, key, kind, tries, due in rows
        ]
    return found


def put_aside_of(tx: Tx, order_id: str) -> list[str]:
    """The keys of an order's messages that failed thrice."""
    rows = tx.rows("SELECT key FROM quarantine ORDER BY id")
    return [key for (key,) in rows if key.startswith(f"{order_id}:")]
