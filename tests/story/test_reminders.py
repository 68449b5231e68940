"""Word before the event: once to everybody, and again with the ticket to who was not reached."""

from __future__ import annotations

import asyncio

import pytest

from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered
from tests.story.memory import rows, settles_down
from ticketbot.handlers.rounds import reminders
from ticketbot.ledger import outbox
from ticketbot.ledger.store import Tx
from ticketbot.outbox import pages

pytestmark = pytest.mark.choices(ephemeral="when-asked")
LISBON = "Lisbon Meetup"


def reminded(person: Person) -> list[str]:
    heard = {message.key: message.text for message in person.heard}
    return [text for text in heard.values() if text.startswith(f"Soon: {LISBON}")]


async def is_over(stage: Stage, what: str = "reminder") -> None:
    """Wait until everybody was told."""
    async with asyncio.timeout(10):
        while await rows(stage, f"SELECT 1 FROM outbox WHERE key LIKE '{what}:31923%'"):
            await asyncio.sleep(0.02)
    await settles_down(stage)


async def test_a_day_before_once_in_spite_of_a_restart(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon 2")
    await alice.gets_a_ticket()
    await bob.buys("lisbon")
    stage.clock.forward(WEEK - DAY - HOUR)
    await stage.crashes()
    await stage.opens()
    await asyncio.sleep(1.2)
    assert reminded(alice) == []
    stage.clock.forward(HOUR + 60)
    await is_over(stage)
    await stage.crashes()
    await stage.opens()
    stage.clock.forward(12 * HOUR)
    await asyncio.sleep(1.2)
    (told,) = reminded(alice)
    assert "Praça do Comércio" in told
    assert "You hold 2 tickets" in told
    assert len(reminded(bob)) == 1


async def test_quiet_for_who_has_just_bought(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.clock.forward(WEEK - DAY - 6 * HOUR)
    await bob.buys("lisbon")
    stage.clock.forward(6 * HOUR + 60)
    await is_over(stage)
    assert (len(reminded(alice)), len(reminded(bob))) == (1, 0)


async def test_not_for_tickets_that_are_void_or_given_away(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    carol = await stage.enters()
    await organizer.has_on_sale(refund_until="24h")
    await is_offered(alice, bob, code_of(stage, await alice.buys("lisbon")))
    await bob.says("accept")
    await bob.gets_a_ticket()
    await carol.buys("lisbon")
    await carol.says("refund lisbon yes")
    await carol.hears("goes back")
    stage.clock.forward(WEEK - DAY + 60)
    await is_over(stage)
    assert [len(reminded(one)) for one in (alice, bob, carol)] == [0, 1, 0]


async def test_a_moved_event_is_reminded_of_at_its_new_time(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    start = next(int(tag[1]) for tag in event.tags if tag[0] == "start") + WEEK
    await organizer.announces(at=int(stage.clock()) + 2, start=start, end=start + HOUR)
    await alice.hears("has changed")
    stage.clock.forward(WEEK)
    await asyncio.sleep(1.2)
    assert reminded(alice) == []
    stage.clock.forward(WEEK - DAY + 60)
    await is_over(stage)
    assert len(reminded(alice)) == 1


async def test_not_of_a_cancelled_event(stage: Stage, organizer: Organizer, alice: Person) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.clock.forward(WEEK - DAY - 60)
    await organizer.publish(5, [["a", event.address()]], "", int(stage.clock()) + 1)
    await organizer.hears("off sale")
    stage.clock.forward(120)
    await is_over(stage)
    assert reminded(alice) == []


async def test_many_are_reminded_page_by_page(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "PAGE", 1)
    monkeypatch.setattr(pages, "PAUSE", 0.2)
    await organizer.has_on_sale()
    people = [alice, bob, *[await stage.enters() for _ in range(3)]]
    for person in people:
        await person.buys("lisbon")
    await settles_down(stage)
    stage.clock.forward(WEEK - DAY + 60)
    for _ in range(2):
        await asyncio.sleep(1.3)
        await stage.crashes()
        await stage.opens()
    await is_over(stage)
    assert [len(reminded(one)) for one in people] == [1] * 5


async def test_who_was_not_reached_gets_the_ticket_the_other_way(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Bob's ticket lies in the outbox: no relay has ever taken it."""
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    token = await bob.buys("lisbon")
    await settles_down(stage)

    def is_stuck(tx: Tx) -> None:
        row = tx.row("SELECT order_id, id FROM ticket ORDER BY rowid DESC")
        assert row is not None
        body = {"to": bob.pubkey, "via": "nip17", "at": 1, "until": 2**40, "text": "no"}
        outbox.put(tx, f"{row[0]}:ticket:{row[1]}:0", "message", 2**40, body)

    await stage.app.store.transaction(is_stuck)
    before = len(alice.heard), len(bob.heard)
    stage.clock.forward(WEEK - 3 * HOUR + 60)
    async with asyncio.timeout(10):
        while await rows(stage, "SELECT 1 FROM outbox WHERE key LIKE 'last-call:%'"):
            await asyncio.sleep(0.02)
        while not any(token in m.text for m in bob.heard[before[1] :]):
            await asyncio.sleep(0.02)
    again = [m for m in bob.heard[before[1] :] if token in m.text]
    assert {m.protocol for m in again} == {"nip04"}
    assert not any("TKT1:" in m.text for m in alice.heard[before[0] :])
    assert len(reminded(alice)) == 1
    await stage.app.store.transaction(
        lambda tx: tx.change("DELETE FROM outbox WHERE due = ?", (2**40,))
    )
