"""Waiting longer after every failure, never in step with others."""

from __future__ import annotations

import random

from ticketbot.relay.terms import Timing


class Backoff:
    """Delays that double from the floor to the cap, each drawn from its upper half."""

    def __init__(self, timing: Timing, rng: random.Random | None = None) -> None:
        self._timing = timing
        self._rng = rng or random.Random()
        self._failures = 0

    def after(self, lasted: float) -> float:
        """Seconds to wait now that an attempt has ended which went well for `lasted` seconds."""
        if lasted >= self._timing.stable:
            self._failures = 0
        # Past 2^30 the cap decides anyway, and a float must not overflow after a long outage.
        self._failures = min(self._failures + 1, 30)
        floor, cap = self._timing.backoff_floor, self._timing.backoff_cap
        ceiling = min(cap, floor * 2**self._failures)
        return self._rng.uniform(max(floor, ceiling / 2), ceiling)
