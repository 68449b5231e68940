"""What organizers ask for of their own events. `words` name the event, in small letters."""

from __future__ import annotations

from dataclasses import dataclass

from ticketbot.domain.command.nature import NeverAgain, OnlyAsked


@dataclass(frozen=True, slots=True)
class ShowStats(OnlyAsked):
    """What was sold, what it brought, and who came."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListAttendees(OnlyAsked):
    """Who holds a ticket, from the n-th ticket on; `after` is the cursor of an earlier answer."""

    words: tuple[str, ...]
    first: int = 1
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Find(OnlyAsked):
    """Who holds what: `wanted` is a key in hex, an order's id or its end, or a ticket's code."""

    words: tuple[str, ...]
    wanted: str


@dataclass(frozen=True, slots=True)
class PauseEvent:
    """No new orders for this event; open ones can still be paid."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResumeEvent:
    """Sell it again."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Announce(NeverAgain):
    """A few words to everybody who holds a ticket, as they were written.

    Without a text what was written last is meant. `sure`: it leaves at once.
    """

    words: tuple[str, ...]
    text: str | None = None
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Comp:
    """Free tickets for somebody: `to` is their key in hex; None where nobody was named."""

    words: tuple[str, ...]
    to: str | None
    quantity: int = 1
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class ShowOrder(OnlyAsked):
    """The whole story of one order."""

    words: tuple[str, ...]
    order: str


@dataclass(frozen=True, slots=True)
class NoteOrder:
    """A line to be kept with an order, as it was written; None: none any more."""

    words: tuple[str, ...]
    order: str
    text: str | None


@dataclass(frozen=True, slots=True)
class ResendOrder(NeverAgain):
    """An order's tickets once more, to whoever holds them."""

    words: tuple[str, ...]
    order: str


@dataclass(frozen=True, slots=True)
class Rehearse(NeverAgain):
    """Sell, pay and check in a pretend ticket."""

    words: tuple[str, ...]


Organizing = (
    ShowStats
    | ListAttendees
    | Find
    | PauseEvent
    | ResumeEvent
    | Announce
    | Comp
    | ShowOrder
    | NoteOrder
    | ResendOrder
    | Rehearse
)
