"""Thousands of strangers write at once: memory stays bounded, and who pays gets the ticket."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.chaos.evening import Evening, evening
from ticketbot.demo.client import Client
from ticketbot.demo.stage import run_relay
from ticketbot.envelopes import Envelopes, Letter
from ticketbot.keys import Keys

MIB = 2**20
SOCKETS = 5  # nostr-sdk's relay ends a connection after some 6,000 messages
COPIES = 1000


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def strangers(bot: str, number: int) -> list[bytes]:
    """A letter each of people whom nobody has seen before."""
    now = int(time.time())
    letter = Letter("nip17", bot, now, "hi")
    return [Envelopes(Keys(os.urandom(32)), 1).seal([letter])[0].json for _ in range(number)]


async def pour(relay: str, events: list[bytes]) -> None:
    """Send them all, as fast as the relay takes them."""

    async def through_one(share: list[bytes]) -> None:
        async with connect(relay, compression=None) as socket:
            for number, event in enumerate(share):
                await socket.send(b'["EVENT",' + event + b"]", text=True)
                if number % 50 == 0:
                    await asyncio.sleep(0)

    await asyncio.gather(*(through_one(events[at::SOCKETS]) for at in range(SOCKETS)))


async def a_flood_comes(it: Evening, number: int) -> None:
    """Alice has ordered before it, and pays in the midst of it; bob comes in the midst of it."""
    relay, process = it.relays[0], it.daemon.process
    assert process is not None
    flood = strangers(it.daemon.keys.pubkey, number)
    await it.publishes_event(stock=100)
    await it.alice.write("buy lisbon")
    bolt11 = await it.gets_an_invoice()
    before = most = resident(process.pid)
    pouring = asyncio.create_task(pour(relay, flood))
    bob = Client(Keys(os.urandom(32)), it.daemon.keys.pubkey)
    await bob.connect(relay)
    await bob.write("buy lisbon")
    await it.pays(bolt11)
    assert await it.gets_a_ticket()
    await pouring
    invoice = asyncio.create_task(_bolt11_for(bob))
    while not invoice.done():
        most = max(most, resident(process.pid))
        await asyncio.sleep(0.05)
    await it.pays(await invoice)
    assert (await bob.next("\nTKT1:", 60)).text
    await bob.disconnect()
    assert most - before < 50 * MIB
    assert it.sold() == 2
    assert it.minder.deaths == 0


async def test_a_thousand_strangers_at_once(tmp_path: Path) -> None:
    async with run_relay(0) as relay, evening(tmp_path, [relay]) as it:
        await a_flood_comes(it, 1000)


@pytest.mark.long
async def test_ten_thousand_strangers_at_once(tmp_path: Path) -> None:
    async with run_relay(0) as relay, evening(tmp_path, [relay]) as it:
        await a_flood_comes(it, 10_000)


async def test_one_rumor_in_a_thousand_wraps_over_two_relays(tmp_path: Path) -> None:
    """Every wrap is another event; the letter in them is one, and buys one ticket."""
    async with run_relay(0) as one, run_relay(0) as two, evening(tmp_path, [one, two]) as it:
        await it.publishes_event(price=0)
        letter = Letter("nip17", it.daemon.keys.pubkey, int(time.time()), "buy lisbon")
        envelopes = Envelopes(it.alice.keys)
        wraps = [envelopes.seal([letter])[0].json for _ in range(COPIES)]
        await asyncio.gather(pour(one, wraps), pour(two, wraps))
        assert await it.gets_a_ticket()
        await it.alice.write("tickets")
        assert (await it.alice.next("You hold", 40)).text.startswith("You hold one ticket")
        assert it.sold() == 1


async def _bolt11_for(person: Client) -> str:
    while not (text := (await person.next("lnbc", 100)).text).startswith("lnbc"):
        pass
    return text
