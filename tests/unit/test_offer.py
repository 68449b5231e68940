"""Tiers, early birds, questions and an age, read from a note: what is sold, and what is wrong."""

from __future__ import annotations

import orjson
import pytest

from tests.unit.test_listing import START, event, problems, read
from ticketbot.domain.listing import Listing
from ticketbot.domain.offer import EarlyBird, Question, Tier

SOON = str(START - 3600)


def test_a_tier_with_everything() -> None:
    listing = read(
        ["tier", "VIP", "20000", "SAT", "10", str(START - 7200), SOON, "2"],
        ["tier", "GA", "5000", "", "", "", "", "3"],
        ["tier", "Press", "free", "", "5", "", SOON],
    )
    assert listing.tiers == (
        Tier("VIP", 20_000_000, 10, START - 7200, START - 3600, 2),
        Tier("GA", 5_000_000, None, None, None, 3),
        Tier("Press", 0, 5, None, START - 3600, None),
    )


def test_early_birds_of_each_kind() -> None:
    listing = read(
        ["price", "5000"],
        ["tier", "VIP", "20000"],
        ["early_bird", "3000", "SAT", "until", SOON],
        ["early_bird", "1000", "sats", "First", "10"],
        ["early_bird", "15000", "", "first", "5", "vip"],
    )
    assert listing.early_birds == (
        EarlyBird("", 3_000_000, until=START - 3600),
        EarlyBird("", 1_000_000, first=10),
        EarlyBird("VIP", 15_000_000, first=5),
    )


def test_an_early_bird_of_the_only_tier_need_not_name_it() -> None:
    listing = read(["tier", "GA", "5000"], ["early_bird", "1000", "", "first", "10"])
    assert listing.early_birds == (EarlyBird("GA", 1_000_000, first=10),)


def test_questions_with_and_without_choices() -> None:
    listing = read(
        ["question", "Size?", "S", "", " M ", "S"],
        ["question", "Pay lnbc50u1p3unwfusp5t9r3 (Optional)"],
        ["age", "18+"],
    )
    assert listing.questions == (Question("Size?", ("S", "M")), Question("Pay … (Optional)"))
    assert [one.optional for one in listing.questions] == [False, True]
    assert listing.age == 18


def test_an_offer_survives_the_ledger() -> None:
    listing = read(
        ["tier", "VIP", "20000", "SAT", "10", "", SOON, "2"],
        ["early_bird", "1000", "", "first", "10"],
        ["question", "Size?", "S", "M"],
        ["age", "18"],
    )
    again = Listing.from_json(orjson.loads(orjson.dumps(listing.to_json())))
    assert again == listing
    assert hash(again) == hash(listing)


def test_a_listing_of_an_earlier_version_is_read() -> None:
    plain = read(["tier", "VIP", "20000", "SAT", "10"]).to_json()
    for name in ("early_birds", "questions", "age"):
        del plain[name]
    plain["tiers"] = [["VIP", 20_000_000, 10]]
    assert Listing.from_json(plain) == read(["tier", "VIP", "20000", "SAT", "10"])


BIRD = ["early_bird", "1000", "SAT", "first", "10"]


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        ([["tier", "VIP", "1", "SAT", "10", "soon"]], {"tier VIP": "time-number"}),
        ([["tier", "VIP", "1", "SAT", "10", SOON, SOON]], {"tier VIP": "sales-end-early"}),
        ([["tier", "VIP", "1", "SAT", "10", "", "", "0"]], {"tier VIP": "count"}),
        ([["early_bird", "1,000", "SAT", "first", "10"]], {"early_bird": "price-comma"}),
        ([["early_bird", "10", "EUR", "first", "10"]], {"early_bird": "price-fiat"}),
        ([["early_bird", "1000"]], {"early_bird": "early-bird-how"}),
        ([["early_bird", "1000", "SAT", "until"]], {"early_bird": "time-number"}),
        ([["early_bird", "1000", "SAT", "first", "-1"]], {"early_bird": "count"}),
        ([["early_bird", "5000", "SAT", "first", "9"]], {"early_bird": "early-bird-dear"}),
        ([[*BIRD, "VIP"]], {"early_bird": "early-bird-tier"}),
        ([BIRD, [*BIRD, "x"], ["early_bird"]], {
            "early_bird 2": "early-bird-tier",
            "early_bird 3": "price-number",
        }),
        ([BIRD] * 21, {"early_bird": "early-bird-many"}),
        ([["question"]], {"question": "question-empty"}),
        ([["question", "?!"]], {"question": "question-empty"}),
        ([["question", "x" * 141]], {"question": "question-long"}),
        ([["question", "A?"], ["question", "a?"]], {"question 2": "question-twice"}),
        ([["question", f"{n}?"] for n in range(4)], {"question": "question-many"}),
        ([["question", "A?", *map(str, range(11))]], {"question": "question-choices"}),
        ([["age", "0"]], {"age": "age-years"}),
        ([["age", "121"]], {"age": "age-years"}),
        ([["age", "adults"]], {"age": "age-years"}),
        ([["age", "18"], ["age", "21"]], {"age": "given-twice"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_offer(tags: list[list[str]], wrong: dict[str, str]) -> None:
    assert problems(event(["price", "5000"], *tags)) == wrong


def test_what_follows_from_a_mistake_is_not_told_as_another() -> None:
    tags = (["tier", "VIP", "x"], [*BIRD, "VIP"], ["price", "y"])
    assert problems(event(*tags)) == {"tier VIP": "price-number", "price": "price-number"}
