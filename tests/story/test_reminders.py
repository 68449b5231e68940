"""Word before the event: once to everybody, and again with the ticket to who was not reached."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.real.relays import AwkwardRelay, Raw, awkward_relay
from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered
from tests.story.memory import rows, settles_down
from ticketbot.handlers.rounds import reminders
from ticketbot.outbox import pages
from ticketbot.relays import RelayPool

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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relay that takes no gift wraps for bob, for days: at the last call his ticket comes as a
    DM of the other kind, and when the relay has come round the first one comes after all."""
    monkeypatch.setattr(RelayPool, "clocks", lambda pool: {})  # the story's time is not the relay's
    async with awkward_relay() as relay:
        stage = Stage(tmp_path, relay.url, ephemeral="when-asked")
        organizer = stage.organizer
        await stage.enters(organizer)
        await stage.opens()
        alice, bob = await stage.enters(), await stage.enters()
        await organizer.has_on_sale()
        await alice.buys("lisbon")
        await bob.says("buy lisbon")
        bolt11 = await bob.gets_an_invoice()
        await settles_down(stage)

        def blocks(event: Raw) -> str | None:
            is_for_bob = event["kind"] == 1059 and ["p", bob.pubkey] in event["tags"]
            return "blocked: not for this one" if is_for_bob else None

        relay.refuse = blocks
        await bob.pays(bolt11)
        await refused(relay, bob)
        stage.clock.forward(WEEK - 4 * HOUR)
        await asyncio.sleep(1.5)
        assert not any("TKT1:" in m.text for m in bob.heard)
        told = len(alice.heard)
        stage.clock.forward(HOUR + 60)
        token = await bob.gets_a_ticket()
        assert {m.protocol for m in bob.heard if token in m.text} == {"nip04"}
        assert not any("TKT1:" in m.text for m in alice.heard[told:])
        assert len(reminded(alice)) == 1

        relay.refuse = lambda event: None
        stage.clock.forward(HOUR)
        assert await bob.gets_a_ticket() == token
        assert {m.protocol for m in bob.heard if token in m.text} == {"nip04", "nip17"}
        await settles_down(stage)
        assert len([m for m in bob.heard if token in m.text]) == 2
        await stage.ends()


async def refused(relay: AwkwardRelay, person: Person) -> None:
    """Wait until the relay was brought a letter for them that it would not take."""
    async with asyncio.timeout(10):
        while not any(
            message[1]["kind"] == 1059
            and ["p", person.pubkey] in message[1]["tags"]
            and message[1]["id"] not in relay.stored
            for message in relay.said("EVENT")
        ):
            await asyncio.sleep(0.02)


# an event that comes nearer


async def is_moved(organizer: Organizer, start: int, later: int = 2, **tags: object) -> None:
    at = int(organizer.stage.clock()) + later
    await organizer.announces(at=at, start=start, end=start + HOUR, **tags)
    await organizer.hears("Updated")


async def test_who_was_still_to_be_reminded_is_so_after_a_move_to_tomorrow(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """Half a day after they heard that it was moved, and once, whatever is edited meanwhile."""
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    start = int(stage.clock()) + 20 * HOUR
    await is_moved(organizer, start)
    await alice.hears("has changed")
    stage.clock.forward(6 * HOUR)
    await is_moved(organizer, start, content="Bring a coat.")
    stage.clock.forward(5.9 * HOUR)
    await asyncio.sleep(1.2)
    assert reminded(alice) == []
    stage.clock.forward(0.2 * HOUR)
    await is_over(stage)
    assert len(reminded(alice)) == 1
    await is_moved(organizer, start, content="Bring two coats.")
    stage.clock.forward(2 * HOUR)
    await asyncio.sleep(1.2)
    assert len(reminded(alice)) == 1


async def test_a_move_to_tonight_is_reminder_enough(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    await is_moved(organizer, int(stage.clock()) + 10 * HOUR)
    await alice.hears("has changed")
    assert await rows(stage, "SELECT 1 FROM outbox WHERE key LIKE 'reminder:%'") == []
    stage.clock.forward(9 * HOUR)
    await asyncio.sleep(1.2)
    assert reminded(alice) == []


async def test_who_was_reminded_is_not_again_for_an_hours_delay(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    start = next(int(tag[1]) for tag in event.tags if tag[0] == "start")
    stage.clock.forward(WEEK - DAY + 60)
    await is_over(stage)
    await is_moved(organizer, start - HOUR)
    await alice.hears("has changed")
    stage.clock.forward(13 * HOUR)
    await asyncio.sleep(1.2)
    assert len(reminded(alice)) == 1
