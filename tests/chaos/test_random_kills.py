"""Kills at random moments while people keep buying from a bot on a real LNbits.

Afterwards ledger, LNbits' own list and what people received are held against each other by the
checker, which shares no code with the program.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.chaos.evening import HOLD, Evening, evening, tokens_in
from tests.chaos.purse import FakePurse, LnbitsPurse, Purse
from tests.real.lnbits import shared_server
from ticketbot.demo.client import Client
from ticketbot.demo.stage import run_relay
from ticketbot.keys import Keys

SEED = int(os.environ.get("CHAOS_SEED", "20270301"))
BUYERS = 4
PATIENCE = 180.0  # seconds for one message, however many kills lie before it


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(("wallet", "kills", "hold"), [("lnbits", 220, HOLD), ("fake", 100, 4)])
async def test_kills_lose_nothing(tmp_path: Path, wallet: str, kills: int, hold: int) -> None:
    """`hold` of 4 s: many pay when their hold is over, and still get their ticket."""
    chance = random.Random(SEED)
    purse: Purse = LnbitsPurse(shared_server()) if wallet == "lnbits" else FakePurse(tmp_path)
    async with run_relay(0) as relay, evening(tmp_path, [relay], hold=hold, purse=purse) as it:
        await it.publishes_event(stock=10_000)
        tokens: list[str] = []
        done = asyncio.Event()
        buyers = [
            asyncio.create_task(_keep_buying(it, relay, tokens, done, random.Random(number)))
            for number in range(BUYERS)
        ]
        for number in range(1, kills + 1):
            await asyncio.sleep(chance.uniform(0.0, 3.0))
            await it.daemon.kill()
            while it.minder.deaths < number:
                await asyncio.sleep(0.02)
        done.set()
        await asyncio.gather(*buyers)
    assert it.faults(tokens) == []
    assert len(set(tokens)) == len(tokens) == it.sold()
    assert len(tokens) >= kills // 10, "too few purchases for the kills to mean anything"


async def _keep_buying(
    it: Evening, relay: str, tokens: list[str], done: asyncio.Event, chance: random.Random
) -> None:
    """One buyer after another, each a whole purchase, however long the kills make it."""
    while not done.is_set():
        buyer = Client(Keys(os.urandom(32)), it.daemon.keys.pubkey)
        await buyer.connect(relay)
        invoice = await _order(buyer)
        await asyncio.sleep(chance.choice((0.0, 0.0, 1.0, 6.0)))
        await it.pays(invoice)
        ticket = (await buyer.next("\nTKT1:", PATIENCE)).text
        tokens += tokens_in(ticket)
        heard: dict[bytes, str] = {}
        for message in buyer.heard:
            assert heard.setdefault(message.key, message.text) == message.text  # I3
        assert sum("\nTKT1:" in body for body in heard.values()) == 1
        await buyer.disconnect()


async def _order(buyer: Client) -> str:
    """The bolt11; ordered again when kills took so long that the hold was over before it came."""
    await buyer.write("buy lisbon")
    while not (text := (await buyer.next("", PATIENCE)).text).startswith("lnbc"):
        if "lapsed" in text:
            await buyer.write("buy lisbon")
    return text
