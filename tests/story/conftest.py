"""A stage per story: a relay, a bot, an organizer and an operator, and an audit at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.story.cast import Organizer, Person, Stage
from tests.story.scanner import Scanner, a_secret, at_the_door, opens_soon
from ticketbot.demo.stage import run_relay


@pytest.fixture
async def relay() -> AsyncIterator[str]:
    async with run_relay(0) as url:
        yield url


@pytest.fixture
async def stage(tmp_path: Path, relay: str, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """`@pytest.mark.choices(ephemeral="never")` configures it."""
    marker = request.node.get_closest_marker("choices")
    stage = Stage(tmp_path, relay, **(marker.kwargs if marker else {}))
    await stage.enters(stage.operator)
    await stage.enters(stage.organizer)
    await stage.opens()
    yield stage
    await stage.ends()


@pytest.fixture
def organizer(stage: Stage) -> Organizer:
    return stage.organizer


@pytest.fixture
async def alice(stage: Stage) -> Person:
    return await stage.enters()


@pytest.fixture
async def bob(stage: Stage) -> Person:
    return await stage.enters()


@pytest.fixture
async def http(stage: Stage) -> AsyncIterator[aiohttp.ClientSession]:
    async with at_the_door(stage) as session:
        yield session


@pytest.fixture
async def scanner(organizer: Organizer, http: aiohttp.ClientSession) -> Scanner:
    """A scanner with a secret for an event that costs nothing and whose doors are open."""
    await opens_soon(organizer, price=None)
    return Scanner(http, await a_secret(organizer))
