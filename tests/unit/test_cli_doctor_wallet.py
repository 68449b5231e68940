"""`doctor` looks at the wallet: does it answer, whose keys are they, does it make invoices."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from coincurve import PrivateKey

from tests.real.relays import free_port
from tests.unit.cli_house import BotHouse, opened
from tests.unit.strangers import serve
from ticketbot.cli import checks
from ticketbot.cli.checks import Check
from ticketbot.domain.bolt11 import write_bolt11
from ticketbot.keys import Keys

ADMIN_KEY = "cd" * 16


class FakeLnbits:
    """As much of LNbits as doctor asks for."""

    def __init__(self) -> None:
        self.is_admin = False
        self.admin_is_of: str | None = "w"
        self.knows_key = True
        self.has_node = True
        self.made: list[dict[str, Any]] = []
        node = Keys(os.urandom(32))
        self._sign = node.keypair

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/wallet", self.wallet),
            web.post("/api/v1/payments", self.create),
            web.get("/api/v1/payments/{hash}", self.look),
        ]

    async def wallet(self, request: web.Request) -> web.Response:
        if not self.knows_key:
            return web.json_response({"detail": "Wallet not found."}, status=404)
        answer: dict[str, Any] = {"name": "bot", "balance": 42_000_000}
        wallet_id = "w" if self.is_admin else None
        if request.headers["X-Api-Key"] == ADMIN_KEY:
            wallet_id = self.admin_is_of
        return web.json_response(answer | ({"id": wallet_id} if wallet_id else {}))

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        payment_hash = os.urandom(32)
        bolt11 = write_bolt11(
            network="bcrt",
            payment_hash=payment_hash,
            payment_secret=os.urandom(32),
            amount_msat=asked["amount"] * 1000,
            memo=asked["memo"],
            created_at=int(time.time()),
            expiry_seconds=asked["expiry"],
            sign=PrivateKey(os.urandom(32)).sign_recoverable,
        )
        row = {
            "payment_hash": payment_hash.hex(),
            "bolt11": bolt11,
            "amount": asked["amount"] * 1000,
            "external_id": asked["external_id"],
            "wallet_id": "w",
            "status": "pending",
            "updated_at": "2026-01-01T00:00:00+00:00",
        }
        self.made.append(row)
        return web.json_response(row, status=201)

    async def look(self, request: web.Request) -> web.Response:
        row = next(row for row in self.made if row["payment_hash"] == request.match_info["hash"])
        answer = {"paid": False, "details": row}
        return web.json_response(answer | ({"status": "pending"} if self.has_node else {}))


async def wallet_checks(house: BotHouse) -> dict[str, Check]:
    return {check.name: check async for check in checks._check_wallet(opened(house))}


def with_lnbits(folder: Path, url: str) -> BotHouse:
    house = BotHouse(folder)
    house.configure('wallet = "fake"', f'wallet = "lnbits"\n\n[lnbits]\nurl = "{url}"')
    house.write("lnbits-invoice-key", "ab" * 16)
    return house


async def test_an_lnbits_in_order(tmp_path: Path) -> None:
    lnbits = FakeLnbits()
    async with serve(*lnbits.routes()) as url:
        found = await wallet_checks(with_lnbits(tmp_path / "bot", url))
    told = {check.verdict for name, check in found.items() if name != "wallet admin key"}
    assert told == {"ok"}
    assert found["wallet admin key"][1:3] == ("skip", "none: refunds wait for you")
    assert "42,000 sats" in found[f"wallet {url}"].says
    (made,) = lnbits.made
    assert made["amount"] == 1000
    assert made["external_id"].startswith("doctor-")


async def test_the_admin_key_in_the_invoice_key_s_place(tmp_path: Path) -> None:
    lnbits = FakeLnbits()
    lnbits.is_admin = True
    async with serve(*lnbits.routes()) as url:
        found = await wallet_checks(with_lnbits(tmp_path / "bot", url))
    assert found["wallet key"].verdict == "FAIL"
    assert "admin key" in found["wallet key"].says


@pytest.mark.parametrize(
    ("admin_is_of", "verdict", "says"),
    [
        ("w", "ok", "the same wallet"),
        ("other", "FAIL", "of another wallet"),
        (None, "FAIL", "is an invoice key"),
    ],
)
async def test_the_admin_key_is_of_the_same_wallet(
    tmp_path: Path, admin_is_of: str | None, verdict: str, says: str
) -> None:
    lnbits = FakeLnbits()
    lnbits.admin_is_of = admin_is_of
    async with serve(*lnbits.routes()) as url:
        house = with_lnbits(tmp_path / "bot", url)
        house.configure(f'url = "{url}"', f'url = "{url}"\nadmin_key_file = "admin-key"')
        house.write("admin-key", ADMIN_KEY)
        found = await wallet_checks(house)
    assert found["wallet admin key"].verdict == verdict
    assert says in found["wallet admin key"].says
    assert found["wallet key"].verdict == "ok"


async def test_a_key_that_lnbits_does_not_know(tmp_path: Path) -> None:
    lnbits = FakeLnbits()
    lnbits.knows_key = False
    async with serve(*lnbits.routes()) as url:
        found = await wallet_checks(with_lnbits(tmp_path / "bot", url))
    (check,) = found.values()
    assert check.verdict == "FAIL"
    assert "invoice_key_file" in check.says


async def test_an_lnbits_that_cannot_ask_its_node(tmp_path: Path) -> None:
    lnbits = FakeLnbits()
    lnbits.has_node = False
    async with serve(*lnbits.routes()) as url:
        found = await wallet_checks(with_lnbits(tmp_path / "bot", url))
    assert found["wallet invoice"].verdict == "FAIL"
    assert "unknown" in found["wallet invoice"].says


async def test_no_lnbits(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    (check,) = (await wallet_checks(with_lnbits(tmp_path / "bot", url))).values()
    assert check.verdict == "FAIL"
    assert "is it running" in check.todo
