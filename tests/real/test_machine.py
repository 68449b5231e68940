"""Programs that buy by machine message (kind 24133), written with libraries of others."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import bolt11
import pytest
import pytest_asyncio

from tests.real.bot_process import Json
from tests.real.people import Attendee
from tests.real.relays import local_relay
from tests.real.second_relay import nostr_relay
from tests.real.stagehands import HOUR, PRICE, Evening, OnSale, evening, fetch_picture, read_picture

pytestmark = pytest.mark.asyncio(loop_scope="module")

MSAT = PRICE * 1000


class Relays(NamedTuple):
    """The relays of the evening: three programs' idea of a relay."""

    local: str
    nostr_relay: str
    nip42: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def relays() -> AsyncIterator[Relays]:
    with nostr_relay() as awkward:
        async with local_relay() as local, local_relay(auth="both") as nip42:
            yield Relays(local, awkward.url, nip42)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_house(
    relays: Relays, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Evening]:
    async with evening(tmp_path_factory.mktemp("bot"), list(relays)) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def it(open_house: Evening) -> AsyncIterator[Evening]:
    """The evening; after each test its books are right."""
    yield open_house
    await open_house.clears()
    await open_house.audit()


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("nostr-tools", "local"),
        ("nostr-tools", "nostr_relay"),
        ("nostr-tools", "nip42"),
        ("nostr-sdk", "local"),
        ("nostr-sdk", "nostr_relay"),
    ],
)
async def test_a_whole_purchase(it: Evening, relays: Relays, client: Any, name: str) -> None:
    """events → buy → invoice → paid → ticket → tickets → status, and nothing but JSON."""
    event = await it.on_sale(f"Machines {name} {client}")
    program = await it.attendee(client, [getattr(relays, name)])

    found = await _in_the_catalogue(program, event)
    start = found["start"]
    assert found == {
        "event_id": event.id,
        "code": event.code.upper(),
        "title": f"Machines {name} {client}",
        "start": start,
        "end": start + 3 * HOUR,
        "place": "Praça do Comércio",
        "price_msat": MSAT,
        "available": 100,
        "transferable": True,
        "refund_until": None,
        "tiers": [],
    }

    invoice = await program.asks("buy", event_id=event.id, quantity=2)
    asked = bolt11.decode(invoice["invoice"])
    assert (invoice["type"], invoice["event_id"], invoice["quantity"]) == ("invoice", event.id, 2)
    assert (invoice["amount_msat"], asked.amount_msat) == (2 * MSAT, 2 * MSAT)
    assert invoice["payment_hash"] == asked.payment_hash
    assert time.time() < invoice["expires_at"] < asked.date + (asked.expiry or 0)

    order = invoice["order_id"]
    assert (await program.asks("status", order_id=order))["state"] == "invoiced"
    await it.pays(invoice["invoice"])
    tickets = [await program.is_told(type="ticket", order_id=order) for _ in range(2)]
    assert len({ticket["ticket_id"] for ticket in tickets}) == 2
    for ticket in tickets:
        assert (ticket["event_id"], ticket["version"]) == (event.id, 1)
        picture = await asyncio.to_thread(fetch_picture, ticket["qr_code"])
        assert read_picture(picture) == ticket["token"]
        await it.verifies(ticket["token"])

    status = await program.asks("status", order_id=order)
    assert (status["type"], status["state"], status["tickets"]) == ("order", "paid", 2)
    again = secrets.token_hex(8)
    shown = [await program.asks("tickets", request_id=again)]
    shown += [await program.is_told(request_id=again) for _ in range(2)]
    assert {one["token"] for one in shown[:2]} == {ticket["token"] for ticket in tickets}
    assert shown[2] == {"type": "tickets", "request_id": again, "count": 2}
    assert [one.kind for one in program.heard if one.via == "24133"] == [24133] * (
        len(program.heard) - 2  # the durable copies
    )


