"""Buying a ticket with clients that nobody here wrote, paying from a second wallet.

One evening for all of them: a bot on three relays, which are nostr-sdk's LocalRelay, PyPI's
nostr-relay and a LocalRelay that wants to know who reads and writes (NIP-42).
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio

from tests.real.relays import local_relay
from tests.real.second_relay import nostr_relay
from tests.real.stagehands import (
    DAY,
    PRICE,
    WEEK,
    Evening,
    evening,
    fetch_picture,
    get,
    read_picture,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Relays(NamedTuple):
    """The relays of the evening; `elsewhere` is none of the bot's."""

    local: str
    nostr_relay: str
    nip42: str
    elsewhere: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def relays() -> AsyncIterator[Relays]:
    with nostr_relay() as awkward:
        async with local_relay() as local, local_relay(auth="both") as nip42:
            async with local_relay() as elsewhere:
                yield Relays(local, awkward.url, nip42, elsewhere)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_house(
    relays: Relays, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Evening]:
    async with evening(tmp_path_factory.mktemp("bot"), list(relays[:3])) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def it(open_house: Evening) -> AsyncIterator[Evening]:
    """The evening; after each test its books are right."""
    yield open_house
    await open_house.clears()
    await open_house.audit()


async def test_nostr_tools_buys_by_nip17_and_checks_the_ticket_itself(
    it: Evening, relays: Relays
) -> None:
    before = int(time.time())
    event = await it.on_sale("Lisbon Meetup")
    alice = await it.attendee("nostr-tools", [relays.local], inbox=[relays.local])
    await alice.says("hi")
    assert (await alice.hears("Hi, this is Lisbon Tickets")).splitlines()[-1] == "tickets"
    await alice.says("events lisbon")
    assert (await alice.hears("lisbon ·")).startswith("lisbon · Lisbon Meetup")
    await alice.says("buy lisbon")
    assert f"1 × Lisbon Meetup = {PRICE} sats" in await alice.hears("Order ")
    bolt11 = await alice.gets_an_invoice()
    assert alice.unread() == []
    await it.pays(bolt11)
    ticket = await alice.gets_a_ticket()
    assert ticket.via == "nip17"
    await it.verifies(ticket.token)

    keys = await it.bot.shows("keys")
    assert keys["pubkey"] == it.bot.keys.pubkey
    at_the_door = {"key": keys["ticket_public_key"], "salt": ticket.salt}
    read = await alice.does("ticket", token=ticket.token, **at_the_door)
    assert read.pop("issued_at") >= before
    assert read.pop("expires_at") > before + WEEK + 30 * DAY
    assert read == {
        "format": "TKT1/1",
        "bytes": 117,
        "genuine": True,
        "mine": True,
        "ticket_id": read["ticket_id"],
        "event": hashlib.sha256(event.id.encode()).hexdigest()[:16],
        "version": 1,
    }
    forged = _with_another_letter(ticket.token)
    assert not (await alice.does("ticket", token=forged, **at_the_door))["genuine"]
    assert (await it.bot.does("verify", forged)).code == 1


async def test_pynostr_buys_by_nip04(it: Evening, relays: Relays) -> None:
    event = await it.on_sale("Oldtimers")
    alice = await it.attendee("pynostr", [relays.nostr_relay])
    await alice.says(f"buy {event.code}")
    await alice.hears("1 × Oldtimers")
    await it.pays(await alice.gets_an_invoice())
    ticket = await alice.gets_a_ticket()
    assert ticket.via == "nip04"
    await it.verifies(ticket.token)


async def test_nostr_sdk_buys_by_nip17(it: Evening, relays: Relays) -> None:
    event = await it.on_sale("Rustaceans")
    alice = await it.attendee("nostr-sdk", [relays.local, relays.nostr_relay])
    await alice.says(f"buy {event.code} 2")
    await it.pays(await alice.gets_an_invoice())
    tickets = {(await alice.gets_a_ticket()).token for _ in range(2)}
    assert len(tickets) == 2
    for token in tickets:
        await it.verifies(token)


@pytest.mark.parametrize("name", ["nostr_relay", "nip42"])
async def test_nostr_tools_buys_on_every_relay(it: Evening, relays: Relays, name: str) -> None:
    relay = getattr(relays, name)
    event = await it.on_sale(f"Evening on {name}")
    alice = await it.attendee("nostr-tools", [relay], inbox=[relay])
    await alice.says(f"buy {event.code}")
    await it.pays(await alice.gets_an_invoice())
    ticket = await alice.gets_a_ticket()
    assert ticket.via == "nip17"
    await it.verifies(ticket.token)


async def test_nostr_tools_speaks_nip04_too(it: Evening, relays: Relays) -> None:
    event = await it.on_sale("Both Ways")
    alice = await it.attendee("nostr-tools", [relays.local])
    await alice.says(f"event {event.code}", "nip17")
    await alice.hears("Get a ticket", via="nip17")
    await alice.says(f"buy {event.code}", "nip04")
    await it.pays(await alice.gets_an_invoice())
    assert (await alice.gets_a_ticket()).via == "nip04"
    await alice.says("resend", "nip17")
    assert (await alice.gets_a_ticket()).via == "nip17"


