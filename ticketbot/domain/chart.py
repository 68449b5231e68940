"""Figures over time: by day in the event's own zone, as bars that fit a message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

BARS = "▁▂▃▄▅▆▇█"
MOST_BARS = 28  # what fits a line on a phone
MOST_DAYS = 400


class Day(NamedTuple):
    """What was sold on one day."""

    day: date
    tickets: int
    msat: int


class Bars(NamedTuple):
    """A row of bars: the first day of the first, how many days each is, what each stands for."""

    first: date
    days_each: int
    values: tuple[int, ...]

    @property
    def last(self) -> date:
        """The last day of the last bar."""
        return self.first + timedelta(days=self.days_each * len(self.values) - 1)


def by_day(
    sold: Iterable[tuple[int, int, int]], until: int, timezone: str, *, all_day: bool = False
) -> tuple[Day, ...]:
    """Every day from the first sale to `until`, those without a sale too, at most 400 of them.

    `sold` are (unix seconds, tickets, msat).
    """
    zone = UTC if all_day else ZoneInfo(timezone)
    found: dict[date, Day] = {}
    for at, tickets, msat in sold:
        day = datetime.fromtimestamp(at, zone).date()
        before = found.get(day, Day(day, 0, 0))
        found[day] = Day(day, before.tickets + tickets, before.msat + msat)
    if not found:
        return ()
    last = max(*found, datetime.fromtimestamp(until, zone).date())
    first = max(min(found), last - timedelta(days=MOST_DAYS - 1))
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(found.get(day, Day(day, 0, 0)) for day in every)


def bars_of(days: Sequence[Day], most: int = MOST_BARS) -> Bars | None:
    """The tickets of the days in at most `most` bars of equal length; None without days.

    The last bar ends on the last day, so the first may begin before the first sale.
    """
    if not days:
        return None
    each = -(-len(days) // most)
    spare = -len(days) % each
    counts = [0] * spare + [day.tickets for day in days]
    values = tuple(sum(counts[at : at + each]) for at in range(0, len(counts), each))
    return Bars(days[0].day - timedelta(days=spare), each, values)


def sparkline(values: Sequence[int]) -> str:
    """One character a value: the lowest for nothing at all, the highest for the most."""
    most = max(values, default=0)
    steps = len(BARS) - 1
    return "".join(BARS[-(-value * steps // most) if value else 0] for value in values)


class Share(NamedTuple):
    """One kind of ticket in the picture; `capacity` is None where it has no limit of its own."""

    name: str
    sold: int
    held: int
    capacity: int | None


class Picture(NamedTuple):
    """All that the picture of an event's sales shows, in words that are ready to be drawn."""

    title: str
    subtitle: str
    figures: tuple[tuple[str, str], ...]  # what it is, and how much
    days: tuple[Day, ...]
    shares: tuple[Share, ...]
    words: Mapping[str, str]
    counted: Callable[[int], str] = "{:,}".format  # how the language writes a number
