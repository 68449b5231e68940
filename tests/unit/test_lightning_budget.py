"""The request budget: never over the limit, fair between kinds, nobody starves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from ticketbot.lnbits.budget import Budget, Turn


class Hours(asyncio.SelectorEventLoop):
    """A loop whose time passes at once whenever everybody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def time(self) -> float:
        return self.passed

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.passed = max(self.passed, self._scheduled[0].when())
        super()._run_once()


@pytest.fixture
def loop() -> Iterator[Hours]:
    loop = Hours()
    yield loop
    loop.close()


async def use(budget: Budget, turn: Turn, went: list[tuple[float, Turn]]) -> None:
    async with budget.request(turn):
        went.append((asyncio.get_running_loop().time(), turn))


@pytest.mark.parametrize("per_minute", [10, 60, 200, 1_000])
def test_no_minute_sees_more_than_the_limit(loop: Hours, per_minute: int) -> None:
    async def scene() -> list[float]:
        budget = Budget(per_minute, 16, loop.time)
        went: list[tuple[float, Turn]] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(per_minute * 3):
                group.create_task(use(budget, "create", went))
        return [at for at, _ in went]

    times = loop.run_until_complete(scene())

    busiest = max(sum(1 for at in times if start <= at < start + 60) for start in times)
    assert len(times) == per_minute * 3
    assert busiest <= per_minute
    assert times[-1] < 60 * 3 * 1.5  # and it does use what it may


def test_a_look_does_not_queue_behind_invoices(loop: Hours) -> None:
    async def scene() -> float:
        budget = Budget(200, 16, loop.time)
        went: list[tuple[float, Turn]] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(1_000):
                group.create_task(use(budget, "create", went))
            await asyncio.sleep(10)
            group.create_task(use(budget, "look", went))
        return next(at for at, turn in went if turn == "look")

    assert loop.run_until_complete(scene()) - 10 < 1.5


def test_reconciliation_goes_on_under_load(loop: Hours) -> None:
    async def scene() -> Counter[Turn]:
        budget = Budget(200, 16, loop.time)
        went: list[tuple[float, Turn]] = []
        async with asyncio.TaskGroup() as group:
            for turn in ("create", "look", "bulk"):
                for _ in range(200):
                    group.create_task(use(budget, turn, went))
        return Counter(turn for at, turn in went if at <= 60)

    shares = loop.run_until_complete(scene())

    assert shares["bulk"] >= 25
    assert shares["look"] > shares["bulk"]
    assert shares["create"] > shares["bulk"]


def test_refunds_and_sales_do_not_hold_each_other_up(loop: Hours) -> None:
    async def scene() -> Counter[Turn]:
        budget = Budget(200, 16, loop.time)
        went: list[tuple[float, Turn]] = []
        async with asyncio.TaskGroup() as group:
            for turn in ("pay", "create", "look"):
                for _ in range(200):
                    group.create_task(use(budget, turn, went))
        return Counter(turn for at, turn in went if 1 <= at <= 60)  # after the first burst

    shares = loop.run_until_complete(scene())

    assert shares["pay"] >= 20
    assert shares["create"] > 1.5 * shares["pay"]
    assert shares["look"] > 1.5 * shares["pay"]


def test_bulk_work_leaves_room_for_a_buyer(loop: Hours) -> None:
    async def scene() -> float:
        budget = Budget(200, 16, loop.time)
        went: list[tuple[float, Turn]] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(use(budget, "bulk", went))
            await asyncio.sleep(5)
            for _ in range(6):
                group.create_task(use(budget, "create", went))
        return max(at for at, turn in went if turn == "create")

    assert loop.run_until_complete(scene()) == 5


@pytest.mark.parametrize("turn", ["look", "create", "pay", "bulk"])
def test_the_smallest_budget_still_moves(loop: Hours, turn: Turn) -> None:
    async def scene() -> int:
        budget = Budget(2, 1, loop.time)
        went: list[tuple[float, Turn]] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(use(budget, turn, went))
        return len(went)

    assert loop.run_until_complete(scene()) == 3


def test_only_so_many_are_in_flight(loop: Hours) -> None:
    async def scene() -> int:
        budget = Budget(100_000, 4, loop.time)
        inside = most = 0

        async def slowly() -> None:
            nonlocal inside, most
            async with budget.request("look"):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(1)
                inside -= 1

        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(slowly())
        assert loop.time() == pytest.approx(5)
        return most

    assert loop.run_until_complete(scene()) == 4


def test_a_pause_holds_everybody(loop: Hours) -> None:
    async def scene() -> list[float]:
        budget = Budget(200, 16, loop.time)
        went: list[tuple[float, Turn]] = []
        await use(budget, "look", went)
        budget.pause(7)
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(use(budget, "look", went))
        return [at for at, _ in went]

    first, *others = loop.run_until_complete(scene())
    assert first == 0
    assert min(others) >= 7
    assert max(others) < 7 + 3


@pytest.mark.parametrize("granted", [False, True], ids=["waiting", "granted"])
def test_who_gives_up_takes_nothing(loop: Hours, granted: bool) -> None:
    async def scene() -> list[float]:
        budget = Budget(40, 1, loop.time)
        went: list[tuple[float, Turn]] = []
        for _ in range(9):
            async with budget.request("look"):
                waiting = asyncio.create_task(use(budget, "look", went))
                await asyncio.sleep(0)
                if not granted:
                    waiting.cancel()
            waiting.cancel()  # granted by the release above, but not yet awake
            await asyncio.wait([waiting])
        await use(budget, "look", went)
        return [at for at, _ in went]

    assert loop.run_until_complete(scene()) == [0]
