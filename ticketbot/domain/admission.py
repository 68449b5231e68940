"""Everything that moves a ticket at the door lives here, in one table.

`step(state, happening)` answers with the next state and the outcome that whoever scans is told.
A second scan is a line of the table like any other. `barrier` says what stops a ticket before the
table is asked. The diagram in docs/architecture.md is drawn by `diagram()`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal, NamedTuple

from ticketbot.domain.ticket import Claims

Light = Literal["green", "amber", "red"]


class State(StrEnum):
    """Where a ticket stands."""

    VALID = "valid"  # nobody came in with it yet
    ADMITTED = "admitted"  # inside
    OUT = "out"  # was inside, and may come back
    VOID = "void"  # its price went back


class Kind(StrEnum):
    """What a scanner asks for."""

    CHECK_IN = "check-in"
    CHECKOUT = "checkout"
    UNDO = "undo"


class Happening(StrEnum):
    """What can happen to a ticket at the door."""

    CHECK_IN = "check-in"
    CHECKOUT = "checkout"
    UNDO = "undo"
    UNDO_RETURN = "undo, of a return"
    LATE_ENTRY = "check-in, told late"  # it happened before the last move that is known
    LATE_OTHER = "checkout or undo, told late"


class Outcome(StrEnum):
    """What whoever scans is told."""

    ADMITTED = "admitted"
    READMITTED = "readmitted"
    LEFT = "left"
    ENTRY_UNDONE = "entry-undone"
    RETURN_UNDONE = "return-undone"
    EXIT_UNDONE = "exit-undone"
    ALREADY_USED = "already-used"
    ALREADY_OUT = "already-out"
    NOT_INSIDE = "not-inside"
    NOTHING_TO_UNDO = "nothing-to-undo"
    OVERTAKEN = "overtaken"  # told late, and something newer is known
    VOID = "void"
    REPLACED = "replaced"  # passed on or made anew: only its newest version counts
    TOKEN_NEEDED = "token-needed"  # a typed code does not say which version is shown
    WRONG_EVENT = "wrong-event"
    CANCELLED = "cancelled"
    NOT_YET = "not-yet"
    OVER = "over"
    UNKNOWN = "unknown"
    NOT_GENUINE = "not-genuine"
    UNREADABLE = "unreadable"
    REHEARSAL = "rehearsal"  # a pretend ticket, for a door that is tried


class Step(NamedTuple):
    """The next state, and what is said."""

    state: State
    outcome: Outcome


S, H, R = State, Happening, Outcome

TABLE: dict[tuple[State, Happening], Step] = {
    (S.VALID, H.CHECK_IN): Step(S.ADMITTED, R.ADMITTED),
    (S.ADMITTED, H.CHECK_IN): Step(S.ADMITTED, R.ALREADY_USED),
    (S.OUT, H.CHECK_IN): Step(S.ADMITTED, R.READMITTED),
    (S.VOID, H.CHECK_IN): Step(S.VOID, R.VOID),
    (S.VALID, H.CHECKOUT): Step(S.VALID, R.NOT_INSIDE),
    (S.ADMITTED, H.CHECKOUT): Step(S.OUT, R.LEFT),
    (S.OUT, H.CHECKOUT): Step(S.OUT, R.ALREADY_OUT),
    (S.VOID, H.CHECKOUT): Step(S.VOID, R.VOID),
    (S.VALID, H.UNDO): Step(S.VALID, R.NOTHING_TO_UNDO),
    (S.ADMITTED, H.UNDO): Step(S.VALID, R.ENTRY_UNDONE),
    (S.OUT, H.UNDO): Step(S.ADMITTED, R.EXIT_UNDONE),
    (S.VOID, H.UNDO): Step(S.VOID, R.VOID),
    (S.VALID, H.UNDO_RETURN): Step(S.VALID, R.NOTHING_TO_UNDO),
    (S.ADMITTED, H.UNDO_RETURN): Step(S.OUT, R.RETURN_UNDONE),
    (S.OUT, H.UNDO_RETURN): Step(S.ADMITTED, R.EXIT_UNDONE),
    (S.VOID, H.UNDO_RETURN): Step(S.VOID, R.VOID),
    (S.VALID, H.LATE_ENTRY): Step(S.ADMITTED, R.ADMITTED),  # its undo was of another entry
    (S.ADMITTED, H.LATE_ENTRY): Step(S.ADMITTED, R.ALREADY_USED),
    (S.OUT, H.LATE_ENTRY): Step(S.OUT, R.ALREADY_USED),
    (S.VOID, H.LATE_ENTRY): Step(S.VOID, R.VOID),
    (S.VALID, H.LATE_OTHER): Step(S.VALID, R.OVERTAKEN),
    (S.ADMITTED, H.LATE_OTHER): Step(S.ADMITTED, R.OVERTAKEN),
    (S.OUT, H.LATE_OTHER): Step(S.OUT, R.OVERTAKEN),
    (S.VOID, H.LATE_OTHER): Step(S.VOID, R.VOID),
}

ENTRIES = frozenset({R.ADMITTED, R.READMITTED})
UNDOINGS = frozenset({R.ENTRY_UNDONE, R.RETURN_UNDONE, R.EXIT_UNDONE})
GREEN = ENTRIES | UNDOINGS | {R.LEFT}
"""Outcomes that moved the ticket."""
RED = frozenset({R.ALREADY_USED, R.VOID, R.REPLACED, R.UNKNOWN, R.NOT_GENUINE})


def step(state: State, happening: Happening) -> Step:
    """The line of the table; there is one for each state and happening."""
    return TABLE[state, happening]


def light(outcome: Outcome) -> Light:
    """Green: done. Red: do not let them in. Amber: look closer, the ticket may well be good."""
    if outcome in GREEN:
        return "green"
    return "red" if outcome in RED else "amber"


def is_conflict(kind: Kind, outcome: Outcome, *, told_late: bool) -> bool:
    """Whether somebody was let in, without asking the bot, whom it would have stopped."""
    return told_late and kind is Kind.CHECK_IN and outcome not in ENTRIES


class Move(NamedTuple):
    """A scan that belongs to a ticket's story: `at` (unix seconds) is when it happened.

    That is every scan that moved it, and every entry that happened elsewhere all the same.
    """

    outcome: Outcome
    at: int
    gate: str


class Standing(NamedTuple):
    """What the story of a ticket comes to.

    `moves` are those that are not undone; `entered` is the record of its first entry: of two that
    happened, the earlier.
    """

    moves: tuple[Move, ...] = ()
    entered: Move | None = None

    @property
    def state(self) -> State:
        """Where the scans leave the ticket; whether it is void, only the ledger knows."""
        if not self.moves:
            return S.VALID
        return S.ADMITTED if self.moves[-1].outcome in ENTRIES else S.OUT

    def is_late(self, at: int) -> bool:
        """Whether something that happened at `at` comes before what is known already."""
        return bool(self.moves) and at < self.moves[-1].at


def standing(story: Iterable[Move]) -> Standing:
    """Read a ticket's story, oldest first as it was told."""
    moves: list[Move] = []
    entered: Move | None = None
    for move in story:
        if move.outcome in UNDOINGS:
            del moves[-1:]
        elif move.outcome is not R.ALREADY_USED:
            moves.append(move)
        if not moves:
            entered = None
        elif entered is None:
            entered = moves[0]
        elif move.outcome is R.ALREADY_USED and move.at < entered.at:
            entered = move
    return Standing(tuple(moves), entered)


