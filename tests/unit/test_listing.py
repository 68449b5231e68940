"""Organizers' notes: what is put on sale, and every mistake told at once."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbot.domain.listing import Listing
from ticketbot.domain.listing_note import ListingProblems, is_for, read_listing, says_cancelled
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.nostr import Event
from ticketbot.domain.note import looks_like_listing
from ticketbot.domain.offer import Tier
from ticketbot.domain.sheet import Problem

BOT, ORGANIZER, NOTE_ID = "b0" * 32, "a1" * 32, "e2" * 32
NOW = 1_790_000_000
START = 1_804_100_400
HOUR, DAY = 3600, 86_400

BASE = {
    31923: [["d", "meet"], ["title", "Lisbon Meetup"], ["start", str(START)], ["p", BOT]],
    31922: [["d", "meet"], ["title", "Lisbon Meetup"], ["start", "2027-03-01"], ["p", BOT]],
}


def event(
    *tags: list[str], kind: int = 31923, without: str = "", content: str = "", at: int = NOW
) -> Event:
    """The sample note with these tags instead of its own of the same name."""
    names = {tag[0] for tag in tags if tag} | {without}
    kept = [tag for tag in BASE.get(kind, []) if tag[0] not in names]
    return Event(NOTE_ID, ORGANIZER, at, kind, [*kept, *tags], content, "0" * 128)


def note(*lines: str, tags: tuple[list[str], ...] = ()) -> Event:
    return event(*tags, kind=1, content="\n".join(lines))


def read(*tags: list[str], **how: object) -> Listing:
    return read_listing(event(*tags, **how), BOT)  # type: ignore[arg-type]


def problems(of: Event) -> dict[str, str]:
    with pytest.raises(ListingProblems) as caught:
        read_listing(of, BOT)
    for problem in caught.value.problems:
        assert problem.values["field"] == problem.field
        assert all(len(str(value)) <= 120 for value in problem.values.values())
    fields = [problem.field for problem in caught.value.problems]
    assert len(fields) == len(set(fields))
    return {problem.field: problem.sentence for problem in caught.value.problems}


def test_the_least_that_a_calendar_event_needs() -> None:
    assert read() == Listing(
        event_id=f"31923:{ORGANIZER}:meet",
        organizer=ORGANIZER,
        kind=31923,
        note_id=NOTE_ID,
        created_at=NOW,
        title="Lisbon Meetup",
        summary="",
        place="",
        start=START,
        end=START + 6 * HOUR,
        timezone="UTC",
        all_day=False,
        price_msat=0,
        stock=None,
        tiers=(),
        sales_start=None,
        sales_end=None,
        max_per_buyer=None,
        ephemeral=True,
        categories=(),
        cancelled=False,
        image=None,
        general=True,
    )


def test_everything_a_calendar_event_can_say() -> None:
    listing = read(
        ["end", str(START + 3 * HOUR)],
        ["start_tzid", "europe/lisbon"],
        ["end_tzid", "Europe/Madrid"],
        ["D", "20880"],
        ["location", "Rua do Ouro 1"],
        ["location", "Room 2"],
        ["summary", "Beer  and\nBitcoin"],
        ["image", "javascript:alert(1)"],
        ["image", "https://example.com/a.png"],
        ["price", "5000", "SAT"],
        ["stock", "100"],
        ["sales_start", str(NOW)],
        ["sales_end", str(START)],
        ["max_per_buyer", "4"],
        ["ephemeral", "never"],
        ["t", "Bitcoin"],
        ["t", "#beer"],
        ["t", "bitcoin"],
        ["status", "confirmed"],
        content="long description",
    )
    assert (listing.end, listing.timezone) == (START + 3 * HOUR, "Europe/Lisbon")
    assert listing.place == "Rua do Ouro 1, Room 2"
    assert listing.summary == "Beer and Bitcoin"
    assert listing.image == "https://example.com/a.png"
    assert (listing.price_msat, listing.stock) == (5_000_000, 100)
    assert (listing.sales_start, listing.sales_end) == (NOW, START)
    assert listing.max_per_buyer == 4
    assert listing.ephemeral is False
    assert listing.categories == ("bitcoin", "beer")
    assert listing.cancelled is False


def test_listings_survive_the_ledger() -> None:
    listing = read(["tier", "VIP", "20000", "SAT", "10"], ["tier", "GA", "5"], ["t", "a"])
    again = Listing.from_json(orjson.loads(orjson.dumps(listing.to_json())))
    assert again == listing
    assert hash(again) == hash(listing)


def test_titles_are_cleaned_and_cut() -> None:
    assert read(["title", " Lis\u200bbon\u202e \n Meetup\x07 "]).title == "Lisbon Meetup"
    assert len(read(["title", "x" * 500]).title) == 120
    assert len(read(["location", "x" * 500]).place) == 200
    assert len(read(content="x" * 5_000).summary) == 500
    assert read(["name", "Old Name"], without="title").title == "Old Name"


def test_the_summary_names_no_keys() -> None:
    npub, other = npub_encode(BOT), npub_encode(ORGANIZER)
    summary = read(content=f"Ask nostr:{npub} for tickets, nostr:{other} hosts").summary
    assert summary == "Ask for tickets, … hosts"


def test_an_all_day_event_ends_when_its_day_is_over_everywhere() -> None:
    listing = read(kind=31922)
    first = int(datetime(2027, 3, 1, tzinfo=UTC).timestamp())
    assert (listing.start, listing.end) == (first, first + DAY + 12 * HOUR)
    assert (listing.all_day, listing.timezone, listing.last_day) == (True, "UTC", first)
    assert listing.event_id == f"31922:{ORGANIZER}:meet"
    three = read(["end", "2027-03-04"], kind=31922)
    assert (three.end, three.last_day) == (first + 3 * DAY + 12 * HOUR, first + 2 * DAY)


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        ([["title", ""]], {"title": "title-missing"}),
        ([["title", " \u200b\u3164 "]], {"title": "title-missing"}),
        ([["title"]], {"title": "title-missing"}),
        ([["d", ""]], {"d": "d-missing"}),
        ([["d", "a\nb"]], {"d": "d-odd"}),
        ([["d", "é" * 101]], {"d": "d-odd"}),
        ([["start", ""]], {"start": "time-missing"}),
        ([["start", "2027-03-01"]], {"start": "time-number"}),
        ([["start", f"{START}000"]], {"start": "time-number"}),
        ([["start", "-5"]], {"start": "time-number"}),
        ([["start", str(2**32)]], {"start": "time-number"}),
        ([["start", str(NOW + 8_000 * DAY)]], {"start": "time-far", "end": "time-far"}),
        ([["start", "1"], ["start", "2"]], {"start": "given-twice"}),
        ([["end", str(START - 1)]], {"end": "end-early"}),
        ([["end", str(START)]], {"end": "end-early"}),
        ([["end", str(NOW + 8_000 * DAY)]], {"end": "time-far"}),
        ([["end", "later"]], {"end": "time-number"}),
        ([["start_tzid", "Europe/Lisboa"]], {"start_tzid": "zone-unknown"}),
        ([["end_tzid", "Mars/Olympus"]], {"end_tzid": "zone-unknown"}),
        ([["price", "-5"]], {"price": "price-negative"}),
        ([["price", "-5", "SAT"]], {"price": "price-negative"}),
        ([["price", "5,000"]], {"price": "price-comma"}),
        ([["price", "0.1 btc"]], {"price": "price-unit-inside"}),
        ([["price", "20", "USD"]], {"price": "price-fiat"}),
        ([["price"]], {"price": "price-number"}),
        ([["price", "1"], ["price", "2"]], {"price": "given-twice"}),
        ([["price", "1"], ["price", "20", "USD"]], {"price": "given-twice"}),
        ([["stock", "-1"]], {"stock": "count"}),
        ([["stock", "1.5"]], {"stock": "count"}),
        ([["stock", "many"]], {"stock": "count"}),
        ([["stock", "1000001"]], {"stock": "count"}),
        ([["stock", "9" * 5_000]], {"stock": "count"}),
        ([["stock", "٣"]], {"stock": "count"}),
        ([["stock", "1"], ["stock", "2"]], {"stock": "given-twice"}),
        ([["max_per_buyer", "0"]], {"max_per_buyer": "count"}),
        ([["sales_start", "soon"]], {"sales_start": "time-number"}),
        ([["sales_start", "20"], ["sales_end", "10"]], {"sales_end": "sales-end-early"}),
        ([["sales_start", str(START + DAY)]], {"sales_start": "sales-start-late"}),
        ([["ephemeral", "nevr"]], {"ephemeral": "ephemeral-value"}),
        ([["ephemeral", "never"], ["ephemeral", "always"]], {"ephemeral": "given-twice"}),
        ([["tier", "", "5"]], {"tier": "tier-name"}),
        ([["tier", "2", "5"]], {"tier": "tier-name"}),
        ([["tier"]], {"tier": "tier-name"}),
        ([["tier", "VIP"]], {"tier VIP": "price-number"}),
        ([["tier", "VIP", "5,000"]], {"tier VIP": "price-comma"}),
        ([["tier", "VIP", "5", "SAT", "-1"]], {"tier VIP": "count"}),
        ([["tier", "VIP", "5"], ["tier", "vip", "6"]], {"tier vip": "tier-twice"}),
        ([["tier", f"T{n}", "5"] for n in range(11)], {"tier": "tier-many"}),
    ],
)
def test_what_is_wrong_with_a_calendar_event(tags: list[list[str]], wrong: dict[str, str]) -> None:
    assert problems(event(*tags)) == wrong


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        ([["start", "1804100400"]], {"start": "time-day"}),
        ([["start", "2027-02-29"]], {"start": "time-day"}),
        ([["end", "2027-03-01"]], {"end": "end-early"}),
        ([["end", "2027-02-28"]], {"end": "end-early"}),
        ([["start", "9999-12-31"]], {"start": "time-range"}),
        ([["start", "1900-01-01"]], {"start": "time-range"}),
    ],
)
def test_what_is_wrong_with_an_all_day_event(tags: list[list[str]], wrong: dict[str, str]) -> None:
    assert problems(event(*tags, kind=31922)) == wrong


def test_all_that_is_wrong_is_told_at_once_with_an_example_each() -> None:
    bad = event(["price", "5,000"], ["stock", "x"], ["start", "?"], ["title", ""], ["tier", "A"])
    assert problems(bad) == {
        "title": "title-missing",
        "start": "time-number",
        "tier A": "price-number",
        "price": "price-comma",
        "stock": "count",
    }
    with pytest.raises(ListingProblems) as caught:
        read_listing(event(["price", "5,000"]), BOT)
    assert caught.value.title == "Lisbon Meetup"
    example = '["price","5000","SAT"]'
    values = {"field": "price", "example": example, "text": "5,000"}
    assert caught.value.problems == (Problem("price", "price-comma", values),)


def test_an_impossible_note() -> None:
    assert problems(event(kind=30402, content="")) == {
        "title": "title-missing",
        "d": "d-missing",
        "kind": "kind-unknown",
    }
    assert problems(event(at=2**40)) == {"created_at": "created-at"}


def test_prices_that_agree_are_one_price() -> None:
    assert read(["price", "5000", "SAT"], ["price", "5000"]).price_msat == 5_000_000


def test_tiers_alone_are_the_only_tickets() -> None:
    listing = read(["tier", "VIP", "20000", "SAT", "10"], ["tier", "Early  Bird", "3000"])
    assert listing.tiers == (Tier("VIP", 20_000_000, 10), Tier("Early Bird", 3_000_000, None))
    assert listing.general is False
    assert listing.price_msat == 3_000_000
    assert listing.prices == (3_000_000, 20_000_000)
    assert listing.tier("vip") == listing.tiers[0]
    assert listing.tier(" early BIRD ") == listing.tiers[1]
    assert listing.tier("ga") is None


def test_a_price_beside_tiers_is_general_admission() -> None:
    listing = read(["price", "5000"], ["tier", "VIP", "20000"])
    assert (listing.general, listing.price_msat) == (True, 5_000_000)
    assert listing.prices == (5_000_000, 20_000_000)


def test_a_price_that_a_tier_has_too_only_advertises_it() -> None:
    listing = read(["price", "5000"], ["tier", "GA", "5000", "", "50"], ["tier", "VIP", "20000"])
    assert listing.general is False
    assert listing.prices == (5_000_000, 20_000_000)


def test_cancelled() -> None:
    for word in ("cancelled", "Canceled", " CANCELLED "):
        assert read(["status", word]).cancelled
    assert says_cancelled(event(["status", "cancelled"], without="title"))
    assert not says_cancelled(event(["status", "tentative"]))
    assert not says_cancelled(event(["status"]))


def test_whom_a_note_is_for() -> None:
    assert is_for(event(), BOT)
    assert is_for(event(["p", ORGANIZER], ["p", BOT, "wss://r", "tickets"]), BOT)
    assert not is_for(event(["p", ORGANIZER]), BOT)
    assert not is_for(event(["p"], ["P", BOT], content=f"nostr:{npub_encode(BOT)}"), BOT)
    assert is_for(note(f"hello nostr:{npub_encode(BOT)}!"), BOT)
    assert is_for(note("hello", tags=(["p", BOT],)), BOT)
    assert not is_for(note(f"hello nostr:{npub_encode(ORGANIZER)}"), BOT)
    assert not is_for(note(f"hello {npub_encode(BOT)[:-1]}q"), BOT)


NAMES = ["d", "title", "start", "end", "start_tzid", "price", "stock", "tier", "status", "t", "p"]
NAMES += ["early_bird", "question", "age"]
NAMES += ["sales_start", "sales_end", "max_per_buyer", "ephemeral", "image", "location", "summary"]
VALUES = [
    "",
    "1",
    "first",
    "until",
    "VIP",
    "18",
    "5000",
    "SAT",
    "BTC",
    "0.1 btc",
    str(START),
    "2027-03-01",
    "Europe/Lisbon",
    "never",
]
CELL = st.sampled_from(NAMES + VALUES) | st.text(max_size=30)
TAGS = st.lists(st.lists(CELL, max_size=6), max_size=12)
LINE = st.builds(
    "{}: {}".format,
    st.sampled_from(["Title", "When", "until", "Where", "Price", "SEATS", "Note"]),
    CELL | st.sampled_from(["2027-03-01 19:00 UTC", "5000 sats", "23:00"]),
)


@settings(deadline=None)
@given(
    TAGS,
    st.sampled_from([1, 31922, 31923, 0]),
    st.lists(LINE, max_size=6).map("\n".join) | st.text(),
    st.integers(-1, 2**53) | st.just(NOW),
    st.booleans(),
)
def test_no_note_raises_anything_but_its_problems(
    tags: list[list[str]], kind: int, content: str, at: int, based: bool
) -> None:
    tags = BASE.get(kind, []) * based + tags
    fuzzed = Event(NOTE_ID, ORGANIZER, at, kind, tags, content, "")
    is_for(fuzzed, BOT)
    looks_like_listing(fuzzed)
    try:
        listing = read_listing(fuzzed, BOT)
    except ListingProblems:
        return
    assert 0 < listing.start < listing.end < 2**32 - 30 * DAY
    assert min(listing.prices) >= 0
    assert listing.title
    assert Listing.from_json(orjson.loads(orjson.dumps(listing.to_json()))) == listing
