"""What a ticket costs: tiers, early birds, codes. Whole sats, never below zero."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.shelf import listing
from ticketbot.domain.listing import Listing
from ticketbot.domain.money import HIGHEST_PRICE, SAT
from ticketbot.domain.offer import EarlyBird, Tier
from ticketbot.domain.pricing import (
    Reduction,
    counts_seats,
    early_bird,
    possible,
    price_at,
    reduced,
    regular,
)

NOON, LATER = 1_800_000_000, 1_800_086_400
WEEK = EarlyBird("", 3000 * SAT, until=LATER)
FIRST = EarlyBird("", 1000 * SAT, first=10)
VIP = EarlyBird("VIP", 7000 * SAT, until=LATER)
EVENT = replace(
    listing(price_msat=5000 * SAT),
    tiers=(Tier("VIP", 9000 * SAT, 5),),
    general=True,
    early_birds=(WEEK, FIRST, VIP),
)


@pytest.mark.parametrize(
    ("tier", "now", "taken", "quantity", "sats"),
    [
        ("", NOON, 0, 1, 1000),
        ("", NOON, 9, 1, 1000),
        ("", NOON, 10, 1, 3000),  # the tenth seat is taken
        ("", NOON, 9, 2, 3000),  # two do not fit into the one that is left
        ("", NOON, 0, 10, 1000),
        ("", NOON, 0, 11, 3000),
        ("", LATER - 1, 10, 1, 3000),
        ("", LATER, 10, 1, 5000),  # until is the first second without it
        ("", LATER, 9, 1, 1000),
        ("VIP", NOON, 100, 1, 7000),
        ("vip", LATER, 0, 1, 9000),
    ],
)
def test_the_cheapest_early_bird_that_is_on(
    tier: str, now: int, taken: int, quantity: int, sats: int
) -> None:
    assert price_at(EVENT, tier, now, taken, quantity) == sats * SAT


def test_one_ticket_is_meant_where_nobody_says_how_many() -> None:
    assert price_at(EVENT, "", NOON, 9) == 1000 * SAT


def test_seats_are_only_counted_where_they_matter() -> None:
    assert counts_seats(EVENT, "")
    assert not counts_seats(EVENT, "VIP")
    assert early_bird(EVENT, "", LATER, 10) is None


@pytest.mark.parametrize(
    ("price", "percent", "off", "left"),
    [
        (5000, 20, 0, 4000),
        (5000, 100, 0, 0),
        (5000, 1, 0, 4950),
        (1, 1, 0, 0),  # 0.99 sats: rounded down, for the buyer
        (999, 10, 0, 899),  # 899.1
        (3, 50, 0, 1),  # 1.5
        (5000, 0, 4999, 1),
        (5000, 0, 5000, 0),
        (5000, 0, 9000, 0),
        (0, 50, 0, 0),
    ],
)
def test_a_code_takes_off_a_part_or_an_amount(
    price: int, percent: int, off: int, left: int
) -> None:
    assert reduced(price * SAT, Reduction(percent, off * SAT)) == left * SAT


SATS = st.integers(0, HIGHEST_PRICE // SAT).map(lambda sats: sats * SAT)
CODES = st.integers(1, 100).map(Reduction) | SATS.filter(bool).map(lambda off: Reduction(0, off))


@given(SATS, CODES)
def test_a_price_with_a_code_is_whole_sats_and_never_more(price: int, code: Reduction) -> None:
    left = reduced(price, code)
    assert type(left) is int
    assert 0 <= left <= price
    assert left % SAT == 0
    exact = price * (100 - code.percent) / 100 - code.off_msat
    assert left <= max(0, exact)  # whatever is rounded is the buyer's
    assert exact - left < SAT or left == 0


BIRDS = st.builds(
    EarlyBird,
    st.sampled_from(["", "VIP"]),
    SATS,
    until=st.none() | st.integers(NOON - 5, NOON + 5),
    first=st.none() | st.integers(1, 20),
)


@given(
    st.lists(BIRDS, max_size=5),
    SATS,
    SATS,
    st.sampled_from(["", "VIP"]),
    st.integers(NOON - 9, NOON + 9),
    st.integers(0, 30),
    st.integers(1, 10),
)
def test_a_price_is_one_that_the_organizer_wrote(
    birds: list[EarlyBird], price: int, vip: int, tier: str, now: int, taken: int, quantity: int
) -> None:
    tiers = (Tier("VIP", vip, None),)
    event: Listing = replace(EVENT, price_msat=price, tiers=tiers, early_birds=tuple(birds))
    unit = price_at(event, tier, now, taken, quantity)
    written = {bird.price_msat for bird in birds if bird.tier == tier}
    assert unit in written | {regular(event, tier)}
    assert 0 <= unit <= regular(event, tier)
    assert unit % SAT == 0
    later = price_at(event, tier, now + 1, taken + 1, quantity)
    assert later >= unit  # an early bird ends; it does not come back by waiting


@pytest.mark.parametrize(
    ("tier", "now", "sats"),
    [
        ("", NOON, {5000, 3000, 1000}),
        ("", LATER, {5000, 1000}),  # by the clock it is over, by who came first nobody knows
        ("VIP", NOON, {9000, 7000}),
        ("VIP", LATER, {9000}),
    ],
)
def test_every_price_that_may_have_been_shown(tier: str, now: int, sats: set[int]) -> None:
    event = replace(EVENT, early_birds=(WEEK, FIRST, VIP))
    assert possible(event, tier, now) == {price * SAT for price in sats}
