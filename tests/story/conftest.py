"""A stage per story: a relay, a bot, an organizer and an operator, and an audit at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.story.cast import Organizer, Person, Stage
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
