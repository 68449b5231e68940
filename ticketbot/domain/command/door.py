"""What organizers and their staff ask for at the door."""

from __future__ import annotations

from dataclasses import dataclass

from ticketbot.domain.admission import Kind
from ticketbot.domain.command.nature import NeverAgain, OnlyAsked


@dataclass(frozen=True, slots=True)
class ScanTicket:
    """Let somebody in, note that they left, or take the last of that back.

    `shown` is what was scanned or typed; empty where only the verb was. `nonce`: what a program
    calls this scan.
    """

    kind: Kind
    shown: str
    gate: str = ""
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class PresentTicket:
    """A ticket and no word with it: from staff at an open door it is meant as a check-in.

    `guess` is what anybody else is asked; empty where nothing is near.
    """

    shown: str
    guess: str = ""


@dataclass(frozen=True, slots=True)
class AddStaff:
    """Somebody may scan at an event. `words` name it; `pubkey` is hex, None where none was named.

    None hours: until the event is over.
    """

    words: tuple[str, ...]
    pubkey: str | None
    hours: int | None = None


@dataclass(frozen=True, slots=True)
class RemoveStaff:
    """Somebody may scan no more: a person by their key, or the token of this number."""

    words: tuple[str, ...]
    who: str | int | None


@dataclass(frozen=True, slots=True)
class ListStaff(OnlyAsked):
    """Who may scan at an event?"""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MakeToken(NeverAgain):
    """A secret for a scanner page or another program, good for one event."""

    words: tuple[str, ...]
    hours: int | None = None
    gate: str = ""


@dataclass(frozen=True, slots=True)
class CountDoor(OnlyAsked):
    """How many came in, are inside, have left?"""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListConflicts(OnlyAsked):
    """Who was let in without a network and should not have been? From the n-th on."""

    words: tuple[str, ...] = ()
    first: int = 1


Entering = (
    ScanTicket
    | PresentTicket
    | AddStaff
    | RemoveStaff
    | ListStaff
    | MakeToken
    | CountDoor
    | ListConflicts
)
