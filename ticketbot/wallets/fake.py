"""A wallet without money, for the demo, the tests and the benchmarks.

It is a small working model, held to LNbits by the contract tests: real signed bolt11s
(of the regtest network, so that no real wallet pays one by mistake), a store that
several processes can share, hints, and switches for everything that goes wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from hashlib import sha256
from pathlib import Path

from coincurve import PrivateKey

from ticketbot.domain.bolt11 import read_bolt11, write_bolt11
from ticketbot.domain.payment import (
    Health,
    Invoice,
    InvoiceAsk,
    Look,
    Spent,
    check_ask,
    tidy_memo,
)
from ticketbot.errors import Broken, Malformed, Retry, TicketbotError
from ticketbot.hints import HintQueue
from ticketbot.wallets.fake_books import Books, Fate

_NETWORK = "bcrt"
_POLL = 0.05  # seconds between looks at what other processes did


class PaymentFailed(TicketbotError):
    """The payer is told that the payment did not go through."""


class FakeWallet:
    """A Wallet in `path`, which processes may share, or in memory.

    Switches, to be set at any time: `down` answers nothing; `lose_answers` makes that
    many invoices and then says that it does not know; `slow` seconds pass before each
    answer; `refuses_key` is what a wrong key does; `deaf` drops hints; `accept_late`
    lets expired invoices be paid; its clock is `ahead` seconds ahead of ours.

    And for what it pays: `can_pay` says whether it was given an admin key; `lose_payments`
    pays that many times and then says that it does not know; `fate` is what becomes of each
    payment, a pending one waits for `finish`; `fee_msat` comes on top of each; `poor` means
    that there is never enough.
    """

    name = "fake"

    def __init__(
        self,
        path: str | Path = ":memory:",
        *,
        accept_late: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.accept_late = accept_late
        self.down = False
        self.refuses_key = False
        self.deaf = False
        self.lose_answers = 0
        self.slow = 0.0
        self.ahead = 0
        self.can_pay = True
        self.lose_payments = 0
        self.fate: Fate = "paid"
        self.fee_msat = 0
        self.poor = False
        self._clock = clock
        self._shared = str(path) != ":memory:"
        self._books = Books(path)
        self._stock: defaultdict[int, deque[Invoice]] = defaultdict(deque)
        self._streams: set[HintQueue] = set()
        self._health = Health(False, None, "not asked yet")

    # What the bot does.

    async def create(self, ask: InvoiceAsk) -> Invoice:
        check_ask(ask)
        await self._answer()
        stock = self._stock[ask.amount_msat]
        signed = stock.popleft() if stock else self._sign(*ask[1:])
        invoice = signed._replace(external_id=ask.external_id)
        self._books.ask(invoice, ask.external_id)
        if self.lose_answers > 0:
            self.lose_answers -= 1
            raise self._unknown("the fake wallet's answer was lost")
        return invoice

    async def find(self, external_id: str) -> list[Invoice]:
        await self._answer()
        return self._books.asked(external_id)

    async def look(self, payment_hash: str, expires_at: int) -> Look:
        unknown = Look(payment_hash, "unknown", 0, None, None)
        try:
            return (await self.look_many([payment_hash])).get(payment_hash, unknown)
        except Retry:
            return unknown

    async def look_many(self, hashes: Sequence[str], *, urgent: bool = False) -> dict[str, Look]:
        await self._answer()
        return {look.payment_hash: look for look in self._books.looks(hashes)}

    async def settled_since(self, updated_at: int) -> list[Look]:
        await self._answer()
        return self._books.settled_since(updated_at)

    async def pay(self, bolt11: str) -> None:
        if not self.can_pay:
            raise Broken("The fake wallet has no admin key, as `can_pay` says.")
        await self._answer()
        self._spend(bolt11.lower())
        if self.lose_payments > 0:
            self.lose_payments -= 1
            raise self._unknown("the fake wallet's answer was lost")

    async def spent(self, payment_hash: str) -> Spent:
        try:
            await self._answer()
        except Retry:
            return Spent(payment_hash, "unknown", 0, 0, None)
        return self._books.spent(payment_hash)

    async def spent_since(self, updated_at: int) -> list[Spent]:
        await self._answer()
        return self._books.spent_since(updated_at)

    async def under_way(self) -> list[str]:
        await self._answer()
        return self._books.under_way()

    def now(self) -> int:
        return int(self._clock()) + self.ahead

    async def hints(self) -> AsyncGenerator[str | None, None]:
        queue = HintQueue()
        async with contextlib.aclosing(queue.drain(self._follow(queue))) as hints:
            async for hint in hints:
                yield hint

    async def balance(self) -> int:
        await self._answer()
        return self._books.balance()

    async def probe(self) -> None:
        with contextlib.suppress(Retry, Broken):
            await self._answer()

    def health(self) -> Health:
        return self._health

    async def close(self) -> None:
        self._books.close()

    # What the world does.

    async def receive(self, bolt11: str, amount_msat: int | None = None) -> None:
        """Somebody pays an invoice, with another amount if one is given; PaymentFailed if not."""
        if not self._settle(bolt11.lower(), amount_msat, late=self.accept_late):
            raise PaymentFailed(self._why_not(bolt11.lower()))

    async def pay_in(self, amount_msat: int) -> str:
        """Money that is none of the bot's business; its payment hash."""
        signed = self._sign(amount_msat, "something else", 3_600)
        self._books.ask(signed, None)
        await self.receive(signed.bolt11)
        return signed.payment_hash

    def foreign_invoice(self, amount_msat: int, expiry_seconds: int = 600) -> str:
        """The bolt11 of somebody else's wallet, where money can be sent."""
        return self._sign(amount_msat, "somebody else's", expiry_seconds, PrivateKey()).bolt11

    def finish(self, payment_hash: str, fate: Fate = "paid") -> None:
        """What became in the end of a payment that was pending, or called failed."""
        bolt11 = self._books.end(payment_hash, fate, self.now())
        if bolt11 is not None and fate == "paid":
            self._settle(bolt11, late=True)  # as LNbits does when it pays itself

    def give_up(self, payment_hash: str) -> None:
        """Marks an unpaid invoice `failed`, as LNbits does after the expiry; not final."""
        self._books.give_up(payment_hash)

    def hang_up(self) -> None:
        """The hints' connection breaks and comes back."""
        for queue in self._streams:
            queue.put(None)

    def stock(self, number: int, amount_msat: int, expiry_seconds: int = 86_400) -> None:
        """Signs invoices of one amount ahead; `create` hands them out, whatever the memo."""
        self._stock[amount_msat].extend(
            self._sign(amount_msat, "ticket", expiry_seconds) for _ in range(number)
        )

    async def _answer(self) -> None:
        """What comes before every answer, or instead of it."""
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.down:
            raise self._unknown("the fake wallet is down")
        if self.refuses_key:
            self._health = Health(False, int(self._clock()), "the fake wallet refuses the key")
            raise Broken("The fake wallet refuses the key, as `refuses_key` told it to.")
        self._health = Health(True, int(self._clock()), "ok")

    def _unknown(self, text: str) -> Retry:
        self._health = Health(False, int(self._clock()), text)
        return Retry(text)

    def _spend(self, bolt11: str) -> None:
        """One row and its fate; where LNbits refuses before it writes one, Retry."""
        try:
            asked = read_bolt11(bolt11)
        except Malformed as error:
            raise Retry(f"the fake wallet refuses: {error}") from None
        if asked.amount_msat is None:
            raise Retry("the fake wallet refuses: amountless invoices are not supported")
        if self._books.spent(asked.payment_hash).state != "absent":
            return
        if self._books.state(bolt11) == "settled":
            raise Retry("the fake wallet refuses: already paid")
        if self.poor or self._books.balance() < asked.amount_msat + self.fee_msat:
            raise Retry("the fake wallet refuses: insufficient balance")
        now, amount_msat = self.now(), asked.amount_msat
        late = asked.expires_at <= now and not self.accept_late
        if self._books.begin(asked.payment_hash, bolt11, amount_msat, self.fee_msat, now):
            self.finish(asked.payment_hash, "failed" if late else self.fate)

    def _settle(self, bolt11: str, amount_msat: int | None = None, *, late: bool) -> bool:
        payment_hash = self._books.settle(bolt11, amount_msat, self.now(), late=late)
        if payment_hash is not None and not self.deaf:
            for queue in self._streams:
                queue.put(payment_hash)
        return payment_hash is not None

    def _sign(
        self, amount_msat: int, memo: str, expiry_seconds: int, node: PrivateKey | None = None
    ) -> Invoice:
        payment_hash = sha256(os.urandom(32)).digest()
        now = self.now()
        bolt11 = write_bolt11(
            network=_NETWORK,
            payment_hash=payment_hash,
            payment_secret=os.urandom(32),
            amount_msat=amount_msat,
            memo=tidy_memo(memo),
            created_at=now,
            expiry_seconds=expiry_seconds,
            sign=(node or self._books.node).sign_recoverable,
        )
        return Invoice("", payment_hash.hex(), bolt11, amount_msat, now + expiry_seconds)

    def _why_not(self, bolt11: str) -> str:
        state = self._books.state(bolt11)
        if state is None:
            return "no such invoice"
        return "already paid" if state == "settled" else "the invoice has expired"

    async def _follow(self, queue: HintQueue) -> None:
        """Feeds one stream: what this process pays at once, what others pay by polling."""
        self._streams.add(queue)
        queue.put(None)
        try:
            if not self._shared:
                await asyncio.Event().wait()
            told = self._books.settlements()
            version = self._books.version()
            while True:
                await asyncio.sleep(_POLL)
                if version == self._books.version():
                    continue
                version = self._books.version()
                for payment_hash, settlement in self._books.settled_after(told):
                    told = settlement
                    if not self.deaf:
                        queue.put(payment_hash)
        finally:
            self._streams.discard(queue)