async def test_the_bots_messages_look_as_promised_from_outside(it: Evening, relays: Relays) -> None:
    """Kind 24133, a `p` tag with the recipient and nothing else; no tag of a NIP-04 ticket more."""
    event = await it.on_sale("Envelopes")
    program = await it.attendee("nostr-tools", [relays.local])
    invoice = await program.asks("buy", event_id=event.id)
    await it.pays(invoice["invoice"])
    ticket = await program.gets_a_ticket()
    assert ticket.via == "nip04"
    live = [one for one in program.heard if one.via == "24133"]
    assert {tuple(map(tuple, one.tags)) for one in live} == {(("p", program.pubkey),)}


@pytest.mark.parametrize("inbox", [False, True])
async def test_a_program_that_was_offline_finds_its_ticket_as_a_dm(
    it: Evening, relays: Relays, inbox: bool
) -> None:
    event = await it.on_sale(f"Night Shift {inbox}")
    where = [relays.local]
    program = await it.attendee("nostr-tools", where, inbox=where if inbox else None)
    invoice = await program.asks("buy", event_id=event.id)
    await program.leaves()
    await it.pays(invoice["invoice"])
    await it.has_sent_everything(event)
    again = await it.attendee("nostr-tools", where, secret=program.secret)
    ticket = await again.gets_a_ticket()
    assert ticket.via == ("nip17" if inbox else "nip04")
    await it.verifies(ticket.token)
    assert [one.via for one in again.heard] == [ticket.via]
    assert (await again.asks("tickets"))["token"] == ticket.token


async def test_asking_again_makes_no_second_invoice(it: Evening, relays: Relays) -> None:
    event = await it.on_sale("Impatience")
    program = await it.attendee("nostr-tools", [relays.local])
    wish: Json = {"request_id": "only-once", "event_id": event.id, "quantity": 1}
    answers = [await program.asks("buy", **wish) for _ in range(4)]
    assert answers == [answers[0]] * 4
    query = f"/api/v1/payments/paginated?external_id[like]={answers[0]['order_id']}"
    _, listed = await asyncio.to_thread(it.server.call, "GET", query, None, it.wallet.invoice_key)
    assert [row["payment_hash"] for row in listed["data"]] == [answers[0]["payment_hash"]]
    await it.pays(answers[0]["invoice"])
    ticket = await program.is_told(type="ticket")
    assert await program.asks("buy", **wish) == ticket
    assert len(await it.bot.shows("orders", "--event", event.code)) == 1


async def test_errors_are_json_too(it: Evening, relays: Relays) -> None:
    program = await it.attendee("nostr-sdk", [relays.local])
    answer = await program.asks("buy", event_id="31923:nobody:nothing")
    assert (answer["type"], answer["code"]) == ("error", "unknown-event")
    assert answer["message"]


async def test_nostr_connect_traffic_is_left_alone(it: Evening, relays: Relays) -> None:
    program = await it.attendee("nostr-tools", [relays.local])
    await program.says('{"id":"1","method":"connect","params":["x"]}', "24133")
    await program.says('{"id":"1","result":"ack","error":null}', "24133")
    await program.asks("events")
    await asyncio.sleep(0.3)
    assert len(program.heard) == 1


async def test_without_pages_the_picture_travels_in_the_message(tmp_path: Path) -> None:
    async with local_relay() as relay, evening(tmp_path, [relay], web=False) as it:
        event = await it.on_sale()
        program = await it.attendee("nostr-tools")
        invoice = await program.asks("buy", event_id=event.id)
        await it.pays(invoice["invoice"])
        ticket = await program.is_told(type="ticket")
        assert ticket["qr_code"].startswith("data:image/png;base64,")
        assert read_picture(fetch_picture(ticket["qr_code"])) == ticket["token"]
        assert "http" not in (await program.gets_a_ticket()).text


async def _in_the_catalogue(program: Attendee, event: OnSale) -> Any:
    """The event in what the bot lists, page by page; the program may come before the bot."""
    page = await program.asks("events", patiently=True)
    while True:
        for found in page["events"]:
            if found["event_id"] == event.id:
                return found
        assert page["next"], f"{event.id} is not listed"
        page = await program.asks("events", after=page["next"], limit=2)
