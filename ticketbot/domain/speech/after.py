"""What holders of tickets say, and organizers when all is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ticketbot.domain.command import Command, ShowAttendance, ShowCalendar, ShowPdf, WishBadge
from ticketbot.domain.speech.words import NOISE, Reader, event_words, read_from, without

_FILE_NOISE = NOISE | {"the", "of", "file", "as"}


def _calendar(rest: Sequence[str]) -> Command:
    return ShowCalendar(event_words(without(_FILE_NOISE, rest))[0])


def _pdf(rest: Sequence[str]) -> Command:
    if first := read_from(rest):
        return ShowPdf((), first)
    return ShowPdf(event_words(without(_FILE_NOISE, rest))[0])


def _badge(rest: Sequence[str]) -> Command:
    words = without(_FILE_NOISE, rest)
    said = {word.lower() for word in words}
    wanted = None if said.isdisjoint(_YES | _NO) else said.isdisjoint(_NO)
    return WishBadge(event_words(without(_YES | _NO, words))[0], wanted)


def _attendance(rest: Sequence[str]) -> Command:
    lower = [word.lower() for word in rest]
    at = lower.index("from") if "from" in lower else len(rest)
    first = read_from(rest[at:]) or 1
    words = without(_FILE_NOISE, rest[:at])
    listed = any(word.lower() in _LIST for word in words)
    return ShowAttendance(event_words(without(_LIST, words))[0], listed, first)


_YES, _NO = frozenset({"yes", "sí", "si"}), frozenset({"no", "not"})
_LIST = frozenset({"list", "lista"})

READERS: Mapping[str, Reader] = {
    "calendar": _calendar,
    "pdf": _pdf,
    "badge": _badge,
    "attendance": _attendance,
}
