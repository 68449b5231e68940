"""Kills at random moments while people keep buying: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.chaos.evening import Evening, evening
from ticketbot.demo.client import Client
from ticketbot.demo.stage import run_relay
from ticketbot.keys import Keys

KILLS = 60
SEED = int(os.environ.get("CHAOS_SEED", "20270301"))


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_sixty_kills_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    async with run_relay(0) as relay, evening(tmp_path, [relay]) as it:
        await it.publishes_event(stock=10_000)
        tokens: list[str] = []
        done = asyncio.Event()
        buyers = [asyncio.create_task(_keep_buying(it, relay, tokens, done)) for _ in range(4)]
        while it.minder.deaths < KILLS:
            before = it.minder.deaths
            await asyncio.sleep(chance.uniform(0.0, 4.0))
            await it.daemon.kill()
            while it.minder.deaths == before:
                await asyncio.sleep(0.02)
        done.set()
        await asyncio.gather(*buyers)
    assert len(set(tokens)) == len(tokens) == it.sold()
    assert len(tokens) >= KILLS // 10, "too few purchases for the kills to mean anything"


async def _keep_buying(it: Evening, relay: str, tokens: list[str], done: asyncio.Event) -> None:
    """One buyer after another, each a whole purchase, however long the kills make it."""
    while not done.is_set():
        buyer = Client(Keys(os.urandom(32)), it.daemon.keys.pubkey)
        await buyer.connect(relay)
        await buyer.write("buy lisbon")
        text = (await buyer.next("lnbc", 120)).text
        await it.pays(text)
        ticket = (await buyer.next("\nTKT1:", 120)).text
        tokens.append(next(line for line in ticket.splitlines() if line.startswith("TKT1:")))
        heard: dict[bytes, str] = {}
        for message in buyer.heard:
            assert heard.setdefault(message.key, message.text) == message.text
        assert sum("\nTKT1:" in body for body in heard.values()) == 1
        await buyer.disconnect()
