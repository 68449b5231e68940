"""The wallet of an evening, which outlives the bot, and the payees whom money is sent to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from ticketbot.domain.payment import Invoice, InvoiceAsk, Look
from ticketbot.errors import NoInvoice, Retry
from ticketbot.wallets.fake import FakeWallet, PaymentFailed

Payees = Literal["give", "silent", "refuse", "give another amount"]


class Bill(NamedTuple):
    """An invoice in the wallet's own books."""

    external_id: str
    payment_hash: str
    bolt11: str
    amount_msat: int
    state: str
    credited_msat: int | None


class Purse(FakeWallet):
    """The wallet. `said`: what it answered of which hash, and when."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(accept_late=True, clock=clock)
        self.said: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)

    async def create(self, ask: InvoiceAsk) -> Invoice:
        twice = self.lose_answers == 2
        try:
            return await super().create(ask)
        except Retry:
            if twice and self._books.asked(ask.external_id):
                # Somebody on the way asked a second time, and that answer is lost, too.
                self._books.ask(self._sign(*ask[1:]), ask.external_id)
                self.lose_answers = 0
            raise

    async def look_many(self, hashes: Sequence[str], *, urgent: bool = False) -> dict[str, Look]:
        looks = await super().look_many(hashes, urgent=urgent)
        for one in looks:
            self.said[one].append((self.now(), looks[one].state))
        return looks

    def bills(self) -> list[Bill]:
        """Every invoice that was ever made for the bot, oldest first."""
        rows = self._books._db.execute(
            "SELECT external_id, payment_hash, bolt11, amount_msat, state, credited_msat"
            " FROM payment WHERE external_id IS NOT NULL ORDER BY id"
        )
        return [Bill(*row) for row in rows]

    def went(self) -> dict[str, tuple[str, int, int]]:
        """What it was asked to send, by payment hash: state, amount and fee (msat)."""
        rows = "SELECT payment_hash, state, amount_msat, fee_msat FROM spending"
        return {row[0]: row[1:] for row in self._books._db.execute(rows)}

    def holds(self) -> int:
        """Its balance in msat, whether it answers or not."""
        return self._books.balance()

    def others(self) -> int:
        """How much of what came was none of the bot's business, msat."""
        rows = "SELECT coalesce(sum(credited_msat), 0) FROM payment WHERE external_id IS NULL"
        return int(self._books._db.execute(rows).fetchone()[0])

    def unfinished(self) -> list[str]:
        """Payment hashes of what it sends and nobody knows the end of."""
        rows = self._books._db.execute(
            "SELECT payment_hash FROM spending WHERE state = 'pending' ORDER BY change"
        )
        return [row[0] for row in rows]

    async def takes(self, bill: Bill, amount_msat: int) -> bool:
        """Somebody pays; False when the wallet says no."""
        try:
            await self.receive(bill.bolt11, amount_msat)
        except PaymentFailed:
            return False
        return True

    def whisper(self, payment_hash: str) -> None:
        """A hint, true or not."""
        for queue in self._streams:
            queue.put(payment_hash)

    async def close(self) -> None:
        """The bot lets go of it; it goes on."""

    def shut(self) -> None:
        """The evening is over."""
        self._books.close()


class Addresses:
    """Stands where Lightning addresses are resolved; each invoice is another one."""

    def __init__(self, wallet: Purse) -> None:
        self.mood: Payees = "give"
        self._wallet = wallet

    async def resolve(self, payee: str, amount_msat: int) -> str:
        await asyncio.sleep(0.01)
        if self.mood == "silent":
            raise Retry("the payee's server has trouble of its own")
        if self.mood == "refuse":
            raise NoInvoice("payee-unknown", payee=payee)
        wrong = 1000 if self.mood == "give another amount" else 0
        return self._wallet.foreign_invoice(amount_msat + wrong)

    async def close(self) -> None:
        """There is nothing to close."""
