"""The thief comes at the worst moment: `kill -9` in the middle, and everything is carried away.

What lies in the folder then (ledger, log of writes, wallet, the bot's own log) names nobody, and
still names nobody after the evening has come to its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from tests.chaos.evening import WITHIN, Evening
from tests.chaos.purse import FakePurse
from ticketbot.demo.client import Client
from ticketbot.demo.stage import run_relay
from ticketbot.domain.nip19 import npub_encode
from ticketbot.keys import Keys
from ticketbot.ledger.store import read_ledger
from ticketbot.ledger.vault import open_vault

KEYS = {"nsec", "ticket-key"}
ADDRESS = "jane.doe@walletofsatoshi.example"
REQUEST = "+351 912 345 678"
SLIPS = ("my name is velociraptor", f"refnd {ADDRESS}", "buy lisbn for velociraptor")
PLACES = [
    "engine.letter-answered=kill@2",
    "ledger.before-commit=kill@12",
    "invoicer.after-create=kill",
    "courier.before-publish=kill@3",
    "courier.after-publish=kill@4",
    "cashier.credited=kill",
    "engine.after-settle=kill",
]


class Robbed(Evening):
    """An evening whose folder is copied whenever the bot has died."""

    def __init__(self, folder: Path, relay: str) -> None:
        super().__init__(folder, [relay])
        self.robot = Client(Keys(os.urandom(32)), self.daemon.keys.pubkey)
        self.purse = FakePurse(folder)
        self.deaths = 0
        self.loot: dict[str, bytes] = {}

    def rob(self) -> None:
        """Carry everything away, but for the keys."""
        for path in self.daemon.folder.iterdir():
            if path.is_file() and path.name not in KEYS:
                self.loot[f"{path.name} at death {self.deaths}"] = path.read_bytes().lower()

    async def keep_alive(self) -> None:
        """Start it again, once the thief has been there."""
        while True:
            if not self.daemon.alive:
                await self.daemon.dies()
                self.rob()
                await self.daemon.start()
                self.deaths += 1
            await asyncio.sleep(0.05)

    def secrets(self) -> list[bytes]:
        """All that would tell who was there, and what they said or were told."""
        found = [ADDRESS, "jane.doe", REQUEST, "velociraptor", "lisbn"]
        for person in (self.alice, self.robot):
            found += [person.keys.pubkey, npub_encode(person.keys.pubkey)]
            texts = "\n".join(message.text for message in person.heard)
            found += re.findall(r"TKT1:[A-Z2-7]+", texts)
            found += [line[:50] for line in texts.splitlines() if line.startswith("Order")]
            found += re.findall(r"proves that the ticket is yours: ([0-9a-f]+)", texts)
        raw = [bytes.fromhex(person.keys.pubkey) for person in (self.alice, self.robot)]
        return [*raw, *(one.lower().encode() for one in found)]

    def shows(self) -> list[str]:
        """Where one of these stands."""
        return [
            f"{secret!r} in {place}"
            for secret in self.secrets()
            for place, data in self.loot.items()
            if secret in data
        ]


@contextlib.asynccontextmanager
async def robbed(folder: Path, failpoints: str) -> AsyncIterator[Robbed]:
    async with run_relay(0) as relay:
        it = Robbed(folder, relay)
        for person in (it.organizer, it.alice, it.robot):
            await person.connect(relay)
        await it.daemon.start(failpoints)
        keeper = asyncio.create_task(it.keep_alive())
        try:
            yield it
        finally:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
            it.minder.close()
            for person in (it.organizer, it.alice, it.robot):
                await person.disconnect()
            if it.daemon.alive:
                assert await it.daemon.stop() == 0, it.daemon.tail()
        it.rob()
    assert await it.daemon.audit() == []


async def buys_by_machine(it: Robbed) -> None:
    event_id = read_ledger(
        it.daemon.folder / "ledger.db",
        open_vault(it.daemon.keys),
        lambda tx: tx.rows("SELECT event_id FROM listing")[0][0],
    )
    ask = {"type": "buy", "request_id": REQUEST, "event_id": event_id, "quantity": 1}
    await it.robot.write(orjson.dumps(ask).decode(), "24133")
    invoice = orjson.loads((await it.robot.next('"type":"invoice"', WITHIN)).text)
    await it.pays(invoice["invoice"])
    await it.robot.next("\nTKT1:", WITHIN)


async def is_owed(it: Robbed) -> None:
    """Alice pays too much, and says where it shall go."""
    await it.alice.write("buy lisbon 2")
    await it.purse.wallet.receive(await it.gets_an_invoice(), 11_000)
    await it.alice.next("goes back to you", WITHIN)
    await it.alice.write(f"refund {ADDRESS}")
    await it.alice.next(within=WITHIN)


@pytest.mark.parametrize("place", PLACES)
async def test_what_a_thief_finds_after_a_crash_names_nobody(tmp_path: Path, place: str) -> None:
    async with robbed(tmp_path, place) as it:
        await it.publishes_event()
        for slip in SLIPS:
            await it.alice.write(slip)
            await it.alice.next(within=WITHIN)
        await it.buys()
        await buys_by_machine(it)
        await is_owed(it)
    assert it.deaths == 1
    assert any(name.startswith("ledger.db-wal at death 0") for name in it.loot)
    assert it.shows() == []
    assert [name for name, data in it.loot.items() if b"lisbon" in data], "the control"


async def test_control_a_thief_with_the_nsec_finds_everybody(tmp_path: Path) -> None:
    async with robbed(tmp_path, "engine.after-settle=kill") as it:
        await it.publishes_event()
        await it.buys()

    def everybody(tx: object) -> set[str]:
        rows = tx.rows("SELECT sealed FROM person WHERE id > 0")  # type: ignore[attr-defined]
        return {open_vault(it.daemon.keys).open(row[0], b"person").hex() for row in rows}

    known = read_ledger(tmp_path / "ledger.db", open_vault(it.daemon.keys), everybody)
    assert it.alice.keys.pubkey in known
