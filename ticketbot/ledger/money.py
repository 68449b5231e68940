"""Money: payments, and the double-entry book."""

from __future__ import annotations

from ticketbot.ledger.store import Tx


def credit(
    tx: Tx,
    payment_hash: str,
    order_id: str,
    amount_msat: int,
    now: int,
    fate: str,
    commission_msat: int = 0,
) -> None:
    """Record a payment with its one fate, tickets or refund, and what is kept of it."""
    tx.change(
        "INSERT INTO payment (payment_hash, order_id, amount_msat, credited_at, fate,"
        " commission_msat) VALUES (?, ?, ?, ?, ?, ?)",
        (payment_hash, order_id, amount_msat, now, fate, commission_msat),
    )


def credited(tx: Tx, payment_hash: str) -> bool:
    """Whether this payment has its fate already."""
    return tx.row("SELECT 1 FROM payment WHERE payment_hash = ?", (payment_hash,)) is not None


def post(tx: Tx, ref: str, now: int, *lines: tuple[str, int]) -> None:
    """Write one balanced set of entries: (account, msat), summing to zero."""
    if sum(amount for _, amount in lines) != 0:
        raise AssertionError(f"entries of {ref} do not sum to zero: {lines}")
    for account, amount in lines:
        row = (ref, account, amount, now)
        tx.add("INSERT INTO entry (ref, account, amount_msat, at) VALUES (?, ?, ?, ?)", row)
