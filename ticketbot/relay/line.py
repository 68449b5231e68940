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

    async def keep(self, open_talk: Callable[[Link], Talk]) -> None:
        """Talks for ever."""
        backoff = Backoff(self.timing)
        while True:
            lasted = await self.once(open_talk)
            await asyncio.sleep(backoff.after(lasted))

    async def once(self, open_talk: Callable[[Link], Talk]) -> float:
        """Dials and talks until the link is lost. Seconds that it lasted, 0 if it never was."""
        try:
            link = await self._dialer.dial(self.url, self._readable)
        except (Unreachable, NotDiallable) as why:
            self._note(up=False, error=str(why))
            self.settled.set()
            return 0.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.counts.connects += 1
        talk = open_talk(link)
        try:
            self.link = link
            self._note(up=True)
            self.settled.set()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(link.pulse(self.timing.ping_every, self.timing.ping_patience))
                for task in talk.tasks():
                    tasks.create_task(task)
        except* FrameTooBig as losses:
            self.counts.oversized += 1
            self._readable = min(self._readable * GROWTH, self.max_frame * MOST_GROWTH)
            self._note(up=False, error=str(losses.exceptions[0]))
        except* LinkLost as losses:
            self._note(up=False, error=str(losses.exceptions[0]))
        finally:
            self.link = None
            self.settled.clear()
            talk.close()
            await link.close(self.timing.close)
        _obey_cancellation()
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


def _obey_cancellation() -> None:
    # Until Python 3.13 a TaskGroup forgets that it was cancelled when a task of it has failed.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
