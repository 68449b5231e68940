"""What the bot asks relays for, and the one way in: from the pool's queue to the engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from ticketbot.domain.nostr import Event
from ticketbot.engine import STALE_COMMAND, STALE_MACHINE, Engine
from ticketbot.relays import Caught

BATCH = 32
HOUR = 3600
BACKDATED = 2 * 24 * HOUR + HOUR  # NIP-59 stamps lie up to two days; an hour for clocks
MOST_AUTHORS = 500

Filter = dict[str, Any]


class Interests:
    """The filters of a subscription. `organizers` are hex keys, set again when they change."""

    def __init__(self, bot: str, clock: Callable[[], float] = time.time) -> None:
        self._bot = bot
        self._clock = clock
        self.organizers: frozenset[str] = frozenset()

    def filters(self, mark: int | None) -> list[Filter]:
        """What to ask a relay that was last read to its end at `mark` (unix seconds)."""
        now = int(self._clock())
        mark = min(mark, now) if mark else None  # a clock that was ahead must not make us deaf
        to_bot = {"#p": [self._bot]}
        wraps_since = (mark or now) - BACKDATED
        letters_since = (mark or now - STALE_COMMAND) - HOUR
        found: list[Filter] = [
            {"kinds": [1059], "since": wraps_since, **to_bot},
            {"kinds": [4], "since": letters_since, **to_bot},
            {"kinds": [24133], "since": now - STALE_MACHINE, **to_bot},
            {"kinds": [31922, 31923], **to_bot},
            {"kinds": [1], "since": wraps_since, **to_bot},
        ]
        authors = sorted(self.organizers)[:MOST_AUTHORS]
        if authors:  # edits and deletions need not name the bot
            found.append({"kinds": [31922, 31923], "authors": authors})
            deletions: Filter = {"kinds": [5], "authors": authors}
            found.append(deletions | ({"since": wraps_since} if mark else {}))
        return found

    def follow(self, organizers: Iterable[str]) -> bool:
        """Whose notes to read; True when that is news."""
        wanted = frozenset(organizers)
        if wanted == self.organizers:
            return False
        self.organizers = wanted
        return True


async def take_in(queue: asyncio.Queue[Event | Caught], engine: Engine) -> None:
    """Hand what has arrived to the engine, as much at once as is there, without waiting."""
    while True:
        batch = [await queue.get()]
        while len(batch) < BATCH and not queue.empty():
            batch.append(queue.get_nowait())
        events = [item for item in batch if isinstance(item, Event)]
        caught = {item.relay: item.at for item in batch if isinstance(item, Caught)}
        await engine.receive(events, caught)