def happening(kind: Kind, known: Standing, at: int, *, told_late: bool) -> Happening:
    """What a scan means for a ticket with this story; `told_late`: it was made offline."""
    if told_late and known.is_late(at):
        return H.LATE_ENTRY if kind is Kind.CHECK_IN else H.LATE_OTHER
    if kind is Kind.UNDO:
        return H.UNDO if len(known.moves) <= 1 else H.UNDO_RETURN
    return H.CHECK_IN if kind is Kind.CHECK_IN else H.CHECKOUT


class Hours(NamedTuple):
    """From when until when an event lets people in, in unix seconds; the end is exclusive."""

    opens: int
    ends: int
    cancelled: bool = False


class Shown(NamedTuple):
    """What a scanned text claims. `version` and `token_hash` are None where it does not say.

    `token` is one whose signature nobody has looked at yet; `claims` are those of a proven JWT,
    from which the bot makes its token again.
    """

    ticket_id: str
    version: int | None = None
    token_hash: bytes | None = None
    token: str | None = None
    claims: Claims | None = None


class Facts(NamedTuple):
    """What the ledger knows of that ticket."""

    event_id: str
    state: State
    version: int
    token_hash: bytes


def mismatch(shown: Shown, facts: Facts | None, event_id: str, kind: Kind) -> Outcome | None:
    """Why what is shown is no ticket of this event; None where it is."""
    if facts is None or (shown.version or 0) > facts.version:
        return R.UNKNOWN
    if facts.event_id != event_id:
        return R.WRONG_EVENT
    if shown.version is None:
        unsure = facts.version > 1 and facts.state is not S.VOID and kind is Kind.CHECK_IN
        return R.TOKEN_NEEDED if unsure else None
    if shown.version < facts.version:
        return R.REPLACED
    return None if shown.token_hash in (None, facts.token_hash) else R.REPLACED


def closed(hours: Hours, now: int) -> Outcome | None:
    """Why nobody is let in for the first time just now; None while people are."""
    if hours.cancelled:
        return R.CANCELLED
    if now < hours.opens:
        return R.NOT_YET
    return R.OVER if now >= hours.ends else None


def diagram() -> str:
    """The table as a Mermaid state diagram (docs/architecture.md shows it)."""
    lines = ["stateDiagram-v2", "    [*] --> valid : issued", "    valid --> void : given back"]
    for (before, happened), (after, outcome) in TABLE.items():
        if before != after:
            lines.append(f"    {before} --> {after} : {happened} / {outcome}")
    return "\n".join(lines)
