"""What holders of tickets say: files for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ticketbot.domain.command import Command, ShowCalendar, ShowPdf
from ticketbot.domain.speech.words import NOISE, Reader, event_words, read_from, without

_FILE_NOISE = NOISE | {"the", "of", "file", "as"}


def _calendar(rest: Sequence[str]) -> Command:
    return ShowCalendar(event_words(without(_FILE_NOISE, rest))[0])


def _pdf(rest: Sequence[str]) -> Command:
    if first := read_from(rest):
        return ShowPdf((), first)
    return ShowPdf(event_words(without(_FILE_NOISE, rest))[0])


READERS: Mapping[str, Reader] = {"calendar": _calendar, "pdf": _pdf}
