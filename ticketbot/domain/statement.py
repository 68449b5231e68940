"""An organizer's statement as a table that spreadsheets read (RFC 4180)."""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.domain import csvtext
from ticketbot.domain.payout import Account

COLUMNS = (
    *("code", "title", "sold", "gross_msat", "commission_msat", "refunded_msat"),
    *("paid_out_msat", "fees_msat", "balance_msat"),
)


def row_of(one: Account) -> tuple[object, ...]:
    """One event, in the order of COLUMNS."""
    head = (one.code.lower(), one.title, one.sold, one.gross, one.commission, one.refunded)
    return (*head, one.paid, one.fees, one.balance)


def write_csv(accounts: Sequence[Account]) -> str:
    """A line of names, and one of each event."""
    return csvtext.write_csv([COLUMNS, *map(row_of, accounts)])
