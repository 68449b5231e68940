"""Ordinary notes (kind 1) with everything in their lines, as the pages for organizers show them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.story.cast import Organizer, Person
from tests.story.test_protocol_document import moved, of
from ticketbot.domain.listing_note import read_listing
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.nostr import Event

DOCS = Path(__file__).parents[2] / "docs"
BOT = of("note")[0]["tags"][-1][1]


def on_the_organizers_page() -> list[str]:
    """The notes in docs/organizers.md, with times to come."""
    page = (DOCS / "organizers.md").read_text("utf-8")
    found = re.findall(r"^```text\n(.*?)^```$", page, re.M | re.S)
    return [moved(text) for text in found if "\nTitle: " in text]


async def test_what_the_page_for_organizers_shows_is_sold_as_it_says(
    organizer: Organizer, alice: Person
) -> None:
    bot = f"nostr:{npub_encode(organizer.stage.keys.pubkey)}"
    for text in on_the_organizers_page():
        written = text.replace("nostr:npub1…(the bot)", bot)
        await organizer.publish(1, [["p", organizer.stage.keys.pubkey]], written)
        await organizer.hears("On sale: ")
    told = await organizer.hears("Viseu Wine Evening")
    for line in (
        "Standing: 7,000 sats for the next 20, then 10,000 sats · 50 seats left",
        "At most 4 tickets per person",
        "For people of 18 years and over",
        "Asked when you buy: Which wine? (Red, White)",
        "Asked when you buy: Anything you do not eat? (optional)",
        "Eight wines and a view.",
    ):
        assert line in told, told
    await alice.says("buy viseu 2 table")
    await alice.hears("Are you?")
    await alice.says("yes")
    await alice.hears("Question 1 of 2: Which wine?")
    await alice.says("white")
    await alice.hears("Question 2 of 2")
    await alice.says("skip")
    assert "2 × Viseu Wine Evening (Table) = 50,000 sats" in await alice.hears("Order ")
    await alice.pays(await alice.gets_an_invoice())
    await alice.gets_a_ticket()
    await alice.says("buy viseu 1 table")
    await alice.hears("At most 2")


def test_both_pages_show_the_same_note() -> None:
    (there,) = [note["content"] for note in of("note") if "Viseu" in note["content"]]
    (here,) = [text for text in on_the_organizers_page() if "Viseu" in text]
    assert here.replace("  nostr:npub1…(the bot)", "").strip() == there


def test_its_lines_are_the_tags_of_a_calendar_event() -> None:
    (note,) = [note for note in of("note") if "Viseu" in note["content"]]
    lines = as_sold(1, note["tags"], note["content"])
    start, end = lines["start"], lines["end"]
    table_until = lines["tiers"][1][4]
    tags = [
        *(["d", "viseu"], ["title", "Viseu Wine Evening"], ["start_tzid", "Europe/Lisbon"]),
        *(["start", str(start)], ["end", str(end)], ["location", "Largo da Misericórdia"]),
        ["stock", "60"],
        ["tier", "Standing", "10000", "SAT", "50"],
        ["tier", "Table", "30000", "SAT", "20", "", str(table_until), "2"],
        ["early_bird", "7000", "SAT", "first", "20", "Standing"],
        ["early_bird", "25000", "SAT", "until", str(lines["early_birds"][1][2]), "Table"],
        ["question", "Which wine?", "Red", "White"],
        ["question", "Anything you do not eat? (optional)"],
        *(["age", "18"], ["max_per_buyer", "4"]),
    ]
    said = as_sold(31923, tags, "Eight wines and a view.")
    differs = {"kind", "event_id"}
    assert {k: v for k, v in lines.items() if k not in differs} == {
        k: v for k, v in said.items() if k not in differs
    }
    assert start < end and table_until % 60 == 0


def as_sold(kind: int, tags: list[list[str]], content: str) -> dict[str, Any]:
    event = Event("0" * 64, "a" * 64, 1_790_000_000, kind, tags, content, "0" * 128)
    return read_listing(event, BOT).to_json()


async def test_a_line_that_cannot_be_read_is_named(organizer: Organizer) -> None:
    lines = ["Title: Faro Night", "When: 2027-03-01 19:00 Europe/Lisbon", "Price: 9 sats"]
    lines += ["Tier: Balcony, best view, 9 sats", "Early bird: 5 sats", "Age: young"]
    await organizer.publish(1, [["p", organizer.stage.keys.pubkey]], "\n".join(lines))
    told = (await organizer.hears("I cannot sell")).splitlines()
    assert told[1] == (
        '- Tier Balcony: I do not understand "best view" there. Leave it out, or write the line'
        " like Tier: VIP, 20000 sats, 10 seats, 2 per buyer, until 2027-03-01 18:00"
    )
    assert told[2].startswith("- Early bird: An early bird says either until when")
    assert told[3].startswith('- Age: "young" is not an age')
