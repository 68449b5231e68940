"""Canaries: known secrets in a real bot, and a search through everything that it writes.

The wallet here is the worst that there is: it fails in every way, and quotes what it was asked,
key and all. The bot's exceptions are those of its own failpoints.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import sys
from pathlib import Path

import pytest

from tests.real.bot_process import WITHIN
from tests.real.canary_house import (
    KEY_FILES,
    House,
    buys,
    evening,
    shows_itself,
    until,
    worst_wallet,
)
from ticketbot.demo.stage import run_relay
from ticketbot.keys import Keys

FAILPOINTS = [
    "engine.letter-answered=raise",
    "ledger.before-commit=raise@9",
    "invoicer.before-create=raise",
    "courier.before-publish=raise",
    "courier.after-publish=raise",
    "engine.before-settle=raise",
    "cashier.credited=raise",
]


@pytest.mark.timeout(180)
async def test_no_secret_in_anything_that_a_bot_writes(tmp_path: Path) -> None:
    async with evening(tmp_path) as (house, guest, wallet):
        private = await buys(guest, wallet)
        house.looks_into_proc()
        for mode in ("500", "520", "400", "401", "text", "shape", "redirect"):
            wallet.mode = mode
            await guest.write("buy lisbon")
            said = await asyncio.gather(house.asked("audit"), house.asked("doctor"))
            assert "FAIL" in said[1]
        await shows_itself(house)
        wallet.mode = "good"
        for order in await house.shows("orders"):
            await house.asked("orders", "show", order["order_id"], "--json")
        await house.asked("backup", str(tmp_path / "kept.backup"))
        assert "valid" in await house.asked("verify", "-", stdin=private[0].decode())
        assert await house.stop() == 0
    log = house.log_file.read_text()
    assert "wallet.unknown" in log or "invoice.postponed" in log
    said = b"".join(house.written.values()).decode() + log
    assert "cannot serve" in said, "the control: LNbits' words are repeated, but for the key"
    assert house.finds(*private) == []


@pytest.mark.parametrize("place", FAILPOINTS)
async def test_no_secret_in_what_is_said_of_a_bug(tmp_path: Path, place: str) -> None:
    async with evening(tmp_path, place) as (house, guest, wallet):
        await guest.write("hi")
        buying = asyncio.create_task(buys(guest, wallet))
        async with asyncio.timeout(WITHIN):
            while house.running and not buying.done():
                await asyncio.sleep(0.05)
        buying.cancel()
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            await buying
    name = place.partition("=")[0]
    assert f"failpoint {name}: raise" in house.log_file.read_text()
    assert house.finds(guest.keys.pubkey.encode()) == []


async def test_no_secret_on_a_terminal(tmp_path: Path) -> None:
    """There logs are pretty, and tracebacks made by somebody else's code."""
    master, slave = pty.openpty()
    shown = bytearray()
    asyncio.get_running_loop().add_reader(master, lambda: shown.extend(os.read(master, 65_536)))
    try:
        async with evening(tmp_path, "", slave) as (house, guest, wallet):
            private = await buys(guest, wallet)
            wallet.mode = "500"
            await guest.write("buy lisbon")
            await until(lambda: b"invoice.postponed" in shown or b"wallet.unknown" in shown)
            assert await house.stop() == 0
            house.written["terminal"] = bytes(shown)
        assert house.finds(*private) == []
    finally:
        asyncio.get_running_loop().remove_reader(master)
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("name", sorted(KEY_FILES))
async def test_no_secret_in_what_is_said_of_a_bad_key(tmp_path: Path, name: str) -> None:
    """A key with a letter too many, in the wrong file, in the configuration itself."""
    async with run_relay(0) as relay, worst_wallet() as wallet:
        house = House(tmp_path, wallet.url, relay, Keys(os.urandom(32)).pubkey)
        house.log_file.touch()
        good = (tmp_path / name).read_text().strip()
        for text in (f"{good}0", f"{good} {good}", good.replace(good[7], "ü")):
            (tmp_path / name).write_text(text)
            await house.asked("status")
            await house.asked("doctor")
        (tmp_path / name).write_text(good)
        config = tmp_path / "config.toml"
        given = config.read_text()
        section = "bot" if name in ("nsec", "ticket-key") else "lnbits"
        key = name.removeprefix("lnbits-").replace("-", "_")
        for line in (f'{key}_file = "{good}"', f'{key} = "{good}"', f'{good} = "x"'):
            text = given.replace('admin_key_file = "admin-key"\n', "")
            config.write_text(text.replace(f"[{section}]", f"[{section}]\n{line}"))
            said = await house.asked("run")
            assert said.startswith("ticketbot: "), said
            config.write_text(given)
    assert house.finds() == []


def test_the_search_would_find_them(tmp_path: Path) -> None:
    """The control, form by form."""
    house = House(tmp_path, "http://127.0.0.1:1", "ws://127.0.0.1:1", "2" * 64)
    house.log_file.touch()
    assert house.finds() == []
    for number, secret in enumerate(house.canaries().values()):
        (tmp_path / f"{number}.txt").write_bytes(b"x" + secret.swapcase() + b"x")
    assert len(house.finds()) >= len(house.canaries())
    assert sys.executable.encode() not in b"".join(house.canaries().values())
