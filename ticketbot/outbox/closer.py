"""Cancelled events: closed page by page once their organizer has said so, or a day has passed.

The ledger itself says how far it has come, so that a crash anywhere goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from ticketbot.engine import Engine
from ticketbot.failpoints import failpoint
from ticketbot.handlers.events import closing
from ticketbot.ledger import outbox
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.store import Store
from ticketbot.outbox.claims import Claims

LISTEN = 2  # seconds between looks whether relays have told what they kept
PAUSE = 0.05  # seconds between pages: buyers of other events come in between


class Closer:
    """Carries out the outbox rows of kind `closing`.

    What is closed stays so: `clock` gives the earliest time that it can be, and nothing begins
    before `heard()`, for the note that sells an event again may still lie at the relays.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        clock: Callable[[], float],
        heard: Callable[[], bool] = lambda: True,
    ) -> None:
        self.claims = Claims(store, "closing", clock, self._close_all)
        self._store = store
        self._engine = engine
        self._clock = clock
        self._heard = heard

    async def run(self) -> None:
        """For ever."""
        await self.claims.run()

    async def _close_all(self, rows: Sequence[Due]) -> None:
        for row in rows:
            await self._close(row)

    async def _close(self, row: Due) -> None:
        event_id, later = row.body["event"], int(self._clock()) + LISTEN
        if not (row.body["begun"] or self._heard()):
            await self._store.transaction(lambda tx: outbox.postpone(tx, row.id, later))
            return
        while True:
            failpoint("closer.before-page")
            await self._engine.decide(partial(closing.page, event_id, row.id), row.key)
            failpoint("closer.after-page")
            if not await self._store.transaction(lambda tx: outbox.waits(tx, row.id)):
                return
            await asyncio.sleep(PAUSE)
