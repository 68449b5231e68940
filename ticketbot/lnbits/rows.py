"""Rows of LNbits' payment table, as its API shows them.

One table holds both directions: what came in has an amount above zero, what went out one
below. One payment hash may have a row of each kind, when a wallet pays itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.domain.payment import Invoice, Look, Spent, SpentState, State
from ticketbot.errors import Broken, Malformed

_STATES: dict[str, State] = {"pending": "pending", "success": "settled", "failed": "failed"}
_SPENT: dict[str, SpentState] = {"success": "paid", "pending": "pending", "failed": "failed"}


class Row(NamedTuple):
    """One payment. `status` is LNbits' word: `pending`, `success` or `failed`.

    `amount_msat` is negative for what went out; `fee_msat`, never negative, comes on top of
    it. Before a success it is only what LNbits reserves. `updated_at` is unix seconds.
    """

    payment_hash: str
    wallet_id: str
    status: str
    amount_msat: int
    fee_msat: int
    external_id: str | None
    bolt11: str
    updated_at: int


def read_row(raw: Any) -> Row:
    """Broken when it is not a row of the LNbits that ticketbot knows."""
    with shape():
        out = raw["amount"] < 0
        return Row(
            payment_hash=raw["payment_hash"],
            wallet_id=raw["wallet_id"],
            status=raw["status"],
            amount_msat=raw["amount"],
            # Outgoing fees are negative there, as the amounts are: abs() serves every version.
            fee_msat=abs(raw["fee"]) if out else 0,
            external_id=raw["external_id"],
            bolt11=raw["bolt11"],
            updated_at=_read_time(raw["updated_at"]),
        )


def as_invoice(row: Row) -> Invoice:
    """An incoming row as an invoice; amount, hash and expiry are those of its bolt11."""
    with shape():
        bolt11 = read_bolt11(row.bolt11)
    return Invoice(
        external_id=row.external_id or "",
        payment_hash=bolt11.payment_hash,
        bolt11=row.bolt11,
        amount_msat=bolt11.amount_msat or 0,
        expires_at=bolt11.expires_at,
    )


def as_look(row: Row) -> Look:
    """What an incoming row says."""
    state = _STATES.get(row.status, "unknown")
    settled_at = row.updated_at if state == "settled" else None
    return Look(row.payment_hash, state, row.amount_msat, row.external_id, settled_at)


def as_spent(row: Row) -> Spent:
    """What an outgoing row says."""
    state = _SPENT.get(row.status, "unknown")
    fee_msat = row.fee_msat if state == "paid" else 0
    return Spent(row.payment_hash, state, -row.amount_msat, fee_msat, row.updated_at)


def too_old(name: str) -> Broken:
    """LNbits ignores a filter that it does not know, and then answers with everything."""
    return Broken(f"LNbits cannot search by {name}: it is too old, ticketbot knows LNbits 1.6.")


@contextlib.contextmanager
def shape() -> Iterator[None]:
    """An answer without what must be in it comes from an LNbits that is not supported."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, Malformed) as error:
        raise Broken(
            f"LNbits answers in an unknown shape ({type(error).__name__}); "
            "ticketbot knows LNbits 1.6."
        ) from None  # its words may quote the answer, and that the question with its key


def _read_time(text: str) -> int:
    """Unix seconds of LNbits' ISO times, which are UTC also where they do not say so."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
