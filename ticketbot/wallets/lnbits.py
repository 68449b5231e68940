"""LNbits as a `Wallet`.

Written against LNbits 1.6; its traps are noted where they are avoided.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence

import structlog

from ticketbot.domain.payment import (
    Health,
    Invoice,
    InvoiceAsk,
    Look,
    Spent,
    check_ask,
    check_external_id,
    tidy_memo,
)
from ticketbot.errors import Broken, Retry
from ticketbot.hints import HintQueue
from ticketbot.lnbits.api import WRONG_ADMIN_KEY, LnbitsApi, TooLate, shared_budget
from ticketbot.lnbits.payments import Payments
from ticketbot.lnbits.rows import Row, as_invoice, as_look, as_spent, read_row, shape
from ticketbot.lnbits.till import Till

_EXPIRY_MARGIN = 10  # seconds, in which LNbits may be busy with something else
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 60.0
_ASK_NODE_AFTER = 30  # seconds; LNbits itself waits 5 s for its node to pay, then 30 min


class LNbits:
    """One LNbits wallet, known by its invoice key; with its admin key it can pay."""

    name = "lnbits"

    def __init__(
        self,
        url: str,
        invoice_key: str,
        admin_key: str | None = None,
        *,
        requests_per_minute: int = 200,
        clock: Callable[[], float] = time.time,
        timeout: float = 20.0,
        heartbeat: float = 30.0,
    ) -> None:
        budget = shared_budget(requests_per_minute)
        self._api = LnbitsApi(
            url, invoice_key, budget, clock=clock, timeout=timeout, heartbeat=heartbeat
        )
        self._payments = Payments(self._api)
        self._till: Till | None = None
        if admin_key is not None:
            api = LnbitsApi(
                url, admin_key, budget, clock=clock, timeout=timeout, wrong_key=WRONG_ADMIN_KEY
            )
            self._till = Till(api, self._payments)

    @property
    def can_pay(self) -> bool:
        return self._till is not None

    async def create(self, ask: InvoiceAsk) -> Invoice:
        check_ask(ask)
        body = {
            "out": False,
            "unit": "sat",
            "amount": ask.amount_msat // 1_000,
            "memo": tidy_memo(ask.memo),
            "expiry": ask.expiry_seconds,
            "external_id": ask.external_id,
            "extra": {"tag": "ticketbot", "order": ask.external_id},
        }
        row = self._payments.own(read_row(await self._api.post("/api/v1/payments", body, "create")))
        invoice = as_invoice(row)
        said = row.payment_hash, row.amount_msat, row.external_id
        if said != (invoice.payment_hash, ask.amount_msat, ask.external_id) or (
            invoice.amount_msat != ask.amount_msat
        ):
            raise Broken(f"LNbits made another invoice than it was asked for: {ask.external_id}.")
        return invoice

    async def find(self, external_id: str) -> list[Invoice]:
        rows = await self._payments.by_external_id(check_external_id(external_id), "create")
        return [as_invoice(row) for row in rows]

    async def look(self, payment_hash: str, expires_at: int) -> Look:
        unknown = Look(payment_hash, "unknown", 0, None, None)
        try:
            try:
                look = await self._look_alone(payment_hash, expires_at - _EXPIRY_MARGIN)
            except TooLate:
                look = await self._look_listed(payment_hash)
        except Retry:
            return unknown
        return look or unknown

    async def look_many(self, hashes: Sequence[str], *, urgent: bool = False) -> dict[str, Look]:
        rows = await self._payments.by_hash("in", hashes, "look" if urgent else "bulk")
        return {row.payment_hash: as_look(row) for row in rows}

    async def settled_since(self, updated_at: int) -> list[Look]:
        rows = await self._payments.succeeded_since("in", updated_at)
        return [as_look(row) for row in rows]

    async def pay(self, bolt11: str) -> None:
        await self._open_till().pay(bolt11)

    async def spent(self, payment_hash: str) -> Spent:
        try:
            rows = await self._payments.by_hash("out", [payment_hash], "pay")
            row = rows[0] if rows else None
            if row and row.status == "pending" and self.now() - row.updated_at > _ASK_NODE_AFTER:
                row = await self._ask_node(row)
        except Retry:
            return Spent(payment_hash, "unknown", 0, 0, None)
        return as_spent(row) if row else Spent(payment_hash, "absent", 0, 0, None)

    async def spent_since(self, updated_at: int) -> list[Spent]:
        rows = await self._payments.succeeded_since("out", updated_at)
        return [as_spent(row) for row in rows]

    async def under_way(self) -> list[str]:
        return [row.payment_hash for row in await self._payments.pending("out")]

    async def check_admin_key(self) -> None:
        """Broken when there is none, or it is not this wallet's; Retry when nobody knows."""
        await self._open_till().check_key()

    def now(self) -> int:
        return int(self._api.now())

    async def hints(self) -> AsyncGenerator[str | None, None]:
        queue = HintQueue()
        async with contextlib.aclosing(queue.drain(self._listen(queue))) as hints:
            async for hint in hints:
                yield hint

    async def balance(self) -> int:
        wallet = await self._api.get("/api/v1/wallet", {}, "bulk")
        with shape():
            return int(wallet["balance"])

    async def probe(self) -> None:
        with contextlib.suppress(Retry, Broken):
            await self.balance()

    def health(self) -> Health:
        return Health(self._api.good, self._api.heard_at, self._api.text)

    async def close(self) -> None:
        await self._api.close()
        if self._till is not None:
            await self._till.close()

    def _open_till(self) -> Till:
        if self._till is None:
            raise Broken("Nothing can be paid: `lnbits.admin_key_file` names no key.")
        return self._till

    async def _look_alone(self, payment_hash: str, before: int) -> Look | None:
        """None when the answer decides nothing."""
        alone = await self._payments.alone(payment_hash, "look", before=before)
        if alone is None:
            return None
        if alone.row.amount_msat < 0:
            # Paid to ourselves: the outgoing row hides the incoming one.
            return await self._look_listed(payment_hash)
        return as_look(alone.row) if alone.asked_node else None

    async def _look_listed(self, payment_hash: str) -> Look | None:
        return (await self.look_many([payment_hash], urgent=True)).get(payment_hash)

    async def _ask_node(self, pending: Row) -> Row:
        """The row anew, after LNbits asked its node, which takes its time while HTLCs hang.

        Not at once: a node that has not yet heard of the payment would be taken to have
        failed it. And only where there is an outgoing row: an incoming one could die of it.
        """
        try:
            alone = await self._payments.alone(pending.payment_hash, "pay")
        except Retry:
            return pending
        return alone.row if alone and alone.row.amount_msat < 0 else pending

    async def _listen(self, queue: HintQueue) -> None:
        log = structlog.get_logger()
        delay = _FIRST_DELAY
        while True:
            opened = time.monotonic()
            try:
                async with contextlib.aclosing(self._api.pushes()) as pushes:
                    async for push in pushes:
                        queue.put(push)
                        if push is None:
                            log.info("hints.open", wallet=self.name)
                reason = "closed"
            except Retry as error:
                reason = str(error)
            if time.monotonic() - opened > _LONGEST_DELAY:
                delay = _FIRST_DELAY
            log.warning("hints.lost", wallet=self.name, reason=reason)
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, _LONGEST_DELAY)
