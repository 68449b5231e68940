"""Who is served first in a queue, as a table."""

from __future__ import annotations

import pytest

from ticketbot.domain.waiting import (
    FAVOURED,
    MOST_LAPSED,
    MOST_WAITING,
    REMEMBERED,
    Standing,
    Turns,
    has_room,
)

NEWCOMER, WORKED, PAID = Standing


def what_became(of: str) -> Turns:
    """`l`: let go, `t`: taken, `u`: the one that was taken is left unpaid."""
    turns = Turns()
    for fate in of:
        steps = {"l": turns.let_go, "t": turns.taken, "u": turns.left_unpaid}
        turns = steps[fate]()
    return turns


@pytest.mark.parametrize(
    ("fates", "doubtful"),
    [
        ("", False),
        ("llll", False),  # half is not more than half
        ("lllll", True),
        ("tttlllll", True),
        ("lltltltl", True),
        ("ltltltlt", False),
        ("lllllt", True),
        ("lllllttt", True),
        ("lllllttttt", False),  # people who pay end it
        ("tttttuuuuu", True),  # and who only orders does not count as one of them
        ("tuttttttttt", False),
        ("llllllllllllllll", True),
        ("llllllllu", True),
    ],
)
def test_when_the_rule_is_on(fates: str, doubtful: bool) -> None:
    assert what_became(fates).doubtful is doubtful


def test_more_than_half_of_eight() -> None:
    assert (REMEMBERED, MOST_LAPSED) == (8, 4)


def test_an_order_left_unpaid_is_an_offer_let_go() -> None:
    assert what_became("lttu").fates == 0b101
    assert what_became("lttuu").fates == 0b111
    assert what_became("l" * 20 + "u").fates == 2**REMEMBERED - 1


def test_in_doubt_every_fifth_is_served_in_turn() -> None:
    turns, favoured = what_became("l" * 5), []
    for _ in range(10):
        favoured.append(turns.favours)
        turns = turns.after(WORKED)
    assert favoured == ([True] * FAVOURED + [False]) * 2


def test_who_is_new_and_alone_is_served_without_being_counted_as_passed_over() -> None:
    assert what_became("l" * 5)._replace(passed=3).after(NEWCOMER).passed == 0


def test_without_doubt_nothing_is_counted() -> None:
    assert not Turns().favours
    assert Turns().after(PAID) == Turns()


@pytest.mark.parametrize(
    ("waiting", "newcomer", "others"),
    [
        (0, True, True),
        (MOST_WAITING - 1, True, True),
        (MOST_WAITING, False, True),
        (2 * MOST_WAITING - 1, False, True),
        (2 * MOST_WAITING, False, False),
    ],
)
def test_how_long_a_queue_may_be(waiting: int, newcomer: bool, others: bool) -> None:
    assert has_room(waiting, NEWCOMER) is newcomer
    assert has_room(waiting, WORKED) is others
    assert has_room(waiting, PAID) is others
