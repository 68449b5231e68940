"""What became of the invoices: hints from the wallet, looked up; polls, when no hint comes.

A hint is not a fact. What is credited was answered by the wallet to an authenticated
question. A hold ends only after the wallet said "unpaid" at its end, while the bolt11
still lives; as long as the wallet is silent, the seats stay held.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from ticketbot.domain.order import Order, State
from ticketbot.engine import Engine
from ticketbot.errors import Broken, Retry
from ticketbot.handlers.cashier import Credit
from ticketbot.ledger import marks, orders
from ticketbot.ledger.orders import InvoiceRow
from ticketbot.ledger.store import Store
from ticketbot.lightning import Look, Wallet

CURSOR = "wallet-cursor"
LOOK_BACK = 48 * 3600  # at start
OVERLAP = 20  # at every later poll: the wallet's stamps need not be in order
POLL = 12.0
TICK = 1.0
BATCH = 50
REST = 3.0  # times as long as a look-up took: a busy wallet has better things to do
LONGEST_REST = 0.5
MOST_HINTS = 1_000
ALARM_AFTER = 60


class Settlement:
    """Watches the wallet and tells the engine. `deaf()` says that no relay is heard."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        wallet: Wallet,
        clock: Callable[[], float] = time.time,
        deaf: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._engine = engine
        self._wallet = wallet
        self._clock = clock
        self._deaf = deaf
        self._hinted: set[str] = set()
        self._look_now = asyncio.Event()
        self._poll_now = asyncio.Event()
        self._alarmed: int | None = None
        self._bad_since: int | None = None
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._look_up())
            tasks.create_task(self._poll())
            tasks.create_task(self._expire())

    async def reconcile(self, back: int = OVERLAP) -> None:
        """Credit every success since the cursor. `Retry` when the wallet does not answer."""
        started = int(self._clock())
        cursor = await self._store.transaction(lambda tx: marks.first(tx, CURSOR, started))
        looks = await self._wallet.settled_since(max(0, cursor - back))
        await self._credit(looks)
        newest = max((look.settled_at or 0 for look in looks), default=0)
        if newest:
            seen = min(newest, started)  # a wallet whose clock is ahead must not hide what comes
            await self._store.transaction(lambda tx: marks.raise_to(tx, CURSOR, seen))

    async def _listen(self) -> None:
        async for payment_hash in self._wallet.hints():
            if payment_hash is None:
                self._poll_now.set()
            elif len(self._hinted) < MOST_HINTS:
                self._hinted.add(payment_hash)
                self._look_now.set()
            else:  # anybody can write hints: so many are none, the poll finds what is true
                self._poll_now.set()

    async def _look_up(self) -> None:
        """Hints in batches; one that cannot be answered now is answered by the next poll."""
        while True:
            await self._look_now.wait()
            self._look_now.clear()
            hinted, self._hinted = self._hinted, set()
            looked = 0.0  # seconds; what the ledger takes is no burden on the wallet
            try:
                ours = await self._ours(sorted(hinted))
                for at in range(0, len(ours), BATCH):
                    began = time.monotonic()
                    looks = await self._wallet.look_many(ours[at : at + BATCH], urgent=True)
                    looked += time.monotonic() - began
                    await self._credit(list(looks.values()))
            except (Retry, Broken) as error:
                self._log.warning("wallet.unknown", error=str(error))  # the poll sees to it
            await asyncio.sleep(min(LONGEST_REST, REST * looked))

    async def _poll(self) -> None:
        back = LOOK_BACK
        while True:
            try:
                await self._wallet.probe()
                await self.reconcile(back)
                await self._look_at_open()
                back = OVERLAP
            except (Retry, Broken) as error:
                self._log.warning("wallet.unknown", error=str(error))
            try:
                await self._alarm()
            except Retry as error:
                self._log.error("ledger.cannot_write", error=str(error))
            self._poll_now.clear()
            try:
                async with asyncio.timeout(POLL):
                    await self._poll_now.wait()
            except TimeoutError:
                pass

    async def _look_at_open(self) -> None:
        watched = await self._store.transaction(orders.watched)
        if watched:
            looks = await self._wallet.look_many([payment_hash for payment_hash, _ in watched])
            await self._credit(list(looks.values()))

    async def _expire(self) -> None:
        """Page by page: holds of which the wallet knows nothing keep no later one from its end."""
        after = start = (0, "")
        while True:
            if not self._deaf():
                try:
                    page = await self._engine.lapsed(after)
                    for order, invoice in page:
                        await self._end_hold(order, invoice)
                    full = len(page) == orders.PAGE
                    after = (page[-1][0].hold_until, page[-1][0].id) if full else start
                except (Retry, Broken) as error:
                    self._log.warning("hold.kept", error=str(error))
            await asyncio.sleep(TICK)

    async def _end_hold(self, order: Order, invoice: InvoiceRow | None) -> None:
        """Release what the wallet calls unpaid; an invoice nobody was shown cannot be paid."""
        if order.state is State.INVOICED and invoice is not None:
            assert invoice.payment_hash is not None and invoice.expires_at is not None
            look = await self._wallet.look(invoice.payment_hash, invoice.expires_at)
            if look.state == "unknown":
                return
            if look.state == "settled":
                await self._credit([look])
                return
        await self._engine.release(order.id, "order-lapsed")

    async def _ours(self, hashes: Sequence[str]) -> list[str]:
        """Those that are our invoices and not credited yet: a wallet may hint twice."""
        return await self._store.transaction(lambda tx: orders.awaited(tx, hashes))

    async def _credit(self, looks: Sequence[Look]) -> None:
        credits = [
            Credit(look.payment_hash, look.amount_msat) for look in looks if look.state == "settled"
        ]
        if credits:
            await self._engine.settle(credits)

    async def _alarm(self) -> None:
        """One alert when the wallet has been silent for a while, one when it is back."""
        health, now = self._wallet.health(), int(self._clock())
        if health.good:
            if self._alarmed is not None:
                await self._engine.alert(f"wallet-back:{self._alarmed}", "alert-wallet-back", {})
            self._alarmed = None
            self._bad_since = None
            return
        self._bad_since = self._bad_since or now
        if self._alarmed is None and now - self._bad_since >= ALARM_AFTER:
            await self._engine.alert(f"wallet:{now}", "alert-wallet", {"why": health.text})
            self._alarmed = now  # not before: a full disk must not swallow it
