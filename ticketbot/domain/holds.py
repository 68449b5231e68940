"""When many orders of an event are left unpaid: how much may still be held, and by whom.

To hold a seat costs nothing, so somebody with a thousand keys can hold them all, let them
lapse, and hold them again. Every event remembers what became of its last holds. Where too many
of them lapsed, its unpaid orders together may take a part of what is left, and beyond a smaller
part only who has paid here before, or shows work, may add to them. A rush in which people pay
never meets this.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from ticketbot.domain.when import HOUR

REMEMBERED = 50
"""Holds whose end is known, newest first; an order that still waits says nothing yet."""
MOST_LAPSED = REMEMBERED // 5
FORGOTTEN_AFTER = HOUR
"""Seconds after the last lapse: then an event begins anew."""
FOR_ALL = 30
FOR_NEWCOMERS = 10
"""Percent of the seats that are not sold. An order for one is always let in when none is held:
few seats must not become none."""

Verdict = Literal["fine", "sold-out", "newcomers-wait", "all-wait"]


class Room(NamedTuple):
    """Seats of an event, or of one tier: how many are not sold, and how many of these are held."""

    left: int
    held: int

    def takes(self, quantity: int, percent: int) -> bool:
        """Whether so many more may be held, when all that is held stays within a part."""
        return self.held + quantity <= max(1, self.left * percent // 100)


class Holds(NamedTuple):
    """What an order is judged by.

    `fates`: the last holds as bits, the newest lowest, 1 = left unpaid. `lapsed_at`: unix
    seconds of the last such. `rooms`: of the event and of the tier, where these are limited.
    """

    fates: int
    lapsed_at: int
    rooms: tuple[Room, ...]

    def doubtful(self, now: int) -> bool:
        """Whether the rule is on."""
        fresh = abs(now - self.lapsed_at) < FORGOTTEN_AFTER  # also when the clock was ahead
        return fresh and self.fates.bit_count() > MOST_LAPSED

    def most(self) -> int:
        """How many seats may wait for payment at a time while the rule is on."""
        return min(max(1, room.left * FOR_ALL // 100) for room in self.rooms)


def judge(holds: Holds, quantity: int, *, trusted: bool) -> Verdict:
    """Whether an order may hold its seats while the rule is on.

    `trusted`: who asks has paid here before, or has shown work.
    """
    if any(room.left < quantity for room in holds.rooms):
        return "sold-out"
    if not all(room.takes(quantity, FOR_ALL) for room in holds.rooms):
        return "all-wait"
    if not trusted and not all(room.takes(quantity, FOR_NEWCOMERS) for room in holds.rooms):
        return "newcomers-wait"
    return "fine"
