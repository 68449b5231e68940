"""The publishing side of one relay, ours or a stranger's: publish until OK, look things up.

It has a connection of its own, so that OKs never queue behind events that wait for the inbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Sealed
from ticketbot.keys import Keys
from ticketbot.relay.auth import Auth
from ticketbot.relay.desk import Desk, Flight, Landed
from ticketbot.relay.filters import Filter
from ticketbot.relay.line import Line
from ticketbot.relay.link import Link, LinkLost
from ticketbot.relay.nip11 import Limits
from ticketbot.relay.terms import Ok

T = TypeVar("T")

Learn = Callable[[str], Awaitable[Limits]]
"""Fetches the NIP-11 limits of the relay at a URL."""


class Errands:
    """What we want of one relay. Callers wait for the connection; it is opened by `run`."""

    def __init__(self, line: Line, keys: Keys, clock: Callable[[], float], learn: Learn) -> None:
        self.line = line
        self.limits = Limits()
        self._keys = keys
        self._clock = clock
        self._learn = learn
        self._learned_at: float | None = None
        self._desk: Desk | None = None
        self._users = 0
        self._used_at = 0.0
        self._lasting = True

    @property
    def busy(self) -> bool:
        """Somebody is waiting for an answer."""
        return self._users > 0

    @property
    def connected(self) -> bool:
        """The relay is there to be asked."""
        return self._desk is not None

    async def run(self) -> None:
        """Keeps the connection open for ever."""
        await self.line.keep(self._open)

    async def run_while_used(self) -> None:
        """Opens the connection once; returns when it is lost, or nobody has used it for a while.

        A relay that cannot be reached stays known as such for that while.
        """
        self._lasting = False
        if not await self.line.once(self._open, last=True):
            await asyncio.sleep(self.line.timing.idle)

    async def publish(
        self, events: Sequence[Sealed], patience: float, landed: Landed | None = None
    ) -> dict[str, Ok]:
        """Event id → what the relay said within `patience` seconds."""
        flight = Flight(events, landed)
        if events:
            await self._do(
                patience, lambda desk: desk.publish(flight, self.limits.max_message_length)
            )
        return flight.answers

    async def query(
        self, filters: Sequence[Filter], patience: float, found: dict[str, Event]
    ) -> bool:
        """Collects verified stored events into `found` by id; True when it told all in time."""
        complete = await self._do(patience, lambda desk: desk.query(filters, found))
        return bool(complete)

    # Talk

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        assert self._desk is not None
        tasks = [self._desk.read(), self._learn_limits()]
        return tasks if self._lasting else [*tasks, self._leave_when_idle()]

    def close(self) -> None:
        assert self._desk is not None
        self._desk.close()
        self._desk = None

    def _open(self, link: Link) -> Errands:
        self.line.error = ""
        auth = Auth(self.line.url, self._keys, self._clock)
        self._desk = Desk(self.line, link, auth, eager=self._lasting)
        return self

    async def _do(self, patience: float, errand: Callable[[Desk], Awaitable[T]]) -> T | None:
        """The errand's result; None when time is over, or the relay is not there (any more)."""
        self._users += 1
        try:
            async with asyncio.timeout(patience):
                await self.line.settled.wait()
                return await errand(self._desk) if self._desk is not None else None
        except (TimeoutError, LinkLost):
            return None
        finally:
            self._users -= 1
            self._used_at = asyncio.get_running_loop().time()

    async def _learn_limits(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._learned_at is None or now - self._learned_at > self.line.timing.limits_every:
            self.limits = await self._learn(self.line.url)
            self._learned_at = now

    async def _leave_when_idle(self) -> None:
        loop, idle = asyncio.get_running_loop(), self.line.timing.idle
        while True:
            left = self._used_at + idle - loop.time()
            if left <= 0 and not self.busy:
                raise LinkLost("idle")
            await asyncio.sleep(max(left, idle / 4))
