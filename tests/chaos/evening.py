"""A short evening that goes on whatever happens to the bot: an event, a purchase, a ticket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chaos.daemon import Daemon
from ticketbot.demo.client import Client
from ticketbot.keys import Keys

HOLD = 600
WITHIN = 40.0


class Evening:
    """A daemon that somebody restarts when it dies, an organizer and a buyer."""

    def __init__(self, folder: Path, relays: list[str], hold: int = HOLD) -> None:
        organizer = Keys(os.urandom(32))
        self.relays = relays
        self.daemon = Daemon(folder, relays, organizer.pubkey, hold)
        self.organizer = Client(organizer, self.daemon.keys.pubkey)
        self.alice = Client(Keys(os.urandom(32)), self.daemon.keys.pubkey)
        self.deaths = 0

    async def publishes_event(self, stock: int = 5, price: int = 5) -> None:
        start = str(int(time.time()) + 86_400)
        self.tags = [
            ["d", "x"],
            ["title", "Lisbon"],
            ["start", start],
            ["start_tzid", "UTC"],
            ["price", str(price), "SAT"],
            ["stock", str(stock)],
            ["p", self.daemon.keys.pubkey],
        ]
        await self.organizer.publish(31923, self.tags, "")
        await self.organizer.next("On sale", WITHIN)

    async def cancels_event(self) -> None:
        """A newer note says so, and its organizer answers the question."""
        tags = [*self.tags, ["status", "cancelled"]]
        await self.organizer.publish(31923, tags, "", int(time.time()) + 1)
        await self.organizer.next("Answer: cancel lisbon", WITHIN)
        await self.organizer.write("cancel lisbon")

    async def buys(self) -> str:
        """The whole purchase; the token."""
        await self.alice.write("buy lisbon")
        await self.pays(await self.gets_an_invoice())
        return await self.gets_a_ticket()

    async def gets_an_invoice(self) -> str:
        while not (text := (await self.alice.next("lnbc", WITHIN)).text).startswith("lnbc"):
            pass
        return text

    async def pays(self, bolt11: str) -> None:
        await self.daemon.wallet.receive(bolt11)

    async def gets_a_ticket(self) -> str:
        text = (await self.alice.next("\nTKT1:", WITHIN)).text
        return next(line for line in text.splitlines() if line.startswith("TKT1:"))

    async def has_died_once(self) -> None:
        """Wait for the death that a failpoint promised, and for the bot to be back."""
        async with asyncio.timeout(WITHIN):
            while not self.deaths:
                await asyncio.sleep(0.02)

    async def keep_alive(self) -> None:
        """What systemd does: start it again when it dies, without failpoints."""
        while True:
            if not self.daemon.alive:
                await self.daemon.dies()
                await self.daemon.start()
                self.deaths += 1
            await asyncio.sleep(0.05)

    def sold(self) -> int:
        """How many seats the ledger calls sold."""
        from ticketbot.ledger.store import read_ledger
        from ticketbot.ledger.vault import open_vault

        path, vault = self.daemon.folder / "ledger.db", open_vault(self.daemon.keys)
        rows = read_ledger(path, vault, lambda tx: tx.rows("SELECT sold FROM seats"))
        return sum(row[0] for row in rows)


@asynccontextmanager
async def evening(
    folder: Path, relays: list[str], failpoints: str = "", hold: int = HOLD
) -> AsyncIterator[Evening]:
    """The evening, its bot kept alive while the block runs; afterwards the books must be right."""
    it = Evening(folder, relays, hold)
    await it.organizer.connect(relays[0])
    await it.alice.connect(relays[0])
    await it.daemon.start(failpoints)
    keeper = asyncio.create_task(it.keep_alive())
    try:
        yield it
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
        await it.alice.disconnect()
        await it.organizer.disconnect()
        if it.daemon.alive:
            assert await it.daemon.stop() == 0, it.daemon.tail()
    assert await it.daemon.audit() == []
