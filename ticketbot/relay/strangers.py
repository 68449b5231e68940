"""Relays that are not ours: connections opened on demand, few at a time, closed when idle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ticketbot.relay.errands import Errands

T = TypeVar("T")


class Strangers:
    """At most `most` connections at once; `make` prepares the errands for a normal URL."""

    def __init__(self, make: Callable[[str], Errands], most: int) -> None:
        self._make = make
        self._most = most
        self._group: asyncio.TaskGroup | None = None
        self._open: dict[str, tuple[Errands, asyncio.Task[None]]] = {}
        self._freed = asyncio.Event()

    def start(self, group: asyncio.TaskGroup) -> None:
        """From now on connections may be opened, as tasks of `group`."""
        self._group = group

    def stop(self) -> None:
        """No connection is opened any more."""
        self._group = None

    async def visit(
        self, url: str, patience: float, errand: Callable[[Errands, float], Awaitable[T]]
    ) -> T | None:
        """Runs an errand at `url` as soon as there is room, with what is left of its `patience`.

        None when there was no room in time, or nothing runs.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        try:
            async with asyncio.timeout_at(deadline):
                while (errands := self._at(url)) is None:
                    if self._group is None:
                        return None
                    self._make_room()
                    await self._freed.wait()
        except TimeoutError:
            return None
        try:
            return await errand(errands, deadline - loop.time())
        finally:
            self._freed.set()

    def _at(self, url: str) -> Errands | None:
        if url in self._open:
            # The order of the dict is that of use.
            errands, task = self._open[url] = self._open.pop(url)
            return None if task.cancelling() else errands
        if self._group is None or len(self._open) >= self._most:
            return None
        errands = self._make(url)
        task = self._group.create_task(errands.run_while_used())
        self._open[url] = errands, task
        task.add_done_callback(lambda _: self._left(url))
        return errands

    def _left(self, url: str) -> None:
        del self._open[url]
        self._freed.set()

    def _make_room(self) -> None:
        self._freed.clear()
        if len(self._open) < self._most or any(
            task.cancelling() for _, task in self._open.values()
        ):
            return
        for errands, task in self._open.values():
            if not errands.busy:
                task.cancel()
                return
