"""A queue of thousands in front of a sold-out event: how soon seats that come free are offered.

The queue is made up; the bot that goes through it is the whole one, with a relay and the fake
wallet. Each offer is a seat held, a line in the ledger and a message that a relay has taken.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.bot import CODE, ORGANIZER, Spec, config_of, on_sale, vault_of
from benchmarks.crowd import BadService
from benchmarks.network import run_network
from benchmarks.worker import Answers, Worker, answer, cores, wire
from ticketbot import log
from ticketbot.app import App
from ticketbot.ledger import listings, people, places
from ticketbot.ledger.audit import check_ledger
from ticketbot.ledger.schema import migrate
from ticketbot.ledger.store import Tx, check_owner, connect
from ticketbot.wallets.fake import FakeWallet

Figures = dict[str, float]

PATIENCE = 300.0


def measure_queue(folder: Path, waiting: int, seats: int) -> Figures:
    """So many wait, and so many seats come free at once: offers per second."""
    fill(folder, waiting)
    bots, others = cores()
    _, hands = wire()
    with Worker(run_network, hands, core=others) as network:
        with Worker(run_queueing, Spec(folder, network.ask("open")), core=bots) as bot:
            bot.ask("start")
            seconds: float = bot.ask("free", seats)
    return {"queue_offers_per_s": seats / seconds}


def fill(folder: Path, waiting: int) -> None:
    """A ledger in which an event without a seat left has a queue."""
    folder.mkdir(parents=True, exist_ok=True)
    now = int(time.time())
    path = folder / "ledger.db"
    db = connect(path)
    try:
        migrate(db, path)
        vault = vault_of(folder)
        check_owner(db, vault)
        db.execute("BEGIN")
        tx = Tx(db, vault)
        event = on_sale(ORGANIZER, now, 0)
        listings.save(tx, event, CODE)
        for _ in range(waiting):
            person = people.welcome(tx, os.urandom(32).hex(), "nip17")
            places.join(tx, event.event_id, "", person.id, 1, now)
        db.execute("COMMIT")
    finally:
        db.close()


class QueueingBot:
    """The bot, and seats that come free."""

    def __init__(self, spec: Spec) -> None:
        log.configure(stream=(spec.folder / "bot.log").open("a"), pretty=False, secrets=())
        self._app = App(config_of(spec), FakeWallet())
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._running = asyncio.create_task(self._app.run(self._stop))
        await self._app.ready.wait()

    async def free(self, seats: int) -> float:
        """The organizer adds seats; seconds until whoever has one kept was told so."""
        began = time.monotonic()
        listing = on_sale(ORGANIZER, int(time.time()), seats)
        await self._app.store.transaction(lambda tx: listings.save(tx, listing, CODE))
        await self._until(lambda tx: _count(tx, "place WHERE kept > 0") == seats)
        await self._until(lambda tx: _count(tx, "outbox WHERE kind = 'message'") == 0)
        seconds = time.monotonic() - began
        findings = await self._app.store.transaction(check_ledger)
        if broken := [one.broken[:3] for one in findings if not one.kept]:
            raise BadService(f"the ledger breaks {broken}")
        return seconds

    async def stop(self) -> None:
        self._stop.set()
        if self._running is not None:
            await self._running

    async def _until(self, done: Callable[[Tx], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self._app.store.transaction(done):
                await asyncio.sleep(0.05)


async def run_queueing(pipe: Connection, spec: Spec) -> None:
    """What the worker does."""
    bot = QueueingBot(spec)
    answers: Answers = {"start": bot.start, "free": bot.free, "stop": bot.stop}
    await answer(pipe, answers)


def _count(tx: Tx, what: str) -> int:
    row = tx.row(f"SELECT count(*) FROM {what}")
    return int(row[0]) if row else 0
