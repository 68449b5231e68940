"""What the operator keeps, and when organizers are paid: as configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_config import HEX, NPUB, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_commission_for_all_and_for_one(house: House) -> None:
    assert (house.load().commission.ppm, house.load().commission.organizers) == (0, {})
    house.says(
        '[nostr]\nrelays = ["wss://nos.lol"]\n[commission]\nppm = 20000\n'
        f'organizers = ["{NPUB} = 10000"]\n[payouts]\nschedule = "weekly"'
    )
    config = house.load()
    assert (config.commission.ppm, config.commission.organizers) == (20_000, {HEX: 10_000})
    assert config.payouts.schedule == "weekly"


@pytest.mark.parametrize("wrong", [NPUB, f"{NPUB}=", f"{NPUB}=-1", f"{NPUB}=500001", "me=1", "=1"])
def test_a_rate_that_is_none(house: House, wrong: str) -> None:
    house.says(f'[nostr]\nrelays = ["wss://nos.lol"]\n[commission]\norganizers = ["{wrong}"]')
    assert "commission.organizers[1]" in house.mistake()
    assert "a rate from 0 to 500000 millionths" in house.mistake()


def test_percent_where_millionths_are_meant_is_warned_of(house: House) -> None:
    house.says('[nostr]\nrelays = ["wss://nos.lol"]\n[commission]\nppm = 2')
    assert "commission.ppm is 2, that is 0.0002 %; 20000 is 2 %" in house.load().warnings
    house.says('[nostr]\nrelays = ["wss://nos.lol"]\n[commission]\nppm = 2 %')
    assert house.mistake().endswith(': "ppm = 2 %"')


def test_a_line_that_may_hold_a_key_is_not_repeated(house: House) -> None:
    for line in (f'nsec = "{"ab" * 32}', 'nsec = "nsec1qqq', 'url = "http://me:secret@host'):
        house.says(f"[bot]\n{line}\n")
        assert "is not TOML" in house.mistake()
        assert line.partition('"')[2] not in house.mistake()
