"""What programs are refused, each code of the contract; and what is never answered."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.program import Message, Program, listening


@pytest.fixture
async def program(stage: Stage, alice: Person) -> Program:
    await listening(stage)
    return Program(alice)


@pytest.fixture
async def other(bob: Person) -> Program:
    return Program(bob)


# --- every error code ---


def _error(request_id: str | None, code: str, message: str) -> Message:
    return {"type": "error", "request_id": request_id, "code": code, "message": message}


async def test_sold_out(organizer: Organizer, program: Program, other: Program) -> None:
    note = await organizer.has_on_sale(stock=1)
    await other.asks("buy", event_id=note.address())
    assert await program.asks("buy", request_id="e", event_id=note.address()) == _error(
        "e",
        "sold-out",
        "Sold out, or the last seats are in somebody's basket just now. "
        "To get one that comes free, in turn, send: join lisbon 1",
    )


async def test_unknown_event(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    unknown = note.address() + "-2"
    answer = await program.asks("buy", request_id="e", event_id=unknown)
    assert (answer["type"], answer["code"]) == ("error", "unknown-event")


async def test_not_on_sale(stage: Stage, organizer: Organizer, program: Program) -> None:
    later = int(stage.clock()) + HOUR
    note = await organizer.has_on_sale(sales_start=later)
    answer = await program.asks("buy", event_id=note.address())
    assert answer["code"] == "not-on-sale"
    assert answer["message"].startswith("Tickets for Lisbon Meetup are on sale from ")


async def test_too_many(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    assert await program.asks(
        "buy", request_id="e", event_id=note.address(), quantity=11
    ) == _error("e", "too-many", "At most 10 tickets in one order. Buy the rest in another.")


@pytest.mark.parametrize("quantity", [0, -1, "2", "two", 1.5, True, [1]], ids=repr)
async def test_a_quantity_that_is_none_is_a_bad_request(
    organizer: Organizer, program: Program, quantity: object
) -> None:
    note = await organizer.has_on_sale()
    answer = await program.asks("buy", event_id=note.address(), quantity=quantity)
    assert (answer["type"], answer["code"]) == ("error", "bad-request")
    assert "quantity" in answer["message"]


async def test_an_absurd_quantity_is_too_many(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    answer = await program.asks("buy", event_id=note.address(), quantity=10**9)
    assert answer["code"] == "too-many"


@pytest.mark.parametrize("request_id", [None, "", "x" * 65, 7], ids=repr)
async def test_a_request_without_a_usable_id_is_a_bad_request(
    program: Program, request_id: object
) -> None:
    await program.person.asks(type="events", request_id=request_id)
    answer = await program.hears(type="error")
    assert answer == _error(None, "bad-request", answer["message"])
    assert "request_id" in answer["message"]


async def test_the_longest_request_id(program: Program) -> None:
    assert (await program.asks("events", request_id="x" * 64))["type"] == "events"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("buy", {}),
        ("buy", {"event_id": 7}),
        ("buy", {"event_id": "x" * 301}),
        ("events", {"limit": 0}),
        ("events", {"after": "no cursor of ours"}),
        ("status", {}),
        ("cancel", {"order_id": ["a"]}),
        ("refund", {"order_id": ["abc"]}),
    ],
)
async def test_missing_and_misshapen_fields(program: Program, kind: str, fields: Message) -> None:
    answer = await program.asks(kind, **fields)
    assert (answer["type"], answer["code"]) == ("error", "bad-request")


@pytest.mark.choices(per_minute=2)
async def test_try_later(program: Program) -> None:
    await _early_in_a_minute()
    answers = [await program.asks("events") for _ in range(3)]
    assert [answer["type"] for answer in answers] == ["events", "events", "error"]
    assert answers[-1]["code"] == "try-later"
    await program.person.asks(type="events", request_id="one more")
    assert await program.person.hears_nothing(0.3) is False  # what came before
    assert program.has_heard("error") == 1
    assert program.has_heard("events") == 2


async def test_not_yours(organizer: Organizer, program: Program, other: Program) -> None:
    note = await organizer.has_on_sale()
    invoice = await other.asks("buy", event_id=note.address())
    order_id = invoice["order_id"]
    for kind in ("status", "cancel"):
        answer = await program.asks(kind, order_id=order_id)
        assert (answer["type"], answer["code"]) == ("error", "not-yours")
        unknown = await program.asks(kind, order_id="a" * len(order_id))
        assert unknown["code"] == "not-yours"
    assert (await other.asks("status", order_id=order_id))["state"] == "invoiced"


# --- what is never answered ---

SILENT = [
    '{"type":"hello","request_id":"x"}',
    '{"type":"invoice","request_id":"x","order_id":"y"}',
    '{"type":"ticket","request_id":"x"}',
    '{"type":"error","request_id":"x","code":"sold-out","message":"m"}',
    '{"type":"order","request_id":"x","order_id":"y","state":"paid"}',
    '{"type":"refund-due","order_id":"y","amount_msat":1,"message":"m"}',
    '{"type":"events","request_id":"x","events":[],"next":null}',
    '{"type":"tickets","request_id":"x","count":3}',
    '{"id":"1","method":"connect","params":[]}',
    '{"id":"1","result":"ack","error":null}',
    '{"id":"1","error":"denied"}',
    '{"type":"events","request_id":"x","method":"get_public_key"}',
    '{"type":"events","request_id":"x","result":"ok"}',
    '{"request_id":"x"}',
    '{"type":7,"request_id":"x"}',
    '["events"]',
    '"events"',
    "events",
    "{",
    '{"type":"events","request_id":"x"' + " " * 61_000 + "}",
]


@pytest.mark.parametrize("text", SILENT, ids=lambda text: text[:60])
async def test_silence(program: Program, text: str) -> None:
    await program.person.says(text, "24133")
    await program.hears_no_more()


async def test_after_ten_minutes_a_request_is_no_longer_answered(
    stage: Stage, program: Program
) -> None:
    stage.clock.forward(300)  # so that the relay still hands such a message on
    fresh = json.dumps({"type": "events", "request_id": "fresh"})
    stale = json.dumps({"type": "events", "request_id": "stale"})
    await program.person.says(stale, "24133", ago=610)
    await program.person.says(fresh, "24133", ago=590)
    assert (await program.hears())["request_id"] == "fresh"
    await program.hears_no_more()


async def test_the_same_event_twice_is_one_request(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    wish = {"type": "buy", "request_id": "once", "event_id": note.address()}
    event = await program.person.says(json.dumps(wish), "24133")
    await program.hears(type="invoice")
    await program.person.send(event)
    await program.hears_no_more()


async def _early_in_a_minute() -> None:
    """Messages are counted by the minute: wait for a new one rather than cross its end."""
    left = 60 - time.time() % 60
    if left < 5:
        await asyncio.sleep(left)
