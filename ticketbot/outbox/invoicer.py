"""Invoices: asked for under an external_id that is in the ledger before the wallet hears of it.

LNbits makes two invoices when it is asked twice, so whatever may have been asked before
(a time-out, a crash) is looked for first, and adopted when it is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from ticketbot.domain.order import Order, State
from ticketbot.domain.payment import Invoice, InvoiceAsk
from ticketbot.engine import Engine
from ticketbot.errors import Broken, Retry
from ticketbot.failpoints import failpoint
from ticketbot.handlers.money.cashier import PAY_BEFORE_EXPIRY
from ticketbot.ledger import orders, outbox
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.store import Store, Tx
from ticketbot.lightning import Wallet
from ticketbot.outbox.claims import Claims, delay
from ticketbot.outbox.gathered import Gathered

AT_ONCE = 20
LOOK_TWICE = 2.0  # seconds: a request cut off in the middle may still be at work
LONGEST_DELAY = 30


class Invoicer:
    """Carries out the outbox rows of kind `invoice`."""

    def __init__(
        self, store: Store, engine: Engine, wallet: Wallet, clock: Callable[[], float]
    ) -> None:
        self.claims = Claims(
            store, "invoice", clock, self._make_all, batch=AT_ONCE, in_hand=AT_ONCE * 4
        )
        self._store = store
        self._engine = engine
        self._wallet = wallet
        self._clock = clock
        self._in_doubt: set[int] = set()
        self._record = Gathered(self._record_all)
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever; what an earlier process left behind is in doubt."""
        left = await self.claims.written(
            lambda tx: tx.rows("SELECT id FROM outbox WHERE kind = 'invoice'")
        )
        self._in_doubt.update(row[0] for row in left)
        await self.claims.run()

    async def _make_all(self, rows: Sequence[Due]) -> None:
        wanted = await self._store.transaction(lambda tx: [_order(tx, row) for row in rows])
        async with asyncio.TaskGroup() as tasks:
            for row, (order, listed) in zip(rows, wanted, strict=True):
                tasks.create_task(self._make(row, order, listed))

    async def _make(self, row: Due, order: Order, listed: Listed) -> None:
        external_id, order_id = row.body["external_id"], row.body["order"]
        try:
            found = await self._look_for(external_id) if self._doubtful(row) else []
            if not found:
                if order.state is not State.HELD:  # released meanwhile: nobody waits for it
                    await self._store.transaction(lambda tx: outbox.done(tx, row.id))
                    return
                self._in_doubt.add(row.id)  # until the ledger has it, whatever happens
                failpoint("invoicer.before-create")
                found = [await self._wallet.create(self._ask(order, listed, external_id))]
                failpoint("invoicer.after-create")
        except (Retry, Broken) as error:
            await self._postpone(row, order_id, error)
            return
        await self._record((row.id, [_row(one, order_id) for one in found]))
        self._in_doubt.discard(row.id)

    async def _record_all(self, found: Sequence[tuple[int, list[InvoiceRow]]]) -> None:
        made = [one for _, rows in found for one in rows]
        await self._engine.invoiced(made, done=[number for number, _ in found])

    def _doubtful(self, row: Due) -> bool:
        return row.attempts > 0 or row.id in self._in_doubt

    async def _look_for(self, external_id: str) -> list[Invoice]:
        found = await self._wallet.find(external_id)
        if not found:
            await asyncio.sleep(LOOK_TWICE)
            found = await self._wallet.find(external_id)
        return found

    def _ask(self, order: Order, listed: Listed, external_id: str) -> InvoiceAsk:
        memo = f"{order.quantity} x {listed.listing.title[:120]}, order {order.short}"
        lives = self._engine.settings.hold_seconds + PAY_BEFORE_EXPIRY
        return InvoiceAsk(external_id, order.amount_msat, memo, lives)

    async def _postpone(self, row: Due, order_id: str, error: Exception) -> None:
        self._log.warning("invoice.postponed", order=order_id, error=str(error))
        again = int(self._clock()) + delay(row.attempts, LONGEST_DELAY)
        await self._store.transaction(lambda tx: outbox.postpone(tx, row.id, again))
        if row.attempts == 0:
            await self._engine.delayed(order_id)


def _order(tx: Tx, row: Due) -> tuple[Order, Listed]:
    return orders.with_listing(tx, row.body["order"])


def _row(made: Invoice, order_id: str) -> InvoiceRow:
    return InvoiceRow(
        made.external_id,
        order_id,
        0,
        made.payment_hash,
        made.bolt11,
        made.amount_msat,
        made.expires_at,
    )
