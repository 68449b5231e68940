"""A note moves its event: every holder hears it once, and may step back for a while."""

from __future__ import annotations

import asyncio

import pytest

from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered, is_valid
from tests.story.memory import rows, settles_down
from tests.story.program import Program, listening
from ticketbot.domain.ticket import expiry, read_token
from ticketbot.handlers.rounds import changes
from ticketbot.ledger import outbox
from ticketbot.outbox import pages
from ticketbot.texts import say

pytestmark = pytest.mark.choices(ephemeral="when-asked")
LISBON = "Lisbon Meetup"
PORTO = "Casa da Música, Porto"


async def moves(organizer: Organizer, later: int = 2, **tags: object) -> None:
    """A newer note, and everybody it concerns is told."""
    await organizer.announces(at=int(organizer.stage.clock()) + later, **tags)
    await organizer.hears("was moved")
    await is_told(organizer.stage)


async def is_told(stage: Stage) -> None:
    """Wait until the round through the holders is over."""
    async with asyncio.timeout(10):
        while await rows(stage, "SELECT 1 FROM outbox WHERE key LIKE 'change:%' AND kind='errand'"):
            await asyncio.sleep(0.02)
    await settles_down(stage)


def news(person: Person) -> list[str]:
    """What somebody was told about changes: the same message from two relays is one."""
    heard = {message.key: message.text for message in person.heard}
    return [text for text in heard.values() if "has changed" in text]


