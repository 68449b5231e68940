"""The relay pool: subscribe, verify, dedupe, hand on; publish until a relay says OK.

Each relay of ours has two connections. `Listener` subscribes on one; `Errands` publish and look
things up on the other, so that an OK never queues behind events that wait for the inbox. Relays
of strangers (recipients' DM relays) have only errands, opened on demand.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import aiohttp

from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Sealed
from ticketbot.errors import Broken, Retry
from ticketbot.keys import Keys
from ticketbot.relay.dial import Dialer
from ticketbot.relay.errands import Errands
from ticketbot.relay.filters import Filter
from ticketbot.relay.funnel import Funnel
from ticketbot.relay.guard import Guard, NotDiallable, normal
from ticketbot.relay.line import Line
from ticketbot.relay.listener import Listener
from ticketbot.relay.nip11 import Limits, fetch_limits
from ticketbot.relay.strangers import Strangers
from ticketbot.relay.terms import Caught, Counts, Ok, RelayStatus, Timing

__all__ = ["Caught", "Heard", "Ok", "RelayPool", "RelayStatus", "Timing"]

MAX_STRANGERS = 64

T = TypeVar("T")

Heard = Callable[[str, str, Ok], None]
"""Told of each answer as it comes: event id, relay, answer."""


class RelayPool:
    """The bot's relays, by the URLs that the operator wrote.

    `inbox` is filled with verified events, each once, and with `Caught` marks; its size is the
    back-pressure. `filters(mark)` gives the NIP-01 filters for a relay that was caught up at
    `mark` (unix seconds, None: never). `marks`, by relay, is read at every connect, so that the
    marks of earlier runs may be put in until `run`, and it is kept up to date.
    """

    def __init__(
        self,
        urls: Iterable[str],
        keys: Keys,
        inbox: asyncio.Queue[Event | Caught],
        filters: Callable[[int | None], list[Filter]],
        marks: dict[str, int],
        clock: Callable[[], float] = time.time,
        allow_private: bool = False,
        proxy: str | None = None,
        max_frame: int = 256 * 1024,
        timing: Timing | None = None,
    ) -> None:
        names = {_normal_own(url): url for url in urls}
        self.guard = Guard(names, allow_private=allow_private, by_name_only=proxy is not None)
        self._keys = keys
        self._clock = clock
        self._timing = timing or Timing()
        self._max_frame = max_frame
        self._proxy = proxy
        self._dialer = Dialer(self.guard, self._timing, proxy)
        self._session: aiohttp.ClientSession | None = None
        self._strangers = Strangers(self._errands, MAX_STRANGERS)
        funnel = Funnel(inbox)
        self._listeners: dict[str, Listener] = {}
        for url, name in names.items():
            errands = self._errands(url, "publish")
            line = self._line(url, "subscribe")
            self._listeners[url] = Listener(
                name, line, errands, keys, funnel, filters, marks, clock
            )

    @property
    def urls(self) -> tuple[str, ...]:
        """Our own relays, as configured."""
        return tuple(listener.name for listener in self._listeners.values())

    @property
    def deaf(self) -> bool:
        """No relay is heard: whatever people send now does not reach us yet."""
        return not any(listener.hears for listener in self._listeners.values())

    async def run(self) -> None:
        """Keeps every relay connected, until cancelled; a bug ends it with an ExceptionGroup."""
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            try:
                self._session = session
                self._strangers.start(group)
                for listener in self._listeners.values():
                    group.create_task(listener.errands.run())
                    group.create_task(listener.run())
                await asyncio.get_running_loop().create_future()
            finally:
                # While the others are being cancelled nobody may start anything new.
                self._strangers.stop()
                self._session = None

    def refilter(self) -> None:
        """The filters have changed: every relay is asked anew."""
        for listener in self._listeners.values():
            listener.refilter()

    async def publish(
        self,
        batch: Sequence[tuple[Sealed, Sequence[str]]],
        timeout: float = 10,  # noqa: ASYNC109
        heard: Heard | None = None,
    ) -> list[dict[str, Ok]]:
        """Sends each event to its relays, all relays at once, each relay's share in one write.

        Returns for every event what each relay said; who said nothing within `timeout` seconds,
        or could not be reached, is absent. `heard` is told of each answer at once.
        """
        shares: dict[str, list[int]] = {}
        for index, (_, relays) in enumerate(batch):
            for relay in dict.fromkeys(relays):
                shares.setdefault(relay, []).append(index)
        said: list[dict[str, Ok]] = [{} for _ in batch]

        async def deliver(relay: str, share: list[int]) -> None:
            landed = functools.partial(_tell, heard, relay) if heard is not None else None
            events = [batch[index][0] for index in share]
            try:
                url = self._permitted(relay)
            except NotDiallable as why:
                for index in share:
                    said[index][relay] = Ok(False, f"not sent: {why}")
                return
            answers = await self._errand(
                url, timeout, lambda errands, left: errands.publish(events, left, landed)
            )
            for index in share:
                if (ok := (answers or {}).get(batch[index][0].event_id)) is not None:
                    said[index][relay] = ok

        async with asyncio.TaskGroup() as group:
            for relay, share in shares.items():
                group.create_task(deliver(relay, share))
        return said

    async def fetch(
        self,
        filters: list[Filter],
        relays: Sequence[str] | None = None,
        timeout: float = 5,  # noqa: ASYNC109
        linger: float | None = None,
    ) -> list[Event]:
        """What the given relays (ours, by default) have stored: verified, each event once.

        Once one relay has told all, the others get `linger` more seconds (None: all the time).
        Raises Retry when nothing came and no relay said that it has nothing.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        found: dict[str, Event] = {}
        complete = False
        async with asyncio.TaskGroup() as group:
            asked = dict.fromkeys(self.urls if relays is None else relays)
            waiting = {
                group.create_task(self._ask(relay, filters, timeout, found)) for relay in asked
            }
            while waiting:
                left = max(deadline - loop.time(), 0)
                told, waiting = await asyncio.wait(
                    waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED
                )
                if not told:
                    break
                if any(task.result() for task in told):
                    complete = True
                    deadline = min(deadline, loop.time() + (timeout if linger is None else linger))
            for task in waiting:
                task.cancel()
        if not found and not complete:
            raise Retry("no relay answered")
        return list(found.values())

    def clocks(self) -> dict[str, float]:
        """Relay → the unix seconds that its clock shows now, where it has told."""
        told = ((one.name, one.line.clock) for one in self._listeners.values())
        return {name: clock for name, clock in told if clock is not None}

    def status(self) -> dict[str, RelayStatus]:
        """How each of our relays is doing, by its configured URL."""
        return {listener.name: self._status(listener) for listener in self._listeners.values()}

    def _status(self, listener: Listener) -> RelayStatus:
        line, errands = listener.line, listener.errands
        return RelayStatus(
            connected=line.link is not None,
            publishing=errands.connected,
            live=listener.live,
            hearing=listener.watch.hearing,
            last_error=line.error or errands.line.error,
            eose_at=listener.mark,
            latency=listener.watch.latency,
            warnings=errands.limits.warnings(),
            counts=line.counts,
        )

    def _permitted(self, relay: str) -> str:
        """The normal spelling of a URL that may be dialled; raises NotDiallable."""
        url = normal(relay)
        if not self.guard.permits(url):
            raise NotDiallable("not the address of a public relay")
        return url

    async def _ask(
        self, relay: str, filters: list[Filter], patience: float, found: dict[str, Event]
    ) -> bool:
        try:
            url = self._permitted(relay)
        except NotDiallable:
            return False
        complete = await self._errand(
            url, patience, lambda errands, left: errands.query(filters, left, found)
        )
        return bool(complete)

    async def _errand(
        self, url: str, patience: float, errand: Callable[[Errands, float], Awaitable[T]]
    ) -> T | None:
        if url in self._listeners:
            return await errand(self._listeners[url].errands, patience)
        return await self._strangers.visit(url, patience, errand)

    def _line(self, url: str, purpose: str) -> Line:
        return Line(url, purpose, self._dialer, self._timing, self._max_frame, Counts())

    def _errands(self, url: str, purpose: str = "errand") -> Errands:
        return Errands(self._line(url, purpose), self._keys, self._clock, self._learn)

    async def _learn(self, url: str) -> Limits:
        # Nothing may be asked past the proxy.
        if self._session is None or self._proxy is not None:
            return Limits()
        tls = self._dialer.tls() if url.startswith("wss:") else None
        return await fetch_limits(self._session, self.guard, url, tls)


def _tell(heard: Heard, relay: str, event_id: str, ok: Ok) -> None:
    heard(event_id, relay, ok)


def _normal_own(url: str) -> str:
    try:
        return normal(url)
    except NotDiallable as why:
        raise Broken(f"[nostr] relays: {why}") from None
