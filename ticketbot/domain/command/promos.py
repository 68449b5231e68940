"""What organizers ask for about their codes."""

from __future__ import annotations

from dataclasses import dataclass

from ticketbot.domain.command.nature import OnlyAsked


@dataclass(frozen=True, slots=True)
class MakePromo:
    """A code that makes tickets cheaper, made or changed: `percent` off, or `off_msat` a ticket.

    `words` name the event. `most` tickets may be bought with it, None = any number; `until` is
    unix seconds, or a day or time as its organizer wrote it; `tier` None = every kind of ticket.
    """

    words: tuple[str, ...]
    code: str
    percent: int = 0
    off_msat: int = 0
    most: int | None = None
    until: int | str | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class StopPromo:
    """No more orders with this code."""

    words: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class ListPromos(OnlyAsked):
    """The codes of an event, from the n-th on, with what became of them."""

    words: tuple[str, ...] = ()
    first: int = 1


Promoting = MakePromo | StopPromo | ListPromos
