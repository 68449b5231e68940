"""Cancelled events: the organizer is asked, every ticket becomes void, everybody gets it back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from tests.story.program import Program, listening
from tests.story.test_late_money import another_invoice
from ticketbot.handlers.events import closing
from ticketbot.ledger import listings, outbox, refunds
from ticketbot.ledger.store import Tx
from ticketbot.texts import say

LISBON = "Lisbon Meetup"


async def cancels(organizer: Organizer, later: int = 2, **tags: object) -> str:
    """A newer note says that it is cancelled; what its organizer is told."""
    at = int(organizer.stage.clock()) + later
    await organizer.announces(status="cancelled", at=at, **tags)
    return await organizer.hears("is off sale")


async def is_closed(stage: Stage, event_id: str) -> None:
    """Every ticket void, every order closed, every seat free, nothing left to do."""

    def look(tx: Tx) -> bool:
        found = listings.by_id(tx, event_id)
        return found is not None and found.state == "closed"

    async with asyncio.timeout(10):
        while not await stage.app.store.transaction(look):
            await asyncio.sleep(0.01)

    def left(tx: Tx) -> list[object]:
        live = "SELECT id FROM ticket WHERE event_id = ? AND state <> 'void'"
        open_ = "SELECT id FROM orders WHERE event_id = ? AND state = 'paid'"
        sold = "SELECT tier FROM seats WHERE event_id = ? AND held + sold > 0"
        rows = [row for sql in (live, open_, sold) for row in tx.rows(sql, (event_id,))]
        return [*rows, *([outbox.body_of(tx, key)] if outbox.body_of(tx, key) else [])]

    key = closing.job(event_id)
    assert await stage.app.store.transaction(left) == []


async def owed(stage: Stage) -> list[tuple[int, str]]:
    """(sats, reason) of everything that goes back."""
    rows = await stage.app.store.transaction(refunds.owed)
    return sorted((one.amount_msat // 1000, one.reason) for one in rows)


async def test_the_organizer_is_asked_and_answers(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    await bob.buys("lisbon 2")
    question = await cancels(organizer)
    values = {"title": LISBON, "n": 2, "paid": "15,000 sats", "code": "lisbon"}
    assert question == say("listing-cancelled", **values)
    await organizer.says("cancel lisbon")
    assert await organizer.hears() == say("closing-confirmed", title=LISBON)
    assert await organizer.hears() == say("closing-begun", title=LISBON, n=2)
    assert await organizer.hears() == say("closing-done", title=LISBON, n=2, paid="15,000 sats")
    await is_closed(stage, event.address())
    for person, amount in ((alice, "5,000 sats"), (bob, "10,000 sats")):
        told = await person.hears("was cancelled")
        assert told.startswith(say("refund-cancelled", title=LISBON, amount=amount))
        assert "send refund and your Lightning address" in told
        await person.says("tickets")
        assert await person.hears() == say("tickets-none")
    assert await owed(stage) == [(5000, "refund-cancelled"), (10000, "refund-cancelled")]
    assert await stage.operator.hears() == say(
        "alert-closing", title=LISBON, n=2, paid="15,000 sats"
    )


async def test_without_an_answer_it_begins_after_a_day(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    await cancels(organizer)
    stage.clock.forward(DAY - 60)
    await asyncio.sleep(1.2)
    assert await owed(stage) == []
    stage.clock.forward(120)
    await is_closed(stage, event.address())
    await alice.hears("was cancelled")


async def test_a_newer_note_before_that_sells_it_again(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    await cancels(organizer)
    await organizer.announces(at=int(stage.clock()) + 4)
    await organizer.hears("Get a ticket")
    assert await bob.buys("lisbon")
    stage.clock.forward(DAY + HOUR)
    await alice.says("tickets")
    assert (await alice.hears("ticket")).startswith("You hold one ticket")

    def waits(tx: Tx) -> object:
        return outbox.body_of(tx, closing.job(event.address()))

    assert await stage.app.store.transaction(waits) is None
    await organizer.says("cancel lisbon")
    assert await organizer.hears("is on sale") == say("closing-note-first", title=LISBON)


async def test_a_deleted_note_asks_as_well(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    await organizer.publish(5, [["a", event.address()]], "", int(stage.clock()) + 2)
    assert "One order, 5,000 sats" in await organizer.hears("is off sale")
    await organizer.says("cancel lisbon")
    await is_closed(stage, event.address())


async def test_nobody_has_a_ticket(stage: Stage, organizer: Organizer, alice: Person) -> None:
    """Closed at once, without a question; an open order is released; it can be sold again."""
    event = await organizer.has_on_sale()
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    assert await cancels(organizer) == say("listing-cancelled-empty", title=LISBON)
    await alice.hears("was cancelled by its organizer")
    await is_closed(stage, event.address())
    await organizer.says("cancel lisbon")
    assert await organizer.hears() == say("closing-nothing", title=LISBON)
    await organizer.announces(at=int(stage.clock()) + 4)
    await organizer.hears("Get a ticket")
    assert await alice.buys("lisbon")


async def test_an_event_that_is_over_gives_nothing_back(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """Who deletes old notes does not mean that everybody shall have their money back."""
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.clock.forward(WEEK + DAY)
    await organizer.publish(5, [["a", event.address()]], "")
    assert await organizer.hears("off sale") == say("listing-cancelled-over", title=LISBON)
    await organizer.says("cancel lisbon")
    assert await organizer.hears() == say("closing-nothing", title=LISBON)
    stage.clock.forward(2 * DAY)
    await asyncio.sleep(1.2)
    assert await owed(stage) == []


async def test_a_closing_whose_row_was_put_aside_is_taken_up_by_its_answer(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    await cancels(organizer)
    key = closing.job(event.address())
    await stage.app.store.transaction(lambda tx: outbox.drop(tx, key))
    await organizer.says("cancel lisbon")
    await is_closed(stage, event.address())


async def test_only_its_own_organizer_closes_an_event(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    await cancels(organizer)
    for person in (bob, alice, stage.operator):
        await person.says("cancel lisbon")
        assert await person.hears() == say("order-unknown", order="lisbon")
    await asyncio.sleep(1.2)
    assert await owed(stage) == []


async def test_an_attendees_own_order_is_cancelled_as_ever(
    organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    await alice.says("cancel")
    assert "is cancelled. Nothing was charged" in await alice.hears()


async def test_a_short_code_is_understood(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale("Mad Night")
    await alice.buys("mad")
    await organizer.announces("Mad Night", status="cancelled", at=int(stage.clock()) + 2)
    assert "Answer: cancel mad." in await organizer.hears("is off sale")
    await organizer.says("cancel mad")
    await is_closed(stage, event.address())
    await alice.hears("was cancelled")
    await alice.says("cancel now")
    assert await alice.hears() == say("did-you-mean", guess="cancel")


async def test_free_tickets_are_just_void(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon 2")
    await alice.gets_a_ticket()
    await alice.gets_a_ticket()
    await cancels(organizer, price=None)
    await organizer.says("cancel lisbon")
    await is_closed(stage, event.address())
    assert await alice.hears("was cancelled") == say("ticket-cancelled", title=LISBON)
    assert await owed(stage) == []


async def test_seats_of_a_tier_are_free_again(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    vip = ["VIP", "9000", "SAT", "2"]
    event = await organizer.has_on_sale(tier=[vip])
    await alice.buys("lisbon 2 vip")
    await alice.gets_a_ticket()
    await alice.buys("lisbon")
    await cancels(organizer, tier=[vip])
    await organizer.says("cancel lisbon")
    await is_closed(stage, event.address())
    assert await owed(stage) == [(5000, "refund-cancelled"), (18000, "refund-cancelled")]


async def test_an_order_that_was_paid_twice_gets_both_back(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.says("buy lisbon")
    first = await alice.gets_an_invoice()
    second = await another_invoice(stage, first)
    await alice.pays(first)
    await alice.gets_a_ticket()
    await alice.pays(second)
    await alice.hears("was paid twice")
    await cancels(organizer)
    await organizer.says("cancel lisbon")
    await is_closed(stage, event.address())
    assert await owed(stage) == [(5000, "refund-cancelled"), (5000, "refund-double")]


async def test_a_program_hears_what_is_owed_and_sees_its_order(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await listening(stage)
    program = Program(alice)
    event = await organizer.has_on_sale()
    ticket = await program.buys(event.address())
    await cancels(organizer)
    await organizer.says("cancel lisbon")
    due = await program.hears(type="refund-due")
    assert (due["order_id"], due["amount_msat"]) == (ticket["order_id"], 5_000_000)
    order = await program.asks("status", order_id=ticket["order_id"])
    assert (order["state"], order["tickets"]) == ("closed", 0)
    assert order["refunds"] == [{"amount_msat": 5_000_000, "state": "due"}]


@pytest.mark.choices(per_minute=10_000)
async def test_a_large_event_goes_page_by_page_and_survives_crashes(
    stage: Stage,
    organizer: Organizer,
    alice: Person,
    bob: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Five pages, the bot stopped dead in the middle of them, twice."""
    monkeypatch.setattr(closing, "PAGE", 2)
    event = await organizer.has_on_sale()
    people = [alice, bob, *[await stage.enters() for _ in range(5)]]
    for person in people:
        await person.buys("lisbon")
    await cancels(organizer)
    await organizer.says("cancel lisbon")
    await organizer.hears("go back now")
    for _ in range(2):
        await stage.crashes()
        await stage.opens()
    await is_closed(stage, event.address())
    assert await owed(stage) == [(5000, "refund-cancelled")] * 7
    for person in people:
        await person.hears("was cancelled")
        assert sum("was cancelled" in text for text in distinct(person)) == 1
    await organizer.hears("Lisbon Meetup: done. The tickets of 7 orders are void")
    assert sum("go back now" in text for text in distinct(organizer)) == 1


async def test_it_is_not_sold_again_while_it_is_given_back(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "PAGE", 1)
    monkeypatch.setattr("ticketbot.outbox.pages.PAUSE", 3.0)
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    await bob.buys("lisbon")
    await cancels(organizer)
    await organizer.says("cancel lisbon")
    await organizer.hears("go back now")
    await organizer.announces(at=int(stage.clock()) + 4)
    assert await organizer.hears() == say("listing-being-closed", title=LISBON)
    await is_closed(stage, event.address())


async def test_progress_is_told_now_and_then(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "PAGE", 1)
    monkeypatch.setattr(closing, "REPORT_EACH", 2)
    await organizer.has_on_sale()
    for person in (alice, bob, stage.operator):
        await person.buys("lisbon")
    await cancels(organizer)
    await organizer.says("cancel lisbon")
    progress = await organizer.hears("so far")
    assert progress == say("closing-progress", title=LISBON, n=2, paid="10,000 sats")
    await organizer.hears("done")


def distinct(person: Person) -> Sequence[str]:
    """What somebody was told: the same message from two relays is one."""
    return list({message.key: message.text for message in person.heard}.values())
