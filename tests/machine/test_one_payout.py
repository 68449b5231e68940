"""What organizers earn on an evening, and how they get it: short, with every fact looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.machine.test_any_payout import CONFIG
from tests.machine.test_one_evening import Evening, good_evening
from tests.machine.town import DAY, HOUR, MINUTE

THERE = "were sent to you"


@pytest.fixture
def evening() -> Iterator[Evening]:
    """It is over, and 10,000 sats were earned, less a commission."""
    with good_evening(CONFIG) as one:
        one.sells()
        one.says(one.alice, "buy lisbon 2")
        one.pays()
        one.town.skip(9 * DAY)
        yield one


def test_all_that_was_earned_is_paid_out_once(evening: Evening) -> None:
    organizer = evening.town.organizer
    said = evening.says(organizer, "payout all me@a.example")
    assert "9,603 sats are on their way to you" in said  # 3.0001 % and a hundredth stay
    evening.goes_on(MINUTE)
    assert "Only 92 sats" in evening.says(organizer, "payout all me@a.example")
    assert evening.hears(organizer, THERE) == 1
    sent = evening.one("SELECT sum(amount_msat), sum(fee_msat) FROM payout_part")
    assert sent == (9_603_000, 2_000)


def test_a_payout_that_hangs_is_not_paid_by_hand_nor_again(evening: Evening) -> None:
    organizer, wallet = evening.town.organizer, evening.town.wallet
    wallet.fate, wallet.lose_payments = "pending", 1
    evening.says(organizer, "payout all me@a.example")
    evening.goes_on(MINUTE)
    name = evening.one("SELECT id FROM payout")
    assert "paying it by hand would pay it twice" in evening.says(
        evening.town.operator, f"payouts done {name}"
    )
    evening.town.kill()
    evening.goes_on(HOUR)
    (waiting,) = wallet.unfinished()
    wallet.finish(waiting, "paid")
    evening.goes_on(HOUR)
    assert evening.hears(organizer, THERE) == 1
    assert len(wallet.went()) == 1


def test_it_is_told_also_when_relays_were_away_for_days(evening: Evening) -> None:
    organizer = evening.town.organizer
    evening.says(organizer, "payout to me@a.example")
    evening.town.post.mood = "silent"
    evening.goes_on(MINUTE)
    assert evening.one("SELECT state FROM payout") == "sent"
    evening.town.skip(3 * DAY)
    evening.goes_on(MINUTE)
    evening.town.post.mood = "fine"
    evening.goes_on(HOUR)
    assert evening.hears(organizer, THERE) == 1
