"""A wallet and what happens around it: the fake one, and a real LNbits behind a wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from tests.real.lnbits import LnbitsServer, shared_server
from tests.real.wire import Wire
from ticketbot.domain.payment import Invoice
from ticketbot.lightning import Wallet
from ticketbot.wallets.fake import FakeWallet
from ticketbot.wallets.lnbits import LNbits

ENOUGH = 1_000_000  # requests a minute


class World(Protocol):
    """A wallet, and what happens around it."""

    @property
    def wallet(self) -> Wallet: ...

    def with_wrong_key(self) -> Wallet: ...
    def without_admin_key(self) -> Wallet: ...
    async def foreign_invoice(self, amount_msat: int, expiry_seconds: int = 600) -> str: ...
    async def pay(self, invoice: Invoice) -> None: ...
    async def pay_in(self, amount_msat: int) -> str: ...
    def lose_answers(self, lost: bool) -> None: ...
    def go_down(self, down: bool) -> None: ...
    def hang_up(self) -> None: ...


class FakeWorld:
    def __init__(self, folder: Path) -> None:
        self.wallet = FakeWallet(folder / "wallet.db")
        self.elsewhere = FakeWallet(folder / "wallet.db")
        self.stranger = FakeWallet()

    def with_wrong_key(self) -> Wallet:
        self.stranger.refuses_key = True
        return self.stranger

    def without_admin_key(self) -> Wallet:
        self.elsewhere.can_pay = False
        return self.elsewhere

    async def foreign_invoice(self, amount_msat: int, expiry_seconds: int = 600) -> str:
        return self.elsewhere.foreign_invoice(amount_msat, expiry_seconds)

    async def pay(self, invoice: Invoice) -> None:
        await self.elsewhere.receive(invoice.bolt11)

    async def pay_in(self, amount_msat: int) -> str:
        return await self.elsewhere.pay_in(amount_msat)

    def lose_answers(self, lost: bool) -> None:
        self.wallet.lose_answers = self.wallet.lose_payments = 1_000 if lost else 0

    def go_down(self, down: bool) -> None:
        self.wallet.down = down

    def hang_up(self) -> None:
        self.wallet.hang_up()

    async def close(self) -> None:
        for wallet in (self.wallet, self.elsewhere, self.stranger):
            await wallet.close()


class LnbitsWorld:
    def __init__(self, server: LnbitsServer, wire: Wire) -> None:
        self.server = server
        self.wire = wire
        keys = server.new_wallet("bot")
        self.invoice_key = keys.invoice_key
        self.wallet = LNbits(wire.url, keys.invoice_key, keys.admin_key, requests_per_minute=ENOUGH)
        self.stranger = LNbits(wire.url, "0" * 32, "0" * 32, requests_per_minute=ENOUGH)
        self.poorer = LNbits(wire.url, keys.invoice_key, requests_per_minute=ENOUGH)

    def with_wrong_key(self) -> Wallet:
        return self.stranger

    def without_admin_key(self) -> Wallet:
        return self.poorer

    async def foreign_invoice(self, amount_msat: int, expiry_seconds: int = 600) -> str:
        body = {"amount": amount_msat // 1_000, "memo": "elsewhere", "expiry": expiry_seconds}
        _, made = await asyncio.to_thread(
            self.server.call,
            "POST",
            "/api/v1/payments",
            body | {"out": False},
            self.server.buyer.invoice_key,
        )
        return str(made["bolt11"])

    async def pay(self, invoice: Invoice) -> None:
        await asyncio.to_thread(self.server.pay, invoice.bolt11)

    async def pay_in(self, amount_msat: int) -> str:
        body = {"out": False, "amount": amount_msat // 1_000, "memo": "something else"}
        _, made = await asyncio.to_thread(
            self.server.call, "POST", "/api/v1/payments", body, self.invoice_key
        )
        await asyncio.to_thread(self.server.pay, made["bolt11"])
        return str(made["payment_hash"])

    def lose_answers(self, lost: bool) -> None:
        self.wire.fault = "lose-answers" if lost else "none"

    def go_down(self, down: bool) -> None:
        self.wire.fault = "refuse" if down else "none"
        self.wire.cut()

    def hang_up(self) -> None:
        self.wire.cut()

    async def close(self) -> None:
        for wallet in (self.wallet, self.stranger, self.poorer):
            await wallet.close()


@contextlib.asynccontextmanager
async def living_in(kind: str, folder: Path) -> AsyncIterator[World]:
    """A world of its own for one test: `fake`, or `lnbits`, which takes a while at first."""
    if kind == "fake":
        fake = FakeWorld(folder)
        yield fake
        await fake.close()
        return
    server = await asyncio.to_thread(shared_server)
    wire = Wire(server.port)
    await wire.open()
    real = LnbitsWorld(server, wire)
    yield real
    await real.close()
    await wire.close()
