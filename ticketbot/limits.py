"""How much one sender may ask in a minute: then one polite answer, then silence."""

from __future__ import annotations

from typing import Literal

Verdict = Literal["fine", "warn", "silent"]
REMEMBERED = 50_000


class Budget:
    """Counts messages per sender and minute, in memory; at most `REMEMBERED` senders."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._minute = 0
        self._spent: dict[str, int] = {}

    def spend(self, sender: str, now: int) -> Verdict:
        """Count one message of `sender` at `now` (unix seconds)."""
        if now // 60 != self._minute or len(self._spent) > REMEMBERED:
            self._minute = now // 60
            self._spent.clear()
        spent = self._spent[sender] = self._spent.get(sender, 0) + 1
        if spent <= self._per_minute:
            return "fine"
        return "warn" if spent == self._per_minute + 1 else "silent"
