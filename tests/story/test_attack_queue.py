"""The queue where it meets the rest of the house: pauses, smaller halls, prices, restores."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_valid
from tests.story.memory import rows
from tests.story.test_queue import KEPT, all_is_well, looks, sold_out
from tests.story.test_restore import back_up, caught_up, lose_the_ledger
from ticketbot.handlers.buying import offering
from ticketbot.turnstile import Turnstile


async def waits(bob: Person, what: str = "lisbon") -> None:
    await bob.says(f"join {what}")
    await bob.hears("in the queue for")


async def gives_up(alice: Person) -> None:
    await alice.says("cancel")
    await alice.hears("is cancelled")


@pytest.mark.parametrize("who", ["organizer", "operator"])
async def test_a_pause_costs_nobody_their_turn(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, who: str
) -> None:
    await sold_out(stage, organizer, alice)
    await waits(bob)
    await gives_up(alice)
    await looks(stage)
    await bob.hears(KEPT)
    stops = organizer if who == "organizer" else stage.operator
    words = (
        ("pause lisbon", "resume lisbon") if who == "organizer" else ("stop sales", "resume sales")
    )
    await stops.says(words[0])
    await stops.hears()
    await bob.says("buy lisbon")
    await bob.hears("try again later")
    stage.clock.forward(3 * HOUR)
    await looks(stage)
    await bob.says("waiting")
    assert "number 1 in the queue" in await bob.hears("You wait for")
    await stops.says(words[1])
    await stops.hears()
    await looks(stage)
    await bob.hears(KEPT)
    await bob.says("buy lisbon")
    await bob.pays(await bob.gets_an_invoice())
    await bob.gets_a_ticket()
    assert await all_is_well(stage)


async def test_a_hall_that_became_smaller_sells_no_seat_that_was_kept(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=2)
    await alice.says("buy lisbon 2")
    await alice.gets_an_invoice()
    await waits(bob, "lisbon 2")
    await gives_up(alice)
    await looks(stage)
    await bob.hears(KEPT)
    await organizer.announces(stock=1, at=int(stage.clock()) + 5)
    await organizer.hears("Updated")
    await bob.says("buy lisbon 1")
    await bob.gets_an_invoice()
    assert await rows(stage, "SELECT capacity, held, sold FROM seats") == [(1, 1, 0)]


async def test_seats_that_are_kept_for_somebody_do_not_make_their_own_price(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=2, early_bird=["3000", "SAT", "first", "2"])
    await alice.says("buy lisbon 2")
    assert "6,000" in await alice.hears("Order")
    await alice.gets_an_invoice()
    await waits(bob, "lisbon 2")
    await gives_up(alice)
    await looks(stage)
    await bob.hears(KEPT)
    await bob.says("buy lisbon 2")
    assert "6,000" in await bob.hears("Order")


async def test_a_kind_that_is_not_sold_any_more_is_kept_for_nobody(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await sold_out(stage, organizer, alice)
    await waits(bob)
    now = int(stage.clock())
    tier = ["Balcony", "5000", "SAT", "1"]
    await organizer.announces(stock=2, price=None, tier=[tier], at=now + 5)
    await organizer.hears("Updated")
    await looks(stage)
    assert await rows(stage, "SELECT kept FROM place") == [(0,)]
    carol = await stage.enters()
    await carol.says("buy lisbon balcony")
    await carol.gets_an_invoice()


async def test_who_has_bought_does_not_wait_again_after_a_restore(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await sold_out(stage, organizer, alice)
    made_at = back_up(stage)
    stage.clock.forward(5)
    await waits(bob)
    await gives_up(alice)
    await looks(stage)
    await bob.hears(KEPT)
    stage.clock.forward(5)
    await bob.says("buy lisbon")
    await bob.pays(await bob.gets_an_invoice())
    token = await bob.gets_a_ticket()
    stage.clock.forward(2 * HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert await bob.gets_a_ticket() == token
    assert await rows(stage, "SELECT 1 FROM place") == []
    assert await all_is_well(stage)


async def test_what_was_free_and_came_by_the_queue_comes_back_after_a_restore(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=1, price=None)
    await alice.says("buy lisbon")
    code = code_of(stage, await alice.gets_a_ticket())
    made_at = back_up(stage)
    stage.clock.forward(5)
    await waits(bob)
    stage.clock.forward(5)
    await alice.says(f"refund {code} yes")
    await alice.hears("Done")
    await looks(stage)
    await bob.hears(KEPT)
    stage.clock.forward(5)
    await bob.says("buy lisbon")
    token = await bob.gets_a_ticket()
    stage.clock.forward(2 * HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert await is_valid(stage, token)
    assert await rows(stage, "SELECT 1 FROM place") == []


async def test_nobody_waits_and_the_bot_writes_nothing(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """A look at the queue that finds nothing is one question to the ledger."""
    await sold_out(stage, organizer, alice)
    await waits(bob)
    asked = 0
    ask = stage.app.store._ask

    async def counted(works: Any) -> Any:
        nonlocal asked
        asked += 1
        return await ask(works)

    turnstile = Turnstile(stage.app.store, stage.app.engine, stage.clock)
    stage.app.store._ask = counted  # type: ignore[method-assign]
    try:
        await turnstile.look()
        mine = asked
    finally:
        stage.app.store._ask = ask  # type: ignore[method-assign]
    assert mine <= 2  # a neighbour's may be among them


async def test_an_event_that_is_put_back_on_sale_has_its_queue_still(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Some clients delete a note and write it anew; tickets survive that, and so does a turn."""
    carol = await stage.enters()
    await organizer.has_on_sale(stock=2)
    await alice.buys("lisbon")
    await carol.says("buy lisbon")
    await carol.gets_an_invoice()
    await waits(bob)
    await carol.says("cancel")
    await carol.hears("is cancelled")
    await looks(stage)
    await bob.hears(KEPT)
    now = int(stage.clock())
    await organizer.announces(stock=2, status="cancelled", at=now + 5)
    await organizer.hears("is off sale")
    await looks(stage)
    stage.clock.forward(3 * HOUR)
    await looks(stage)
    await organizer.announces(stock=2, at=int(stage.clock()) + 5)
    await organizer.hears("Updated")
    await looks(stage)
    await bob.hears(KEPT)
    await organizer.announces(stock=2, status="cancelled", at=int(stage.clock()) + 10)
    await organizer.hears("is off sale")
    await organizer.says("cancel lisbon")
    await alice.hears("was cancelled")
    await organizer.hears("done. The tickets")
    await looks(stage)
    await bob.hears("is not sold any more")
    assert await rows(stage, "SELECT 1 FROM place") == []
    assert await all_is_well(stage)


