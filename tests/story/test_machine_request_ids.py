"""A `request_id` buys once: repeated, it is answered with the order as it is now."""

from __future__ import annotations

import pytest

from tests.story.cast import Organizer, Person, Stage
from tests.story.program import Message, Program, listening, only_order


@pytest.fixture
async def program(stage: Stage, alice: Person) -> Program:
    await listening(stage)
    return Program(alice)


@pytest.fixture
async def other(bob: Person) -> Program:
    return Program(bob)


async def test_repeated_while_the_seats_are_held(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    stage.wallet.down = True
    wish = {"type": "buy", "request_id": "once", "event_id": note.address(), "quantity": 1}
    await program.person.asks(**wish)
    held = await only_order(stage, state="held")
    await program.person.asks(**wish)
    answer = await program.hears(request_id="once")
    assert (answer["type"], answer["order_id"], answer["state"]) == ("order", held, "held")
    stage.wallet.down = False
    assert (await program.hears(type="invoice"))["order_id"] == held


async def test_repeated_while_it_waits_for_money(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    first = await program.asks("buy", request_id="once", event_id=note.address())
    assert await program.asks("buy", request_id="once", event_id=note.address()) == first
    assert await only_order(stage, state="invoiced") == first["order_id"]


async def test_repeated_when_it_is_paid(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    ticket = await program.buys(note.address(), request_id="once")
    assert await program.asks("buy", request_id="once", event_id=note.address()) == ticket
    assert await only_order(stage, state="paid") == ticket["order_id"]


async def test_repeated_when_it_has_lapsed(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    first = await program.asks("buy", request_id="once", event_id=note.address())
    stage.clock.forward(601)
    await program.hears(type="order", state="released")
    again = await program.asks("buy", request_id="once", event_id=note.address())
    assert (again["type"], again["state"]) == ("order", "released")
    assert await only_order(stage, state="released") == first["order_id"]


async def test_repeated_after_a_restart(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    first = await program.asks("buy", request_id="once", event_id=note.address())
    await stage.closes()
    await stage.opens()
    await listening(stage)
    assert await program.asks("buy", request_id="once", event_id=note.address()) == first


@pytest.mark.parametrize("change", [{"quantity": 2}, {"tier": "VIP"}, {"event_id": "31923:ab:c"}])
async def test_other_content_under_the_same_id_is_refused(
    organizer: Organizer, program: Program, change: Message
) -> None:
    note = await organizer.has_on_sale()
    wish = {"request_id": "once", "event_id": note.address()}
    first = await program.asks("buy", **wish)
    answer = await program.asks("buy", **wish | change)
    assert (answer["type"], answer["code"]) == ("error", "bad-request")
    assert await program.asks("buy", **wish) == first


async def test_the_same_wish_in_other_words_is_the_same_content(
    organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    first = await program.asks("buy", request_id="once", event_id=note.address())
    wish = {"quantity": 1, "tier": None, "event_id": note.address(), "colour": "blue"}
    assert await program.asks("buy", request_id="once", **wish) == first


async def test_errors_are_not_remembered(
    organizer: Organizer, program: Program, other: Program
) -> None:
    note = await organizer.has_on_sale(stock=1)
    last = await other.asks("buy", event_id=note.address())
    refused = await program.asks("buy", request_id="patient", event_id=note.address())
    assert refused["code"] == "sold-out"
    await other.asks("cancel", order_id=last["order_id"])
    answer = await program.asks("buy", request_id="patient", event_id=note.address())
    assert answer["type"] == "invoice"


async def test_a_new_id_is_a_new_order(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    first = await program.asks("buy", request_id="one", event_id=note.address())
    second = await program.asks("buy", request_id="two", event_id=note.address())
    assert first["order_id"] != second["order_id"]
    assert first["payment_hash"] != second["payment_hash"]


async def test_a_request_id_belongs_to_its_buyer(
    organizer: Organizer, program: Program, other: Program
) -> None:
    note = await organizer.has_on_sale()
    mine = await program.asks("buy", request_id="same", event_id=note.address())
    theirs = await other.asks("buy", request_id="same", event_id=note.address())
    assert mine["order_id"] != theirs["order_id"]


async def test_reads_are_always_fresh(organizer: Organizer, program: Program) -> None:
    await organizer.has_on_sale("Alpha Night")
    assert len((await program.asks("events", request_id="same"))["events"]) == 1
    await organizer.has_on_sale("Beta Night")
    assert len((await program.asks("events", request_id="same"))["events"]) == 2
