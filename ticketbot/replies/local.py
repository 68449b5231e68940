"""How a language writes days, times, spans and amounts: strftime knows only the machine's own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from ticketbot.domain.listing import Listing
from ticketbot.domain.money import format_sats
from ticketbot.domain.when import DAY, HOUR, MINUTE, Clock
from ticketbot.texts import DEFAULT, say

EVENTS_IN_MIND = 256  # what is said of an event to every buyer is made once
LONG_NUMBER = 5  # digits: shorter ones are not grouped in Spanish
NARROW = "\u202f"  # the space that groups digits there (and does not break)


@lru_cache(EVENTS_IN_MIND)
def when_line(listing: Listing, language: str = DEFAULT) -> str:
    """`Mon 1 Mar 2027, 19:00–22:00 (Europe/Lisbon)`, or the days of an all-day event."""
    if listing.all_day:
        days = [datetime.fromtimestamp(day, UTC) for day in (listing.start, listing.last_day)]
        return " – ".join(dict.fromkeys(day(one, language) for one in days))
    zone = ZoneInfo(listing.timezone)
    start = datetime.fromtimestamp(listing.start, zone)
    end = datetime.fromtimestamp(listing.end, zone)
    same = end.date() == start.date()
    last = f"{end:%H:%M}" if same else f"{_weekday(end, language)} {_short(end, language)}"
    last = last if same else f"{last}, {end:%H:%M}"
    return f"{day(start, language)}, {start:%H:%M}–{last} ({listing.timezone})"


def short_when(listing: Listing, language: str = DEFAULT) -> str:
    """`1 Mar 19:00`: for lists."""
    zone = UTC if listing.all_day else ZoneInfo(listing.timezone)
    start = datetime.fromtimestamp(listing.start, zone)
    day = _short(start, language)
    return day if listing.all_day else f"{day} {start:%H:%M}"


def moment(at: int, language: str = DEFAULT) -> str:
    """`01 Mar 2027, 19:00 UTC`, from unix seconds."""
    when = datetime.fromtimestamp(at, UTC)
    return f"{when:%d} {_month(when, language)} {when:%Y, %H:%M} UTC"


def clock(one: Clock, language: str = DEFAULT) -> str:
    """`19:42`, on another day than today `28 Nov 19:42`."""
    there, today = (datetime.fromtimestamp(at, ZoneInfo(one.zone)) for at in (one.at, one.now))
    if there.date() == today.date():
        return f"{there:%H:%M}"
    return f"{_short(there, language)} {there:%H:%M}"


def visit_line(row: tuple[str, Clock, Clock | None, int | None], language: str) -> str:
    """`AEBA-GBAF-AYDQ-QCIK · 19:02–22:40 · 3 h`; without its end where nobody was scanned out."""
    code, joined, left, seconds = row
    until = "" if left is None else clock(left)
    stayed = [] if seconds is None else [span(seconds, language)]
    return " · ".join((code, f"{clock(joined, language)}–{until}", *stayed))


def short_day(day: date, language: str = DEFAULT) -> str:
    """`1 Mar`, and `1 Mar 19:00` of a moment."""
    text = f"{day.day} {_month(day, language)}"
    return f"{text} {day:%H:%M}" if isinstance(day, datetime) else text


def span(seconds: float, language: str = DEFAULT) -> str:
    """`2 days`, `3 h`, `4 min`."""
    for size, unit in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if seconds >= 1.5 * size:
            return say(f"span-{unit}", language, n=f"{seconds / size:.0f}")
    return say("span-seconds", language, n=f"{seconds:.0f}")


def total(msat: int, language: str = DEFAULT) -> str:
    """As `sats`, where none is `0 sats` and not free of charge."""
    return sats(msat, language) if msat else "0 sats"


def sats(msat: int, language: str = DEFAULT) -> str:
    """`42,000 sats`, in Spanish `42 000 sats`: there a comma begins the decimals."""
    if msat == 0:
        return say("free", language)
    text = format_sats(msat)
    if language != "es":
        return text
    number, unit = text.split(" ")
    whole, point, rest = number.removeprefix("-").partition(".")
    digits = count(int(whole.replace(",", "")), language)
    return f"{'-' if msat < 0 else ''}{digits}{',' if point else ''}{rest} {unit}"


def count(number: int, language: str = DEFAULT) -> str:
    """`42,000`, in Spanish `42 000`; four digits are not grouped there."""
    text = f"{number:,}"
    if language != "es":
        return text
    return text.replace(",", "" if abs(number) < 10 ** (LONG_NUMBER - 1) else NARROW)


def day(when: datetime, language: str = DEFAULT) -> str:
    """`Mon 1 Mar 2027`."""
    return f"{_weekday(when, language)} {_short(when, language)} {when.year}"


def _short(when: datetime, language: str) -> str:
    return f"{when.day} {_month(when, language)}"


def _weekday(when: datetime, language: str) -> str:
    return say("weekdays", language).split()[when.weekday()]


def _month(when: date, language: str) -> str:
    return say("months", language).split()[when.month - 1]
