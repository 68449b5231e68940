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
from ticketbot.domain.payment import Look
from ticketbot.domain.when import HOUR
from ticketbot.engine import Engine
from ticketbot.errors import Broken, Retry
from ticketbot.handlers.money.cashier import Credit
from ticketbot.ledger import invoices, marks, orders, restored, spends
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.store import Store, Tx
from ticketbot.lightning import Wallet

CURSOR = "wallet-cursor"
LOOK_BACK = 48 * HOUR  # at start
OVERLAP = 20  # at every later poll: the wallet's stamps need not be in order
POLL = 12.0
TICK = 1.0
BATCH = 50
REST = 3.0  # times as long as a look-up took: a busy wallet has better things to do
LONGEST_REST = 0.5
MOST_HINTS = 1_000


class Settlement:
    """Watches the wallet and tells the engine. `deaf()` says that no relay is heard."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        wallet: Wallet,
        deaf: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._engine = engine
        self._wallet = wallet
        self._deaf = deaf
        self._hinted: set[str] = set()
        self._look_now = asyncio.Event()
        self._poll_now = asyncio.Event()
        self.known = asyncio.Event()
        """Set once the wallet has told everything that it received since the cursor."""
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._look_up())
            tasks.create_task(self._poll())
            tasks.create_task(self._expire())

    async def reconcile(self, back: int = OVERLAP) -> None:
        """Credit every success since the cursor. `Retry` when the wallet does not answer.

        All by the wallet's clock. If that was put back, the cursor lies in its future, and would
        hide what comes: then it is put back too.
        """
        await self._wallet.probe()  # its answer tells its time
        started = self._wallet.now()
        cursor = await self._store.transaction(lambda tx: marks.first(tx, CURSOR, started))
        ahead = cursor > started + OVERLAP
        since = started - LOOK_BACK if ahead else cursor - back
        looks = await self._wallet.settled_since(max(0, since))
        await self._credit(looks)
        newest = min(max((look.settled_at or 0 for look in looks), default=0), started)

        def move(tx: Tx) -> None:
            if ahead:
                marks.put(tx, CURSOR, str(started))
            elif newest:
                marks.raise_to(tx, CURSOR, newest)

        await self._store.transaction(move)
        self.known.set()

    async def compare_spent(self) -> None:
        """After a restore money waits for an operator, unless the lost ledger has sent none.

        It has sent none where the wallet shows nothing that is unknown here, and where nothing
        is owed that might have been paid by hand.
        """
        since = await self._store.transaction(_waits_since)
        if since is None:
            return
        try:
            hashes = await self._wallet.under_way()  # first: what ends meanwhile is in the other
            spent = await self._wallet.spent_since(max(0, since - LOOK_BACK))
            hashes += [one.payment_hash for one in spent]
        except (Retry, Broken) as error:
            self._log.warning("wallet.unknown", error=str(error))
            return

        def work(tx: Tx) -> None:
            known = all(spends.use_of(tx, one) is not None for one in hashes)
            if known and not restored.refunded_by_hand(tx):
                restored.refunds_go_on(tx)
            if known and not restored.paid_out_by_hand(tx):
                restored.payouts_go_on(tx)

        await self._store.transaction(work)

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
                await self.reconcile(back)
                await self._look_at_open()
                back = OVERLAP
            except (Retry, Broken) as error:
                self._log.warning("wallet.unknown", error=str(error))
            self._poll_now.clear()
            try:
                async with asyncio.timeout(POLL):
                    await self._poll_now.wait()
            except TimeoutError:
                pass

    async def _look_at_open(self) -> None:
        watched = await self._store.transaction(invoices.watched)
        if watched:
            looks = await self._wallet.look_many([payment_hash for payment_hash, _ in watched])
            await self._credit(list(looks.values()))

    async def _expire(self) -> None:
        """Page by page: holds of which the wallet knows nothing keep no later one from its end."""
        after = start = (0, "")
        while True:
            if not self._deaf():
                try:
                    page = await self._engine.lapsed(after, self._wallet.now())
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
                try:
                    await self._credit([look])
                except Broken as error:  # nobody can decide it: the holds behind it go on
                    self._log.error("hold.kept", error=str(error))
                return
            if order.hold_until > self._wallet.now():
                return  # our clock had jumped: the answer brought the wallet's time along
        await self._engine.release(order.id, "order-lapsed", order.state)

    async def _ours(self, hashes: Sequence[str]) -> list[str]:
        """Those that are our invoices and not credited yet: a wallet may hint twice."""
        return await self._store.transaction(lambda tx: invoices.awaited(tx, hashes))

    async def _credit(self, looks: Sequence[Look]) -> None:
        credits = [
            Credit(look.payment_hash, look.amount_msat, look.external_id, look.settled_at)
            for look in looks
            if look.state == "settled"
        ]
        if credits:
            await self._engine.settle(credits)


def _waits_since(tx: Tx) -> int | None:
    waits = (restored.refunds_wait(tx), restored.payouts_wait(tx))
    return min((since for since in waits if since is not None), default=None)
