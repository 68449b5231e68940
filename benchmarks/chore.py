"""A whole bot that has much to do at once: its ledger made up, the work asked for, and judged."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.bot import Spec, config_of, vault_of
from benchmarks.crowd import BadService
from ticketbot import log
from ticketbot.app import App
from ticketbot.ledger.audit import check_ledger
from ticketbot.ledger.schema import migrate
from ticketbot.ledger.store import Tx, check_owner, connect
from ticketbot.wallets.fake import FakeWallet

PATIENCE = 540.0


@contextlib.contextmanager
def made_up(folder: Path) -> Iterator[tuple[sqlite3.Connection, Tx]]:
    """The new ledger of the bot of this folder, and a transaction in it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ledger.db"
    db = connect(path)
    try:
        migrate(db, path)
        vault = vault_of(folder)
        check_owner(db, vault)
        db.execute("BEGIN")
        yield db, Tx(db, vault)
        db.execute("COMMIT")
    finally:
        db.close()


class BusyBot:
    """The bot, with a relay and the fake wallet."""

    def __init__(self, spec: Spec) -> None:
        log.configure(stream=(spec.folder / "bot.log").open("a"), pretty=False, secrets=())
        self._wallet = FakeWallet()
        self._app = App(config_of(spec), self._wallet)
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._running = asyncio.create_task(self._app.run(self._stop))
        await self._app.ready.wait()

    async def stop(self) -> None:
        self._stop.set()
        if self._running is not None:
            await self._running

    async def until(self, done: Callable[[Tx], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self._app.store.transaction(done):
                await asyncio.sleep(0.05)

    async def require_kept(self) -> None:
        """BadService when the ledger breaks an invariant: speed is worth nothing then."""
        findings = await self._app.store.transaction(check_ledger)
        if broken := [one.broken[:3] for one in findings if not one.kept]:
            raise BadService(f"the ledger breaks {broken}")


def count(tx: Tx, what: str) -> int:
    """How many rows; `what` is a table and, if need be, a condition."""
    row = tx.row(f"SELECT count(*) FROM {what}")
    return int(row[0]) if row else 0
