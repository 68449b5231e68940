"""What people ask for when they hold a ticket: files, badges; and what came of an evening."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShowCalendar:
    """My events as files for a calendar; `words` name one of them."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShowPdf:
    """My tickets to print, from the n-th on; `words` name their event."""

    words: tuple[str, ...] = ()
    first: int = 1


Keeping = ShowCalendar | ShowPdf
