"""Organizers' notes: what is put on sale, what is refused and why, edits and cancellations."""

from __future__ import annotations

import pytest

from tests.story.cast import HOUR, WEEK, Organizer, Person, Stage
from ticketbot.texts import say


async def test_a_calendar_event_is_answered_with_what_is_on_sale(organizer: Organizer) -> None:
    await organizer.announces()
    assert await organizer.hears() == say("listing-new", title="Lisbon Meetup", code="lisbon")
    shown = (await organizer.hears()).splitlines()
    assert shown[0] == "Lisbon Meetup"
    assert shown[1].endswith("(Europe/Lisbon)")
    assert shown[2:6] == [
        "Praça do Comércio",
        "5,000 sats · 100 seats left",
        "An evening among friends.",
        "Get a ticket: buy lisbon",
    ]
    assert shown[6].startswith("nostr:naddr1")


async def test_a_plain_note_works_too(organizer: Organizer, alice: Person) -> None:
    lines = [
        "Title: Porto Night",
        "When: 2027-03-01 19:00 Europe/Lisbon",
        "Where: Ribeira",
        "Price: 5000 sats",
        "Seats: 2",
    ]
    await organizer.publish(1, [["p", organizer.stage.keys.pubkey]], "\n".join(lines))
    assert (await organizer.hears()).startswith("On sale: Porto Night.")
    assert await alice.buys("porto")


async def test_chatter_that_mentions_the_bot_is_not_a_listing(organizer: Organizer) -> None:
    await organizer.publish(1, [["p", organizer.stage.keys.pubkey]], "lovely bot!")
    assert await organizer.hears_nothing()


@pytest.mark.parametrize(
    ("tags", "field"),
    [
        ({"title": None}, "title"),
        ({"price": ["-5", "SAT"]}, "price"),
        ({"price": ["5,000", "SAT"]}, "price"),
        ({"price": ["0.1 btc"]}, "price"),
        ({"price": ["10", "EUR"]}, "price"),
        ({"end": 1}, "end"),
        ({"start_tzid": "Europe/Lisboa"}, "start_tzid"),
        ({"stock": -1}, "stock"),
    ],
)
async def test_a_mistake_is_told_field_by_field(
    organizer: Organizer, tags: dict[str, object], field: str
) -> None:
    await organizer.announces(**tags)
    lines = (await organizer.hears()).splitlines()
    assert lines[0].startswith("I cannot sell ")
    assert lines[1].startswith(f"- {field}: ")
    assert lines[-1] == "Publish the note again with this mended."


async def test_all_mistakes_are_told_at_once(organizer: Organizer) -> None:
    await organizer.announces(title=None, price=["-5", "SAT"], stock="many")
    problems = [line for line in (await organizer.hears()).splitlines() if line.startswith("- ")]
    assert len(problems) == 3


