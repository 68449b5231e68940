"""What time it is, when this machine may be wrong about it.

The wallet and the relays tell their own time in the Date of what they answer. One of them
that differs may be wrong itself. Two that agree with one another and not with us are
believed. This machine has no vote of its own: a wallet that agrees with it may live on it.

When this machine's clock jumps, nobody knows at once whether it was wrong before or is wrong
now. So for a while the time counts, too, that would be if it had not jumped. A clock that was
corrected and is then put right goes on as if nothing had happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median_low

ALIKE = 60.0  # seconds within which two clocks show the same time
WRONG = 120.0  # seconds by which a clock must differ to matter
WITNESSES = 2
DOUBT = 60.0  # seconds after a jump until the others have told their time again

Witnesses = Callable[[], Mapping[str, float]]
"""Who → the unix seconds that their clock shows now."""


class Timekeeper:
    """The bot's clock: called, it gives unix seconds. `steady()` never jumps."""

    def __init__(
        self,
        machine: Callable[[], float] = time.time,
        witnesses: Witnesses = dict,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.machine = machine
        self.witnesses = witnesses
        self._steady = steady
        self._correction = 0.0
        self._anchor = self._judged = machine(), steady()
        self._doubted: float | None = None

    def __call__(self) -> float:
        if not self._correction:
            return self.machine()
        return self._as_judged() + self._correction

    def earliest(self) -> float:
        """The earliest time that any clock shows: by it, nothing is called late that may not be."""
        return min(self(), self.machine(), self._unmoved(), *self.witnesses().values())

    def judge(self) -> dict[str, float]:
        """Ask the witnesses anew. Who differs from this machine's clock, and by how many seconds.

        Positive: they are ahead.
        """
        self._forget_old_jumps()
        here = self.machine()
        self._judged = here, self._steady()
        ahead = {who: there - here for who, there in self.witnesses().items()}
        self._correction = correction(list(ahead.values()))
        return {who: by for who, by in ahead.items() if abs(by) > WRONG}

    def _unmoved(self) -> float:
        """What this machine's clock would show if nobody had set it."""
        return self._since(self._anchor)

    def _as_judged(self) -> float:
        """What it shows; or would show, if somebody has set it since it was corrected."""
        here, there = self.machine(), self._since(self._judged)
        return here if abs(here - there) <= WRONG else there

    def _since(self, moment: tuple[float, float]) -> float:
        there, then = moment
        return there + self._steady() - then

    def _forget_old_jumps(self) -> None:
        now = self._steady()
        jumped = abs(self.machine() - self._unmoved()) > WRONG
        if jumped and self._doubted is None:
            self._doubted = now
        if not jumped or now - (self._doubted or now) > DOUBT:
            self._anchor, self._doubted = (self.machine(), now), None


def correction(ahead: list[float]) -> float:
    """Seconds to add to this machine's clock, from how far others are ahead of it."""
    with_us = sum(abs(one) <= ALIKE for one in ahead)
    agreeing: list[float] = []
    for one in ahead:
        like_it = [other for other in ahead if abs(other - one) <= ALIKE]
        if len(like_it) > len(agreeing) and abs(one) > WRONG:
            agreeing = like_it
    believed = len(agreeing) >= WITNESSES and len(agreeing) > with_us
    return median_low(agreeing) if believed else 0.0
