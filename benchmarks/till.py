"""Wallets that settle an invoice as soon as its buyer has been handed it.

Buyers are served in the order in which they asked, so that a byte from the network ("one more
has the invoice") is enough to know whose turn it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from multiprocessing.connection import Connection
from typing import Any

import aiohttp

from ticketbot.domain.payment import Health, Invoice, InvoiceAsk, Look, Spent, State
from ticketbot.wallets.fake import FakeWallet
from ticketbot.wallets.lnbits import LNbits

Pay = Callable[[Invoice], Coroutine[Any, Any, None]]

LIVES = 86_400  # seconds, of an invoice that was made beforehand


class Till:
    """Pays what was handed out, oldest first."""

    def __init__(self, handed_out: Connection, pay: Pay, at_once: int) -> None:
        self.paid_at: dict[str, float] = {}
        """Payment hash → monotonic time at which its payer began to pay."""
        self._made: deque[Invoice] = deque()
        self._handed_out = handed_out
        self._pay = pay
        self._at_once = at_once
        self._turns = asyncio.Semaphore(0)

    def remember(self, invoice: Invoice) -> Invoice:
        """Called with everything that the wallet makes."""
        self._made.append(invoice)
        return invoice

    async def run(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        pipe = self._handed_out.fileno()
        os.set_blocking(pipe, False)
        loop.add_reader(pipe, self._hear, pipe)
        try:
            async with asyncio.TaskGroup() as payers:
                for _ in range(self._at_once):
                    payers.create_task(self._settle())
        finally:
            loop.remove_reader(pipe)

    def _hear(self, pipe: int) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in os.read(pipe, 65_536):
                self._turns.release()

    async def _settle(self) -> None:
        while True:
            await self._turns.acquire()
            invoice = self._made.popleft()
            self.paid_at[invoice.payment_hash] = time.monotonic()
            await self._pay(invoice)


class InstantWallet:
    """A Lightning wallet that costs nothing: true invoices, made beforehand, kept in memory.

    The fake wallet keeps its own in SQL, which would be counted as the bot's work.
    """

    name = "instant"
    can_pay = False

    def __init__(self, handed_out: Connection) -> None:
        self.till = Till(handed_out, self._settle, 1)
        self._maker = FakeWallet()
        self._stock: deque[Invoice] = deque()
        self._looks: dict[str, Look] = {}
        self._hints: asyncio.Queue[str] = asyncio.Queue()

    async def stock(self, number: int, amount_msat: int) -> None:
        """Make invoices that `create` will hand out, whatever the memo."""
        for _ in range(number):
            ask = InvoiceAsk("made-beforehand", amount_msat, "ticket", LIVES)
            self._stock.append(await self._maker.create(ask))

    async def create(self, ask: InvoiceAsk) -> Invoice:
        made = self._stock.popleft()
        if made.amount_msat != ask.amount_msat:
            raise AssertionError(f"{made.amount_msat} msat are in stock, not {ask.amount_msat}")
        invoice = made._replace(external_id=ask.external_id)
        self._note(invoice, None)
        return self.till.remember(invoice)

    async def find(self, external_id: str) -> list[Invoice]:
        raise AssertionError(f"no answer was lost, and yet {external_id} is looked for")

    async def look(self, payment_hash: str, expires_at: int) -> Look:
        return self._looks[payment_hash]

    async def look_many(self, hashes: Sequence[str], *, urgent: bool = False) -> dict[str, Look]:
        return {one: self._looks[one] for one in hashes if one in self._looks}

    async def settled_since(self, updated_at: int) -> list[Look]:
        return [look for look in self._looks.values() if (look.settled_at or 0) >= updated_at]

    async def pay(self, bolt11: str) -> None:
        raise AssertionError("nobody is owed anything here, and yet the bot pays")

    async def spent(self, payment_hash: str) -> Spent:
        return Spent(payment_hash, "absent", 0, 0, None)

    async def spent_since(self, updated_at: int) -> list[Spent]:
        return []

    async def under_way(self) -> list[str]:
        return []

    def now(self) -> int:
        return int(time.time())

    async def hints(self) -> AsyncGenerator[str | None, None]:
        yield None
        while True:
            yield await self._hints.get()

    async def balance(self) -> int:
        return sum(look.amount_msat for look in self._looks.values() if look.settled_at)

    async def probe(self) -> None:
        pass

    def health(self) -> Health:
        return Health(True, int(time.time()), "ok")

    async def close(self) -> None:
        await self._maker.close()

    async def _settle(self, invoice: Invoice) -> None:
        self._note(invoice, int(time.time()))
        self._hints.put_nowait(invoice.payment_hash)

    def _note(self, made: Invoice, settled_at: int | None) -> None:
        state: State = "settled" if settled_at else "pending"
        self._looks[made.payment_hash] = Look(
            made.payment_hash, state, made.amount_msat, made.external_id, settled_at
        )


class LnbitsTill(LNbits):
    """A real LNbits, whose invoices are paid from another of its wallets."""

    def __init__(
        self, handed_out: Connection, url: str, invoice_key: str, payer_key: str, at_once: int
    ) -> None:
        super().__init__(url, invoice_key, requests_per_minute=1_000_000)
        self.till = Till(handed_out, self._pay_from_elsewhere, at_once)
        self._url = url
        self._payer_key = payer_key
        self._payer: aiohttp.ClientSession | None = None

    async def create(self, ask: InvoiceAsk) -> Invoice:
        return self.till.remember(await super().create(ask))

    async def close(self) -> None:
        await super().close()
        if self._payer is not None:
            await self._payer.close()

    async def _pay_from_elsewhere(self, invoice: Invoice) -> None:
        if self._payer is None:
            self._payer = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        await pay(self._payer, self._url, self._payer_key, invoice.bolt11)


async def pay(session: aiohttp.ClientSession, url: str, admin_key: str, bolt11: str) -> None:
    """Pay from an LNbits wallet; RuntimeError unless it says that this succeeded."""
    body = {"out": True, "bolt11": bolt11}
    headers = {"X-Api-Key": admin_key}
    async with session.post(f"{url}/api/v1/payments", json=body, headers=headers) as response:
        answer = await response.json()
    if answer.get("status") != "success":
        raise RuntimeError(f"LNbits did not pay: {answer}")
