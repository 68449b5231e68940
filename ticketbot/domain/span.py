"""When an event is: read from a note's tags, or from its lines."""

from __future__ import annotations

from ticketbot.domain.naming import FieldProblem
from ticketbot.domain.nostr import Event
from ticketbot.domain.note import (
    DAY_EVENT,
    TEXT_NOTE,
    TIME_EVENT,
)
from ticketbot.domain.sheet import Sheet
from ticketbot.domain.when import (
    ASSUMED_LENGTH,
    DAY,
    FARTHEST,
    LAST_DAY_LAG,
    LATEST,
    Span,
    read_clock,
    read_day,
    read_local,
    read_stamp,
    read_zone,
)


def read_span(sheet: Sheet, event: Event) -> Span | None:
    """The note's own time; None where something about it is wrong, which the sheet then says."""
    if not 0 <= event.created_at <= LATEST:
        sheet.blame("created_at", FieldProblem("created-at"))
    if event.kind == TEXT_NOTE:
        return _lines(sheet, event.created_at)
    if event.kind == TIME_EVENT:
        return _moments(sheet, event.created_at)
    if event.kind == DAY_EVENT:
        return _days(sheet, event.created_at)
    sheet.blame("kind", FieldProblem("kind-unknown", text=event.kind))
    return None


def _lines(sheet: Sheet, now: int) -> Span | None:
    when = sheet.read("when", None, lambda: read_local(sheet.needed("when")))
    if when is None:
        return None
    start, zone = when

    def until(text: str) -> int:
        return read_clock(text, start, zone)

    end = sheet.maybe("until", until) or start + ASSUMED_LENGTH
    return _in_order(sheet, ("when", "until"), Span(start, end, zone, False), now)


def _moments(sheet: Sheet, now: int) -> Span | None:
    zone = sheet.maybe("start_tzid", read_zone) or "UTC"
    sheet.maybe("end_tzid", read_zone)
    start = sheet.read("start", None, lambda: read_stamp(sheet.needed("start")))
    end = sheet.maybe("end", read_stamp)
    if start is None:
        return None
    span = Span(start, start + ASSUMED_LENGTH if end is None else end, zone, False)
    return _in_order(sheet, ("start", "end"), span, now)


def _days(sheet: Sheet, now: int) -> Span | None:
    start = sheet.read("start", None, lambda: read_day(sheet.needed("start")))
    end = sheet.maybe("end", read_day)
    if start is None:
        return None
    midnight = start + DAY if end is None else end
    if midnight <= start:
        sheet.blame("end", FieldProblem("end-early"))
    span = Span(start, midnight + LAST_DAY_LAG, "UTC", True)
    return _in_order(sheet, ("start", "end"), span, now)


def _in_order(sheet: Sheet, names: tuple[str, str], span: Span, now: int) -> Span:
    """The note's own date stands for now: a mistaken century is noticed without a clock."""
    if span.end <= span.start:
        sheet.blame(names[1], FieldProblem("end-early"))
    for name, at in zip(names, span[:2], strict=True):
        if at > now + FARTHEST:
            sheet.blame(name, FieldProblem("time-far"))
    return span
