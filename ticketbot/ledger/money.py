"""Money: payments, what is owed back, and the double-entry book."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger.store import Tx


class Refund(NamedTuple):
    """Money owed back to a person, for one payment. `state`: due, sending or sent."""

    id: str
    order_id: str
    person: int
    payment_hash: str
    amount_msat: int
    reason: str
    state: str
    decided_at: int


def credit(tx: Tx, payment_hash: str, order_id: str, amount_msat: int, now: int, fate: str) -> None:
    """Record a payment with its one fate: tickets or refund."""
    tx.change(
        "INSERT INTO payment VALUES (?, ?, ?, ?, ?)",
        (payment_hash, order_id, amount_msat, now, fate),
    )


def credited(tx: Tx, payment_hash: str) -> bool:
    """Whether this payment has its fate already."""
    return tx.row("SELECT 1 FROM payment WHERE payment_hash = ?", (payment_hash,)) is not None


def post(tx: Tx, ref: str, now: int, *lines: tuple[str, int]) -> None:
    """Write one balanced set of entries: (account, msat), summing to zero."""
    if sum(amount for _, amount in lines) != 0:
        raise AssertionError(f"entries of {ref} do not sum to zero: {lines}")
    for account, amount in lines:
        tx.change(
            "INSERT INTO entry (ref, account, amount_msat, at) VALUES (?, ?, ?, ?)",
            (ref, account, amount, now),
        )


def owe(tx: Tx, refund: Refund) -> None:
    """Decide a refund."""
    tx.change(
        "INSERT INTO refund (id, order_id, person, payment_hash, amount_msat, reason, state,"
        " decided_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        refund,
    )


def refunds_of(tx: Tx, order_id: str) -> list[Refund]:
    """Refunds of an order, oldest first."""
    return _refunds(tx, "order_id = ? ORDER BY decided_at, id", order_id)


def refunds_open(tx: Tx, most: int = 100) -> list[Refund]:
    """Refunds that are not sent, oldest first."""
    return _refunds(tx, "state <> 'sent' ORDER BY decided_at LIMIT ?", most)


def refunds_owed_to(tx: Tx, person: int) -> list[Refund]:
    """What is owed to a person."""
    return _refunds(tx, "state <> 'sent' AND person = ? ORDER BY decided_at, id", person)


def set_destination(tx: Tx, refund_id: str, destination: str) -> None:
    """Where the person wants the money: a bolt11 or a Lightning address, sealed."""
    sealed = tx.vault.seal(destination.encode(), b"destination")
    tx.change("UPDATE refund SET destination = ? WHERE id = ?", (sealed, refund_id))


def destination(tx: Tx, refund_id: str) -> str | None:
    """Where the person wants the money, if they said so."""
    row = tx.row("SELECT destination FROM refund WHERE id = ?", (refund_id,))
    if row is None or row[0] is None:
        return None
    return tx.vault.open(row[0], b"destination").decode()


def owed_total(tx: Tx) -> int:
    """All refunds that are due, in msat."""
    row = tx.row("SELECT coalesce(sum(amount_msat), 0) FROM refund WHERE state <> 'sent'")
    return int(row[0]) if row else 0


def _refunds(tx: Tx, where: str, *params: object) -> list[Refund]:
    rows = tx.rows(
        "SELECT id, order_id, person, payment_hash, amount_msat, reason, state, decided_at"
        f" FROM refund WHERE {where}",
        params,
    )
    return [Refund(*row) for row in rows]