async def test_a_fault_in_one_queue_ends_neither_the_bot_nor_the_others(
    stage: Stage,
    organizer: Organizer,
    alice: Person,
    bob: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await sold_out(stage, organizer, alice)
    await organizer.has_on_sale("Porto Dinner", stock=1)
    await waits(bob)
    carol = await stage.enters()
    await carol.says("buy porto")
    await carol.gets_an_invoice()
    await waits(bob, "porto")
    offer = offering.offer

    def stumbles(event_id: str, tx: Any, ctx: Any) -> Any:
        if event_id.endswith("lisbon-meetup"):
            raise ValueError("a bug")
        return offer(event_id, tx, ctx)

    monkeypatch.setattr(offering, "offer", stumbles)
    await gives_up(alice)
    await gives_up(carol)
    await looks(stage)
    await bob.hears(KEPT)
    monkeypatch.undo()
    await looks(stage)
    await bob.hears(KEPT)


async def test_seats_that_cannot_be_given_up_do_not_keep_the_bot_busy(
    stage: Stage,
    organizer: Organizer,
    alice: Person,
    bob: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await sold_out(stage, organizer, alice)
    await waits(bob)
    await gives_up(alice)
    await looks(stage)
    await bob.hears(KEPT)

    def stumbles(now: int, tx: Any, ctx: Any) -> Any:
        raise ValueError("a bug")

    monkeypatch.setattr(offering, "lapse", stumbles)
    stage.clock.forward(3 * HOUR)
    async with asyncio.timeout(2):
        await looks(stage)
    monkeypatch.undo()
    await looks(stage)
    await bob.hears("goes to the next in the queue")


async def test_nothing_is_kept_for_who_may_have_no_more(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Of two kinds two tickets are one person's; what is kept of one kind counts for the other."""
    tiers = [["Box", "9000", "SAT", "2"], ["Stalls", "4000", "SAT", "2"]]
    hall: dict[str, Any] = {"price": None, "tier": tiers, "stock": 4, "max_per_buyer": 2}
    await organizer.has_on_sale(**hall)
    carol = await stage.enters()
    await alice.says("buy lisbon 2 box")
    await alice.gets_an_invoice()
    await carol.says("buy lisbon 2 stalls")
    await carol.gets_an_invoice()
    await waits(bob, "lisbon 2 box")
    await waits(bob, "lisbon 2 stalls")
    await gives_up(alice)
    await looks(stage)
    assert "buy lisbon 2 box" in await bob.hears(KEPT)
    await gives_up(carol)
    await looks(stage)
    assert "as many seats of Lisbon Meetup as one person may" in await bob.hears()
    await bob.says("buy lisbon 1 stalls")
    assert "At most 2 tickets per person" in await bob.hears()
    await bob.says("buy lisbon 1 box")
    await bob.pays(await bob.gets_an_invoice())
    await bob.gets_a_ticket()
    await bob.says("buy lisbon 1 stalls")
    await bob.gets_an_invoice()
    assert await all_is_well(stage)


async def test_who_bought_elsewhere_meanwhile_is_kept_as_many_as_they_may_have(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    tiers = [["Box", "9000", "SAT", "2"], ["Stalls", "4000", "SAT", "9"]]
    await organizer.has_on_sale(price=None, tier=tiers, stock=20, max_per_buyer=2)
    await alice.says("buy lisbon 2 box")
    await alice.gets_an_invoice()
    await waits(bob, "lisbon 2 box")
    await bob.buys("lisbon 1 stalls")
    await gives_up(alice)
    await looks(stage)
    assert "buy lisbon 1 box" in await bob.hears(KEPT)
    assert await rows(stage, "SELECT kept FROM place") == [(1,)]
    await bob.buys("lisbon 1 box")
    assert await all_is_well(stage)
