"""How much is listened to, of one and of all newcomers."""

from __future__ import annotations

from ticketbot.limits import AT_ONCE, REMEMBERED, Budget, Newcomers

NOON = 1_900_000_020  # a minute begins


def test_a_senders_minute() -> None:
    budget = Budget(2)
    said = [budget.spend("alice", NOON + second) for second in range(5)]
    assert said == ["fine", "fine", "warn", "silent", "silent"]
    assert budget.spend("bob", NOON) == "fine"
    assert budget.spend("alice", NOON + 60) == "fine"


def test_it_is_spent_when_nothing_would_be_said() -> None:
    budget = Budget(1)
    spent = []
    for _ in range(3):
        spent.append(budget.is_spent("alice", NOON))
        budget.spend("alice", NOON)
    assert spent == [False, False, True]
    assert not budget.is_spent("bob", NOON)
    assert not budget.is_spent("alice", NOON + 60)


def test_who_makes_keys_makes_us_forget_and_not_remember() -> None:
    budget = Budget(1)
    for number in range(3 * REMEMBERED):
        budget.spend(str(number), NOON)
    assert len(budget._spent) <= REMEMBERED + 1


def test_newcomers_come_at_once_or_one_by_one() -> None:
    newcomers = Newcomers(60)
    assert sum(newcomers.admit(NOON) for _ in range(1000)) == 60 * AT_ONCE
    assert newcomers.refused == 1000 - 60 * AT_ONCE
    assert [newcomers.admit(NOON + 1) for _ in range(2)] == [True, False]
    assert sum(newcomers.admit(NOON + 61) for _ in range(100)) == 60
    assert sum(newcomers.admit(NOON + 86_400) for _ in range(1000)) == 60 * AT_ONCE


def test_a_clock_that_was_ahead_locks_nobody_out() -> None:
    newcomers = Newcomers(1)
    assert sum(newcomers.admit(NOON + 2 * 86_400) for _ in range(100)) == AT_ONCE
    assert not newcomers.admit(NOON)
    assert [newcomers.admit(NOON + 60) for _ in range(2)] == [True, False]
