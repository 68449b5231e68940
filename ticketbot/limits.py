"""How much is listened to: of one sender, and of all whom nobody has met before."""

from __future__ import annotations

from typing import Literal

Verdict = Literal["fine", "warn", "silent"]
REMEMBERED = 50_000
AT_ONCE = 10  # minutes' worth of newcomers: a rush of honest ones is served as it comes


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

    def is_spent(self, sender: str, now: int) -> bool:
        """Whether the next message of `sender` would be met with silence. Counts nothing."""
        return now // 60 == self._minute and self._spent.get(sender, 0) > self._per_minute


class Newcomers:
    """Lets in keys that were never seen before: `per_minute`, and ten minutes' worth at once.

    Each of them costs the ledger a row for good, so that without a limit whoever makes keys
    fills the disk.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_second = per_minute / 60
        self._most = float(per_minute * AT_ONCE)
        self._left = self._most
        self._at = 0
        self.refused = 0

    def admit(self, now: int) -> bool:
        """Whether one more is listened to at `now` (unix seconds); counts it if so."""
        passed = max(0, now - self._at)
        self._at = now
        self._left = min(self._most, self._left + passed * self._per_second)
        if self._left < 1:
            self.refused += 1
            return False
        self._left -= 1
        return True
