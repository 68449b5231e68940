"""A line to one relay that is always being mended: dial, talk until it is lost, wait, again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import structlog

from ticketbot.relay.backoff import Backoff
from ticketbot.relay.dial import Dialer
from ticketbot.relay.guard import NotDiallable
from ticketbot.relay.link import FrameTooBig, Link, LinkLost, Unreachable
from ticketbot.relay.terms import Counts, Timing

_log = structlog.get_logger()

GROWTH, MOST_GROWTH = 4, 32


class Talk(Protocol):
    """What is done on one link."""

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        """What runs side by side; the first LinkLost ends them all."""

    def close(self) -> None:
        """The link is lost."""


class Line:
    """Keeps a link to `url` (normal) open for one `purpose`, and tells how that goes.

    A frame over `max_frame` ends its link. As the same frame may wait for us among the stored
    events for ever, each such loss lets the next link read more, up to 32 times the limit; what
    is over the limit is still not looked at.
    """

    def __init__(
        self, url: str, purpose: str, dialer: Dialer, timing: Timing, max_frame: int, counts: Counts
    ) -> None:
        self.url = url
        self.timing = timing
        self.max_frame = max_frame
        self.counts = counts
        self.link: Link | None = None
        self.error = ""
        self.settled = asyncio.Event()
        """Set while it is known whether the relay can be reached."""
        self._purpose = purpose
        self._dialer = dialer
        self._readable = max_frame
        self._logged: bool | None = None
        self._told: tuple[float, float] | None = None

    @property
    def clock(self) -> float | None:
        """What the relay's clock shows now (unix seconds), by what it told when it was dialled.

        Counted on by our steady clock, so that a jump of this machine's time does not matter.
        """
        if self._told is None:
            return None
        there, then = self._told
        return there + asyncio.get_running_loop().time() - then

    async def keep(self, open_talk: Callable[[Link], Talk]) -> None:
        """Talks for ever."""
        backoff = Backoff(self.timing)
        while True:
            lasted = await self.once(open_talk)
            await asyncio.sleep(backoff.after(lasted))

    async def once(self, open_talk: Callable[[Link], Talk], *, last: bool = False) -> float:
        """Dials and talks until the link is lost. Seconds that it lasted, 0 if it never was.

        After the `last` time nobody need wait for another.
        """
        try:
            link = await self._dialer.dial(self.url, self._readable)
        except (Unreachable, NotDiallable) as error:
            self._note(up=False, error=str(error))
            self.settled.set()
            return 0.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.counts.connects += 1
        if link.date is not None:
            self._told = link.date, began
        talk = open_talk(link)
        pulse = link.pulse(self.timing.ping_every, self.timing.ping_patience)
        try:
            self.link = link
            self._note(up=True)
            self.settled.set()
            why = await _until_lost([pulse, *talk.tasks()])
        finally:
            self.link = None
            if not last:
                self.settled.clear()
            talk.close()
            await link.close(self.timing.close)
        if isinstance(why, FrameTooBig):
            self.counts.oversized += 1
            self._readable = min(self._readable * GROWTH, self.max_frame * MOST_GROWTH)
        self._note(up=False, error=str(why))
        return loop.time() - began

    def drop(self, reason: str) -> None:
        """Loses the link, if there is one; `keep` opens another."""
        if self.link is not None:
            self.link.lose(reason)

    def _note(self, *, up: bool, error: str = "") -> None:
        self.error = error or self.error
        if up != self._logged:
            self._logged = up
            if up:
                _log.info("relay.up", relay=self.url, line=self._purpose)
            else:
                _log.warning("relay.down", relay=self.url, line=self._purpose, error=error)


async def _until_lost(work: Sequence[Coroutine[Any, Any, None]]) -> LinkLost:
    """Does all the work side by side until some of it finds that the link is lost.

    LinkLost may not reach the TaskGroup: before Python 3.13 a group whose task has failed
    forgets that it was also cancelled from outside.
    """
    over: asyncio.Future[LinkLost] = asyncio.get_running_loop().create_future()

    async def do(part: Coroutine[Any, Any, None]) -> None:
        try:
            await part
        except LinkLost as why:
            if not over.done():
                over.set_result(why)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(do(part)) for part in work]
        why = await over
        for task in tasks:
            task.cancel()
    return why
