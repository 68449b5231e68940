"""Figures by day, and the bars that stand for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketbot.domain.chart import BARS, MOST_BARS, MOST_DAYS, Day, bars_of, by_day, sparkline

MARCH = date(2027, 3, 1)


def at(day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(2027, 3, day, hour, minute, tzinfo=UTC).timestamp())


def days(*tickets: int) -> list[Day]:
    return [Day(MARCH + timedelta(number), sold, 0) for number, sold in enumerate(tickets)]


def test_days_without_a_sale_are_there_too() -> None:
    found = by_day([(at(1, 12), 2, 10), (at(1, 13), 1, 5), (at(4, 9), 1, 5)], at(5, 0), "UTC")
    assert [(one.day.day, one.tickets, one.msat) for one in found] == [
        (1, 3, 15),
        (2, 0, 0),
        (3, 0, 0),
        (4, 1, 5),
        (5, 0, 0),
    ]


def test_a_day_is_the_events_own() -> None:
    late = [(at(1, 23, 30), 1, 0)]
    assert by_day(late, at(1, 23, 45), "Europe/Madrid")[0].day == date(2027, 3, 2)
    assert by_day(late, at(1, 23, 45), "America/New_York")[0].day == MARCH
    assert by_day(late, at(1, 23, 45), "America/New_York", all_day=True)[0].day == MARCH


def test_nothing_sold_is_no_day() -> None:
    assert by_day([], at(1, 0), "UTC") == ()
    assert bars_of([]) is None
    assert sparkline([]) == ""


def test_a_clock_that_was_put_back_loses_no_sale() -> None:
    assert [one.tickets for one in by_day([(at(9, 0), 1, 0)], at(2, 0), "UTC")] == [1]


def test_many_years_are_cut_to_what_can_be_shown() -> None:
    found = by_day([(0, 1, 0), (at(1, 0), 2, 0)], at(1, 0), "UTC")
    assert len(found) == MOST_DAYS
    assert found[-1].tickets == 2


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([0, 1, 2, 4, 8], "▁▂▃▅█"),
        ([0, 0], "▁▁"),
        ([5], "█"),
        ([1, 1000], "▂█"),
    ],
)
def test_some_is_never_drawn_as_none(values: list[int], bars: str) -> None:
    assert sparkline(values) == bars


@given(st.lists(st.integers(0, 500), min_size=1, max_size=MOST_DAYS))
def test_bars_count_every_ticket_and_fit_a_line(sold: list[int]) -> None:
    bars = bars_of(days(*sold))
    assert bars is not None
    assert sum(bars.values) == sum(sold)
    assert 0 < len(bars.values) <= MOST_BARS
    assert bars.last == MARCH + timedelta(len(sold) - 1)
    assert set(sparkline(bars.values)) <= set(BARS)
