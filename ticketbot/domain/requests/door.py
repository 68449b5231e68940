"""What programs of organizers and of their door staff ask."""

from __future__ import annotations

from collections.abc import Mapping

from ticketbot.domain.admission import Kind
from ticketbot.domain.command import (
    LONGEST_TEXT,
    AddStaff,
    Command,
    CountDoor,
    ListConflicts,
    ListStaff,
    MakeToken,
    RemoveStaff,
    ScanTicket,
)
from ticketbot.domain.requests.fields import LONGEST_ID, Asked, Fields
from ticketbot.domain.sheet import MOST_SEATS


def _scan(kind: Kind) -> Asked:
    def read(fields: Fields) -> Command:
        gate = _gate(fields)
        return ScanTicket(kind, fields.text("ticket", LONGEST_TEXT), gate, fields.request_id)

    return read


def _gate(fields: Fields) -> str:
    return fields.maybe("gate", LONGEST_ID) or ""


def _remove(fields: Fields) -> Command:
    number = fields.number("number", 0, 2**31)
    return RemoveStaff(fields.event(), number or fields.person("pubkey"))


REQUESTS: Mapping[str, Asked] = {
    "checkin": _scan(Kind.CHECK_IN),
    "checkout": _scan(Kind.CHECKOUT),
    "undo": _scan(Kind.UNDO),
    "door": lambda f: CountDoor(f.event()),
    "door-conflicts": lambda f: ListConflicts(f.event(), f.number("first", 1, MOST_SEATS)),
    "door-add": lambda f: AddStaff(f.event(), f.person("pubkey"), f.hours()),
    "door-list": lambda f: ListStaff(f.event()),
    "door-remove": _remove,
    "door-token": lambda f: MakeToken(f.event(), f.hours(), _gate(f)),
}
