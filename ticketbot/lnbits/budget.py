"""A budget of requests, per minute and at once, that several kinds of work share fairly.

A token bucket: a quarter of a minute's requests may go at once, the rest trickles, and
no span of 60 s ever sees more than the budget. When more is wanted than there is, the
kinds take turns: a look-up that a buyer waits for never queues behind a thousand
invoices to be made, a thousand refunds hold up no sale, and reconciliation goes on,
slowly, instead of starving.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Literal

Turn = Literal["look", "create", "pay", "bulk"]

_ROUND: tuple[Turn, ...] = ("look", "create", "pay", "look", "create", "bulk")
_BURST = 0.25  # of a minute's requests
_STEADY = 0.70  # of them; the rest is for what the network bunches together
_KEPT = 0.2  # of the burst, which bulk work leaves for whoever is in a hurry


class Budget:
    """At most `per_minute` requests in any 60 s, `at_once` in flight. For one event loop."""

    def __init__(
        self, per_minute: int, at_once: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity = max(1.0, per_minute * _BURST)
        self._rate = per_minute * _STEADY / 60
        self._kept = self._capacity * _KEPT
        self._tokens = self._capacity
        self._free = at_once
        self._clock = clock
        self._filled_at = clock()
        self._place = 0
        self._waiting: dict[Turn, deque[asyncio.Future[None]]] = {turn: deque() for turn in _ROUND}
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def request(self, turn: Turn) -> AsyncGenerator[None, None]:
        """Waits until one request of this kind may go; inside it is in flight."""
        await self._take(turn)
        try:
            yield
        finally:
            self._free += 1
            self._serve()

    def pause(self, seconds: float) -> None:
        """Nobody goes for this long: the other side said that it was too much."""
        self._filled_at = max(self._filled_at, self._clock() + seconds)
        self._tokens = min(self._tokens, 0.0)

    async def _take(self, turn: Turn) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[turn].append(waiter)
        self._serve()
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # it was granted, and never goes
                self._tokens += 1
                self._free += 1
                self._serve()
            raise

    def _serve(self) -> None:
        """Lets go whoever may go, and comes back when the next one may."""
        self._refill()
        while self._free and (place := self._next()) is not None:
            turn = _ROUND[place]
            lacking = self._price(turn) - self._tokens
            if lacking > 0:
                self._wake_in(lacking / self._rate)
                return
            self._tokens -= 1
            self._free -= 1
            self._waiting[turn].popleft().set_result(None)
            self._place = (place + 1) % len(_ROUND)

    def _refill(self) -> None:
        now = self._clock()
        if now > self._filled_at:
            gained = (now - self._filled_at) * self._rate
            self._tokens = min(self._capacity, self._tokens + gained)
            self._filled_at = now

    def _next(self) -> int | None:
        """Whose place in the round it is, of those who wait; who gave up is forgotten."""
        for queue in self._waiting.values():
            while queue and queue[0].done():
                queue.popleft()
        places = ((self._place + step) % len(_ROUND) for step in range(len(_ROUND)))
        return next((place for place in places if self._waiting[_ROUND[place]]), None)

    def _price(self, turn: Turn) -> float:
        """Tokens that must be there. Bulk work alone may not empty the bucket."""
        hurried = any(queue for turn, queue in self._waiting.items() if turn != "bulk")
        return 1.0 if turn != "bulk" or hurried else min(1.0 + self._kept, self._capacity)

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        paused = max(0.0, self._filled_at - self._clock())
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(paused + seconds + 0.001, self._serve)
