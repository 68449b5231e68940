"""Whose clock is right, when they differ."""

from __future__ import annotations

import pytest

from ticketbot.timekeeper import DOUBT, Timekeeper, correction

NOW = 1_800_000_000.0
DAY = 86_400.0


class World:
    """Clocks that a test sets."""

    def __init__(self) -> None:
        self.machine = NOW
        self.steady = 0.0
        self.others: dict[str, float] = {}
        self.keeper = Timekeeper(lambda: self.machine, lambda: self.others, lambda: self.steady)

    def passes(self, seconds: float) -> None:
        self.machine += seconds
        self.steady += seconds


@pytest.mark.parametrize(
    ("ahead", "corrected"),
    [
        ([], 0),
        ([2 * DAY], 0),  # one alone may be wrong itself
        ([2 * DAY, 2 * DAY + 30], 2 * DAY),
        ([-2 * DAY, -2 * DAY], -2 * DAY),
        ([2 * DAY, -2 * DAY], 0),
        ([2 * DAY, 2 * DAY, 0], 2 * DAY),
        ([2 * DAY, 2 * DAY, 0, 1], 0),  # as many agree with us
        ([2 * DAY, 2 * DAY, 2 * DAY, 0, 1], 2 * DAY),
        ([100, 100], 0),  # that little does not matter
        ([5, -5, 30], 0),
    ],
)
def test_two_who_agree_with_one_another_and_not_with_us_are_believed(
    ahead: list[float], corrected: float
) -> None:
    assert correction(ahead) == corrected
    assert correction(ahead[::-1]) == pytest.approx(corrected, abs=60)


def test_the_clock_is_put_right_as_soon_as_it_is_judged() -> None:
    world = World()
    world.others = {"wallet": NOW - 2 * DAY, "wss://relay": NOW - 2 * DAY + 1}
    assert world.keeper() == NOW
    assert world.keeper.judge() == {"wallet": -2 * DAY, "wss://relay": -2 * DAY + 1}
    assert world.keeper() == NOW - 2 * DAY
    world.others = {}
    assert world.keeper.judge() == {}
    assert world.keeper() == NOW


@pytest.mark.parametrize("wrong", [2 * DAY, -2 * DAY])
def test_a_clock_that_was_corrected_is_put_right_and_nothing_is_dated_days_off(
    wrong: float,
) -> None:
    world = World()
    world.machine += wrong
    world.others = {"wallet": NOW, "wss://relay": NOW}
    world.keeper.judge()
    world.passes(30)
    world.machine -= wrong
    assert world.keeper() == NOW + 30
    world.others = {"wallet": NOW + 30, "wss://relay": NOW + 30}
    world.keeper.judge()
    assert world.keeper() == NOW + 30


def test_nothing_is_late_by_a_clock_that_may_be_wrong() -> None:
    world = World()
    world.others = {"wallet": NOW - 2 * DAY}
    assert world.keeper.earliest() == NOW - 2 * DAY
    world.others = {"wallet": NOW + 2 * DAY}
    assert world.keeper.earliest() == NOW


def test_for_a_while_after_a_jump_the_time_before_it_counts_too() -> None:
    world = World()
    world.passes(10)
    world.machine += 2 * DAY
    world.keeper.judge()
    assert world.keeper.earliest() == NOW + 10
    world.passes(DOUBT + 1)
    world.keeper.judge()
    assert world.keeper.earliest() == world.machine


def test_a_jump_back_counts_at_once() -> None:
    world = World()
    world.machine -= 2 * DAY
    assert world.keeper.earliest() == NOW - 2 * DAY


def test_a_clock_that_drifts_is_followed() -> None:
    world = World()
    for _ in range(1000):
        world.passes(10)
        world.machine += 0.5
        world.keeper.judge()
    assert world.keeper.earliest() == pytest.approx(world.machine, abs=1)
