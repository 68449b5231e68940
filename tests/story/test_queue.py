"""A queue for what is sold out: in turn, for a while, and nobody comes before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from ticketbot.ledger import places
from ticketbot.ledger.audit import check_ledger
from ticketbot.ledger.store import Tx

KEPT = "It is your turn"


async def until(stage: Stage, true: Callable[[Tx], bool]) -> None:
    async with asyncio.timeout(10):
        while not await stage.app.store.transaction(true):
            await asyncio.sleep(0.05)


async def looks(stage: Stage) -> None:
    """The bot goes through its queues now."""
    await stage.app._turnstile.look()


async def all_is_well(stage: Stage) -> bool:
    findings = await stage.app.store.transaction(check_ledger)
    return [one.broken for one in findings if not one.kept] == []


async def sold_out(stage: Stage, organizer: Organizer, buyer: Person, **more: object) -> str:
    """One seat, in `buyer`'s basket; its invoice."""
    await organizer.has_on_sale(stock=1, **more)
    await buyer.says("buy lisbon")
    return await buyer.gets_an_invoice()


async def test_what_comes_free_is_offered_in_turn(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    carol = await stage.enters()
    await sold_out(stage, organizer, alice)
    await bob.says("buy lisbon")
    assert (await bob.hears("Sold out")).endswith("send: join lisbon 1")
    await bob.says("join lisbon")
    await bob.hears("You are number 1 in the queue for Lisbon Meetup")
    await carol.says("join lisbon 2")
    await carol.hears("You are number 2")
    await carol.says("waiting")
    assert "2 × Lisbon Meetup · number 2 in the queue" in await carol.hears("You wait for")
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await alice.says("buy lisbon")  # gone it is: somebody waits for it
    await alice.hears("what comes free goes to those who wait")
    await looks(stage)
    assert "buy lisbon 1" in await bob.hears(KEPT)
    await carol.says("buy lisbon")
    await carol.hears("You are in the queue")
    await bob.says("buy lisbon")
    await bob.pays(await bob.gets_an_invoice())
    await bob.gets_a_ticket()
    await carol.says("waiting")
    assert "number 1 in the queue" in await carol.hears("You wait for")
    assert await all_is_well(stage)


async def test_who_does_not_take_it_lets_it_go_to_the_next(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    carol = await stage.enters()
    await sold_out(stage, organizer, alice)
    for person in (bob, carol):
        await person.says("join lisbon")
        await person.hears("in the queue for")
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await looks(stage)
    await bob.hears(KEPT)
    await stage.closes()
    await stage.opens()
    stage.clock.forward(2 * HOUR - 60)
    await looks(stage)
    await bob.says("waiting")
    await bob.hears("kept for you until")
    stage.clock.forward(120)
    await looks(stage)
    await bob.hears("goes to the next in the queue")
    await carol.hears(KEPT)
    await carol.says("leave lisbon")
    await carol.hears("You do not wait for Lisbon Meetup any more")
    await bob.says("buy lisbon")
    await bob.gets_an_invoice()
    assert await all_is_well(stage)


async def test_more_seats_are_offered_to_all_they_are_enough_for(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    carol = await stage.enters()
    await sold_out(stage, organizer, alice)
    await bob.says("join lisbon 3")
    await bob.hears("You are number 1")
    await carol.says("join lisbon")
    await carol.hears("You are number 2")
    await organizer.announces(stock=3, at=int(stage.clock()) + 5)
    await organizer.hears("Updated")
    await looks(stage)
    assert "buy lisbon 2" in await bob.hears(KEPT)
    await bob.says("buy lisbon 3")
    await bob.hears("Only 2 came free for you")
    await bob.says("buy lisbon 1")
    await bob.gets_an_invoice()
    await looks(stage)
    assert "buy lisbon 1" in await carol.hears(KEPT)
    assert await all_is_well(stage)


async def test_a_program_waits_too(stage: Stage, organizer: Organizer, alice: Person) -> None:
    bob = await stage.enters()
    await sold_out(stage, organizer, alice)
    event_id = (
        await stage.app.store.transaction(lambda tx: tx.rows("SELECT event_id FROM listing"))
    )[0][0]
    await bob.asks(type="join", request_id="q1", event_id=event_id, quantity=1)
    answer = await bob.is_told("queue-place")
    assert (answer["position"], answer["kept"]) == (1, 0)
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await looks(stage)
    told = await bob.is_told("queue-offer")
    assert (told["kept"], told["request_id"]) == (1, None)
    await bob.asks(type="leave", request_id="q2", event_id=event_id)
    assert (await bob.is_told("queue-left"))["left"]
    assert await all_is_well(stage)


async def test_what_is_not_sold_any_more_is_not_waited_for(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await sold_out(stage, organizer, alice)
    await bob.says("join lisbon")
    await bob.hears("in the queue for")
    await organizer.announces(status="cancelled", at=int(stage.clock()) + 5)
    await alice.hears("was cancelled")
    await looks(stage)
    await bob.hears("is not sold any more")
    await bob.says("waiting")
    await bob.hears("You wait for nothing")


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("join lisbon", "There are seats"),
        ("join lisbon 11", "At most 10 tickets in one order"),
        ("join nowhere", "I know no event"),
        ("join lisbon gold", "one kind of ticket only"),
        ("join lisbon -3", "is not a number of tickets"),
        ("leave lisbon", "You are in no queue"),
        ("waiting", "You wait for nothing"),
        ("join <script>", "I know no event"),
    ],
)
async def test_what_cannot_be_waited_for(
    stage: Stage, organizer: Organizer, alice: Person, said: str, heard: str
) -> None:
    await organizer.has_on_sale(stock=20)
    await alice.says(said)
    await alice.hears(heard)


async def test_who_is_forgotten_waits_no_longer(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await sold_out(stage, organizer, alice)
    await bob.says("join lisbon")
    await bob.hears("in the queue for")
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await looks(stage)
    await bob.hears(KEPT)
    await bob.says("forget me yes")
    await bob.hears("Done")
    await until(stage, lambda tx: places.events(tx) == [])
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    assert await all_is_well(stage)


async def test_a_list_of_events_suggests_what_can_be_had(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    later = int(stage.clock()) + 9 * 24 * HOUR
    await sold_out(stage, organizer, alice)
    await bob.says("events")
    told = (await bob.hears("Lisbon Meetup")).splitlines()
    assert told[0].endswith("5,000 sats · sold out")
    assert told[-1].endswith("Sold out, to wait for a seat: join lisbon")
    box, stalls = ["Box", "9000", "SAT", "0"], ["Stalls", "4000", "SAT", "5"]
    times = {"start": later, "end": later + HOUR}
    await organizer.has_on_sale("Porto Play", price=None, tier=[box, stalls], **times)
    await bob.says("events")
    told = (await bob.hears("Lisbon Meetup")).splitlines()
    assert told[-1] == "More about one: event porto · Get a ticket: buy porto 1 stalls"
    await organizer.says("pause porto")
    await organizer.hears("is paused")
    await bob.says("eventos")
    told = (await bob.hears("Lisbon Meetup")).splitlines()
    assert told[-1].endswith("Agotado; para esperar un asiento: join lisbon")
    await organizer.says("resume porto")
    await organizer.hears("on sale again")
    carol = await stage.enters()
    await carol.says("buy porto 5 stalls")
    await carol.gets_an_invoice()
    await bob.says("events porto")  # each kind is gone, though the event has no number of seats
    told = (await bob.hears("Porto Play")).splitlines()
    assert told[0].endswith("agotado")
    assert told[-1].endswith("join porto 1 box")


@pytest.mark.parametrize("closes", [True, False])
async def test_a_seat_is_kept_as_long_as_it_can_be_bought(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, closes: bool
) -> None:
    """Not beyond the start where sales end with it; else also while the event is on."""
    start = int(stage.clock()) + HOUR
    times = {"start": start, "end": start + 3 * HOUR}
    await sold_out(stage, organizer, alice, **times, **({"sales_end": start} if closes else {}))
    await bob.says("join lisbon")
    await bob.hears("You are number 1")
    await alice.says("cancel")
    await bob.hears("kept for you until")
    until_at = await stage.app.store.transaction(
        lambda tx: tx.rows("SELECT until FROM place WHERE kept > 0")[0][0]
    )
    assert (until_at == start) if closes else (until_at > start)
    stage.clock.forward(HOUR + 60)
    await bob.says("buy lisbon")
    await bob.hears("lnbc" if not closes else "ended on")
