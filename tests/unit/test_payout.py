"""The sums of a payout, to the msat: what is kept, what may leave, and of which event."""

from __future__ import annotations

import pytest

from ticketbot.domain.payout import (
    Account,
    Part,
    commission_back,
    commission_of,
    most,
    payable,
    plan,
    reserve,
    spread,
)

NOW = 1_900_000_000


def account(event_id: str, balance: int, free_at: int | None = NOW) -> Account:
    """An event with so much left (msat), of which each figure is another one."""
    return Account(event_id, "CODE", "Title", 1, free_at, balance + 1_111, 1_000, 100, 10, 1)


def test_what_is_left_is_what_came_less_all_that_left() -> None:
    assert account("lisbon", 5_000).balance == 5_000
    assert account("lisbon", -5).balance == -5


@pytest.mark.parametrize(
    ("free_at", "free"), [(NOW - 1, True), (NOW, True), (NOW + 1, False), (None, False)]
)
def test_money_is_free_from_a_second_on(free_at: int | None, free: bool) -> None:
    """None: the event is being given back to its buyers."""
    assert account("lisbon", 1, free_at).is_free(NOW) is free


@pytest.mark.parametrize(
    ("amount", "ppm", "kept"),
    [(1_000_000, 20_000, 20_000), (999, 1_000, 0), (1_000, 1_000, 1), (7, 1_000_000, 7)],
)
def test_a_commission_is_never_more_than_its_rate(amount: int, ppm: int, kept: int) -> None:
    assert commission_of(amount, ppm) == kept


def test_of_a_commission_goes_back_what_the_whole_refund_says() -> None:
    """A commission of 10 on 300: a third is 3, two thirds are 6, and all of it is 10."""
    assert [commission_back(10, 300, back, 100) for back in (0, 100, 200)] == [3, 3, 4]
    assert commission_back(10, 300, 0, 300) == 10
    assert commission_back(10, 300, 299, 1) == 1


@pytest.mark.parametrize(
    ("amount", "msat"),
    [(1, 2_000), (200_000, 2_000), (200_001, 2_001), (200_100, 2_001), (200_101, 2_002)],
)
def test_a_way_may_cost_a_hundredth_and_two_sats_at_least(amount: int, msat: int) -> None:
    assert reserve(amount) == msat


@pytest.mark.parametrize(
    ("balance", "amount"),
    [
        (-1, 0),
        (2_999, 0),
        (3_000, 1_000),
        (101_000, 99_000),
        (202_000, 200_000),
        (203_009, 200_000),
        (203_010, 201_000),
        (1_009_999, 999_000),
        (1_010_000, 1_000_000),
    ],
)
def test_the_largest_payout_leaves_its_reserve(balance: int, amount: int) -> None:
    assert most(balance) == amount
    assert type(most(balance)) is int


def test_debts_of_events_that_go_on_count_and_what_they_earn_does_not() -> None:
    ours = [account("a", 50_000), account("b", -7_000, NOW + 1), account("c", 9_000, NOW + 1)]
    assert payable(ours, NOW) == 43_000
    assert payable(ours, NOW + 1) == 52_000


def test_a_plan_takes_the_oldest_first_until_all_that_may_leave_is_taken() -> None:
    ours = [
        account("a", 50_000),
        account("b", 1_000),
        account("c", 90_000),
        account("d", -20_000),
        account("e", 80_000, NOW + 1),
    ]
    assert plan(ours, NOW) == [Part("a", 48_000), Part("c", 71_000)]
    assert plan(ours, NOW, "c") == [Part("c", 88_000)]
    assert plan(ours, NOW, "e") == plan(ours, NOW, "b") == []


def test_who_owes_more_than_they_have_is_paid_nothing() -> None:
    assert plan([account("a", 50_000), account("b", -50_000, NOW + 1)], NOW) == []


def test_a_fee_is_borne_in_proportion_to_the_last_msat() -> None:
    assert spread(10, [Part("a", 1_000), Part("b", 1_000), Part("c", 1_000)]) == [3, 3, 4]
    assert spread(7, [Part("a", 6_000), Part("b", 1_000)]) == [6, 1]
    assert spread(1, [Part("a", 2), Part("b", 1)]) == [0, 1]
    assert spread(0, [Part("a", 1_000)]) == [0]
