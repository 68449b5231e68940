"""What time it is, when this machine may be wrong about it.

The wallet and the relays tell their own time in the Date of what they answer. One of them
that differs may be wrong itself. Two that agree with one another and not with us are
believed. This machine has no vote of its own: a wallet that agrees with it may live on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median_low

ALIKE = 60.0  # seconds within which two clocks show the same time
WRONG = 120.0  # seconds by which a clock must differ to matter
WITNESSES = 2

Witnesses = Callable[[], Mapping[str, float]]
"""Who → the unix seconds that their clock shows now."""


class Timekeeper:
    """The bot's clock: called, it gives unix seconds."""

    def __init__(
        self, machine: Callable[[], float] = time.time, witnesses: Witnesses = dict
    ) -> None:
        self.machine = machine
        self.witnesses = witnesses
        self._correction = 0.0

    def __call__(self) -> float:
        return self.machine() + self._correction

    def earliest(self) -> float:
        """The earliest time that any clock shows: by it, nothing is called late that may not be."""
        return min(self(), *self.witnesses().values(), self.machine())

    def judge(self) -> dict[str, float]:
        """Ask the witnesses anew. Who differs from this machine's clock, and by how many seconds.

        Positive: they are ahead.
        """
        here = self.machine()
        ahead = {who: there - here for who, there in self.witnesses().items()}
        self._correction = correction(list(ahead.values()))
        return {who: by for who, by in ahead.items() if abs(by) > WRONG}


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
