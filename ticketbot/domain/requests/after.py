"""What programs of ticket holders ask, and those of organizers when all is over."""

from __future__ import annotations

from collections.abc import Mapping

from ticketbot.domain.command import Command, ShowAttendance, ShowCalendar, ShowPdf, WishBadge
from ticketbot.domain.requests.fields import Asked, Fields
from ticketbot.domain.sheet import MOST_SEATS


def _attendance(fields: Fields) -> Command:
    first = fields.number("first", 1, MOST_SEATS)
    return ShowAttendance(fields.event(), fields.flag("list"), first)


REQUESTS: Mapping[str, Asked] = {
    "calendar": lambda f: ShowCalendar(f.maybe_event()),
    "pdf": lambda f: ShowPdf(f.maybe_event(), f.number("first", 1, 1_000_000)),
    "badge": lambda f: WishBadge(f.maybe_event(), f.maybe_flag("wanted")),
    "attendance": _attendance,
}
