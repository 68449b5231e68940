"""What is done page by page among many people, each page in one transaction.

The ledger itself says how far it has come, so that a crash anywhere goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from ticketbot.ledger import outbox
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.store import Store, Tx
from ticketbot.outbox.claims import BATCH, Claims

LISTEN = 2  # seconds between looks whether relays have told what they kept
PAUSE = 0.05  # seconds between pages: buyers come in between


class Round(Protocol):
    """What is done of one kind."""

    def must_hear(self, row: Due, /) -> bool:
        """Whether it waits until relays have told what they kept."""
        ...

    async def page(self, row: Due, /) -> None: ...

    def goes_on(self, row: Due, tx: Tx, /) -> bool:
        """Whether there is another page, now."""
        ...


class Pages:
    """Carries out the outbox rows of one kind. `clock` gives the earliest time that it can be.

    `heard()`: relays have told what they kept, and it was answered.
    """

    def __init__(
        self,
        store: Store,
        kind: str,
        clock: Callable[[], float],
        heard: Callable[[], bool],
        round_: Round,
        batch: int = BATCH,
    ) -> None:
        self.claims = Claims(store, kind, clock, self._do_all, batch=batch)
        self._store = store
        self._clock = clock
        self.heard = heard
        self._round = round_

    async def _do_all(self, rows: Sequence[Due]) -> None:
        for row in rows:
            await self._do(row)

    async def _do(self, row: Due) -> None:
        if self._round.must_hear(row) and not self.heard():
            later = int(self._clock()) + LISTEN
            await self._store.transaction(lambda tx: outbox.postpone(tx, row.id, later))
            return
        while True:
            await self._round.page(row)
            if not await self._store.transaction(lambda tx: self._round.goes_on(row, tx)):
                return
            await asyncio.sleep(PAUSE)
