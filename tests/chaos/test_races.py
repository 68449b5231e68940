"""Many at once, with the whole bot. What the guards are worth is in test_order_races.py."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chaos.daemon import Daemon
from tests.story.cast import Person, Stage
from ticketbot.demo.stage import run_relay
from ticketbot.keys import Keys

SEATS, BUYERS = 3, 30


async def test_many_buyers_for_few_seats(tmp_path: Path) -> None:
    """Exactly as many invoices as seats, and everybody is answered."""
    async with run_relay(0) as relay:
        stage = Stage(tmp_path, relay)
        await stage.enters(stage.organizer)
        await stage.opens()
        await stage.organizer.has_on_sale(stock=SEATS)
        buyers = [await stage.enters() for _ in range(BUYERS)]
        await asyncio.gather(*(one.says("buy lisbon") for one in buyers))
        answers = await asyncio.gather(*(_answer(one) for one in buyers))
        invoices = [text for text in answers if text.startswith("lnbc")]
        assert len(invoices) == SEATS
        assert len([text for text in answers if text.startswith("Sold out")]) == BUYERS - SEATS
        await asyncio.gather(*(stage.wallet.receive(invoice) for invoice in invoices))
        winners = [one for one, text in zip(buyers, answers, strict=True) if text in invoices]
        tokens = await asyncio.gather(*(one.gets_a_ticket() for one in winners))
        assert len(set(tokens)) == SEATS
        await stage.ends()


async def test_two_bots_on_one_ledger(tmp_path: Path) -> None:
    async with run_relay(0) as relay:
        first = Daemon(tmp_path, [relay], Keys(b"\1" * 32).pubkey)
        await first.start()
        second = Daemon.beside(first)
        await second.start(ready=False)
        assert await second.dies() == 1
        last = second.tail().splitlines()[-1]
        assert last.startswith("ticketbot: another ticketbot (process ")
        assert first.alive
        assert await first.stop() == 0


async def _answer(buyer: Person) -> str:
    text = await buyer.hears()
    return await buyer.gets_an_invoice() if text.startswith("Order") else text
