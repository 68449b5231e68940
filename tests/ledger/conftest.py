"""A ledger in a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.ledger.shelf import shelf
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.vault import Vault


@pytest.fixture
def vault() -> Vault:
    return Vault(b"f" * 32, b"l" * 32)


@pytest.fixture
async def store(tmp_path: Path, vault: Vault) -> AsyncIterator[Store]:
    store = Store(tmp_path / "ledger.db", vault)
    store.start()
    yield store
    await store.close()


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    """In a transaction of an empty ledger; a file that begins with more adds it to this one."""
    with shelf(tmp_path) as tx:
        yield tx
