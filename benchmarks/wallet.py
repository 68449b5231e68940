"""A real LNbits: what it can do alone, and what it does under the bot.

Alone: `AT_ONCE` ask for an invoice and pay it from another wallet, over and over. Under the
bot: purchases, each of which is an invoice and its payment too, of which `UNDER_WAY` go on at
a time, as some of them are always about messages and look-ups, and not at LNbits. Slices of
the one lie between slices of the other, for LNbits gets slower as its history grows.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from benchmarks.bot import PRICE_MSAT, RealLightning
from benchmarks.rig import open_rig
from benchmarks.till import pay
from benchmarks.worker import Worker, answer, cores

if TYPE_CHECKING:
    from tests.real.lnbits import LnbitsServer

Figures = dict[str, float]

AT_ONCE = 20
UNDER_WAY = 2 * AT_ONCE


def measure_wallet(folder: Path, slices: int, purchases: int) -> Figures:
    """lnbits_raw_per_s, lnbits_bot_per_s and lnbits_ratio."""
    from tests.real.lnbits import LnbitsServer

    (folder / "lnbits").mkdir(parents=True)
    with LnbitsServer(folder / "lnbits") as server:
        return _measure(server, folder, slices, purchases)


def _measure(server: LnbitsServer, folder: Path, slices: int, purchases: int) -> Figures:
    _, others = cores()
    lightning = RealLightning(server.url, server.bot.invoice_key, server.buyer.admin_key, AT_ONCE)
    # A wallet of its own: what is sold without the bot must not give the bot anything to read.
    another = lightning._replace(invoice_key=server.new_wallet("alone").invoice_key)
    server.fund(server.buyer, (2 * slices + 2) * purchases * PRICE_MSAT // 1_000)
    raw: list[float] = []
    bot: list[float] = []
    with (
        open_rig(folder / "bot", lightning) as rig,
        Worker(run_raw, another, core=others) as alone,
    ):
        rig.sell(AT_ONCE, UNDER_WAY)
        alone.ask("settle", AT_ONCE)
        for _ in range(slices):
            raw.append(purchases / alone.ask("settle", purchases))
            bot.append(rig.sell(purchases, UNDER_WAY).per_second)
        raw.append(purchases / alone.ask("settle", purchases))
        rig.audit()
    return compare(raw, bot)


def compare(raw: Sequence[float], bot: Sequence[float]) -> Figures:
    """Medians; each slice under the bot is held against the two of LNbits alone around it."""
    ratios = [2 * one / (a + b) for a, b, one in zip(raw, raw[1:], bot, strict=False)]
    return {
        "lnbits_raw_per_s": statistics.median(raw),
        "lnbits_bot_per_s": statistics.median(bot),
        "lnbits_ratio": statistics.median(ratios),
    }


async def run_raw(pipe: Connection, lightning: RealLightning) -> None:
    """What the worker does that uses LNbits without the bot."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def settle(number: int) -> float:
            """Seconds that `number` invoices take, each made and paid."""
            left = iter(range(number))
            began = time.monotonic()
            async with asyncio.TaskGroup() as buyers:
                for _ in range(lightning.at_once):
                    buyers.create_task(_buy(session, lightning, left))
            return time.monotonic() - began

        async def stop() -> None:
            pass

        await answer(pipe, {"settle": settle, "stop": stop})


async def _buy(
    session: aiohttp.ClientSession, lightning: RealLightning, left: Iterator[int]
) -> None:
    """One after the other, as long as any are left: as the bot asks for it, and as it is paid."""
    url, headers = f"{lightning.url}/api/v1/payments", {"X-Api-Key": lightning.invoice_key}
    for number in left:
        memo = f"1 x Lisbon Meetup, order {number}"
        body = {"out": False, "unit": "sat", "amount": PRICE_MSAT // 1_000, "memo": memo}
        async with session.post(url, json=body | {"expiry": 660}, headers=headers) as response:
            made = await response.json()
        await pay(session, lightning.url, lightning.payer_key, made["bolt11"])
