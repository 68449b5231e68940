"""Where many of these tests begin: a bot without relays that owes money; a bot's folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.cli_house import BotHouse, Sold
from tests.unit.refund_desk import Buyer, Desk


@pytest.fixture
def kind_of_desk() -> type[Desk]:
    """Tests of payouts have another one."""
    return Desk


@pytest.fixture
async def desk(tmp_path: Path, kind_of_desk: type[Desk]) -> AsyncIterator[Desk]:
    desk = kind_of_desk(tmp_path)
    await desk.opens()
    yield desk
    await desk.closes()


@pytest.fixture
async def by_hand(tmp_path: Path, kind_of_desk: type[Desk]) -> AsyncIterator[Desk]:
    """A desk whose wallet was given no admin key."""
    desk = kind_of_desk(tmp_path, pays=False)
    await desk.opens()
    yield desk
    await desk.closes()


@pytest.fixture
def alice(desk: Desk) -> Buyer:
    return Buyer(desk)


@pytest.fixture
def house(tmp_path: Path) -> BotHouse:
    return BotHouse(tmp_path / "bot")


@pytest.fixture
def sold(house: BotHouse) -> Sold:
    return house.sells()
