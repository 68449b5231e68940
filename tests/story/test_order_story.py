"""The story of an order: what its tickets met at the door, in the organizer's language."""

from __future__ import annotations

import pytest

from tests.story.cast import HOUR, WEEK, Organizer, Person, Stage
from tests.story.handing_on import code_of
from tests.story.memory import rows
from tests.story.program import Program, listening


@pytest.fixture
async def order(stage: Stage, organizer: Organizer, alice: Person) -> str:
    """Two tickets; one of them was let in at gate B, and shown once more at gate C."""
    await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon 2")
    tokens = [await alice.gets_a_ticket() for _ in range(2)]
    stage.clock.forward(WEEK + 60)
    code = code_of(stage, tokens[0])
    for words, light in ((f"{code} gate B", "GREEN"), (f"{code} gate C", "RED")):
        await organizer.says(f"checkin {words}")
        await organizer.hears(light)
        stage.clock.forward(60)
    return str((await rows(stage, "SELECT id FROM orders"))[0][0])


async def told(organizer: Organizer, order: str) -> list[str]:
    """The lines without their times."""
    await organizer.says(f"order lisbon {order[-4:]}")
    _, _, *lines = (await organizer.hears("Lisbon Meetup · ")).splitlines()
    return [line.split(" · ", 1)[1] for line in lines]


async def test_what_its_tickets_met_at_the_door(
    stage: Stage, organizer: Organizer, order: str
) -> None:
    (*_, issued, came, again) = await told(organizer, order)
    assert issued == "tickets issued · tickets 2"
    assert came.startswith("let in · gate B · ")
    assert again.startswith("turned away: used already · gate C · ")
    assert came[-19:] == again[-19:]
    await listening(stage)
    (event_id,) = (await rows(stage, "SELECT event_id FROM orders"))[0]
    story = await Program(organizer).asks("order-story", event_id=event_id, order_id=order)
    assert [(one["kind"], one["outcome"], one["gate"], one["pass"]) for one in story["scans"]] == [
        ("check-in", "admitted", "B", None),
        ("check-in", "already-used", "C", None),
    ]
    assert {one["ticket_id"] for one in story["scans"]} < {
        one["ticket_id"] for one in story["live"]
    }


async def test_in_spanish(organizer: Organizer, order: str) -> None:
    await organizer.says("lang es")
    await organizer.hears("español")
    (first, issued, came, again) = await told(organizer, order)
    assert first == "hecho · asientos 2"
    assert issued == "entradas emitidas · entradas 2"
    assert came.startswith("entró · puerta B · ")
    assert again.startswith("rechazada: ya usada · puerta C · ")
    await organizer.says(f"order lisbon {order[-4:]} note Lo vi salir")
    await organizer.hears("Anotado en el pedido")
    assert (await told(organizer, order))[-1] == "anotado · por la organización"


async def test_when_all_is_over_visits_are_nobodys(
    stage: Stage, organizer: Organizer, order: str
) -> None:
    stage.clock.forward(4 * HOUR)
    lines = await told(organizer, order)
    assert lines[-1] == "tickets issued · tickets 2"


@pytest.mark.choices(attendance="full")
async def test_unless_the_operator_allows_it(
    stage: Stage, organizer: Organizer, order: str
) -> None:
    stage.clock.forward(4 * HOUR)
    assert (await told(organizer, order))[-1].startswith("turned away")


async def test_the_newest_are_told_where_not_all_have_room(
    stage: Stage, organizer: Organizer, order: str
) -> None:
    for number in range(12):
        await organizer.says(f"order lisbon {order[-4:]} note Number {number}")
        await organizer.hears("Noted")
    lines = await told(organizer, order)
    assert len(lines) == 10
    assert set(lines) == {"noted · by the organizer"}
