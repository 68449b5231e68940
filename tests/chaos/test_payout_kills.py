"""Every named place on the way of a payout × {kill, raise, hang}: it leaves once and is told once.

The only money that leaves in these evenings is an organizer's, so what is met is met by a payout.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.cashing import Till
from tests.chaos.evening import WITHIN, Evening, evening
from tests.chaos.paid_out import Earner, check_payouts
from tests.chaos.purse import FakePurse
from tests.chaos.test_kills import REFUND as PLACES
from tests.real.payee import Payee, payee
from ticketbot.demo.stage import run_relay

PRICE, PPM = 1_000, 30_001
COMMITS = range(2, 26)  # of a start, and of a payout
LASTS = 4  # seconds: within them somebody buys
CHOICES = {
    "TICKETBOT_LIGHTNING_ALLOW_PRIVATE_LNURL": "true",
    "TICKETBOT_PAYOUTS_DELAY_HOURS": "0",
    "TICKETBOT_PAYOUTS_MINIMUM_SATS": "1",
    "TICKETBOT_COMMISSION_PPM": str(PPM),
}


@pytest.fixture
async def relay() -> AsyncIterator[str]:
    async with run_relay(0) as url:
        yield url


@pytest.fixture
async def wallet() -> AsyncIterator[Payee]:
    async with payee() as one:
        yield one


async def earns(it: Evening) -> None:
    """An event, a buyer, and it is over."""
    await it.publishes_event(price=PRICE, lasts=LASTS)
    await it.buys()
    await it.is_over()


async def is_sent(it: Evening, number: int) -> None:
    """Wait until the ledger says so of so many payouts."""
    with closing(sqlite3.connect(it.daemon.folder / "ledger.db")) as db:
        async with asyncio.timeout(WITHIN):
            sql = "SELECT count(*) FROM payout WHERE state = 'sent'"
            while db.execute(sql).fetchone()[0] < number:
                await asyncio.sleep(0.05)


async def is_paid(it: Evening, where: str, way: str) -> None:
    """Asked for and cut off; then the rest, until nothing is left."""
    till = Till(it.organizer, WITHIN)
    await till.asks("all", where)
    await it.has_met(way)
    await till.is_answered()
    await till.takes_all(where)


def faults(it: Evening) -> list[str]:
    """What is wrong in the end, by ledger, wallet and what the organizer was told."""
    told = {message.key: message.text for message in it.organizer.heard}.values()
    earner = Earner(it.organizer.keys.pubkey, None, told)
    given = it.daemon.purse.given()
    return [*it.faults(), *check_payouts(it.daemon.folder / "ledger.db", given, [earner], PPM)]


async def test_one_payout_is_cut_off_at_every_place(
    tmp_path: Path, relay: str, wallet: Payee
) -> None:
    """The bolt11 that was not written down is lost, and the next one is the only one."""
    first, *others = (f"{place}=kill" for place in PLACES)
    async with evening(tmp_path, [relay], first, environment=CHOICES) as it:
        it.minder.failpoints = others
        await earns(it)
        till = Till(it.organizer, WITHIN)
        await till.asks("all", wallet.address)
        await till.is_answered()
        await till.hears(lambda: it.minder.deaths == len(PLACES))
        assert len(wallet.invoices) == 2
        await till.takes_all(wallet.address)
    assert faults(it) == []


@pytest.mark.long
@pytest.mark.parametrize("way", ["kill", "raise", "hang"])
@pytest.mark.parametrize("place", PLACES)
async def test_while_an_organizer_is_paid(
    tmp_path: Path, relay: str, wallet: Payee, place: str, way: str
) -> None:
    async with evening(tmp_path, [relay], f"{place}={way}", environment=CHOICES) as it:
        await earns(it)
        await is_paid(it, wallet.address, way)
    assert faults(it) == []


@pytest.mark.long
@pytest.mark.parametrize("by_the_clock", [False, True])
@pytest.mark.parametrize("place", ["ledger.before-commit", "ledger.after-commit"])
async def test_a_payout_is_cut_off_at_every_commit(
    tmp_path: Path, relay: str, wallet: Payee, place: str, by_the_clock: bool
) -> None:
    """Each time that the bot is started it comes one transaction further."""
    choices = CHOICES | ({"TICKETBOT_PAYOUTS_SCHEDULE": "daily"} if by_the_clock else {})
    async with evening(tmp_path, [relay], environment=choices, hurried=by_the_clock) as it:
        till = Till(it.organizer, 3 * WITHIN)
        await it.publishes_event(price=PRICE, lasts=LASTS)
        await it.buys()
        if by_the_clock:
            await it.organizer.write(f"payout to {wallet.address}")
            await it.organizer.next("from now on your payouts go to", WITHIN)
        await it.is_over()
        it.minder.failpoints = [f"{place}=kill@{number}" for number in COMMITS]
        await it.daemon.kill()
        if not by_the_clock:
            await till.asks("all", wallet.address)
        await till.hears(lambda: bool(till.sent))
        await till.takes_all(wallet.address)
        await till.hears(lambda: it.minder.deaths > len(COMMITS) // 2)
    assert faults(it) == []


@pytest.mark.parametrize(
    ("mutant", "place", "fault"),
    [
        ("anew", "spender.after-pay", "was paid 2 times"),
        pytest.param("unwritten", "spender.after-pay", "for nobody", marks=pytest.mark.long),
        pytest.param("untold", "spender.before-sent", "told 0 times", marks=pytest.mark.long),
        pytest.param("generous", "spender.after-spend", "left, of 0 to", marks=pytest.mark.long),
    ],
)
async def test_control_a_fault_on_its_way_is_found(
    tmp_path: Path, relay: str, wallet: Payee, mutant: str, place: str, fault: str
) -> None:
    """Bots as somebody could have written them (mutants.py); the same evenings are fine above."""
    purse = FakePurse(tmp_path)
    await purse.wallet.pay_in(10 * PRICE * 1000)  # enough to be paid too much
    failpoint = f"{place}=kill"
    async with evening(
        tmp_path, [relay], failpoint, purse=purse, environment=CHOICES, mutant=mutant
    ) as it:
        await earns(it)
        for number in (1, 2):
            await it.organizer.write(f"payout all {wallet.address}")
            await is_sent(it, number)
        await it.organizer.next("were sent to you", WITHIN)  # the second at least
        await it.has_met("kill")
    assert any(fault in one for one in faults(it)), faults(it)
