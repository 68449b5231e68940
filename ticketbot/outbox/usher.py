"""Errands among ticket holders: offers that end, changes that are told, reminders.

A round of many pages is one row of the outbox, which says how far it has come: a crash anywhere
goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from ticketbot.engine import Engine
from ticketbot.failpoints import failpoint
from ticketbot.handlers.rounds import errands
from ticketbot.ledger import outbox
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.store import Store, Tx
from ticketbot.outbox.claims import Claims

LISTEN = 2  # seconds between looks whether relays have told what they kept
PAUSE = 0.05  # seconds between pages: buyers come in between


class Usher:
    """Carries out the outbox rows of kind `errand`.

    `clock` gives the earliest time that it can be. Nothing is done before `heard()`: somebody may
    have accepted in time, or a note cancelled, what still lies at the relays.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        clock: Callable[[], float],
        heard: Callable[[], bool] = lambda: True,
    ) -> None:
        self.claims = Claims(store, "errand", clock, self._run_all, batch=1)
        self._store = store
        self._engine = engine
        self._clock = clock
        self._heard = heard

    async def run(self) -> None:
        """For ever."""
        await self.claims.run()

    async def _run_all(self, rows: Sequence[Due]) -> None:
        for row in rows:
            await self._run(row)

    async def _run(self, row: Due) -> None:
        if not self._heard():
            later = int(self._clock()) + LISTEN
            await self._store.transaction(lambda tx: outbox.postpone(tx, row.id, later))
            return
        while True:
            failpoint("usher.before-page")
            await self._engine.decide(partial(errands.run, row.key), row.key)
            failpoint("usher.after-page")
            if not await self._store.transaction(partial(self._goes_on, row)):
                return
            await asyncio.sleep(PAUSE)

    def _goes_on(self, row: Due, tx: Tx) -> bool:
        return outbox.is_due(tx, row.id, int(self._clock()))
