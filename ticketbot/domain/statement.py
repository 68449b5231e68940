"""An organizer's statement as a table that spreadsheets read (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from ticketbot.domain.payout import Account

COLUMNS = (
    *("code", "title", "sold", "gross_msat", "commission_msat", "refunded_msat"),
    *("paid_out_msat", "fees_msat", "balance_msat"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def row_of(one: Account) -> tuple[object, ...]:
    """One event, in the order of COLUMNS."""
    head = (one.code.lower(), one.title, one.sold, one.gross, one.commission, one.refunded)
    return (*head, one.paid, one.fees, one.balance)


def write_csv(accounts: Sequence[Account]) -> str:
    """A line of names, and one of each event; a title is never taken for a formula."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for one in accounts:
        lines.writerow([_cell(value) for value in row_of(one)])
    return text.getvalue().rstrip("\n")


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
