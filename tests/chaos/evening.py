"""A short evening that goes on whatever happens to the bot: an event, a purchase, a ticket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chaos import visits
from tests.chaos.checker import check
from tests.chaos.daemon import Daemon
from tests.chaos.minder import Minder
from tests.chaos.purse import Purse
from ticketbot.demo.client import Client
from ticketbot.keys import Keys

ROOT = Path(__file__).parents[2]
HOLD = 600
WITHIN = 40.0


class Evening:
    """A daemon that somebody restarts when it dies, an organizer and a buyer."""

    def __init__(
        self, folder: Path, relays: list[str], hold: int = HOLD, purse: Purse | None = None
    ) -> None:
        organizer = Keys(os.urandom(32))
        self.relays = relays
        self.daemon = Daemon(folder, relays, organizer.pubkey, hold, purse)
        self.organizer = Client(organizer, self.daemon.keys.pubkey)
        self.alice = Client(Keys(os.urandom(32)), self.daemon.keys.pubkey)
        self.minder = Minder(self.daemon)
        self.daemon.environment |= self.minder.environment

    async def publishes_event(
        self, stock: int = 5, price: int = 5, lasts: int = 0, ahead: int = 86_400
    ) -> None:
        """Tomorrow, or so many seconds `ahead`; or, where it `lasts` for some seconds, now."""
        self._ends = int(time.time()) + lasts
        start = self._ends - 1 if lasts else self._ends + ahead
        self.tags: list[list[str]] = [
            ["d", "x"],
            ["title", "Lisbon"],
            ["start", str(start)],
            *([["end", str(self._ends)]] if lasts else []),
            ["start_tzid", "UTC"],
            ["price", str(price), "SAT"],
            ["stock", str(stock)],
            ["badge", "offered"],
            ["p", self.daemon.keys.pubkey],
        ]
        await self.organizer.publish(31923, self.tags, "")
        await self.organizer.next("On sale", WITHIN)

    async def is_over(self) -> None:
        """Wait for the end of an event that lasts for some seconds."""
        await asyncio.sleep(self._ends + 1 - time.time())

    async def moves_event(self) -> None:
        """A newer note says that it ends days later."""
        start = next(tag[1] for tag in self.tags if tag[0] == "start")
        tags = [*self.tags, ["end", str(int(start) + 3 * 86_400)]]
        await self.organizer.publish(31923, tags, "", int(time.time()) + 1)

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
        await self.daemon.purse.pay(bolt11)

    async def gets_a_ticket(self) -> str:
        text = (await self.alice.next("\nTKT1:", WITHIN)).text
        return tokens_in(text)[0]

    async def has_been_restarted(self) -> None:
        """Wait until somebody has started the bot again."""
        async with asyncio.timeout(WITHIN):
            while not self.minder.deaths:
                await asyncio.sleep(0.02)

    async def has_met(self, way: str) -> None:
        """Wait until the failpoint did what it was told, and the bot is there again."""
        async with asyncio.timeout(WITHIN):
            while f": {way}\n" not in self.daemon.log.read_text():
                await asyncio.sleep(0.02)
            if way != "raise":
                await self.has_been_restarted()
        assert way != "hang" or self.minder.hung
        assert all(code != 0 for code in self.daemon.exits), "it died, and called that success"

    def faults(self, others: Iterable[str] = ()) -> list[str]:
        """What an independent reading of ledger, wallet and `others`' tokens finds wrong."""
        tokens = {*others, *(token for body in self.alice.heard for token in tokens_in(body.text))}
        ledger = self.daemon.folder / "ledger.db"
        purse = self.daemon.purse
        return check(ledger, purse.taken(), tokens, self.daemon.ticket_key(), purse.given())

    def sold(self) -> int:
        """How many seats the ledger calls sold."""
        from ticketbot.ledger.store import read_ledger
        from ticketbot.ledger.vault import open_vault

        path, vault = self.daemon.folder / "ledger.db", open_vault(self.daemon.keys)
        rows = read_ledger(path, vault, lambda tx: tx.rows("SELECT sold FROM seats"))
        return sum(row[0] for row in rows)


def tokens_in(text: str) -> list[str]:
    """Tickets in a message to people."""
    return [line for line in text.splitlines() if line.startswith("TKT1:")]


@asynccontextmanager
async def evening(
    folder: Path,
    relays: list[str],
    failpoints: str = "",
    hold: int = HOLD,
    *,
    purse: Purse | None = None,
    mutant: str | None = None,
    hurried: bool = False,
    environment: Mapping[str, str] | None = None,
    listen: int | None = None,
) -> AsyncIterator[Evening]:
    """The evening, its bot kept alive while the block runs; afterwards the books must be right.

    With `listen` the bot's HTTP is at that port, and doors open two days before. A `hurried` bot
    has less patience (see hurried.py). A `mutant` is a bot with a planted fault (see mutants.py),
    whose books are not looked at.
    """
    it = Evening(folder, relays, hold, purse)
    it.daemon.environment |= environment or {}
    if listen is not None:
        it.daemon.environment["TICKETBOT_WEB_LISTEN"] = f"127.0.0.1:{listen}"
        it.daemon.environment["TICKETBOT_DOOR_OPEN_HOURS"] = "48"
    if mutant is not None or hurried:
        program = ["tests.chaos.hurried"] if hurried else []
        if mutant is not None:
            program = ["tests.chaos.mutants", *(["hurried"] if hurried else []), mutant]
        it.daemon.command = [sys.executable, "-m", *program]
        it.daemon.environment["PYTHONPATH"] = str(ROOT)
    await it.organizer.connect(relays[0])
    await it.alice.connect(relays[0])
    await it.daemon.start(failpoints)
    it.minder.begin()
    keeper = asyncio.create_task(it.minder.run())
    try:
        yield it
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
        it.minder.close()
        await it.alice.disconnect()
        await it.organizer.disconnect()
        if it.daemon.alive:
            assert await it.daemon.stop() == 0, it.daemon.tail()
    if mutant is None:
        visits.keep(it.daemon.log)
        assert await it.daemon.audit() == []
        assert it.faults() == []
