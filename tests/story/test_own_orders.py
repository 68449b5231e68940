"""Somebody's own orders, newest first: by message, for programs, and over HTTP."""

from __future__ import annotations

import pytest

from tests.story.caller import Caller
from tests.story.cast import Organizer, Person, Stage


@pytest.fixture
async def carol(stage: Stage, organizer: Organizer) -> Caller:
    """Who has ordered three times: for Porto, which is free, and for Lisbon, once given back."""
    await organizer.has_on_sale("Lisbon Meetup")
    await organizer.has_on_sale("Porto Dinner", price=None)
    carol = Caller(stage)
    await orders(carol, "porto", "free")
    gone = await orders(carol, "lisbon", "gone")
    await carol.posts(f"/orders/{gone}/cancel")
    await orders(carol, "lisbon", "open")
    return carol


async def orders(carol: Caller, code: str, name: str) -> str:
    event = await carol.gets(f"/events/{code}", signed=False)
    wish = {"request_id": name, "event_id": event.body["event_id"]}
    placed = await carol.posts("/orders", **wish)
    assert placed.status == 201
    order_id: str = placed.body["order_id"]
    return order_id


async def states(carol: Caller, query: str = "") -> list[str]:
    page = await carol.gets(f"/orders{query}")
    assert page.status == 200, page
    return [one["state"] for one in page.body["orders"]]


async def test_filters(carol: Caller) -> None:
    for query, found in {
        "": ["invoiced", "released", "paid"],
        "?state=open": ["invoiced"],
        "?state=invoiced": ["invoiced"],
        "?state=held": [],
        "?state=released": ["released"],
        "?state=paid": ["paid"],
        "?state=closed": [],
        "?event_id=lisbon": ["invoiced", "released"],
        "?event_id=porto&state=open": [],
        "?event_id=&state=": ["invoiced", "released", "paid"],
    }.items():
        assert await states(carol, query) == found, query
    event = (await carol.gets("/orders?state=paid")).body["orders"][0]["event_id"]
    assert await states(carol, f"?event_id={event}") == ["paid"]


async def test_pages(carol: Caller) -> None:
    seen: list[str] = []
    path = "/orders?limit=1"
    while True:
        page = (await carol.gets(path)).body
        seen += [one["order_id"] for one in page["orders"]]
        if page["next"] is None:
            break
        path = f"/orders?limit=1&after={page['next']}"
    assert seen == [one["order_id"] for one in (await carol.gets("/orders")).body["orders"]]
    assert len(seen) == len(set(seen)) == 3


async def test_nobody_sees_anybody_elses(stage: Stage, carol: Caller) -> None:
    (newest, *_) = (await carol.gets("/orders")).body["orders"]
    stranger = Caller(stage)
    assert (await stranger.gets("/orders")).body == {
        "orders": [],
        "next": None,
        "message": "0 orders.",
    }
    guessed = await stranger.gets(f"/orders?after={newest['order_id']}")
    assert (guessed.status, guessed.code) == (422, "bad-request")
    assert (await carol.gets("/orders", signed=False)).code == "sign-in"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("state=lost", 422, "bad-request"),
        ("state=PAID", 422, "bad-request"),
        ("state=%3Cscript%3E", 422, "bad-request"),
        ("limit=0", 422, "bad-request"),
        ("limit=101", 422, "bad-request"),
        ("after=nonsense", 422, "bad-request"),
        ("after=" + "x" * 65, 422, "bad-request"),
        ("event_id=nowhere", 404, "unknown-event"),
        ("event_id=%3Dcmd", 404, "unknown-event"),
        ("event_id=" + "x" * 301, 422, "bad-request"),
    ],
)
async def test_a_wrong_filter_is_named(carol: Caller, query: str, status: int, code: str) -> None:
    wrong = await carol.gets(f"/orders?{query}")
    assert (wrong.status, wrong.code) == (status, code)
    assert "script" not in wrong.body["detail"]


async def test_by_message(stage: Stage, alice: Person, organizer: Organizer) -> None:
    await organizer.has_on_sale("Lisbon Meetup", tier=[["VIP", "9000", "SAT", "2"]])
    await alice.says("orders")
    await alice.hears("You have no orders yet")
    for number in range(9):
        await alice.says("buy lisbon vip")
        await alice.gets_an_invoice()
        await alice.says("cancel")
        await alice.hears("is cancelled")
        stage.clock.forward(60 * (number + 1))
    await alice.says("orders")
    told = await alice.hears("More of one: status")
    assert told.count("1 × Lisbon Meetup (VIP) · 9,000 sats · lapsed, unpaid") == 8
    await alice.hears("Go on with: orders from 9")
    await alice.says("my orders for lisbon from 9")
    assert (await alice.hears("More of one")).count("Lisbon") == 1
    await alice.says("orders paid lisbon")
    await alice.hears("None of your orders is like that")
    await alice.says("orders nowhere")
    await alice.hears("nowhere")
    await alice.says("pedidos pendientes")
    await alice.hears("Ninguno de tus pedidos es así")
