"""Hints on their way from a wallet to whoever looks them up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any


class HintQueue:
    """What a wallet pushed and nobody has taken yet: each hash once, and bounded.

    It is always filled at once, however slow its reader: LNbits waits for whoever is slow
    on its push channel, and so would everybody else there. More than `limit` waiting
    hashes become one None: reconcile.
    """

    def __init__(self, limit: int = 1_000) -> None:
        self._limit = limit
        self._waiting: dict[str | None, None] = {}
        self._changed = asyncio.Event()

    def put(self, hint: str | None) -> None:
        """Adds a hash, or None, which says all that the hashes before it could say."""
        if hint is None or len(self._waiting) >= self._limit:
            self._waiting.clear()
            hint = None
        self._waiting[hint] = None
        self._changed.set()

    async def drain(self, feed: Coroutine[Any, Any, None]) -> AsyncGenerator[str | None, None]:
        """Runs `feed`, which puts, and yields what it put; ends and fails as the feed does."""
        feeding = asyncio.create_task(feed)
        feeding.add_done_callback(lambda _: self._changed.set())
        try:
            while True:
                while self._waiting:
                    hint = next(iter(self._waiting))
                    del self._waiting[hint]
                    yield hint
                if feeding.done():
                    feeding.result()
                    return
                await self._changed.wait()
                self._changed.clear()
        finally:
            feeding.cancel()
            await asyncio.wait([feeding])
