"""Secrets in the wrong place of a configuration: told, and never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_config import KEY, NSEC, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.mark.parametrize("key", [NSEC, "3f" * 32, KEY])
@pytest.mark.parametrize("name", ["nsec_file", "ticket_key_file"])
def test_a_key_in_place_of_its_files_name_is_not_repeated(
    house: House, name: str, key: str
) -> None:
    relays = '[nostr]\nrelays = ["wss://nos.lol"]'
    house.says(f'[bot]\n{name} = "{key}"\n{relays}')
    line = house.mistake()
    assert line.endswith("holds a secret key: put it into a file, and that file's name here")
    assert key not in line


@pytest.mark.parametrize(
    "toml",
    [
        '[nostr]\nrelays = ["wss://me:hunter2@nos.lol"]',
        '[nostr]\nrelays = ["wss://nos.lol"]\nproxy = "socks5h://me:hunter2@127.0.0.1:9050"',
        '[nostr]\nrelays = ["wss://nos.lol"]\n[lnbits]\nurl = "http://me:hunter2@127.0.0.1"',
    ],
)
def test_a_password_in_an_address_is_not_repeated(house: House, toml: str) -> None:
    house.says(toml)
    assert "hunter2" not in "".join(house.mistakes())


@pytest.mark.parametrize("key", [NSEC, "3f" * 32])
def test_a_key_in_place_of_a_name_is_not_repeated(house: House, key: str) -> None:
    house.says(f'[nostr]\nrelays = ["wss://nos.lol"]\n{key} = 1\n[bot]\n"{key}" = "x"')
    lines = house.mistakes()
    assert len(lines) == 2
    assert key not in "".join(lines)
