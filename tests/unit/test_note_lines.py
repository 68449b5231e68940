"""Tiers, early birds and questions as lines of an ordinary note: as their tags, or one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_listing import BOT, note, problems
from ticketbot.domain.listing import Listing
from ticketbot.domain.listing_note import ListingProblems, read_listing
from ticketbot.domain.offer import EarlyBird, Question, Tier

HEAD = ("Title: X", "When: 2027-03-27 19:00 Europe/Lisbon")
FEBRUARY, MARCH = 1_801_440_000, 1_805_565_600  # midnight, and 18:00 on the 20th, in Lisbon
DAY = 86_400


def read(*lines: str, tags: tuple[list[str], ...] = ()) -> Listing:
    return read_listing(note(*HEAD, *lines, tags=tags), BOT)


@pytest.mark.parametrize(
    ("line", "tier"),
    [
        ("Tier: VIP, 20000 sats", Tier("VIP", 20_000_000, None)),
        ("tier: VIP, 20000", Tier("VIP", 20_000_000, None)),
        ("- **Tier:** Front row · 20000 sats · 10 seats", Tier("Front row", 20_000_000, 10)),
        ("Tier: VIP | 10 tickets | ₿0.001", Tier("VIP", 100_000_000, 10)),
        ("Tier: Friends, free; 5 places", Tier("Friends", 0, 5)),
        ("Tier: VIP, 9 sats, max 2 per person", Tier("VIP", 9000, None, None, None, 2)),
        ("Tier: VIP, 9 sats, 2 per buyer", Tier("VIP", 9000, None, None, None, 2)),
        ("Tier: VIP, 9 sats until 2027-03-20 18:00", Tier("VIP", 9000, None, None, MARCH)),
        (
            "Tier: VIP, 9 sats, sold from 2027-02-01, until 2027-02-02",
            Tier("VIP", 9000, None, FEBRUARY, FEBRUARY + 2 * DAY),  # that day included
        ),
    ],
)
def test_a_tier_in_a_line(line: str, tier: Tier) -> None:
    found = read(line)
    assert found.tiers == (tier,)
    assert not found.general
    assert found.summary == ""


@pytest.mark.parametrize(
    ("line", "bird"),
    [
        ("Early bird: 7000 sats, first 20", EarlyBird("", 7_000_000, None, 20)),
        ("Early bird: 7000 sats for the first 20 seats", EarlyBird("", 7_000_000, None, 20)),
        ("early-bird: 7000 until 2027-01-31", EarlyBird("", 7_000_000, FEBRUARY)),
        (
            "Early bird: until 2027-02-01 00:00 Europe/Lisbon, 7 sats",
            EarlyBird("", 7000, FEBRUARY),
        ),
        ("Early bird: free, first 3", EarlyBird("", 0, None, 3)),
    ],
)
def test_an_early_bird_in_a_line(line: str, bird: EarlyBird) -> None:
    assert read("Price: 9000 sats", line).early_birds == (bird,)


def test_an_early_bird_of_a_tier() -> None:
    found = read("Tier: VIP, 9 sats", "Tier: GA, 5 sats", "Early bird: ga, 3 sats, first 4")
    assert found.early_birds == (EarlyBird("GA", 3000, None, 4),)


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("Question: Which wine? Red / White", Question("Which wine?", ("Red", "White"))),
        ("Question: Size? S, M, L", Question("Size?", ("S", "M", "L"))),
        ("Question: Your name on the badge", Question("Your name on the badge")),
        ("Question: A diet? (optional)", Question("A diet? (optional)")),
        ("Question: Size? S | M (optional)", Question("Size? (optional)", ("S", "M"))),
        ("Question: Sure? Really? Yes / No", Question("Sure? Really?", ("Yes", "No"))),
    ],
)
def test_a_question_in_a_line(line: str, question: Question) -> None:
    assert read(line).questions == (question,)


@pytest.mark.parametrize("label", ["Per buyer", "Max per buyer", "per person"])
def test_an_age_and_a_maximum(label: str) -> None:
    found = read("Age: 18+", f"{label}: 4", "Price: 5")
    assert (found.age, found.max_per_buyer, found.price_msat) == (18, 4, 5000)


def test_lines_say_what_tags_of_that_name_do_not() -> None:
    tags: tuple[list[str], ...] = (["tier", "Old", "1", "SAT"], ["question", "Which?", "A", "B"])
    found = read("Tier: New, 2 sats", tags=tags)
    assert [tier.name for tier in found.tiers] == ["New"]
    assert found.questions == (Question("Which?", ("A", "B")),)


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (["Tier: VIP"], {"Tier VIP": "line-price"}),
        (["Tier:"], {"Tier": "line-price"}),
        (["Tier: , 5 sats"], {"Tier 5 sats": "line-price"}),
        (["Tier: 2027, 5 sats"], {"Tier": "tier-name"}),
        (["Tier: VIP, lots of money"], {"Tier VIP": "line-part"}),
        (["Tier: VIP, 5 sats, best view"], {"Tier VIP": "line-part"}),
        (["Tier: VIP, 5 sats, 6 sats"], {"Tier VIP": "given-twice"}),
        (["Tier: VIP, 5,000 sats"], {"Tier VIP": "price-comma"}),
        (["Tier: VIP, 20 EUR"], {"Tier VIP": "price-fiat"}),
        (["Tier: VIP, $20"], {"Tier VIP": "price-fiat"}),
        (["Tier: VIP, -5 sats"], {"Tier VIP": "price-negative"}),
        (["Tier: VIP, 5 sats, many seats"], {"Tier VIP": "count"}),
        (["Tier: VIP, 5 sats, until friday"], {"Tier VIP": "time-local"}),
        (["Tier: VIP, 5 sats, until 2027-13-01"], {"Tier VIP": "time-day"}),
        (["Tier: VIP, 5 sats, until 9999-12-31"], {"Tier VIP": "time-day"}),
        (["Tier: VIP, 5 sats, until 2027-02-01 18:00 Lisboa"], {"Tier VIP": "zone-unknown"}),
        (
            ["Tier: VIP, 5 sats, from 2027-02-02, until 2027-02-01"],
            {"Tier VIP": "sales-end-early"},
        ),
        (["Tier: VIP, 5 sats", "Tier: vip, 6 sats"], {"Tier vip": "tier-twice"}),
        (["Tier: A, x", "Tier: B, y"], {"Tier A": "line-part", "Tier B": "line-part"}),
        ([f"Tier: T{n}, 5 sats" for n in "abcdefghijk"], {"Tier": "tier-many"}),
        (["Price: 9", "Early bird: 5 sats"], {"Early bird": "line-early-bird"}),
        (
            ["Price: 9", "Early bird: 5, first 2, until 2027-02-01"],
            {"Early bird": "line-early-bird"},
        ),
        (["Price: 9", "Early bird: first 2"], {"Early bird": "line-price"}),
        (["Price: 9", "Early bird: 12 sats, first 2"], {"Early bird": "early-bird-dear"}),
        (["Price: 9", "Early bird: 5 sats, first few"], {"Early bird": "count"}),
        (["Price: 9", "Early bird: Gold, 5 sats, first 2"], {"Early bird": "early-bird-tier"}),
        (
            ["Price: 9", "Early bird: 5, first 2", "Early bird: 4", "Early bird: 30, first 1"],
            {"Early bird 2": "line-early-bird"},
        ),
        (["Question:"], {"Question": "question-empty"}),
        (["Question: A?", "Question: ?"], {"Question 2": "question-empty"}),
        ([f"Question: {'x' * 141}?"], {"Question": "question-long"}),
        (["Question: A? " + " / ".join("bcdefghijkl")], {"Question": "question-choices"}),
        (["Question: A?", "Question: a?"], {"Question 2": "question-twice"}),
        (["Question: A?"] * 4, {"Question": "question-many"}),
        (["Age: old"], {"Age": "age-years"}),
        (["Age: 12", "Age: 18"], {"Age": "given-twice"}),
        (["Per buyer: none"], {"Per buyer": "count"}),
        (["Tier: <script>alert(1)</script>"], {"Tier <script>alert(1)</script>": "line-price"}),
        (["Tier: =cmd()"], {"Tier =cmd()": "line-price"}),
    ],
)
def test_what_is_wrong_with_a_line(lines: list[str], wrong: dict[str, str]) -> None:
    assert problems(note(*HEAD, *lines)) == wrong


def test_each_problem_shows_a_line_and_no_tag() -> None:
    lines = ("Tier: VIP", "Early bird: 1", "Question:", "Age: x", "Per buyer: x", "Price: x")
    with pytest.raises(ListingProblems) as caught:
        read_listing(note(*HEAD, *lines), BOT)
    examples = [str(one.values["example"]) for one in caught.value.problems]
    assert len(examples) == len(lines)
    assert not [example for example in examples if "[" in example or ":" not in example]


def test_the_example_of_each_line_can_be_sold() -> None:
    with pytest.raises(ListingProblems) as caught:
        read_listing(note(*HEAD, "Tier: VIP", "Early bird: 1", "Question:", "Age: x"), BOT)
    examples: list[Any] = [one.values["example"] for one in caught.value.problems]
    found = read(*examples)
    assert len(found.tiers) == len(found.early_birds) == len(found.questions) == 1


def test_a_when_that_is_broken_is_told_once() -> None:
    lines = ("Title: X", "When: friday", "Tier: VIP, 5 sats, until 2027-02-01 18:00")
    assert problems(note(*lines)) == {"When": "time-local"}


@given(st.sampled_from(["Tier", "Early bird", "Question", "Age", "Per buyer"]), st.text())
def test_any_line_is_read_or_named(label: str, text: str) -> None:
    try:
        read(f"{label}: {text}", "Price: 9 sats")
    except ListingProblems as wrong:
        for problem in wrong.problems:
            assert problem.field.split()[0] in ("Tier", "Early", "Question", "Age", "Per", "Price")
            assert len(problem.field) <= 50


def test_a_note_without_end_is_read_in_time() -> None:
    lines = [f"Tier: T{n}, 5 sats, " + "a, " * 50 for n in range(1000)]
    with pytest.raises(ListingProblems) as caught:
        read(*lines)
    assert 0 < len(caught.value.problems) <= 60
