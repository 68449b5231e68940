"""Once a day: forget who was there, N days after their event's end.

Looking happens beside the ledger's writer, on a snapshot; what was found is let go in small
transactions, each of which looks once more. Then the write-ahead log is emptied, so that
nothing of it lingers there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import structlog

from ticketbot.domain.when import DAY
from ticketbot.errors import Broken, Retry
from ticketbot.ledger import announcements, forgetting, journal, marks, promos, staff
from ticketbot.ledger.store import Store, Tx

EVERY = 600.0  # seconds between looks at whether a day has passed
AT_ONCE = 50  # orders or people in one transaction
REST = 0.02  # seconds between two of them
MOST = 50_000  # of each at one look; the rest at the next
POISON_DAYS = 14  # what was put aside helps to find a bug; nobody looks for one longer
LAST = "forgotten-at"

T = TypeVar("T", str, int)


class _Found(NamedTuple):
    people: list[int]
    strays: list[int]


class Forgetter:
    """Forgets people `days` days after the end of their event.

    What is forgotten does not come back, so `clock` gives the earliest time that it can be.
    """

    def __init__(self, store: Store, days: int, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._days = days
        self._clock = clock
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever; not in the first minutes, which belong to those who wait for an answer."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.forget()
            except (Retry, Broken) as error:
                self._log.error("people.not_forgotten", error=str(error))

    async def forget(self) -> None:
        """Forget whoever is due, once a day; and leave no traces, also of who asked for it."""
        now = int(self._clock())
        last = await self._store.transaction(lambda tx: marks.number(tx, LAST))
        if not last <= now < last + DAY:  # a clock that was ahead must not stop it
            await self._forget(now)
        traces = await self._store.transaction(lambda tx: marks.get(tx, forgetting.TRACES))
        if traces and await self._store.empty_log():
            await self._store.transaction(lambda tx: marks.drop(tx, forgetting.TRACES))

    async def _forget(self, now: int) -> None:
        before = now - self._days * DAY
        over = await self._store.read(lambda tx: forgetting.over(tx, before, MOST))
        orders = await self._in_pages(over, forgetting.let_go)
        found = await self._store.read(lambda tx: _idle(tx, before, now - DAY))
        people = await self._in_pages(
            found.people, lambda tx, page: forgetting.drop(tx, page, before)
        )
        while await self._store.transaction(lambda tx: staff.forget_old(tx, before)):
            await asyncio.sleep(REST)
        messages = await self._in_pages(found.strays, forgetting.drop_strays)

        def finish(tx: Tx) -> None:
            poison = forgetting.drop_poison(tx, now - min(self._days, POISON_DAYS) * DAY)
            if max(len(over), len(found.people)) < MOST:
                marks.put(tx, LAST, str(now))
            marks.put(tx, forgetting.TRACES, "1")
            codes = promos.forget(tx, before)
            announcements.forget_drafts(tx, now - DAY)
            counts = {"orders": orders, "people": people, "messages": messages, "poison": poison}
            counts["codes"] = codes
            if any(counts.values()):
                journal.note(tx, now, "people", "forgotten", **counts)

        await self._store.transaction(finish)

    async def _in_pages(self, found: Sequence[T], work: Callable[[Tx, Sequence[T]], int]) -> int:
        """`work` on a few at a time, so that nobody who is buying waits for it; the sum."""
        done = 0
        for at in range(0, len(found), AT_ONCE):
            done += await self._store.transaction(_on(found[at : at + AT_ONCE], work))
            await asyncio.sleep(REST)
        return done


def _on(page: Sequence[T], work: Callable[[Tx, Sequence[T]], int]) -> Callable[[Tx], int]:
    return lambda tx: work(tx, page)


def _idle(tx: Tx, before: int, stray_before: int) -> _Found:
    """Who can be dropped: nothing binds them to the bot, and no message waits for them."""
    waiting = forgetting.waiting(tx, stray_before)
    people = [one for one in forgetting.unbound(tx, before, MOST) if one not in waiting.people]
    return _Found(people, waiting.strays)
