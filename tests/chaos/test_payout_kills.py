"""Every named place on the way of a payout × {kill, raise, hang}: it leaves once and is told once.

The only money that leaves in these evenings is an organizer's, so what is met is met by a payout.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.cashing import Till
from tests.chaos.evening import WITHIN, Evening, evening
from tests.chaos.paid_out import Earner, check_payouts
from tests.chaos.test_kills import REFUND as PLACES
from tests.real.payee import Payee, payee
from ticketbot.demo.stage import run_relay

PRICE, PPM = 1_000, 30_001
LASTS = 4  # seconds: within them somebody buys
CHOICES = {
    "TICKETBOT_LIGHTNING_ALLOW_PRIVATE_LNURL": "true",
    "TICKETBOT_PAYOUTS_DELAY_HOURS": "0",
    "TICKETBOT_PAYOUTS_MINIMUM_SATS": "1",
    "TICKETBOT_COMMISSION_PPM": str(PPM),
}
MUTANTS = [
    ("anew", "spender.after-pay=kill", "was paid 2 times"),
    ("unwritten", "spender.after-pay=kill", "left the wallet for nobody"),
    ("untold", "spender.before-sent=kill", "was told 0 times"),
    ("generous", "spender.after-spend=kill", "are left, of 0 to"),
]


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
        assert it.minder.deaths == len(PLACES)
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
