"""Prices as organizers write them, and amounts as buyers read them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbot.domain.money import HIGHEST_PRICE, SAT, PriceProblem, format_sats, read_price


@pytest.mark.parametrize(
    ("number", "currency", "sats"),
    [
        ("5000", "SAT", 5000),
        ("5000", "", 5000),
        (" 5000 ", " sats ", 5000),
        ("1", "satoshi", 1),
        ("0", "SAT", 0),
        ("0", "BTC", 0),
        ("free", "", 0),
        ("Free", "entry", 0),
        ("5000000", "msat", 5000),
        ("0.001", "BTC", 100_000),
        (".001", "btc", 100_000),
        ("0.00000001", "btc", 1),
        ("0.10000000", "BTC", 10_000_000),
        ("0.1", "₿", 10_000_000),
        ("007", "sat", 7),
        ("100", "BTC", HIGHEST_PRICE // SAT),
    ],
)
def test_prices_are_read_in_whole_sats(number: str, currency: str, sats: int) -> None:
    assert read_price(number, currency) == sats * SAT


@pytest.mark.parametrize(
    ("number", "currency", "sentence"),
    [
        ("-5", "SAT", "price-negative"),
        ("-5", "", "price-negative"),
        ("−5", "SAT", "price-negative"),
        ("-0.1", "BTC", "price-negative"),
        ("5,000", "SAT", "price-comma"),
        ("5.000,00", "SAT", "price-comma"),
        ("5 000", "SAT", "price-comma"),
        ("5'000", "SAT", "price-comma"),
        ("5_000", "", "price-comma"),
        ("5.000.000", "SAT", "price-comma"),
        ("0,001", "BTC", "price-comma"),
        ("0.1 btc", "", "price-unit-inside"),
        ("0.1 btc", "BTC", "price-unit-inside"),
        ("5000sats", "", "price-unit-inside"),
        ("20 USD", "", "price-fiat"),
        ("20€", "", "price-fiat"),
        ("$20", "", "price-fiat"),
        ("20", "USD", "price-fiat"),
        ("20", "eur", "price-fiat"),
        ("20", "$", "price-fiat"),
        ("20", "doge coins", "price-currency"),
        ("21k", "", "price-currency"),
        ("5.000", "SAT", "price-whole"),
        ("5.5", "", "price-whole"),
        ("5000.0", "sats", "price-whole"),
        ("1500", "msat", "price-whole"),
        ("5000.0", "msat", "price-whole"),
        ("0.000000001", "BTC", "price-whole"),
        ("1.0000000000000000000000000000000001", "BTC", "price-whole"),
        ("101", "BTC", "price-high"),
        ("9" * 5000, "SAT", "price-high"),
        ("", "SAT", "price-number"),
        ("many", "SAT", "price-number"),
        ("1e5", "SAT", "price-number"),
        ("0x10", "SAT", "price-number"),
        ("٥٠٠٠", "SAT", "price-number"),
        ("NaN", "BTC", "price-number"),
        ("Infinity", "SAT", "price-number"),
    ],
)
def test_anything_else_is_refused_with_its_reason(
    number: str, currency: str, sentence: str
) -> None:
    with pytest.raises(PriceProblem) as caught:
        read_price(number, currency)
    assert caught.value.sentence == sentence
    assert all(len(str(value)) <= 50 for value in caught.value.values.values())


def test_a_unit_inside_the_number_is_taken_apart_for_the_organizer() -> None:
    with pytest.raises(PriceProblem) as caught:
        read_price("0.1 btc", "")
    assert caught.value.values == {"text": "0.1 btc", "number": "0.1", "unit": "BTC"}


@pytest.mark.parametrize(
    ("msat", "text"),
    [
        (0, "free"),
        (1_000, "1 sat"),
        (2_000, "2 sats"),
        (42_000_000, "42,000 sats"),
        (1_500, "1.5 sats"),
        (1_001, "1.001 sats"),
        (1, "0.001 sats"),
        (-2_000, "-2 sats"),
    ],
)
def test_amounts_read_well(msat: int, text: str) -> None:
    assert format_sats(msat) == text


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=12))
def test_no_text_raises_anything_else(number: str, currency: str) -> None:
    try:
        msat = read_price(number, currency)
    except PriceProblem:
        return
    assert 0 <= msat <= HIGHEST_PRICE
    assert msat % SAT == 0


@settings(deadline=None)
@given(st.integers(0, HIGHEST_PRICE // SAT))
def test_whole_sats_survive_exactly(sats: int) -> None:
    assert read_price(str(sats), "SAT") == sats * SAT
    assert read_price(f"{sats // 10**8}.{sats % 10**8:08}", "BTC") == sats * SAT
