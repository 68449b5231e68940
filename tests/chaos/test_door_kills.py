"""kill -9 at the door: who was answered green is in the ledger, and nobody is let in twice."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest

from tests.chaos.evening import WITHIN, Evening, evening
from tests.story.scanner import Json
from ticketbot.ledger import scans
from ticketbot.ledger.store import read_ledger
from ticketbot.ledger.vault import open_vault

PLACES = ["engine.before-scan", "engine.after-scan"]
WAYS = [
    "kill",
    pytest.param("raise", marks=pytest.mark.long),
    pytest.param("hang", marks=pytest.mark.long),
]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Phone:
    """A scanner that asks again until it is answered, always under the same nonce."""

    def __init__(self, port: int, secret: str) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/door/LISBON"
        self._headers = {"Authorization": f"Bearer {secret}"}
        self.unanswered = 0

    async def scans(self, kind: str, token: str, nonce: str) -> Json:
        body = {"ticket": token, "nonce": nonce}
        patience = aiohttp.ClientTimeout(total=2)
        async with asyncio.timeout(WITHIN), aiohttp.ClientSession(timeout=patience) as session:
            while True:
                try:
                    url = f"{self._url}/{kind}"
                    async with session.post(url, json=body, headers=self._headers) as answer:
                        if answer.status == 200:
                            found: Json = await answer.json()
                            return found
                        assert answer.status >= 500, await answer.text()
                except (aiohttp.ClientError, TimeoutError):
                    pass
                self.unanswered += 1
                await asyncio.sleep(0.1)


async def opens(it: Evening) -> str:
    """An event that begins soon, a ticket of it, and a secret for its door."""
    await it.publishes_event()
    await it.organizer.write("door token lisbon")
    told = (await it.organizer.next("door1", WITHIN)).text
    return next(line for line in told.splitlines() if line.startswith("door1"))


def outcomes(it: Evening) -> list[str]:
    path, vault = it.daemon.folder / "ledger.db", open_vault(it.daemon.keys)
    rows = read_ledger(path, vault, lambda tx: tx.rows("SELECT outcome FROM scan ORDER BY id"))
    return [row[0] for row in rows]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", PLACES)
async def test_between_a_scan_and_its_answer(
    tmp_path: Path, relay: str, place: str, way: str
) -> None:
    port = free_port()
    async with evening(tmp_path, [relay], f"{place}={way}@2", listen=port) as it:
        phone = Phone(port, await opens(it))
        token = await it.buys()
        assert (await phone.scans("check-in", token, "nonce-01"))["outcome"] == "admitted"
        assert (await phone.scans("checkout", token, "nonce-02"))["outcome"] == "left"
        await it.has_met(way)
        assert phone.unanswered
        assert (await phone.scans("check-in", token, "nonce-01"))["outcome"] == "admitted"
        assert (await phone.scans("checkout", token, "nonce-03"))["outcome"] == "already-out"
    assert outcomes(it) == ["admitted", "left", "already-out"]


@pytest.mark.parametrize("visit", [3, 7])
async def test_whoever_was_let_in_is_in_the_ledger(tmp_path: Path, relay: str, visit: int) -> None:
    """Killed again and again while people come: every green light is there afterwards."""
    port = free_port()
    async with evening(tmp_path, [relay], f"engine.after-scan=kill@{visit}", listen=port) as it:
        phone = Phone(port, await opens(it))
        tokens = [await it.buys() for _ in range(4)]
        greens = []
        for number, token in enumerate(tokens):
            seen = await phone.scans("check-in", token, f"nonce-0{number}")
            greens.append(seen["ticket_id"])
            again = await phone.scans("check-in", token, f"again-0{number}")
            assert (seen["light"], again["outcome"]) == ("green", "already-used")
        await it.has_met("kill")
    path, vault = it.daemon.folder / "ledger.db", open_vault(it.daemon.keys)
    inside = read_ledger(
        path, vault, lambda tx: tx.rows("SELECT id FROM ticket WHERE state = 'admitted'")
    )
    assert {row[0] for row in inside} == set(greens)
    assert read_ledger(path, vault, scans.unexplained) == []
