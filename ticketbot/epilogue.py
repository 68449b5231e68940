"""After an event: visitors are thanked, and badges published for those who asked for one.

The ledger knows how far both have come: after a crash it goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from ticketbot.domain.badge import badge_name
from ticketbot.domain.when import DAY
from ticketbot.engine import Engine
from ticketbot.errors import Broken, Retry
from ticketbot.failpoints import failpoint
from ticketbot.handlers.attending import badges
from ticketbot.handlers.context import Context
from ticketbot.handlers.door import conflicts
from ticketbot.handlers.rounds import thanking
from ticketbot.ledger import badges as wishes
from ticketbot.ledger import conflicts as entries
from ticketbot.ledger import thanks
from ticketbot.ledger.store import Store, Tx
from ticketbot.redaction import whereabouts
from ticketbot.replies.outcome import Reply

EVERY = 60.0  # seconds between looks
PAUSE = 0.05  # between pages: who is buying comes in between
ASKED_FOR = 31 * DAY  # badges of an event: as long as its tickets are known to be somebody's


class Epilogue:
    """Looks every minute. What is said cannot be unsaid: `clock` gives the earliest time that it
    can be.
    """

    def __init__(self, store: Store, engine: Engine, clock: Callable[[], float]) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.play()
            except Retry as error:
                self._log.error("ledger.cannot_write", error=str(error))

    async def play(self) -> None:
        """One look: all that is due."""
        if self._engine.reception.catching_up:
            return
        now = int(self._clock())
        if self._engine.settings.thanks:
            await self._thank(now)
        await self._award(now)
        await self._tell_of_conflicts()

    async def _thank(self, now: int) -> None:
        restored = self._engine.reception.restored_at or 0  # the ledger that thanked them is lost
        after, before = max(restored, now - thanking.LATEST), now - thanking.WAIT
        for event_id in await self._store.read(lambda tx: thanks.due(tx, after, before)):
            page = partial(thanking.page, event_id)
            while await self._decide(page, f"thanks:{badge_name(event_id)}", event_id):
                left = await self._store.read(lambda tx: thanks.due(tx, after, before))
                if event_id not in left:
                    break

    async def _award(self, now: int) -> None:
        after, before = now - ASKED_FOR, now - thanking.WAIT
        for event_id in await self._store.read(lambda tx: wishes.due(tx, after, before)):
            await self._decide(partial(badges.award, event_id), badge_name(event_id), event_id)
        await self._store.transaction(lambda tx: wishes.forget(tx, after - ASKED_FOR, after))

    async def _tell_of_conflicts(self) -> None:
        before = int(self._engine.context().now) - conflicts.QUIET
        for event_id in await self._store.read(lambda tx: entries.untold(tx, before)):
            await self._decide(partial(conflicts.tell, event_id), "conflicts", event_id)

    async def _decide(self, page: Callable[[Tx, Context], Reply], key: str, event_id: str) -> bool:
        """Whether it went well. A fault in one event stops neither the others nor the bot."""
        try:
            failpoint("epilogue.before-page")
            await self._engine.decide(page, key)
            failpoint("epilogue.after-page")
        except (Retry, Broken):
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it is tried again
            self._log.error("epilogue.fails", event=event_id, where=whereabouts(error))
            return False
        await asyncio.sleep(PAUSE)
        return True
