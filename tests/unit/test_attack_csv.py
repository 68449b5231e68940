"""What a spreadsheet would compute is text in every table that leaves the bot."""

from __future__ import annotations

import csv
import io

import pytest

from ticketbot.domain import csvtext, statement
from ticketbot.domain.payout import Account

EVIL = [
    "=1+1",
    " =1+1",
    "\n=1+1",
    "\u00a0=1+1",
    "＝1+1",
    " +1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "@SUM(A1)",
]
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def first_cells(table: str) -> list[str]:
    return [
        cell.strip("\ufeff\u200b \u00a0") for row in csv.reader(io.StringIO(table)) for cell in row
    ]


@pytest.mark.parametrize("evil", EVIL)
def test_a_cell_is_no_formula(evil: str) -> None:
    (cell,) = first_cells(csvtext.write_csv([[evil]]))
    assert not cell.startswith(FORMULA)


@pytest.mark.parametrize("evil", EVIL)
def test_a_title_in_a_statement_is_no_formula(evil: str) -> None:
    one = Account("31923:x:y", "LISBON", evil, 1, 0, 5000, 0, 0, 6000, 0)
    _, row = csv.reader(io.StringIO(statement.write_csv([one])))
    assert not row[1].strip("\ufeff\u200b \u00a0").startswith(FORMULA)
    assert row[-1] == "-1000"  # a number stays one
