"""When an evening is over: thanks to who came, badges for who wants one, figures for who asks."""

from __future__ import annotations

from typing import Any

import nostr_sdk
import orjson
import pytest
from websockets.asyncio.client import connect

from tests.story.cast import DAY, HOUR, Organizer, Person, Stage
from ticketbot.handlers.rounds import thanking
from ticketbot.ledger import outbox
from ticketbot.ledger.store import Tx

BADGES = {"kinds": [8, 30009]}


async def opens_soon(organizer: Organizer, title: str = "Lisbon Meetup", **tags: Any) -> str:
    """An event on sale that begins in two hours, and lasts three; its event_id."""
    start = int(organizer.stage.clock()) + 2 * HOUR
    await organizer.has_on_sale(
        title, **{"start": start, "end": start + 3 * HOUR, "price": None} | tags
    )
    return f"31923:{organizer.pubkey}:{title.lower().replace(' ', '-')}"


async def gets_in(organizer: Organizer, person: Person, what: str = "lisbon") -> str:
    """A free ticket, and through the door with it."""
    await person.says(f"buy {what}")
    token = await person.gets_a_ticket()
    await organizer.says(f"checkin {token}")
    await organizer.hears("GREEN")
    return token


async def ends(stage: Stage, hours: float = 7) -> None:
    """Time passes until everybody is at home."""
    stage.clock.forward(hours * HOUR)
    await stage.app.epilogue.play()


async def published(stage: Stage, *ids: str) -> list[dict[str, Any]]:
    """The badges that lie at the relay."""
    while await stage.app.store.transaction(lambda tx: _notes_wait(tx)):
        await stage.app.look_around()
    found = []
    async with connect(stage.relay) as socket:
        await socket.send(orjson.dumps(["REQ", "b", BADGES]), text=True)
        while (frame := orjson.loads(await socket.recv()))[0] != "EOSE":
            found.append(frame[2])
    return sorted(found, key=lambda event: -event["kind"])


def _notes_wait(tx: Tx) -> bool:
    return bool(outbox.due(tx, "note", 2**40, frozenset(), 1))


