"""The operator's way into the running bot, with a real process at either end."""

from __future__ import annotations

import asyncio
import json
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.evening import Evening, evening
from tests.unit.cli_house import Ran, one_sentence, run


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: a Unix socket's path has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="tb") as name:
        yield Path(name)


async def types(folder: Path, *words: str, stdin: str = "") -> Ran:
    return await asyncio.to_thread(run, *words, cwd=folder, stdin=stdin)


async def what_was_decided(folder: Path, order: str) -> list[str]:
    story = json.loads((await types(folder, "orders", "show", order, "--json")).out)
    return [one["what"] for one in story["decisions"]]


async def owes_a_refund(it: Evening) -> str:
    """Somebody pays another amount than was asked; the last letters of the order."""
    await it.alice.write("buy lisbon")
    bolt11 = await it.gets_an_invoice()
    await it.daemon.purse.wallet.receive(bolt11, 3_000)
    told = (await it.alice.next("goes back to you", 20)).text
    return told.split("Order ")[1][:4]


async def test_commands_reach_the_running_bot(folder: Path, relay: str) -> None:
    async with evening(folder, [relay]) as it:
        await it.publishes_event()
        await it.buys()

        stopped = await types(folder, "tell", "stop", "sales")
        assert (stopped.code, stopped.err) == (0, "")
        await it.alice.write("buy lisbon")
        assert "Sales are stopped" in (await it.alice.next("stopped", 20)).text
        assert (await types(folder, "tell", "resume", "sales")).out == "Sales are open.\n"
        status = await types(folder, "tell", "-", stdin="status\n")
        assert status.out.startswith("Sales open · 1 events on sale\n")

        order = await owes_a_refund(it)
        owed = await types(folder, "refund", order)
        assert (owed.code, "amount" in owed.out) == (0, True)
        assert await what_was_decided(folder, order) == [
            "placed",
            "invoice made",
            "paid",
            "refund due",
        ]
        one_sentence(await types(folder, "tell", "dance"), 1)
        audit = await types(folder, "audit")
        assert (audit.code, audit.err) == (0, "")


async def test_the_socket_outlives_no_bot(folder: Path, relay: str) -> None:
    """Killed, it leaves one that nobody hears; the next bot replaces it, and takes it along."""
    socket = folder / "ledger.sock"
    async with evening(folder, [relay]) as it:
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        await it.daemon.kill()
        left = socket.exists()
        await it.has_been_restarted()
        assert left
        assert (await types(folder, "tell", "status")).code == 0
    assert not socket.exists()
    one_sentence(await types(folder, "tell", "status"), 1, "the bot is not running")


async def test_a_refund_that_was_paid_by_hand(folder: Path, relay: str) -> None:
    """From one process to the other: decided, journalled, told to the buyer, and in the books."""
    async with evening(folder, [relay]) as it:
        await it.publishes_event()
        order = await owes_a_refund(it)
        done = await types(folder, "refund", order, "--sent")
        assert (done.code, done.err) == (0, "")
        await it.alice.next("sent", 20)
        assert (await what_was_decided(folder, order))[-1] == "refund paid by hand"
        one_sentence(await types(folder, "refund", order, "--sent"), 1)
        audit = await types(folder, "audit")
        assert (audit.code, audit.err) == (0, "")
        assert "1 refund, 1 of them by hand" in audit.out


async def test_a_refund_that_the_bot_is_told_where_to_send(folder: Path, relay: str) -> None:
    async with evening(folder, [relay]) as it:
        await it.publishes_event()
        order = await owes_a_refund(it)
        bolt11 = it.daemon.purse.wallet.foreign_invoice(3_000, 3_600)
        done = await types(folder, "refund", order, "--to", "-", stdin=f"{bolt11}\n")
        assert (done.code, done.err) == (0, "")
        async with asyncio.timeout(20):
            while "refund sent" not in await what_was_decided(folder, order):
                await asyncio.sleep(0.2)
        audit = json.loads((await types(folder, "audit", "--json")).out)
        assert audit["agree"] is True
        assert audit["wallet"]["refunded_msat"] == 3_000
