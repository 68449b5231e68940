"""The rule about unpaid orders, as a table."""

from __future__ import annotations

import pytest

from ticketbot.domain.holds import (
    FORGOTTEN_AFTER,
    MOST_LAPSED,
    REMEMBERED,
    Holds,
    Room,
    Verdict,
    judge,
)

NOW = 1_900_000_000


def fates(lapsed: int) -> int:
    return 2**lapsed - 1


@pytest.mark.parametrize(
    ("lapsed", "ago", "doubtful"),
    [
        (0, 0, False),
        (MOST_LAPSED, 0, False),  # a fifth is not more than a fifth
        (MOST_LAPSED + 1, 0, True),
        (REMEMBERED, 0, True),
        (REMEMBERED, FORGOTTEN_AFTER - 1, True),
        (REMEMBERED, FORGOTTEN_AFTER, False),
        (REMEMBERED, -60, True),
        (REMEMBERED, -2 * 86_400, False),  # the clock was two days ahead, and is right again
    ],
)
def test_when_the_rule_is_on(lapsed: int, ago: int, doubtful: bool) -> None:
    assert Holds(fates(lapsed), NOW - ago, ()).doubtful(NOW) is doubtful


def test_more_than_a_fifth_of_fifty() -> None:
    assert (REMEMBERED, MOST_LAPSED) == (50, 10)


@pytest.mark.parametrize(
    ("room", "quantity", "newcomer", "customer"),
    [
        (Room(100, 0), 10, "fine", "fine"),
        (Room(100, 0), 11, "newcomers-wait", "fine"),
        (Room(100, 9), 1, "fine", "fine"),
        (Room(100, 10), 1, "newcomers-wait", "fine"),
        (Room(100, 29), 1, "newcomers-wait", "fine"),
        (Room(100, 29), 2, "all-wait", "all-wait"),
        (Room(100, 30), 1, "all-wait", "all-wait"),
        (Room(100, 100), 1, "all-wait", "all-wait"),  # held, and not sold: not sold out
        (Room(0, 0), 1, "sold-out", "sold-out"),
        (Room(2, 0), 3, "sold-out", "sold-out"),
        (Room(1, 0), 1, "fine", "fine"),  # the last seat can still be bought
        (Room(1, 1), 1, "all-wait", "all-wait"),
        (Room(3, 0), 2, "all-wait", "all-wait"),
        (Room(19, 1), 1, "newcomers-wait", "fine"),
    ],
)
def test_who_may_hold_how_much(
    room: Room, quantity: int, newcomer: Verdict, customer: Verdict
) -> None:
    holds = Holds(fates(REMEMBERED), NOW, (room,))
    assert judge(holds, quantity, trusted=False) == newcomer
    assert judge(holds, quantity, trusted=True) == customer


def test_event_and_tier_both_have_a_word() -> None:
    roomy, tight = Room(1000, 0), Room(10, 3)
    for rooms in ((roomy, tight), (tight, roomy)):
        holds = Holds(fates(REMEMBERED), NOW, rooms)
        assert judge(holds, 1, trusted=True) == "all-wait"
        assert holds.most() == 3
    assert judge(Holds(0, 0, (roomy, Room(0, 0))), 1, trusted=True) == "sold-out"


def test_with_any_room_somebody_may_hold_a_seat() -> None:
    for left in range(1, 200):
        for trusted in (False, True):
            assert judge(Holds(0, 0, (Room(left, 0),)), 1, trusted=trusted) == "fine"


def test_no_more_than_three_tenths_are_ever_held() -> None:
    for left in range(4, 200):
        held = 0
        while judge(Holds(0, 0, (Room(left, held),)), 1, trusted=True) == "fine":
            held += 1
        assert held == max(1, left * 3 // 10)
