"""The bot's wallet as seen from outside: what it says of itself, and people who pay into it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tests.chaos.checker import Given, Taken
from tests.real.lnbits import LnbitsServer
from ticketbot.bookkeeping import Shown, ask
from ticketbot.wallets.fake import FakeWallet
from ticketbot.wallets.lnbits import LNbits

PAGE = 500


class Purse(Protocol):
    """A wallet that a daemon uses."""

    config: str  # sections of config.toml
    secret: str  # the invoice key, or nothing
    admin: str  # the admin key, or nothing
    exact: bool  # whether nothing but an invoice's amount can be paid

    async def pay(self, bolt11: str, msat: int | None = None) -> None:
        """Somebody pays, perhaps another amount than they should; raises when that fails."""

    async def asks(self, msat: int) -> str:
        """An invoice of somebody else's, where money can be sent."""

    def taken(self) -> list[Taken]:
        """Every incoming invoice that it lists, without help from the program."""

    def given(self) -> list[Given]:
        """Every payment that left it, without help from the program."""

    async def shown(self) -> Shown:
        """What the program's own audit is shown of it."""


class FakePurse:
    """The fake wallet's file, shared with the daemon."""

    config = '[lightning]\nwallet = "fake"\n'
    secret = admin = ""
    exact = False

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fake-wallet.db"
        self.wallet = FakeWallet(self.path, accept_late=True)

    async def pay(self, bolt11: str, msat: int | None = None) -> None:
        await self.wallet.receive(bolt11, msat)

    async def asks(self, msat: int) -> str:
        return self.wallet.foreign_invoice(msat)

    async def shown(self) -> Shown:
        return await ask(self.wallet, 0)

    def taken(self) -> list[Taken]:
        with closing(sqlite3.connect(self.path)) as db:
            rows = db.execute(
                "SELECT payment_hash, coalesce(credited_msat, amount_msat), external_id,"
                " state = 'settled' FROM payment"
            )
            return [Taken(*row[:3], bool(row[3])) for row in rows]

    def given(self) -> list[Given]:
        with closing(sqlite3.connect(self.path)) as db:
            rows = db.execute("SELECT payment_hash, amount_msat FROM spending WHERE state = 'paid'")
            return [Given(*row) for row in rows]


class LnbitsPurse:
    """A wallet of a real LNbits, paid from another one; `spends`: the bot has its admin key."""

    exact = True

    def __init__(self, server: LnbitsServer, *, spends: bool = False) -> None:
        self._server = server
        self._wallet = server.new_wallet("chaos")
        self.config = f'[lnbits]\nurl = "{server.url}"\nrequests_per_minute = 100000\n'
        self.secret, self.admin = self._wallet.invoice_key, ""
        if spends:
            self.admin = self._wallet.admin_key
            self.config += 'admin_key_file = "lnbits-admin-key"\n'

    async def pay(self, bolt11: str, msat: int | None = None) -> None:
        assert msat is None, "LNbits takes what its invoice says"
        await asyncio.to_thread(self._server.pay, bolt11)

    async def asks(self, msat: int) -> str:
        body = {"out": False, "amount": msat // 1000, "memo": "my money"}
        key = self._server.buyer.invoice_key
        call = partial(self._server.call, "POST", "/api/v1/payments", body, key)
        status, made = await asyncio.to_thread(call)
        assert status == 201, made
        return str(made["bolt11"])

    async def shown(self) -> Shown:
        wallet = LNbits(self._server.url, self.secret, requests_per_minute=100_000)
        try:
            return await ask(wallet, 0)
        finally:
            await wallet.close()

    def taken(self) -> list[Taken]:
        return [
            Taken(
                row["payment_hash"], row["amount"], row["external_id"], row["status"] == "success"
            )
            for row in self._rows()
            if row["amount"] > 0
        ]

    def given(self) -> list[Given]:
        return [
            Given(row["payment_hash"], -row["amount"])
            for row in self._rows()
            if row["amount"] < 0 and row["status"] == "success"
        ]

    def _rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            path = f"/api/v1/payments/paginated?limit={PAGE}&offset={len(found)}&sortby=created_at"
            status, page = self._server.call("GET", path, key=self.secret)
            assert status == 200, page
            found += page["data"]
            if len(page["data"]) < PAGE:
                return found
