"""Announcements: told page by page, so that ten thousand holders make no giant transaction.

The ledger itself says who was told, so that a crash anywhere goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from ticketbot.engine import Engine
from ticketbot.failpoints import failpoint
from ticketbot.handlers.desk import announcing
from ticketbot.ledger import outbox
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.store import Store
from ticketbot.outbox.claims import Claims

PAUSE = 0.05  # seconds between pages: buyers come in between


class Announcer:
    """Carries out the outbox rows of kind `announcement`."""

    def __init__(self, store: Store, engine: Engine, clock: Callable[[], float]) -> None:
        self.claims = Claims(store, announcing.KIND, clock, self._tell_all)
        self._store = store
        self._engine = engine

    async def run(self) -> None:
        """For ever."""
        await self.claims.run()

    async def _tell_all(self, rows: Sequence[Due]) -> None:
        for row in rows:
            await self._tell(row)

    async def _tell(self, row: Due) -> None:
        while True:
            failpoint("announcer.before-page")
            await self._engine.decide(partial(announcing.page, row.body["id"], row.id), row.key)
            failpoint("announcer.after-page")
            if not await self._store.transaction(lambda tx: outbox.waits(tx, row.id)):
                return
            await asyncio.sleep(PAUSE)