async def test_an_edit_is_on_sale_at_once_and_open_orders_keep_their_price(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    invoice = await alice.gets_an_invoice()
    await organizer.announces(price=["7000", "SAT"], at=int(stage.clock()) + 1)
    assert (await organizer.hears()).startswith("Updated: Lisbon Meetup (code lisbon).")
    await alice.pays(invoice)
    assert await alice.gets_a_ticket()
    await bob.says("buy lisbon")
    assert "= 7,000 sats" in await bob.hears("Order")


async def test_an_older_version_changes_nothing(organizer: Organizer, alice: Person) -> None:
    note = await organizer.has_on_sale()
    await organizer.announces(price=["1", "SAT"], at=note.created_at - 10)
    assert await organizer.hears_nothing()
    await alice.says("event lisbon")
    assert "5,000 sats" in await alice.hears()


async def test_an_edit_with_a_mistake_leaves_the_old_version_on_sale(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await organizer.announces(price=["-1", "SAT"], at=int(stage.clock()) + 1)
    assert "stays on sale" in await organizer.hears()
    assert await alice.buys("lisbon")


async def test_an_edit_need_not_name_the_bot(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await organizer.announces(p=None, price=["7", "SAT"], at=int(stage.clock()) + 1)
    assert (await organizer.hears()).startswith("Updated:")


async def test_stock_is_never_cut_below_what_is_sold(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=3)
    await alice.says("buy lisbon 2")
    await alice.pays(await alice.gets_an_invoice())
    await alice.gets_a_ticket()
    await organizer.announces(stock=1, at=int(stage.clock()) + 1)
    await organizer.hears("Updated")
    await bob.says("buy lisbon")
    assert (await bob.hears()).startswith("Sold out")


async def test_a_cancelled_event_is_off_sale_and_its_buyers_are_told(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    await organizer.announces(status="cancelled", at=int(stage.clock()) + 1)
    assert (await organizer.hears()).startswith("Lisbon Meetup is off sale.")
    assert "was cancelled by its organizer" in await alice.hears()
    await bob.says("buy lisbon")
    assert await bob.hears() == "Lisbon Meetup is cancelled, so there are no tickets for it."


async def test_money_for_a_cancelled_event_is_owed_back(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    invoice = await alice.gets_an_invoice()
    await organizer.announces(status="cancelled", at=int(stage.clock()) + 1)
    await alice.hears("cancelled")
    await alice.pays(invoice)
    assert (await alice.hears()).startswith(
        "Lisbon Meetup was cancelled, so your 5,000 sats goes back to you."
    )
    assert (await stage.operator.hears()).startswith("Alert: 5,000 sats of order")


@pytest.mark.parametrize("tag", ["a", "e"])
async def test_a_deleted_event_is_off_sale(
    stage: Stage, organizer: Organizer, alice: Person, tag: str
) -> None:
    note = await organizer.has_on_sale()
    target = note.address() if tag == "a" else note.id
    await organizer.publish(5, [[tag, target], ["k", "31923"]], "", int(stage.clock()) + 1)
    assert (await organizer.hears()).startswith("Lisbon Meetup is off sale.")
    await alice.says("buy lisbon")
    assert "is cancelled" in await alice.hears()


async def test_nobody_else_can_delete_an_event(organizer: Organizer, alice: Person) -> None:
    note = await organizer.has_on_sale()
    await alice.publish(5, [["a", note.address()], ["e", note.id]], "")
    assert await organizer.hears_nothing()
    assert await alice.buys("lisbon")


async def test_strangers_events_are_ignored_and_counted(stage: Stage, alice: Person) -> None:
    start = str(int(stage.clock()) + WEEK)
    tags = [["d", "x"], ["title", "Scam"], ["start", start], ["p", stage.keys.pubkey]]
    await alice.publish(31923, tags, "")
    assert await alice.hears_nothing()
    await stage.operator.says("status")
    assert "1 notes ignored" in await stage.operator.hears()


@pytest.mark.choices(organizers=None)
async def test_anyone_may_sell_where_the_operator_says_so(stage: Stage, alice: Person) -> None:
    start = str(int(stage.clock()) + WEEK)
    tags = [["d", "x"], ["title", "Open Mic"], ["start", start], ["p", stage.keys.pubkey]]
    await alice.publish(31923, tags, "")
    assert (await alice.hears()).startswith("On sale: Open Mic.")


async def test_events_are_found_by_words(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale("Lisbon Meetup", t=[["bitcoin"]])
    await organizer.has_on_sale("Porto Dinner", t=[["food"]])
    await alice.says("events food")
    assert (await alice.hears()).startswith("porto · Porto Dinner")
    await alice.says("events opera")
    assert await alice.hears() == 'Nothing on sale fits "opera". See everything with: events'


async def test_a_past_event_is_not_put_on_sale(stage: Stage, organizer: Organizer) -> None:
    past = int(stage.clock()) - 10 * HOUR
    await organizer.announces(start=past, end=past + HOUR)
    assert await organizer.hears_nothing()