async def test_a_free_event_needs_no_wallet(it: Evening, relays: Relays) -> None:
    event = await it.on_sale("Open Door", price=None)
    alice = await it.attendee("nostr-tools", [relays.local])
    await alice.says(f"buy {event.code}")
    await it.verifies((await alice.gets_a_ticket()).token)


@pytest.mark.parametrize("name", ["local", "nostr_relay"])
async def test_who_was_offline_finds_the_ticket_afterwards(
    it: Evening, relays: Relays, name: str
) -> None:
    relay = getattr(relays, name)
    event = await it.on_sale(f"Late Train on {name}")
    alice = await it.attendee("nostr-tools", [relay], inbox=[relay])
    await alice.says(f"buy {event.code}")
    bolt11 = await alice.gets_an_invoice()
    await alice.leaves()
    await it.pays(bolt11)
    await it.has_sent_everything(event)
    again = await it.attendee("nostr-tools", [relay], secret=alice.secret)
    await it.verifies((await again.gets_a_ticket()).token)
    live = [one for one in again.heard if one.via == "24133"]
    assert bool(live) == (name == "nostr_relay")  # which alone keeps what is ephemeral


async def test_a_dm_relay_of_the_buyers_own_is_used_and_no_other(
    it: Evening, relays: Relays
) -> None:
    event = await it.on_sale("Secret Garden")
    alice = await it.attendee("nostr-tools", [relays.local], inbox=[relays.elsewhere])
    home = await it.attendee("nostr-tools", [relays.elsewhere], secret=alice.secret)
    await alice.says(f"buy {event.code}")
    await it.pays(await home.gets_an_invoice())
    await it.verifies((await home.gets_a_ticket()).token)
    await it.has_sent_everything(event)
    assert {one.via for one in alice.heard} == {"24133"}


async def test_the_ticket_in_24133_shows_the_same_token_as_a_picture(
    it: Evening, relays: Relays
) -> None:
    event = await it.on_sale("Picture Show")
    alice = await it.attendee("nostr-tools", [relays.local])
    await alice.says(f"buy {event.code}")
    await it.pays(await alice.gets_an_invoice())
    ticket = await alice.gets_a_ticket()
    shown = await alice.is_told(type="ticket")
    assert (shown["token"], shown["request_id"]) == (ticket.token, None)
    assert shown["qr_code"].startswith(it.bot.url + "/tickets/")
    assert read_picture(await asyncio.to_thread(fetch_picture, shown["qr_code"])) == ticket.token
    guessed = shown["qr_code"].replace(".png", "x.png")
    assert (await asyncio.to_thread(get, guessed))[0] == 404


async def test_the_link_in_the_dm_opens_the_page(it: Evening, relays: Relays) -> None:
    event = await it.on_sale("Open Page")
    alice = await it.attendee("nostr-tools", [relays.local])
    await alice.says(f"buy {event.code}")
    await it.pays(await alice.gets_an_invoice())
    ticket = await alice.gets_a_ticket()
    link = next(line for line in ticket.text.splitlines() if line.startswith("http"))
    assert link.startswith(f"{it.bot.url}/t#{ticket.token}")
    status, page = await asyncio.to_thread(get, link.partition("#")[0])
    assert (status, page[:15].lower()) == (200, b"<!doctype html>")
    status, health = await asyncio.to_thread(get, it.bot.url + "/health")
    assert status == 200, health


async def test_what_strangers_announce_is_not_sold(it: Evening, relays: Relays) -> None:
    stranger = await it.attendee("nostr-tools", [relays.local], inbox=[relays.local])
    ignored = (await it.bot.shows("status"))["notes_ignored"]
    await stranger.does("publish", kind=31923, tags=it.tags_of("Pyramid Game"), content="")
    await stranger.says("event pyramid")
    assert (await stranger.hears()).startswith('I know no event called "pyramid".')
    assert len(stranger.heard) == 1
    assert (await it.bot.shows("status"))["notes_ignored"] == ignored + 1


async def test_what_else_comes_into_the_wallet_is_none_of_the_bots_business(
    it: Evening, relays: Relays
) -> None:
    event = await it.on_sale("Side Business")
    body = {"out": False, "amount": 1000, "memo": "a coffee"}
    _, coffee = await asyncio.to_thread(
        it.server.call, "POST", "/api/v1/payments", body, it.wallet.invoice_key
    )
    await it.pays(coffee["bolt11"])
    alice = await it.attendee("nostr-tools", [relays.local])
    await alice.says(f"buy {event.code}")
    await it.pays(await alice.gets_an_invoice())
    await alice.gets_a_ticket()
    books = await it.bot.shows("audit")
    assert books["wallet"]["foreign_msat"] == 1000 * 1000
    assert books["wallet"]["received_msat"] - 1_000_000 == books["ledger"]["credited_msat"]


def _with_another_letter(token: str) -> str:
    at = 100
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
