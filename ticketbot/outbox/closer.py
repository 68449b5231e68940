"""Cancelled events: closed page by page once their organizer has said so, or a day has passed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ticketbot.engine import Engine
from ticketbot.failpoints import failpoint
from ticketbot.handlers.events import closing
from ticketbot.ledger import outbox
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.store import Store, Tx
from ticketbot.outbox.pages import Pages


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
        self.pages = Pages(store, "closing", clock, heard, self)
        self.claims = self.pages.claims
        self._engine = engine

    async def run(self) -> None:
        """For ever."""
        await self.claims.run()

    def must_hear(self, row: Due) -> bool:
        """What was begun is done to its end."""
        return not row.body["begun"]

    async def page(self, row: Due) -> None:
        """A few tickets of the event."""
        failpoint("closer.before-page")
        await self._engine.decide(partial(closing.page, row.body["event"], row.id), row.key)
        failpoint("closer.after-page")

    def goes_on(self, row: Due, tx: Tx) -> bool:
        """Until the last page has taken the row away."""
        return outbox.waits(tx, row.id)
