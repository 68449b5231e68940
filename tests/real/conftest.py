"""A real relay, where one is enough."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.real.relays import local_relay


@pytest.fixture
async def relay() -> AsyncIterator[str]:
    async with local_relay() as url:
        yield url
