"""Time that costs nothing: a loop whose clock jumps to whatever is to happen next.

Everything in it happens in one thread and in one order, so an evening that went wrong
goes wrong again.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVar

from ticketbot.ledger.store import Store, Tx, _Asked, read_ledger

T = TypeVar("T")


class Death(BaseException):
    """What `kill -9` is to the code that it hits: nothing catches it."""


class Clockwork(asyncio.SelectorEventLoop):
    """An event loop in which a sleep of an hour takes no time; so do other threads' jobs."""

    def __init__(self) -> None:
        self._moment = 0.0
        super().__init__(_NeverWaits(self))

    def time(self) -> float:
        return self._moment

    def skip(self, seconds: float) -> None:
        """Move on to when the next thing is due."""
        self._moment += seconds

    def pass_time(self, seconds: float) -> None:
        """Let everybody do what they do in so many seconds."""
        self.run_until_complete(asyncio.sleep(seconds))

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)  # there are no other threads

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()
        done.set_result(func(*args))
        return done


class _NeverWaits(selectors.SelectSelector):
    def __init__(self, loop: Clockwork) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everybody waits for somebody else")
        self._loop.skip(max(0.0, timeout))
        return super().select(0)


class LedgerAtOnce(Store):
    """The ledger without its thread: the same file, the same commits, by whoever asks.

    After `Death` nothing more is written: the connection is closed in the middle of
    whatever it did, as the kernel closes a dead process's.
    """

    dead = False

    def start(self) -> None:
        """There is no thread to start."""

    def vanish(self) -> None:
        """Close without a word."""
        self.dead = True
        self._db.close()

    async def read(self, work: Callable[[Tx], T]) -> T:
        return read_ledger(self.path, self.vault, work)

    async def close(self) -> None:
        self._db.close()

    async def _ask(self, works: Any) -> list[Any]:
        if self.dead:
            raise Death("the ledger of a dead process")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Any]] = loop.create_future()
        self._commit([_Asked(works, future, loop)])
        return await future