async def test_who_came_is_thanked_once_and_who_did_not_is_left_alone(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await opens_soon(organizer)
    await gets_in(organizer, alice)
    await gets_in(organizer, alice)
    await bob.says("buy lisbon")
    await bob.gets_a_ticket()
    await ends(stage, 5.5)
    assert await alice.hears_nothing()
    await ends(stage, 1)
    assert await alice.hears() == "Thank you for coming to Lisbon Meetup!"
    await ends(stage, 1)
    await stage.app.epilogue.play()
    assert await alice.hears_nothing() and bob.unread == 0


async def test_the_organizers_words_are_said_and_links_are_not(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await alice.says("lang es")
    await alice.hears("Desde ahora")
    await opens_soon(
        organizer,
        thanks="Pictures: https://evil.example/x <b>lnbc10n1pj9x2xyz</b>",
        badge="offered",
    )
    await gets_in(organizer, alice)
    await ends(stage)
    said = await alice.hears("unas palabras de la organización: Pictures: …")
    assert "evil" not in said and "lnbc" not in said
    assert said.endswith("envía: badge yes lisbon")


@pytest.mark.choices(thanks=False)
async def test_the_operator_turns_thanks_off(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await opens_soon(organizer)
    await gets_in(organizer, alice)
    await ends(stage)
    assert await alice.hears_nothing()


async def test_thanks_go_on_where_a_crash_stopped_them(
    stage: Stage, organizer: Organizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thanking, "PAGE", 2)
    await opens_soon(organizer)
    visitors = [await stage.enters() for _ in range(5)]
    for one in visitors:
        await gets_in(organizer, one)
    stage.clock.forward(7 * HOUR)
    event = await stage.app.store.transaction(lambda tx: tx.row("SELECT event_id FROM listing"))
    assert event is not None
    await stage.app.engine.decide(lambda tx, ctx: thanking.page(event[0], tx, ctx), "thanks")
    await stage.crashes()
    await stage.opens()
    await stage.app.epilogue.play()
    await stage.app.epilogue.play()
    for one in visitors:
        assert (await one.hears("Thank you")).endswith("Lisbon Meetup!")
    assert await visitors[0].hears_nothing()
    assert all(one.unread == 0 for one in visitors)
    left = await stage.app.store.transaction(lambda tx: tx.row("SELECT count(*) FROM thanked"))
    assert left == (0,)


async def test_a_bot_that_was_away_for_a_week_thanks_nobody(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await opens_soon(organizer)
    await gets_in(organizer, alice)
    await ends(stage, 7 * 24)
    assert await alice.hears_nothing()


async def test_a_badge_is_for_who_asked_and_came(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    event_id = await opens_soon(organizer, image="https://pictures.example/lisbon.png")
    carol, dave = await stage.enters(), await stage.enters()
    for one in (alice, bob, carol):
        await gets_in(organizer, one)
    await dave.says("buy lisbon")
    await dave.gets_a_ticket()
    for one in (alice, carol, dave):
        await one.says("badge yes")
        await one.hears("Everybody can see it then")
    await stage.app.epilogue.play()
    assert await published(stage) == []  # nobody is shown where they are now
    await ends(stage)
    definition, award = await published(stage)
    assert definition["kind"] == 30009 and award["kind"] == 8
    assert definition["pubkey"] == award["pubkey"] == stage.keys.pubkey
    tags = dict(tag[:2] for tag in definition["tags"])
    assert tags["name"] == "Lisbon Meetup" and tags["a"] == event_id
    assert tags["image"] == "https://pictures.example/lisbon.png"
    address, *people = award["tags"]
    assert address == ["a", f"30009:{stage.keys.pubkey}:{tags['d']}"] and ":" not in tags["d"]
    assert people == [["p", key] for key in sorted([alice.pubkey, carol.pubkey])]
    for raw in (definition, award):
        assert nostr_sdk.Event.from_json(orjson.dumps(raw).decode()).verify()
    for one in (alice, carol):
        await one.hears("Your badge of Lisbon Meetup is published")
    assert bob.pubkey not in orjson.dumps(award).decode()


async def test_who_asks_afterwards_gets_it_and_nobody_twice(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await opens_soon(organizer)
    await gets_in(organizer, alice)
    await gets_in(organizer, bob)
    await alice.says("badge yes lisbon")
    await alice.hears("Noted")
    await ends(stage)
    await alice.hears("is published")
    await alice.says("badge yes")
    await alice.hears("is published already")
    await bob.says("insignia sí")
    await bob.hears("Anotado")
    await stage.app.epilogue.play()
    await stage.app.epilogue.play()
    await bob.hears("está publicada")
    found = await published(stage)
    assert [event["kind"] for event in found] == [30009, 8, 8]
    named = [tag[1] for event in found[1:] for tag in event["tags"] if tag[0] == "p"]
    assert sorted(named) == sorted([alice.pubkey, bob.pubkey])


async def test_a_wish_is_taken_back(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await opens_soon(organizer)
    await gets_in(organizer, alice)
    await alice.says("badge yes")
    await alice.hears("Noted. If you are let in")
    await alice.says("badge no")
    await alice.hears("Noted: no badge of Lisbon Meetup.")
    await ends(stage)
    await alice.hears("Thank you")
    assert await published(stage) == []


async def test_there_is_no_badge_against_the_organizers_will(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await opens_soon(organizer, badge="never")
    await gets_in(organizer, alice)
    await alice.says("badge yes")
    await alice.hears("The organizer of Lisbon Meetup gives no badges.")
    await bob.says("badge yes lisbon")
    await bob.hears("You hold no tickets")
    await bob.says("badge")
    await bob.hears("A badge says in public")
    await bob.says("badge yes <script>")
    await bob.hears("I know no event")
    await ends(stage)
    assert await published(stage) == []


async def test_a_slip_in_the_tag_is_told_and_gives_nothing_away(
    stage: Stage, organizer: Organizer
) -> None:
    await organizer.announces(badge="perhaps")
    assert 'badge: "perhaps" is none of: asked, offered, never' in await organizer.hears()


async def test_who_is_forgotten_gets_no_badge(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await opens_soon(organizer)
    await gets_in(organizer, alice)
    await alice.says("badge yes")
    await alice.hears("Noted")
    stage.clock.forward(6 * HOUR - 60)
    await alice.says("forget me yes")
    await alice.hears("Done, this was the last")
    await ends(stage, 2)
    assert await published(stage) == [] and alice.unread == 0
    rows = await stage.app.store.transaction(lambda tx: tx.row("SELECT count(*) FROM badge_wish"))
    assert rows == (0,)


async def test_the_organizer_sees_how_it_was_visited(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event_id = await opens_soon(organizer)
    await organizer.says("attendance lisbon")
    assert await organizer.hears() == "Lisbon Meetup: nobody has been let in yet."
    people = [await stage.enters() for _ in range(6)]
    tokens = [await gets_in(organizer, one) for one in people]
    await alice.says("buy lisbon")
    await alice.gets_a_ticket()
    await organizer.says("attendance lisbon")
    said = await organizer.hears("so far: 6 came, of 7 tickets; 6 are inside. Most at once: 6, at")
    stage.clock.forward(2 * HOUR)
    for token in tokens[:5]:
        await organizer.says(f"checkout {token}")
        await organizer.hears("left")
    stage.clock.forward(4 * HOUR)
    await organizer.asks(type="attendance", request_id="1", event_id=event_id)
    told = await organizer.is_told("attendance")
    figures = {name: told[name] for name in ("tickets", "came", "away", "inside", "peak", "over")}
    assert figures == {
        "tickets": 7,
        "came": 6,
        "away": 1,
        "inside": 1,
        "peak": 6,
        "over": True,
    }
    assert 2 * HOUR - 60 <= told["stay"] <= 2 * HOUR + 60
    await organizer.says("attendance lisbon")
    said = await organizer.hears("6 came, of 7 tickets; 1 did not")
    assert said.endswith("stayed longer than 2 h.")


async def test_of_few_visitors_only_their_number_is_told(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await opens_soon(organizer)
    token = await gets_in(organizer, alice)
    await organizer.says(f"checkout {token}")
    await organizer.hears("left")
    await organizer.says("attendance lisbon")
    said = await organizer.hears("1 came, of 1 tickets")
    assert ":" not in said.removeprefix("Lisbon Meetup, so far:")
    await organizer.says("attendance lisbon list")
    await organizer.hears("Visits are only counted here")
    await bob.says("attendance lisbon")
    await bob.hears("somebody else's event")


@pytest.mark.choices(attendance="full")
async def test_visits_are_listed_by_ticket_where_the_operator_allows_it(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await opens_soon(organizer)
    token = await gets_in(organizer, alice)
    stage.clock.forward(HOUR)
    await organizer.says(f"checkout {token}")
    await organizer.hears("left")
    await organizer.says("attendance lisbon list")
    said = await organizer.hears("ticket by ticket")
    assert said.endswith("60 min") and "–" in said
    assert alice.keys.pubkey not in said
    await organizer.says("attendance lisbon list from 9")
    await organizer.hears("nobody has been let in")


@pytest.mark.choices(attendance="off")
async def test_attendance_can_be_off(stage: Stage, organizer: Organizer) -> None:
    await opens_soon(organizer)
    for words in ("attendance lisbon", "attendance lisbon list"):
        await organizer.says(words)
        await organizer.hears("its operator has turned it off")


async def test_a_month_later_wishes_of_who_never_came_are_gone(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await opens_soon(organizer)
    await alice.says("buy lisbon")
    await alice.gets_a_ticket()
    await alice.says("badge yes")
    await alice.hears("Noted")
    await ends(stage, 32 * DAY / HOUR)
    rows = await stage.app.store.transaction(lambda tx: tx.row("SELECT count(*) FROM badge_wish"))
    assert rows == (0,)


async def test_a_restored_ledger_thanks_nobody_for_what_was_before(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await opens_soon(organizer)
    await gets_in(organizer, alice)
    stage.clock.forward(7 * HOUR)
    stage.app.engine.reception.restored_at = int(stage.clock())
    await stage.app.epilogue.play()
    assert await alice.hears_nothing()
