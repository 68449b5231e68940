"""What people ask for when they hold a ticket: files, badges; and what came of an evening."""

from __future__ import annotations

from dataclasses import dataclass

from ticketbot.domain.command.nature import OnlyAsked


@dataclass(frozen=True, slots=True)
class ShowCalendar(OnlyAsked):
    """My events as files for a calendar; `words` name one of them."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShowPdf(OnlyAsked):
    """My tickets to print, from the n-th on; `words` name their event."""

    words: tuple[str, ...] = ()
    first: int = 1


@dataclass(frozen=True, slots=True)
class WishBadge:
    """A public badge of an event I was at, or none; `wanted` None: what is that?"""

    words: tuple[str, ...] = ()
    wanted: bool | None = None


@dataclass(frozen=True, slots=True)
class ShowAttendance(OnlyAsked):
    """The organizer asks how their event was visited; `listed`: each visit, from the n-th on."""

    words: tuple[str, ...] = ()
    listed: bool = False
    first: int = 1


Keeping = ShowCalendar | ShowPdf | WishBadge | ShowAttendance
