"""A ledger in a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ticketbot.ledger.store import Store
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
