"""A relay for each of these evenings."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ticketbot.demo.stage import run_relay


@pytest.fixture
async def relay() -> AsyncIterator[str]:
    async with run_relay(0) as url:
        yield url
