"""Codes: how they are spelled, when they end, and what organizers type about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ledger.shelf import listing
from ticketbot.domain.command import Buy, Command, ListPromos, MakePromo, StopPromo
from ticketbot.domain.listing import Listing
from ticketbot.domain.offer import Tier
from ticketbot.domain.promo import ends_at, spelled
from ticketbot.domain.speech import has_verb, is_command, read_text
from ticketbot.errors import Refused
from ticketbot.handlers.finding import tier_and_code
from ticketbot.ledger.listings import Listed

LISBON = ("lisbon",)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("friends", "FRIENDS"),
        (" Friends-2027 ", "FRIENDS-2027"),
        ("free", "FREE"),
        ("1st_wave", "1ST_WAVE"),
        ("ab", ""),
        ("x" * 25, ""),
        ("2027", ""),
        ("x20", ""),  # `buy lisbon x20` is a number of tickets
        ("20x", ""),
        ("1e9", ""),
        ("two", ""),
        ("tickets", ""),
        ("-off", ""),
        ("a b", ""),
        ("ſtraße", ""),
        ("a\u200bbc", ""),
    ],
)
def test_how_a_code_is_spelled(written: str, code: str) -> None:
    assert spelled(written) == code


def test_whatever_is_a_code_is_read_as_one_behind_buy() -> None:
    for code in ("FRIENDS", "1ST_WAVE", "20-OFF", "E20", "MAX", "XX2"):
        if spelled(code):
            assert read_text(f"buy lisbon 2 {code}") == Buy(("lisbon", code.lower()), 2)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("promo lisbon FRIENDS 20%", MakePromo(LISBON, "FRIENDS", 20)),
        ("promo lisbon friends 20 percent off", MakePromo(LISBON, "FRIENDS", 20)),
        ("promo lisbon FRIENDS 5000 sats off", MakePromo(LISBON, "FRIENDS", 0, 5_000_000)),
        ("promo lisbon FRIENDS 5000 off each ticket", MakePromo(LISBON, "FRIENDS", 0, 5_000_000)),
        ("promo lisbon FRIENDS 0.0001 btc off", MakePromo(LISBON, "FRIENDS", 0, 10_000_000)),
        (
            "Promo Lisbon FRIENDS 20% max 50 until 2027-02-01 tier Early Bird",
            MakePromo(LISBON, "FRIENDS", 20, 0, 50, "2027-02-01", "Early Bird"),
        ),
        (
            "promo lisbon FRIENDS 100% until 2027-02-01 18:00 max 1",
            MakePromo(LISBON, "FRIENDS", 100, 0, 1, "2027-02-01 18:00"),
        ),
        ("promo lisbon FRIENDS stop", StopPromo(LISBON, "FRIENDS")),
        ("promo lisbon", ListPromos(LISBON)),
        ("promos", ListPromos()),
        ("promos lisbon", ListPromos(LISBON)),
        ("promos lisbon from 11", ListPromos(LISBON, 11)),
    ],
)
def test_what_organizers_type(text: str, command: Command) -> None:
    assert read_text(text) == command


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("promo lisbon FRIENDS", "promo-how"),
        ("promo lisbon FRIENDS now", "promo-how"),
        ("promo lisbon FRIENDS 20% max 5 max 6", "promo-how"),
        ("promo lisbon FRIENDS 20% tier", "promo-how"),
        ("promo lisbon FRIENDS -20%", "promo-how"),
        ("promo lisbon FRIENDS 1000%", "promo-percent-range"),
        ("promo lisbon FRIENDS 5 eur off", "promo-amount"),
        ("promo lisbon FRIENDS 0 sats off", "promo-amount"),
        ("promo lisbon FRIENDS 20% max 0", "promo-max"),
        ("promo lisbon FRIENDS 20% max 9999999999", "promo-max"),
    ],
)
def test_what_cannot_be_read(text: str, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        read_text(text)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize(
    ("written", "zone", "stamp"),
    [
        ("2027-02-01", "Europe/Lisbon", 1_801_526_400),  # midnight after that day
        ("2027-02-01", "America/New_York", 1_801_544_400),
        ("2027-03-28", "Europe/Lisbon", 1_806_274_800),  # the day is an hour shorter
        ("2027-02-01 18:00", "Europe/Lisbon", 1_801_504_800),
    ],
)
def test_a_code_holds_through_its_last_day(written: str, zone: str, stamp: int) -> None:
    assert ends_at(written, replace(listing(), timezone=zone)) == stamp


@pytest.mark.parametrize(
    "written", ["", "tomorrow", "2027-02-30", "2027-13-01 18:00", "9999-12-31"]
)
def test_a_day_that_is_none(written: str) -> None:
    with pytest.raises(Refused):
        ends_at(written, listing())


TWO = replace(listing(), general=False, tiers=(Tier("GA", 1000, None), Tier("Early Bird", 1, None)))
ONE = replace(listing(), general=False, tiers=(Tier("VIP", 1000, None),))


@pytest.mark.parametrize(
    ("event", "left", "found"),
    [
        (listing(), (), ("", None)),
        (listing(), ("friends",), ("", "friends")),
        (listing(), ("code", "friends"), ("", "friends")),
        (TWO, ("ga",), ("GA", None)),
        (TWO, ("early", "bird"), ("Early Bird", None)),
        (TWO, ("early", "bird", "friends"), ("Early Bird", "friends")),
        (TWO, ("friends", "ga"), ("GA", "friends")),
        (TWO, ("ga", "with", "code", "friends"), ("GA", "friends")),
        (ONE, ("friends",), ("VIP", "friends")),
        (ONE, ("vip", "friends"), ("VIP", "friends")),
    ],
)
def test_a_tier_and_a_code_are_told_apart(
    event: Listing, left: tuple[str, ...], found: tuple[str, str | None]
) -> None:
    listed = Listed(event, "LISBON", "on-sale")
    assert tier_and_code(Buy(("lisbon", *left)), left, listed) == found


@pytest.mark.parametrize(
    ("event", "left", "sentence"),
    [
        (TWO, ("friends",), "tier-unknown"),  # a code alone does not say which tier
        (TWO, (), "tier-needed"),
        (listing(), ("two",), "quantity-in-digits"),
        (listing(), ("two", "words"), "tier-none"),
    ],
)
def test_what_is_neither_is_refused_without_a_look_at_codes(
    event: Listing, left: tuple[str, ...], sentence: str
) -> None:
    listed = Listed(event, "LISBON", "on-sale")
    with pytest.raises(Refused) as caught:
        tier_and_code(Buy(("lisbon", *left)), left, listed)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize(
    ("text", "command", "verb"),
    [
        ("cancel", True, True),
        ("tickets", True, True),
        ("buy porto 2", True, True),
        ("forget me", True, True),
        ("/event porto", True, True),
        ("event in Porto", False, True),
        ("ok", False, True),
        ("Alice", False, False),
        ("", False, False),
        ("🎸", False, False),
    ],
)
def test_who_is_asked_may_answer_or_command(text: str, command: bool, verb: bool) -> None:
    assert (is_command(text), has_verb(text)) == (command, verb)
