"""Times as organizers write them: unix seconds, days, and local times with their zone."""

from __future__ import annotations

import functools
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from ticketbot.domain.naming import FieldProblem, nearest, quote

MINUTE, HOUR = 60, 3_600
DAY = 24 * HOUR
ASSUMED_LENGTH = 6 * HOUR  # NIP-52: without an end an event is over at once; people stay longer
LATEST = 2**32 - 1 - 31 * DAY  # a ticket expires 30 days after the end, in a u32
FARTHEST = 20 * 366 * DAY
LAST_DAY_LAG = 12 * HOUR  # a day ends last at UTC-12
FIRST_DAY_LEAD = 14 * HOUR  # and begins first at UTC+14

_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T]+|, *)(\d{1,2}:\d{2})(?::00)?(?: *(\S.*))?", re.A)
_CLOCK = re.compile(r"(\d{1,2}:\d{2})(?::00)?", re.A)
_NOT_ZONES = frozenset({"localtime", "Factory"})


class TimeProblem(FieldProblem):
    """A time that cannot be read, or that does not exist."""


class Span(NamedTuple):
    """From `start` to `end` (unix seconds, end exclusive); `timezone` is an IANA name.

    An all-day event starts at midnight UTC of its first day and ends 12 h after midnight UTC
    of its last, when that day is over everywhere on earth.
    """

    start: int
    end: int
    timezone: str
    all_day: bool


def read_stamp(text: str) -> int:
    """Unix seconds, as NIP-52 has them."""
    if not re.fullmatch(r"[0-9]{1,20}", text) or not 0 < int(text) <= LATEST:
        raise TimeProblem("time-number", text=quote(text))
    return int(text)


def read_day(text: str) -> int:
    """Midnight UTC of a day `YYYY-MM-DD`, in unix seconds."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.A):
            raise ValueError
        midnight = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise TimeProblem("time-day", text=quote(text)) from None
    return _in_range(int(midnight.timestamp()), text)


def read_local(text: str, zone: str | None = None) -> tuple[int, str]:
    """`2027-03-01 19:00 Europe/Lisbon` as unix seconds and the zone's IANA name.

    `zone` is taken where the text names none. Of an hour that the clocks repeat, the
    first is meant; one that they skip is a TimeProblem.
    """
    found = _LOCAL.fullmatch(text)
    if not found:
        raise TimeProblem("time-local", text=quote(text))
    named = found[3].strip("() ") if found[3] else None
    if not named and zone is None:
        raise TimeProblem("zone-missing", text=quote(text))
    known = read_zone(named) if named else zone or "UTC"
    try:
        naive = datetime.combine(date.fromisoformat(found[1]), _clock(found[2]))
    except ValueError:
        raise TimeProblem("time-local", text=quote(text)) from None
    return _unix(naive, known, text), known


def read_clock(text: str, start: int, zone: str) -> int:
    """`23:00` as the first such time after `start`; else whatever `read_local` reads."""
    found = _CLOCK.fullmatch(text)
    if not found:
        return read_local(text, zone)[0]
    try:
        clock = _clock(found[1])
    except ValueError:
        raise TimeProblem("time-local", text=quote(text)) from None
    began = datetime.fromtimestamp(start, ZoneInfo(zone)).replace(tzinfo=None)
    ends = datetime.combine(began.date(), clock)
    return _unix(ends if ends > began else ends + timedelta(days=1), zone, text)


def read_zone(text: str) -> str:
    """The IANA name of a time zone, in its own spelling; TimeProblem offers the nearest."""
    zones = _zones()
    wanted = text.strip().replace(" ", "_").lower()
    if wanted in zones:
        return zones[wanted]
    by_city = {name.rpartition("/")[2]: name for name in sorted(zones.values())}
    near = [by_city[city] for city in nearest(wanted.rpartition("/")[2], list(by_city), most=1)]
    near += nearest(wanted, list(zones.values()), most=2)
    offered = list(dict.fromkeys(near))[:3] or ["Europe/Lisbon", "America/New_York", "UTC"]
    raise TimeProblem("zone-unknown", text=quote(text), nearest=", ".join(offered))


@functools.cache
def _zones() -> dict[str, str]:
    names = {name.lower(): name for name in available_timezones() - _NOT_ZONES}
    return names | {"z": "UTC"}


def _clock(text: str) -> time:
    return time.fromisoformat(text.zfill(5))


def _unix(naive: datetime, zone: str, text: str) -> int:
    info = ZoneInfo(zone)
    try:
        stamp = int(naive.replace(tzinfo=info).timestamp())
    except (OverflowError, ValueError):
        raise TimeProblem("time-range", text=quote(text)) from None
    _in_range(stamp, text)
    if datetime.fromtimestamp(stamp, info).replace(tzinfo=None) != naive:
        raise TimeProblem("time-skipped", text=quote(text), zone=zone)
    return stamp


def _in_range(stamp: int, text: str) -> int:
    if not 0 < stamp <= LATEST:
        raise TimeProblem("time-range", text=quote(text))
    return stamp


class Clock(NamedTuple):
    """What a clock in this zone shows at a moment. With its day, where that is not today.

    Languages write it in their own way: replies/local.py.
    """

    at: int
    zone: str
    now: int