async def test_another_place_is_told_to_every_holder_once(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon 2")
    await alice.gets_a_ticket()
    await alice.buys("lisbon")
    await bob.buys("lisbon")
    start = next(int(tag[1]) for tag in event.tags if tag[0] == "start")
    await moves(organizer, start=start, end=start + 3 * HOUR, location=PORTO)
    for person in (alice, bob):
        (told,) = news(person)
        assert "It is now: " in told
        assert PORTO in told.splitlines()[0]
        assert "Praça do Comércio" in told.splitlines()[1]
        assert "send refund lisbon before" in told
    assert await rows(stage, "SELECT DISTINCT version FROM ticket") == [(1,)]


async def test_other_words_are_no_move(stage: Stage, organizer: Organizer, alice: Person) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    start = next(int(tag[1]) for tag in event.tags if tag[0] == "start")
    at = int(stage.clock()) + 2
    await organizer.announces(
        at=at, start=start, end=start + 3 * HOUR, content="With music.", price=["9000", "SAT"]
    )
    await organizer.hears("Get a ticket")
    await settles_down(stage)
    assert news(alice) == []
    assert organizer.unread == 0


async def test_nobody_holds_a_ticket(stage: Stage, organizer: Organizer) -> None:
    await organizer.has_on_sale()
    await organizer.announces(at=int(stage.clock()) + 2, location=PORTO)
    await organizer.hears("Get a ticket")
    await settles_down(stage)
    assert organizer.unread == 0
    assert await rows(stage, "SELECT * FROM moved") == []


async def test_a_later_end_makes_tickets_again(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """The old code dies; an offer that was made before stays good."""
    event = await organizer.has_on_sale()
    old = await alice.buys("lisbon")
    offer = await is_offered(alice, bob, code_of(stage, old))
    start = next(int(tag[1]) for tag in event.tags if tag[0] == "start")
    end = start + 5 * DAY
    await moves(organizer, start=start, end=end)
    new = await alice.gets_a_ticket()
    assert new != old
    assert not await is_valid(stage, old)
    assert await is_valid(stage, new)
    claims = read_token(new, stage.app.desk.ticket_public_key)
    assert (claims.version, claims.expires_at) == (2, expiry(end))
    await bob.says(f"accept {offer}")
    third = await bob.gets_a_ticket()
    assert read_token(third, stage.app.desk.ticket_public_key).version == 3
    assert not await is_valid(stage, new)


async def test_an_earlier_end_leaves_them(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    token = await alice.buys("lisbon")
    start = next(int(tag[1]) for tag in event.tags if tag[0] == "start")
    await moves(organizer, start=start, end=start + HOUR)
    assert len(news(alice)) == 1
    assert await is_valid(stage, token)


async def test_nobodys_code_dies_while_people_are_at_the_door(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    token = await alice.buys("lisbon")
    start = next(int(tag[1]) for tag in event.tags if tag[0] == "start")
    await settles_down(stage)
    stage.clock.forward(WEEK + HOUR)
    await moves(organizer, start=start, end=start + 6 * HOUR)
    assert len(news(alice)) == 1
    assert "send refund" not in news(alice)[0]
    assert await is_valid(stage, token)


async def test_who_orders_afterwards_knows(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.clock.forward(5)
    await moves(organizer, location=PORTO)
    stage.clock.forward(5)
    await bob.buys("lisbon")
    await settles_down(stage)
    assert len(news(alice)) == 1
    assert news(bob) == []
    await bob.says("refund lisbon")
    assert await bob.hears() == say("return-never", title=LISBON)


async def test_a_moved_event_may_be_given_back_in_full(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Whatever the terms say, as long as the window is open."""
    await organizer.has_on_sale(refund_until="30d", refund_fee="50%")
    await alice.buys("lisbon 2")
    await alice.gets_a_ticket()
    await bob.buys("lisbon")
    await bob.says("refund lisbon")
    assert "could be given back until" in await bob.hears()
    await moves(organizer, location=PORTO, refund_until="30d", refund_fee="50%")
    await alice.hears("has changed")
    await alice.says("refund lisbon")
    values = {"title": LISBON, "paid": "10,000 sats", "what": "lisbon", "n": 2}
    assert await alice.hears() == say("return-ask", **values)
    await alice.says("refund lisbon yes")
    assert await alice.hears("goes back to you")
    owed = await rows(stage, "SELECT amount_msat, reason FROM refund")
    assert owed == [(10_000_000, "refund-returned")]
    stage.clock.forward(73 * HOUR)
    await bob.says("refund lisbon")
    assert "could be given back until" in await bob.hears("could be")


async def test_moved_twice_before_anybody_heard(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message, from where it was to where it is."""
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.app._usher.pages.heard = lambda: False
    start = int(stage.clock()) + WEEK
    for later, place in ((2, "Faro"), (4, PORTO)):
        await organizer.announces(at=int(stage.clock()) + later, location=place, start=start)
        await organizer.hears("was moved")
    stage.app._usher.pages.heard = lambda: True
    await is_told(stage)
    (told,) = news(alice)
    assert PORTO in told.splitlines()[0]
    assert "Praça do Comércio" in told.splitlines()[1]


async def test_moved_back_before_anybody_heard(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    start = next(int(tag[1]) for tag in event.tags if tag[0] == "start")
    stage.app._usher.pages.heard = lambda: False
    for later, place in ((2, "Faro"), (4, "Praça do Comércio")):
        await organizer.announces(
            at=int(stage.clock()) + later, location=place, start=start, end=start + 3 * HOUR
        )
        await organizer.hears("Get a ticket")
    stage.app._usher.pages.heard = lambda: True
    await is_told(stage)
    assert news(alice) == []


@pytest.mark.choices(per_minute=10_000, ephemeral="when-asked")
async def test_a_large_event_survives_crashes_and_tells_nobody_twice(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PAGE", 1)
    monkeypatch.setattr(pages, "PAUSE", 0.2)
    event = await organizer.has_on_sale()
    people = [alice, bob, *[await stage.enters() for _ in range(4)]]
    for person in people:
        await person.buys("lisbon")
    start = next(int(tag[1]) for tag in event.tags if tag[0] == "start") + DAY
    await organizer.announces(at=int(stage.clock()) + 2, start=start, end=start + 3 * HOUR)
    await organizer.hears("was moved")
    for _ in range(3):
        await asyncio.sleep(0.3)
        await stage.crashes()
        await stage.opens()
    await is_told(stage)
    for person in people:
        assert len(news(person)) == 1
        tickets = {m.text for m in person.heard if "\nTKT1:" in m.text}
        assert len(tickets) == 2
    assert await rows(stage, "SELECT DISTINCT version FROM ticket") == [(2,)]


async def test_a_cancelled_event_is_not_told_as_moved(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.app._usher.pages.heard = lambda: False
    await organizer.announces(at=int(stage.clock()) + 2, location=PORTO)
    await organizer.hears("was moved")
    await organizer.publish(5, [["a", event.address()]], "", int(stage.clock()) + 4)
    await organizer.hears("off sale")
    stage.app._usher.pages.heard = lambda: True
    await is_told(stage)
    assert news(alice) == []


async def test_a_program_hears_it_too(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await listening(stage)
    event = await organizer.has_on_sale()
    program = Program(alice)
    ticket = await program.buys(event.address())
    await organizer.announces(at=int(stage.clock()) + 2, location=PORTO)
    moved = await program.hears(type="event-moved")
    assert (moved["event_id"], moved["place"]) == (event.address(), PORTO)
    assert moved["refund_until"] > stage.clock()
    await is_told(stage)
    assert len(news(alice)) == 2  # as JSON, and by DM, which relays keep
    asked = await program.asks("refund", ticket_id=ticket["ticket_id"])
    assert (asked["type"], asked["amount_msat"], asked["kept_msat"]) == (
        "refund-quote",
        5_000_000,
        0,
    )


async def test_a_round_whose_row_is_gone_does_nothing(stage: Stage) -> None:
    def work(tx: object) -> bool:
        return outbox.body_of(tx, changes.job("nothing")) is None  # type: ignore[arg-type]

    assert await stage.app.store.transaction(work)
