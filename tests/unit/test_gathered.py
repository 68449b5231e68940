"""What is ready in the same moment is done at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ticketbot.outbox.gathered import Gathered


async def test_who_is_ready_together_goes_together() -> None:
    done: list[list[int]] = []

    async def work(items: Sequence[int]) -> None:
        done.append(list(items))
        await asyncio.sleep(0)

    gathered = Gathered(work)
    await asyncio.gather(*(gathered(number) for number in range(3)))
    await gathered(3)
    assert done == [[0, 1, 2], [3]]


async def test_who_comes_while_others_are_at_work_goes_next() -> None:
    done: list[list[int]] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work(items: Sequence[int]) -> None:
        done.append(list(items))
        begun.set()
        await go_on.wait()

    gathered = Gathered(work)
    first = asyncio.create_task(gathered(1))
    await begun.wait()
    others = [asyncio.create_task(gathered(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *others)
    assert done == [[1], [2, 3]]


async def test_a_failure_is_everybodys_and_the_next_may_succeed() -> None:
    failing = True

    async def work(items: Sequence[int]) -> None:
        if failing:
            raise ValueError(items)

    gathered = Gathered(work)
    results = await asyncio.gather(gathered(1), gathered(2), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError]
    failing = False
    await gathered(3)


async def test_who_goes_away_keeps_it_from_nobody() -> None:
    done: list[int] = []

    async def work(items: Sequence[int]) -> None:
        await asyncio.sleep(0)
        done.extend(items)

    gathered = Gathered(work)
    leaver, stayer = (asyncio.create_task(gathered(number)) for number in (1, 2))
    await asyncio.sleep(0)
    leaver.cancel()
    await stayer
    with pytest.raises(asyncio.CancelledError):
        await leaver
    assert done == [1, 2]
