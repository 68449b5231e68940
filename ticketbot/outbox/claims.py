"""Which rows are due and not in hand, one kind at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import orjson
import structlog

from ticketbot.errors import Broken, Retry
from ticketbot.ledger import outbox
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.stuck import NEVER_DROPPED
from ticketbot.redaction import whereabouts

BATCH = 64
IN_HAND = 1024
POISON = 3
LOOK_AGAIN = 1.0  # seconds: rows become due by the clock, too
FIRST_DELAY = 2
LONGEST_DELAY = 900
T = TypeVar("T")


class Claims:
    """Hands batches of one kind to `work`, many at once, no row twice at a time.

    A row that `work` leaves in the ledger is claimed again when it is due: `work` marks
    every row it was given as done or postpones it. After a crash the rows are still there.
    """

    def __init__(
        self,
        store: Store,
        kind: str,
        clock: Callable[[], float],
        work: Callable[[Sequence[Due]], Awaitable[None]],
        *,
        batch: int = BATCH,
        in_hand: int = IN_HAND,
    ) -> None:
        self.stirred = asyncio.Event()
        self._store = store
        self._kind = kind
        self._clock = clock
        self._work = work
        self._batch = batch
        self._most = in_hand
        self._in_hand: set[int] = set()
        self._raised: Counter[int] = Counter()  # a row that waits for a relay is no poison
        self._waiting = False
        self._log = structlog.get_logger()

    @property
    def busy(self) -> int:
        """How many rows are in hand."""
        return len(self._in_hand)

    async def written(self, work: Callable[[Tx], T]) -> T:
        """The result of `work`, as soon as the ledger can be written."""
        while True:
            try:
                return await self._store.transaction(work)
            except Retry as error:
                self._waits(error)
                await asyncio.sleep(LOOK_AGAIN)

    async def run(self) -> None:
        """For ever. Work that raises ends the process, and its rows are tried again."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self.stirred.clear()
                try:
                    rows = await self._claim()
                except Retry as error:
                    self._waits(error)
                    rows = []
                if rows:
                    tasks.create_task(self._carry(rows))
                if len(rows) < self._batch:
                    await self._rest()

    async def _claim(self) -> list[Due]:
        room = min(self._batch, self._most - len(self._in_hand))
        if room <= 0:
            return []
        now, skip = int(self._clock()), frozenset(self._in_hand)
        rows = await self._store.transaction(lambda tx: outbox.due(tx, self._kind, now, skip, room))
        self._in_hand.update(row.id for row in rows)
        return rows

    async def _carry(self, rows: Sequence[Due]) -> None:
        try:
            await self._work(rows)
            self._waiting = False
        except* Retry as errors:  # no relay answers, or the disk is full: the rows are still there
            self._waits(errors)
            await asyncio.sleep(LOOK_AGAIN)
        except* Broken:
            raise
        except* Exception as errors:  # noqa: BLE001  whatever it is, the other rows go on
            await self._isolate(rows, errors)
        finally:
            self._in_hand.difference_update(row.id for row in rows)
            self.stirred.set()

    async def _isolate(self, rows: Sequence[Due], error: Exception) -> None:
        """One bad row must not take the others along, nor the process, at every start."""
        if len(rows) > 1:
            for row in rows:
                await self._carry([row])
            return
        row, now = rows[0], int(self._clock())
        where = whereabouts(error)
        self._log.error("outbox.row_fails", kind=self._kind, key=row.key, where=where)
        self._raised[row.id] += 1
        poison = self._raised[row.id] >= POISON
        if poison:
            del self._raised[row.id]

        def work(tx: Tx) -> None:
            if poison:
                body = orjson.dumps(row.body)
                outbox.quarantine(tx, self._kind, row.key, repr(error), body, now)
            if poison and self._kind not in NEVER_DROPPED:
                outbox.done(tx, row.id)
            else:
                outbox.postpone(tx, row.id, now + delay(row.attempts))

        try:
            await self._store.transaction(work)
        except Retry as full:
            self._waits(full)

    def _waits(self, error: Exception) -> None:
        """Said once, and not every second of an outage that lasts for hours."""
        if not self._waiting:
            self._log.warning("outbox.waits", kind=self._kind, error=repr(error))
        self._waiting = True

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_AGAIN):
                await self.stirred.wait()
        except TimeoutError:
            pass


def delay(attempts: int, longest: int = LONGEST_DELAY) -> int:
    """Seconds until the next try: 2, 4, 8 … at most `longest`."""
    return int(min(longest, FIRST_DELAY * 2 ** min(attempts, 20)))
