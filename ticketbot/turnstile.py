"""Every second: seats that came free are kept for whose turn it is, and not for ever.

The ledger knows who waits and until when what is kept, so that a restart changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from ticketbot.engine import Engine
from ticketbot.errors import Broken, Retry
from ticketbot.failpoints import failpoint
from ticketbot.handlers.buying import offering
from ticketbot.handlers.context import Context
from ticketbot.ledger import places
from ticketbot.ledger.store import Store, Tx
from ticketbot.redaction import whereabouts
from ticketbot.replies.outcome import Reply

EVERY = 1.0  # seconds between looks
PAUSE = 0.02  # between pages: who is buying comes in between


class Turnstile:
    """Looks every second. Kept seats are given up by `clock`, the earliest time that it can be,
    and only once `heard()`: who has answered in time may not have been read yet.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        clock: Callable[[], float],
        heard: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._heard = heard
        self._failing: set[str] = set()
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self.look()
            except Retry as error:
                self._log.error("ledger.cannot_write", error=str(error))
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """One look: all that is over, then all that came free."""
        if not self._heard():
            return
        over, stirred = await self._ask()
        while over and await self._goes_well("kept seats", self._lapse):
            over, stirred = await self._ask()
        for event_id in stirred:
            await self._goes_well(event_id, partial(self._offer, event_id))

    async def _goes_well(self, what: str, work: Callable[[], Awaitable[None]]) -> bool:
        """A fault in one queue stops neither the others nor the bot; it is said once."""
        try:
            await work()
        except (Retry, Broken):
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it is tried again
            if what not in self._failing:
                self._log.error("queue.fails", what=what, where=whereabouts(error))
            self._failing.add(what)
            return False
        self._failing.discard(what)
        return True

    async def _ask(self) -> tuple[bool, list[str]]:
        """Whether kept seats are to be given up, and of which events something is to be said.

        One question a second, which writes nothing: mostly nobody waits, or nothing is free.
        """
        now, ctx = int(self._clock()), self._engine.context()
        return await self._store.transaction(
            lambda tx: (bool(places.over(tx, now, 1)), offering.stirred(tx, ctx))
        )

    async def _lapse(self) -> None:
        failpoint("turnstile.before-lapse")
        await self._engine.decide(partial(offering.lapse, int(self._clock())), "queue")
        failpoint("turnstile.after-lapse")
        await asyncio.sleep(PAUSE)

    async def _offer(self, event_id: str) -> None:
        told = True

        def work(tx: Tx, ctx: Context) -> Reply:
            nonlocal told
            reply = offering.offer(event_id, tx, ctx)
            told = bool(reply)
            return reply

        while told:
            failpoint("turnstile.before-offer")
            await self._engine.decide(work, "queue")
            failpoint("turnstile.after-offer")
            await asyncio.sleep(PAUSE)
