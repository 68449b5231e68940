"""Kills at random moments while organizers hold events and are paid for them, on a real LNbits.

Half of the kills wait until somebody's Lightning address was asked for an invoice: what comes then
takes a tenth of a second, and random moments alone would hardly meet it.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest

from tests.chaos.crowd import Crowd
from tests.chaos.evening import Evening, evening
from tests.chaos.listener import listening
from tests.chaos.paid_out import check_payouts
from tests.chaos.payday import Organizer, Season, asked
from tests.chaos.purse import LnbitsPurse
from tests.chaos.relayed import check_letters, read_letters
from tests.chaos.test_payout_kills import CHOICES, PPM
from tests.chaos.test_random_kills import SEED, SHARE
from tests.real.lnbits import shared_server
from tests.real.payee import payee
from ticketbot.demo.stage import run_relay

KILLS = int(45 * SHARE)
BY_THE_CLOCK = {"TICKETBOT_BOT_ORGANIZERS": "*", "TICKETBOT_PAYOUTS_SCHEDULE": "daily"}


@asynccontextmanager
async def a_season(
    folder: Path, relay: str, mutant: str | None = None
) -> AsyncIterator[tuple[Evening, Crowd, Season, list[Organizer]]]:
    """The bot, and four organizers with a wallet and an address each."""
    server = shared_server()
    purse = LnbitsPurse(server, spends=True)
    choices = CHOICES | BY_THE_CLOCK
    async with (
        AsyncExitStack() as homes,
        evening(
            folder, [relay], purse=purse, environment=choices, mutant=mutant, hurried=True
        ) as it,
    ):
        crowd = Crowd(it, relay)
        organizers = [
            Organizer(name, await crowd.enters(), await homes.enter_async_context(payee()), server)
            for name in ("Anna", "Bert", "Carl", "Dora")
        ]
        yield it, crowd, Season(it, crowd), organizers


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_kills_pay_organizers_once(tmp_path: Path) -> None:
    met: Counter[str] = Counter()
    async with run_relay(0) as relay, listening(relay) as listener:
        async with a_season(tmp_path, relay) as (it, crowd, season, organizers):
            async with asyncio.TaskGroup() as lives:
                for life in lived(season, organizers):
                    lives.create_task(life)
                await are_killed(it, organizers, met)
                season.done.set()
        earners = [await one.earned() for one in organizers]
    assert it.faults(crowd.tokens) == []
    ledger = tmp_path / "ledger.db"
    assert check_payouts(ledger, it.daemon.purse.given(), earners, PPM) == []
    read, wrong = read_letters(listener.events.values(), it.daemon.keys.pubkey, crowd.keys)
    assert wrong == []
    assert check_letters(ledger, read) == []
    assert it.sold() == crowd.live
    means_something(ledger, season, met)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("mutant", "fault"), [("anew", "was paid 2 times"), ("unwritten", "for nobody")]
)
async def test_control_paying_twice_is_found(tmp_path: Path, mutant: str, fault: str) -> None:
    """The same season with a bot that has a fault: the wallet's list shows it."""

    def found() -> bool:
        return any(fault in one for one in it.faults())

    async with run_relay(0) as relay:
        async with a_season(tmp_path, relay, mutant) as (it, _, season, organizers):
            lives = [asyncio.create_task(life) for life in lived(season, organizers)]
            await are_killed(it, organizers, Counter(), found)
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)
    assert found(), it.faults()


def lived(season: Season, organizers: Sequence[Organizer]) -> list[Coroutine[None, None, None]]:
    """What each of them does until the season is over."""
    lives = (season.asks, season.waits, season.asks, season.asks)
    numbered = enumerate(zip(lives, organizers, strict=True))
    return [life(one, random.Random(SEED + number)) for number, (life, one) in numbered]


async def are_killed(
    it: Evening,
    organizers: Sequence[Organizer],
    met: Counter[str],
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """`met` counts at how many kills a payout was due, asked for, in doubt, or not told yet."""
    chance = random.Random(SEED)
    for _ in range(KILLS):
        if chance.random() < 0.5:
            await asyncio.sleep(chance.uniform(0.0, 3.0))
        else:
            await asked(organizers, 8.0)
            await asyncio.sleep(chance.uniform(0.0, 0.3))
        deaths = it.minder.deaths
        await it.daemon.kill()
        met.update(await asyncio.to_thread(stands, it, organizers))
        while it.minder.deaths == deaths:
            await asyncio.sleep(0.02)
        if await asyncio.to_thread(enough):
            return


def stands(it: Evening, organizers: Sequence[Organizer]) -> set[str]:
    """How far payouts had come when the bot died."""
    with closing(sqlite3.connect(it.daemon.folder / "ledger.db")) as db:
        states = db.execute("SELECT id, state FROM payout").fetchall()
        sql = "SELECT payment_hash FROM spend WHERE purpose = 'payout' AND state = 'open'"
        under_way = {row[0] for row in db.execute(sql)}
    went = {one.payment_hash for one in it.daemon.purse.given()}
    told = {name for one in organizers for name in one.till.sent}
    found = {
        "due": any(state == "due" for _, state in states),
        "asked for": bool(under_way - went),
        "in doubt": bool(under_way & went),
        "not told": any(state == "sent" and name not in told for name, state in states),
    }
    return {name for name, is_so in found.items() if is_so}


def means_something(ledger: Path, season: Season, met: Counter[str]) -> None:
    """Enough was earned, paid out and cut off."""
    with closing(sqlite3.connect(ledger)) as db:
        payouts, msat = db.execute("SELECT count(*), sum(amount_msat) FROM payout").fetchone()
    counts = dict(season.counts)
    print(counts, payouts, "payouts of", msat, "msat;")  # noqa: T201
    print(KILLS, "kills met payouts that were", dict(met))  # noqa: T201  for `pytest -rP`
    assert season.counts["given back"] >= KILLS // 20
    assert payouts >= KILLS // 4
    for state in ("due", "asked for", "in doubt"):
        assert met[state] >= KILLS // 30, state
