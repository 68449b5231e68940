"""Tables for spreadsheets: nothing in them is computed."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketbot.domain.csvtext import defuse, write_csv


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r=1", "'=1"),
        ("＝1", "'＝1"),
        ("VIP", "VIP"),
        ("a=b", "a=b"),
        (5000, "5000"),
        ("", ""),
        ("two\nlines", "two lines"),
    ],
)
def test_what_would_be_computed_becomes_text(cell: object, shown: str) -> None:
    assert defuse(cell) == shown


def test_commas_and_quotes_stay_in_their_cell() -> None:
    assert write_csv([('a "b", c', "d")]) == '"a ""b"", c",d'


@given(st.lists(st.lists(st.text(), min_size=1), min_size=1))
def test_every_cell_is_read_back_and_none_is_a_formula(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(write_csv([("x", *row) for row in rows]))))
    assert read == [["x", *map(defuse, row)] for row in rows]
    for row in read:
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row)
