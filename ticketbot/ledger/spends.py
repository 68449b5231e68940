"""Bolt11s of somebody else that the wallet is asked to pay: for refunds, and for payouts."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ticketbot.ledger.store import Row, Tx

Purpose = Literal["refund", "payout"]
BY_HAND = "by hand"  # the account of what the operator paid without the bot


class Spend(NamedTuple):
    """A bolt11 of somebody else that the wallet is asked to pay, for the refund or payout `ref`.

    `state`: open, paid, or failed when it has expired and the wallet never paid it. The bolt11
    is empty once the person whose it was is forgotten.
    """

    payment_hash: str
    ref: str
    amount_msat: int
    state: str
    made_at: int
    expires_at: int
    bolt11: str


def keep(tx: Tx, purpose: Purpose, spend: Spend) -> None:
    """Write the bolt11 down before anybody is asked to pay it; its hash has this one use."""
    tx.change(
        "INSERT INTO payment_hash (hash, use, ref) VALUES (?, ?, ?)",
        (spend.payment_hash, purpose, spend.ref),
    )
    tx.change(
        "INSERT INTO spend (payment_hash, purpose, ref, amount_msat, state, made_at, expires_at,"
        " bolt11) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            spend.payment_hash,
            purpose,
            *spend[1:-1],
            tx.vault.seal(spend.bolt11.encode(), b"spend"),
        ),
    )


def of(tx: Tx, purpose: Purpose, ref: str) -> list[Spend]:
    """Every bolt11 that was to pay this, oldest first."""
    rows = tx.rows(
        "SELECT payment_hash, ref, amount_msat, state, made_at, expires_at, bolt11 FROM spend"
        " WHERE purpose = ? AND ref = ? ORDER BY made_at, payment_hash",
        (purpose, ref),
    )
    return [_spend(tx, row) for row in rows]


def close(tx: Tx, payment_hash: str, state: str, fee_msat: int = 0) -> None:
    """What became of a bolt11: paid, with what the wallet gave for its way, or failed."""
    tx.change(
        "UPDATE spend SET state = ?, fee_msat = ? WHERE payment_hash = ?",
        (state, fee_msat, payment_hash),
    )


def use_of(tx: Tx, payment_hash: str) -> str | None:
    """What this hash is used for already: invoice, refund, payout, or None."""
    row = tx.row("SELECT use FROM payment_hash WHERE hash = ?", (payment_hash,))
    return None if row is None else row[0]


def _spend(tx: Tx, row: Row) -> Spend:
    bolt11 = "" if row[-1] is None else tx.vault.open(row[-1], b"spend").decode()
    return Spend._make((*row[:-1], bolt11))
