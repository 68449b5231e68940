"""What many tasks have ready in the same moment, done at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Gathered(Generic[T]):
    """Calling it with an item waits until `work` has done it, with all that came beside it.

    Nothing is waited for: whoever else is ready by the loop's next turn comes along. What `work`
    raises is raised to all of them, and who is cancelled keeps it from nobody.
    """

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._work = work
        self._items: list[T] = []
        self._turn: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> None:
        self._items.append(item)
        if self._turn is None:
            self._turn = asyncio.create_task(self._do())
        await asyncio.shield(self._turn)

    async def _do(self) -> None:
        items, self._items, self._turn = self._items, [], None
        await self._work(items)
