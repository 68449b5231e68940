"""Kills at random moments while people go about their evening with a bot on a real LNbits.

They buy and keep, pay too much, give back, hand on, are let in; one event is called off. After it
ledger, LNbits' own list, what people received and all that a relay saw are held against each other
by the checker, which shares no code with the program.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.crowd import Crowd
from tests.chaos.evening import HOLD, Evening, evening
from tests.chaos.listener import listening
from tests.chaos.purse import FakePurse, LnbitsPurse, Purse
from tests.chaos.relayed import check_letters, read_letters
from tests.real.lnbits import shared_server
from ticketbot.demo.stage import run_relay

SEED = int(os.environ.get("CHAOS_SEED", "20270301"))
SHARE = float(os.environ.get("CHAOS_SHARE", "1"))  # of the kills, to try something out
BUYERS = 4
CHOICES = {"TICKETBOT_DOOR_OPEN_HOURS": "48"}


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(("wallet", "kills", "hold"), [("lnbits", 220, HOLD), ("fake", 100, 4)])
async def test_kills_lose_nothing(tmp_path: Path, wallet: str, kills: int, hold: int) -> None:
    """`hold` of 4 s: many pay when their hold is over, and still get their ticket."""
    chance = random.Random(SEED)
    kills = int(kills * SHARE)
    purse: Purse = FakePurse(tmp_path)
    if wallet == "lnbits":
        purse = LnbitsPurse(shared_server(), spends=True)
    async with run_relay(0) as relay, listening(relay) as listener:
        async with evening(tmp_path, [relay], hold=hold, purse=purse, environment=CHOICES) as it:
            crowd = Crowd(it, relay)
            await crowd.publishes()
            people = [
                asyncio.create_task(crowd.comes_and_goes(random.Random(number)))
                for number in range(BUYERS)
            ]
            await _is_killed(it, chance, kills // 2)
            people.append(asyncio.create_task(crowd.is_called_off()))
            await _is_killed(it, chance, kills - kills // 2)
            crowd.done.set()
            await asyncio.gather(*people)
    assert it.faults(crowd.tokens) == []
    read, wrong = read_letters(listener.events.values(), it.daemon.keys.pubkey, crowd.keys)
    assert wrong == []
    assert check_letters(tmp_path / "ledger.db", read) == []
    _adds_up(it, crowd, kills)


async def _is_killed(it: Evening, chance: random.Random, times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(chance.uniform(0.0, 3.0))
        deaths = it.minder.deaths
        await it.daemon.kill()
        while it.minder.deaths == deaths:
            await asyncio.sleep(0.02)


def _adds_up(it: Evening, crowd: Crowd, kills: int) -> None:
    """Ledger and wallet say what people say that they did; and they did enough."""
    print(dict(crowd.counts), "after", kills, "kills")  # noqa: T201  for `pytest -rP`
    assert len(set(crowd.tokens)) == len(crowd.tokens)
    assert it.sold() == crowd.live
    with closing(sqlite3.connect(it.daemon.folder / "ledger.db")) as db:
        refunds = db.execute("SELECT state, count(*) FROM refund GROUP BY state").fetchall()
        (inside,) = db.execute("SELECT count(*) FROM ticket WHERE state = 'admitted'").fetchone()
    assert refunds == [("sent", crowd.counts["refunds"])]
    assert len(it.daemon.purse.given()) == crowd.counts["refunds"]
    assert inside == crowd.counts["let in"]
    assert crowd.counts["stories"] >= kills // 8, "too few for the kills to mean anything"
    for story in ("given back", "handed on", "let in", "called off"):
        assert crowd.counts[story] >= kills // 100, story
