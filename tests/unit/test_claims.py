"""What becomes of outbox rows whose work raises: apart from the others, and never for waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from ticketbot.ledger import outbox
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.vault import Vault
from ticketbot.outbox.claims import POISON, Claims

Condition = Callable[[Tx], bool]


class Carrier:
    """Postpones every row until it is told to fail."""

    def __init__(self, store: Store) -> None:
        self.now = 1_000.0
        self.fails = 0
        self.claims = Claims(store, "message", lambda: self.now, self._work)
        self._store = store

    async def _work(self, rows: Sequence[Due]) -> None:
        if self.fails:
            self.fails -= 1
            raise ValueError("a bug")
        self.now += 1_000
        await self._store.transaction(
            lambda tx: [outbox.postpone(tx, row.id, int(self.now)) for row in rows]
        )

    async def works_until(self, condition: Condition) -> None:
        """Run until the ledger looks so."""
        running = asyncio.create_task(self.claims.run())
        async with asyncio.timeout(10):
            while not await self._store.transaction(condition):
                self.now += 1_000
                self.claims.stirred.set()
                await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "ledger.db", Vault(b"f" * 32, b"l" * 32))
    store.start()
    await store.transaction(lambda tx: outbox.put(tx, "one", "message", 0, {"text": "hi"}))
    yield store
    await store.close()


def tried(times: int) -> Condition:
    return lambda tx: tx.row("SELECT attempts FROM outbox") == (times,)


def put_aside(tx: Tx) -> bool:
    return tx.row("SELECT count(*) FROM quarantine") == (1,) and outbox.pending(tx) == 0


async def test_a_row_that_raises_once_after_a_long_wait_is_not_poison(store: Store) -> None:
    carrier = Carrier(store)
    await carrier.works_until(tried(POISON + 2))
    carrier.fails = 1
    await carrier.works_until(lambda tx: carrier.fails == 0 and outbox.pending(tx) == 1)
    assert not await store.transaction(put_aside)


async def test_a_row_that_raises_each_time_is_put_aside(store: Store) -> None:
    carrier = Carrier(store)
    carrier.fails = POISON
    await carrier.works_until(put_aside)
