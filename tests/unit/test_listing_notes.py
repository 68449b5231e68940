"""Kind-1 notes with labelled lines, as listings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.unit.test_listing import BOT, HOUR, NOTE_ID, event, note, problems
from ticketbot.domain.listing_note import is_for, read_listing
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.note import looks_like_listing

MENTION = f"nostr:{npub_encode(BOT)}"


def test_a_labelled_note() -> None:
    written = note(
        f"Tickets from {MENTION} now!",
        "title: Lisbon Meetup",
        "📅 **When:** 2027-03-01 19:00 Europe/Lisbon",
        "- Until: 01:00",
        "WHERE : Rua do Ouro 1",
        "Price: 5000 sats",
        "Seats: 100 seats",
        "See you there",
        tags=(["t", "meetup"], ["max_per_buyer", "2"], ["title", "Another"]),
    )
    assert is_for(written, BOT)
    assert looks_like_listing(written)
    listing = read_listing(written, BOT)
    start = int(datetime(2027, 3, 1, 19, tzinfo=UTC).timestamp())
    assert (listing.event_id, listing.kind) == (NOTE_ID, 1)
    assert listing.title == "Lisbon Meetup"
    assert (listing.start, listing.end) == (start, start + 6 * HOUR)
    assert listing.timezone == "Europe/Lisbon"
    assert listing.place == "Rua do Ouro 1"
    assert (listing.price_msat, listing.stock) == (5_000_000, 100)
    assert listing.summary == "Tickets from now! See you there"
    assert (listing.categories, listing.max_per_buyer) == (("meetup",), 2)


TITLE, WHEN = "Title: X", "When: 2027-03-01 19:00 UTC"


@pytest.mark.parametrize(
    ("line", "sats"),
    [
        ("Price: 5000 sats", 5000),
        ("Price: 5000", 5000),
        ("Price: 5000sats", 5000),
        ("Price: free", 0),
        ("Price: Free entry!", None),
        ("Price: free entry", 0),
        ("Price: 0.001 BTC", 100_000),
        ("price: 0.1 btc", 10_000_000),
        ("Price: ₿0.001", 100_000),
        ("Price: 2000000 msat", 2000),
        ("no price at all", 0),
    ],
)
def test_prices_in_a_labelled_note(line: str, sats: int | None) -> None:
    if sats is None:
        assert problems(note(TITLE, WHEN, line)) == {"Price": "price-number"}
    else:
        assert read_listing(note(TITLE, WHEN, line), BOT).price_msat == sats * 1000


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ([WHEN], {"Title": "title-missing"}),
        (["Title:", WHEN], {"Title": "title-missing"}),
        ([TITLE], {"When": "time-missing"}),
        ([TITLE, "When: friday"], {"When": "time-local"}),
        ([TITLE, "When: 2027-03-01 19:00"], {"When": "zone-missing"}),
        ([TITLE, "When: 2027-03-01 19:00 Lisbon"], {"When": "zone-unknown"}),
        ([TITLE, WHEN, "When: 2027-03-02 19:00 UTC"], {"When": "given-twice"}),
        ([TITLE, "When: 2057-03-01 19:00 UTC"], {"When": "time-far", "Until": "time-far"}),
        ([TITLE, WHEN, "Ends: 2027-03-01 18:00"], {"Until": "end-early"}),
        ([TITLE, WHEN, "Until: late"], {"Until": "time-local"}),
        ([TITLE, WHEN, "Price: -5 sats"], {"Price": "price-negative"}),
        ([TITLE, WHEN, "Price: 5,000 sats"], {"Price": "price-comma"}),
        ([TITLE, WHEN, "Price: $20"], {"Price": "price-fiat"}),
        ([TITLE, WHEN, "Price: 20 EUR"], {"Price": "price-fiat"}),
        ([TITLE, WHEN, "Price: 20€"], {"Price": "price-fiat"}),
        ([TITLE, WHEN, "Price:"], {"Price": "price-number"}),
        ([TITLE, WHEN, "Price: ask me"], {"Price": "price-number"}),
        ([TITLE, WHEN, "Price: 1", "Price: 2"], {"Price": "given-twice"}),
        ([TITLE, WHEN, "Seats: plenty"], {"Seats": "count"}),
        (["just chatting"], {"Title": "title-missing", "When": "time-missing"}),
    ],
)
def test_what_is_wrong_with_a_labelled_note(lines: list[str], wrong: dict[str, str]) -> None:
    assert problems(note(*lines)) == wrong


@pytest.mark.parametrize(
    ("lines", "listing"),
    [
        ([TITLE, WHEN], True),
        ([WHEN, "Price: 5000"], True),
        ([TITLE, "Seats: 5"], True),
        ([f"hey {MENTION}, how are you?"], False),
        (["When: soon!", "Where: here"], False),
        (["Price: what a steal"], False),
        (["Whenever: 1", "My title: 2"], False),
    ],
)
def test_chatter_is_no_listing(lines: list[str], listing: bool) -> None:
    assert looks_like_listing(note(*lines)) is listing


def test_calendar_events_always_look_like_one() -> None:
    assert looks_like_listing(event(without="title"))
    assert looks_like_listing(event(kind=31922))
    assert not looks_like_listing(event(kind=7))
