"""Errands among ticket holders: offers that end, changes that are told, reminders.

A round of many pages is one row of the outbox, which says how far it has come.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ticketbot.engine import Engine
from ticketbot.failpoints import failpoint
from ticketbot.handlers.rounds import errands
from ticketbot.ledger import outbox
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.store import Store, Tx
from ticketbot.outbox.pages import Pages


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
        self.pages = Pages(store, "errand", clock, heard, self, batch=1)
        self.claims = self.pages.claims
        self._store = store
        self._engine = engine
        self._clock = clock

    async def run(self) -> None:
        """For ever."""
        await self.claims.run()

    def must_hear(self, row: Due) -> bool:
        """Always; but what is heard again was there before."""
        return bool(row.body["what"] != errands.LETTERS)

    async def page(self, row: Due) -> None:
        """A few of the holders."""
        failpoint("usher.before-page")
        if row.body["what"] == errands.LETTERS:
            await self._hear_again(row)
            return
        await self._engine.decide(partial(errands.run, row.key), row.key)
        failpoint("usher.after-page")

    async def _hear_again(self, row: Due) -> None:
        await self._engine.hear_again(row.body["name"])
        await self._store.transaction(lambda tx: outbox.done(tx, row.id))

    def goes_on(self, row: Due, tx: Tx) -> bool:
        """As long as the row is due: an errand may also ask to be done later."""
        return outbox.is_due(tx, row.id, int(self._clock()))
