"""A ledger that cannot be written just when carriers begin: they wait, and the bot goes on."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from tests.unit.refund_desk import Buyer, Desk
from ticketbot.domain.spending import State
from ticketbot.ledger import store as ledger

ADDRESS = "me@example.com"


async def test_refunds_that_begin_on_a_full_disk_are_paid_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = Buyer(desk)
    refund = await desk.owes(alice)
    await alice.says(ADDRESS)
    hits = 0

    def full(failpoint: str) -> None:
        nonlocal hits
        if failpoint == "ledger.before-commit":
            hits += 1
            raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr(ledger, "failpoint", full)
        running = asyncio.create_task(desk.refunder().run())
        async with asyncio.timeout(5):
            while not hits:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert not running.done()
    await desk.becomes(refund, State.SENT)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
