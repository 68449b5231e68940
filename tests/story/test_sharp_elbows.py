"""People who push: late notes, cut stock, endless baskets, odd cursors, long lines, floods."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence

import pytest

from tests.story.cast import HOUR, WEEK, Organizer, Person, Stage
from ticketbot import settlement
from ticketbot.domain.nostr import Event
from ticketbot.handlers import finding
from ticketbot.handlers.buying.conditions import MOST_GIVEN_UP
from ticketbot.handlers.finding import MOST_WORDS
from ticketbot.ledger import invoices, listings
from ticketbot.ledger.store import Tx
from ticketbot.settlement import MOST_HINTS
from ticketbot.texts import say
from ticketbot.wallets.fake import FakeWallet

NOTE = """\
Title: Lisbon Meetup
When: 2031-03-01 19:00 Europe/Lisbon
Price: 5000 sats
Seats: 10"""


async def bring(stage: Stage, *events: Event) -> None:
    """A slow relay brings something that the fast ones had no more."""
    for event in events:
        await stage.app.engine.receive([event], {})


async def test_a_slow_relay_does_not_put_a_cancelled_event_back_on_sale(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    now = int(stage.clock())
    await organizer.has_on_sale(at=now - 100)
    await organizer.announces(status="cancelled", at=now - 10)
    await organizer.hears("is off sale")
    tags = [
        ["d", "lisbon-meetup"],
        ["title", "Lisbon Meetup"],
        ["start", str(now + WEEK)],
        ["price", "5000", "SAT"],
        ["p", stage.keys.pubkey],
    ]
    await bring(stage, organizer.keys.sign_event(now - 50, 31923, tags, "an older version"))
    await alice.says("buy lisbon")
    assert await alice.hears() == say("event-cancelled", title="Lisbon Meetup")


async def test_a_cancelled_event_that_was_never_on_sale_stays_off(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """The cancellation alone comes first; what it cancels comes from a slower relay."""
    now = int(stage.clock())
    tags = [
        ["d", "lisbon-meetup"],
        ["title", "Lisbon Meetup"],
        ["start", str(now + WEEK)],
        ["p", stage.keys.pubkey],
    ]
    cancelled = [*tags, ["status", "cancelled"]]
    await bring(stage, organizer.keys.sign_event(now - 10, 31923, cancelled, ""))
    await bring(stage, organizer.keys.sign_event(now - 50, 31923, tags, ""))
    await alice.says("events")
    assert await alice.hears() == say("events-none")


async def test_a_note_deleted_before_it_came_is_not_sold(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    now = int(stage.clock())
    note = organizer.keys.sign_event(now - 5, 1, [["p", stage.keys.pubkey]], NOTE)
    deletion = organizer.keys.sign_event(now, 5, [["e", note.id], ["k", "1"]], "")
    await bring(stage, deletion, note)
    await alice.says("events")
    assert await alice.hears() == say("events-none")


@pytest.mark.choices(organizers=None)
async def test_nobody_deletes_the_note_of_another(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    now = int(stage.clock())
    note = organizer.keys.sign_event(now - 5, 1, [["p", stage.keys.pubkey]], NOTE)
    await bring(stage, bob.keys.sign_event(now, 5, [["e", note.id]], ""), note)
    await alice.says("events")
    assert (await alice.hears()).startswith("lisbon · Lisbon Meetup")


async def test_stock_that_was_cut_under_a_hold_falls_when_the_hold_does(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=3)
    await alice.says("buy lisbon 3")
    await alice.gets_an_invoice()
    await organizer.announces(stock=1, at=int(stage.clock()) + 2)
    await organizer.hears("To wait for a seat")
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await bob.says("buy lisbon 3")
    assert await bob.hears() == say("fewer-left", n=1, wish="lisbon 3")
    assert await bob.buys("lisbon")


async def test_a_tier_that_was_removed_under_a_hold_sells_that_one_and_no_more(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    standing, vip = ["Standing", "100", "SAT", "5"], ["VIP", "9000", "SAT", "2"]
    event = await organizer.has_on_sale(price=None, stock=7, tier=[standing, vip])
    await alice.says("buy lisbon vip")
    paid = await alice.gets_an_invoice()
    await alice.says("buy lisbon 1 standing")
    await alice.gets_an_invoice()
    await organizer.announces(price=None, stock=7, tier=[standing], at=int(stage.clock()) + 2)
    await organizer.hears("Get a ticket")
    await alice.pays(paid)
    assert await alice.gets_a_ticket()
    await bob.says("buy lisbon vip")
    assert (await bob.hears()).startswith('There is no "vip" here')

    def seats(tx: Tx) -> dict[str, tuple[int | None, int, int]]:
        return {one.tier: one[1:] for one in listings.seats_of(tx, event.address())}

    left = await stage.app.store.transaction(seats)
    assert left == {"": (7, 1, 1), "Standing": (5, 1, 0), "VIP": (1, 0, 1)}


async def test_a_removed_tier_gives_lapsed_seats_to_nobody(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    standing, vip = ["Standing", "100", "SAT", "5"], ["VIP", "9000", "SAT", "2"]
    event = await organizer.has_on_sale(price=None, stock=7, tier=[standing, vip])
    await alice.says("buy lisbon 2 vip")
    late = await alice.gets_an_invoice()
    await organizer.announces(price=None, stock=7, tier=[standing], at=int(stage.clock()) + 2)
    await organizer.hears("Get a ticket")
    await alice.says("cancel")
    await alice.hears("is cancelled")

    def vip_seats(tx: Tx) -> int | None:
        return listings.available(listings.seats_of(tx, event.address()), "VIP")

    assert await stage.app.store.transaction(vip_seats) == 0
    await alice.pays(late)
    assert "goes back to you" in await alice.hears("Lisbon Meetup")


@pytest.mark.choices(per_minute=1000)
async def test_ten_baskets_left_standing_are_enough_for_an_hour(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    for _ in range(MOST_GIVEN_UP):
        await alice.says("buy lisbon")
        await alice.gets_an_invoice()
        await alice.says("cancel")
        await alice.hears("is cancelled")
    await alice.says("buy lisbon")
    assert await alice.hears() == say("too-many-given-up")
    assert await bob.buys("lisbon")
    stage.clock.forward(HOUR + 60)
    assert await alice.buys("lisbon")


@pytest.mark.parametrize("cursor", ["²:x", "9" * 30 + ":x", "-1:x", "x"])
async def test_an_odd_cursor_is_a_bad_request(
    stage: Stage, organizer: Organizer, alice: Person, cursor: str
) -> None:
    await organizer.has_on_sale()
    await alice.asks(type="events", request_id="page", after=cursor)
    answer = await alice.is_told("error")
    assert (answer["code"], answer["message"]) == ("bad-request", say("bad-cursor"))
    assert not await stage.app.store.transaction(lambda tx: tx.rows("SELECT * FROM quarantine"))


async def test_a_very_long_line_costs_no_more_looks_than_a_short_one(
    organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await organizer.has_on_sale()
    looks = 0

    def look(wanted: str, known: Sequence[str]) -> list[str]:
        nonlocal looks
        looks += 1
        return []

    monkeypatch.setattr(finding, "nearest", look)
    await alice.says(" ".join(["buy", *(f"w{number:03}" for number in range(250))]))
    assert (await alice.hears()).startswith('I know no event called "w000".')
    assert looks == MOST_WORDS


async def test_a_flood_of_forged_hints_is_bounded_and_hides_nothing(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    await stage.closes()
    flooded, asked = asyncio.Event(), 0
    owner_of = invoices.owner_of

    async def flood(wallet: FakeWallet) -> AsyncGenerator[str | None, None]:
        await flooded.wait()
        for _ in range(5 * MOST_HINTS):
            yield os.urandom(32).hex()
        await asyncio.Event().wait()

    def count(tx: Tx, payment_hash: str) -> str | None:
        nonlocal asked
        asked += 1
        return owner_of(tx, payment_hash)

    monkeypatch.setattr(FakeWallet, "hints", flood)
    monkeypatch.setattr(settlement.invoices, "owner_of", count)
    await stage.opens()
    await asyncio.sleep(0.2)  # the first poll is over: only the flood can bring the next
    await alice.pays(bolt11)
    asked = 0
    flooded.set()
    assert await alice.gets_a_ticket()
    assert asked <= 2 * MOST_HINTS


async def test_money_owed_to_a_program_is_also_told_by_dm(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.asks(type="buy", request_id="r1", event_id=event.address(), quantity=1)
    invoice = await alice.is_told("invoice")
    await organizer.announces(status="cancelled", at=int(stage.clock()) + 2)
    await alice.is_told("order")
    await alice.disconnect()  # as phones are, most of the time: nobody keeps a 24133 for it
    await alice.pays(invoice["invoice"])
    await stage.operator.hears("must go back")
    await stage.enters(alice)
    told = await alice.next("goes back to you")
    assert told.protocol in ("nip04", "nip17")


async def test_an_operator_who_buys_by_program_hears_of_the_order(
    stage: Stage, organizer: Organizer
) -> None:
    event, operator = await organizer.has_on_sale(), stage.operator
    await operator.asks(type="buy", request_id="r1", event_id=event.address(), quantity=1)
    invoice = await operator.is_told("invoice")
    await operator.asks(type="status", request_id="r2", order_id=invoice["order_id"])
    order = await operator.is_told("order")
    assert (order["order_id"], order["state"]) == (invoice["order_id"], "invoiced")


async def test_a_free_event_is_not_emptied_in_small_orders(
    organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon 6")
    for _ in range(6):
        await alice.gets_a_ticket()
    await alice.asks(type="buy", request_id="r1", event_id=event.address(), quantity=5)
    assert (await alice.is_told("error"))["code"] == "too-many"
    await alice.says("buy lisbon 4")
    for _ in range(4):
        await alice.gets_a_ticket()
    await alice.says("buy lisbon")
    assert await alice.hears("At most") == say("too-many-per-buyer", most=10, title="Lisbon Meetup")
