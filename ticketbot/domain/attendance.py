"""How an evening was visited: who came when, how long they stayed, how many were there at once.

It is reckoned from what the door has written down, whenever somebody asks: nothing is kept for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Literal, NamedTuple

from ticketbot.domain.admission import ENTRIES, Move, standing

Mode = Literal["off", "anonymous", "full"]

FEWEST = 5  # visitors: of fewer a figure would be somebody's own


class Visit(NamedTuple):
    """From when until when (unix seconds) somebody was inside; `left` None: never scanned out.

    `seconds` is the time inside, without the times between; None where its end is not known.
    """

    joined: int
    left: int | None
    seconds: int | None


class Attendance(NamedTuple):
    """`peak`: most people inside at once, and from when on. Figures are None where none are told.

    `away`: tickets that nobody came in with so far.
    """

    tickets: int
    came: int
    away: int
    inside: int
    peak: int | None
    peak_at: int | None
    stay: int | None


def visit(story: Iterable[Move]) -> Visit | None:
    """What a ticket's story comes to; None where nobody came with it."""
    moves = sorted(standing(story).moves, key=lambda move: move.at)
    if not moves:
        return None
    joined, inside, entered = moves[0].at, 0, None
    for move in moves:
        if move.outcome in ENTRIES:
            entered = move.at if entered is None else entered
        elif entered is not None:
            inside, entered = inside + move.at - entered, None
    left = None if entered is not None else moves[-1].at
    return Visit(joined, left, inside if left is not None else None)


def reckon(tickets: int, away: int, stories: Sequence[Sequence[Move]], *, shy: bool) -> Attendance:
    """The figures of an event. `shy`: of few visitors only how many there were."""
    kept = [standing(story) for story in stories]
    visits = [one for one in map(visit, stories) if one is not None]
    inside = sum(one.state == "admitted" for one in kept)
    came = len(visits)
    if not visits or (shy and came < FEWEST):
        return Attendance(tickets, came, away, inside, None, None, None)
    most, at = _peak([move for one in kept for move in one.moves])
    stays = [one.seconds for one in visits if one.seconds is not None]
    stay = int(median(stays)) if stays and not (shy and len(stays) < FEWEST) else None
    return Attendance(tickets, came, away, inside, most, at, stay)


def _peak(moves: Sequence[Move]) -> tuple[int, int | None]:
    inside, most, at = 0, 0, None
    for move in sorted(moves, key=lambda one: (one.at, one.outcome in ENTRIES)):
        inside += 1 if move.outcome in ENTRIES else -1
        if inside > most:
            most, at = inside, move.at
    return most, at
