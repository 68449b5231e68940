"""Refunds: one bolt11 at a time, in the ledger before the wallet hears of it.

What a call to pay answers decides nothing. The wallet is asked what became of the bolt11, and
only its own outgoing row counts; as long as that may still be paid, no other is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import structlog

from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.domain.payment import Spent
from ticketbot.domain.refund import Refund, State, next_reminder, read_destination
from ticketbot.engine import Engine
from ticketbot.errors import Broken, NoInvoice, Retry
from ticketbot.failpoints import failpoint
from ticketbot.handlers import refunds as handler
from ticketbot.handlers.refunds import Paid
from ticketbot.ledger import outbox, people, refunds, restored
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.refunds import Spend
from ticketbot.ledger.store import Store, Tx
from ticketbot.lightning import Wallet
from ticketbot.lnurl import Lnurl
from ticketbot.outbox.claims import Claims, delay
from ticketbot.relay.directory import Directory

AT_ONCE = 16
GO_ON = 0
MARGIN = 60  # seconds after the expiry, and after the last call to pay, until a bolt11 is given up
LONGEST_DELAY = 300
HELD = 60  # seconds between looks whether operators have let refunds go on after a restore
SLOW = 6 * 3600  # between looks at a refund that waits for a person
STUCK_AFTER = 3600
DAY = 86_400
LOOKED_BACK = 30 * DAY  # what was given up is asked about again before another is paid


class Standing(NamedTuple):
    """All that is known of one refund. `spend` may still be paid; `dropped` were given up.

    `held`: a ledger that is lost may have sent it, so that nothing is paid.
    """

    refund: Refund
    pubkey: str
    destination: str | None
    useless: str | None
    spend: Spend | None
    held: bool
    dropped: tuple[Spend, ...]


class Refunder:
    """Carries out the outbox rows of kind `refund`."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        wallet: Wallet,
        lnurl: Lnurl,
        directory: Directory,
        clock: Callable[[], float],
    ) -> None:
        self.claims = Claims(
            store, "refund", clock, self._send_all, batch=AT_ONCE, in_hand=AT_ONCE * 4
        )
        self._store = store
        self._engine = engine
        self._wallet = wallet
        self._lnurl = lnurl
        self._directory = directory
        self._clock = clock
        self._started = int(clock())
        self._called: dict[str, int] = {}
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever; what lost its row, put aside as poison, gets another at every start."""
        await self._store.transaction(self._take_up)
        await self.claims.run()

    async def _send_all(self, rows: Sequence[Due]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for row in rows:
                tasks.create_task(self._send(row))

    async def _send(self, row: Due) -> None:
        """Step by step, each of them in the ledger, until there is something to wait for."""
        refund_id = row.body["refund"]
        while True:
            standing = await self._store.transaction(lambda tx: _standing(tx, refund_id))
            if standing.refund.state is State.SENT:
                await self._store.transaction(lambda tx: outbox.done(tx, row.id))
                return
            try:
                wait = await self._step(standing, row)
            except Retry as error:
                self._log.info("refund.postponed", refund=refund_id, error=type(error).__name__)
                wait = delay(row.attempts, LONGEST_DELAY)
            if wait != GO_ON:
                await self._store.transaction(partial(self._postpone, row, standing, wait))
                return

    async def _step(self, standing: Standing, row: Due) -> int:
        """The next step; how many seconds to wait before the one after it."""
        if standing.spend is not None:
            return await self._follow(standing.spend, standing)
        for spend in standing.dropped:
            if spend.expires_at < self._wallet.now() - LOOKED_BACK:
                continue
            spent = await self._ask(spend.payment_hash)
            if spent.state == "paid":
                return await self._is_paid(standing.refund, spent)
            if spent.state in ("pending", "unknown"):
                return delay(row.attempts, LONGEST_DELAY)
        if standing.held:
            return HELD
        if standing.destination is None:
            return await self._find_where(standing)
        if not self._wallet.can_pay:
            return SLOW
        if standing.dropped and row.attempts:  # and nobody has named another place since
            tries = len(standing.dropped)
            rest = min(SLOW, LONGEST_DELAY << min(tries, 10))
            since = int(self._clock()) - standing.dropped[-1].made_at
            if 0 <= since < rest:  # less than none: by a clock that has been put back
                return rest - since
        return await self._choose(standing, standing.destination, row)

    async def _follow(self, spend: Spend, standing: Standing) -> int:
        """What became of a bolt11 that the wallet may have been asked to pay."""
        refund, spent = standing.refund, await self._ask(spend.payment_hash)
        if spent.state == "paid":
            return await self._is_paid(refund, spent)
        if standing.held:  # the lost ledger may have given it up, and paid another
            return HELD
        since = int(self._clock()) - spend.made_at
        patience = max(2, min(LONGEST_DELAY, since))  # twice as long each time
        if spent.state in ("failed", "absent"):
            now, pays = self._wallet.now(), self._wallet.can_pay
            called = self._called.setdefault(spend.payment_hash, 0 if pays else now)
            if pays and called < spend.expires_at:  # once more after the expiry, too
                if now >= called + patience:
                    await self._pay(spend)
                    return GO_ON
            elif now >= max(spend.expires_at, called) + MARGIN:
                gone = partial(handler.failed, refund.id, spend.payment_hash)
                await self._engine.decide(gone, spend.payment_hash)
                self._called.pop(spend.payment_hash, None)
                return GO_ON
        if spent.state != "unknown":
            await self._tell_operators(standing, spend)
        return patience

    async def _ask(self, payment_hash: str) -> Spent:
        try:
            return await self._wallet.spent(payment_hash)
        except Broken as error:
            self._log.warning("wallet.unknown", error=str(error))
            return Spent(payment_hash, "unknown", 0, 0, None)

    async def _is_paid(self, refund: Refund, spent: Spent) -> int:
        failpoint("refunder.before-sent")
        paid = Paid(spent.payment_hash, spent.fee_msat)
        await self._engine.decide(partial(handler.sent, refund.id, paid), spent.payment_hash)
        self._called.pop(spent.payment_hash, None)
        return GO_ON

    async def _pay(self, spend: Spend) -> None:
        """Ask the wallet to pay. Whatever it answers, it is asked what became of it."""
        self._called[spend.payment_hash] = self._wallet.now()
        failpoint("refunder.before-pay")
        try:
            await self._wallet.pay(spend.bolt11)
        except Retry as error:
            self._log.info("refund.unsure", refund=spend.ref, error=str(error))
        except Broken as error:
            self._log.warning("refund.refused", refund=spend.ref, error=str(error))
            day = int(self._clock()) // DAY
            await self._engine.alert(f"refund-key:{day}", "alert-refund-key", {"why": str(error)})
        failpoint("refunder.after-pay")

    async def _choose(self, standing: Standing, seen: str, row: Due) -> int:
        """From a destination to a bolt11 that is in the ledger; then it is paid."""
        refund = standing.refund
        try:
            bolt11 = await self._bolt11(seen, refund.amount_msat)
        except NoInvoice as no:
            useless = partial(handler.useless, refund.id, seen, no.sentence, no.values)
            await self._engine.decide(useless, refund.id)
            return GO_ON
        except Retry:
            await self._engine.decide(partial(handler.remind, refund.id), refund.id)
            return delay(row.attempts, LONGEST_DELAY)
        if bolt11 is None:
            own = partial(handler.useless, refund.id, seen, "refund-invoice-own", {})
            await self._engine.decide(own, refund.id)
            return GO_ON
        failpoint("refunder.before-spend")
        chosen = partial(handler.chosen, refund.id, seen, bolt11, self._wallet.now())
        await self._engine.decide(chosen, refund.id)
        failpoint("refunder.after-spend")
        kept = (await self._store.transaction(lambda tx: _standing(tx, refund.id))).spend
        if kept is not None and kept.bolt11 == bolt11.lower():
            await self._pay(kept)
        return GO_ON

    async def _bolt11(self, seen: str, amount_msat: int) -> str | None:
        """What this place gives; None when the wallet would pay itself."""
        typed = read_destination(seen).kind == "invoice"
        bolt11 = seen if typed else await self._lnurl.resolve(seen, amount_msat)
        return None if await self._is_own(read_bolt11(bolt11).payment_hash) else bolt11

    async def _is_own(self, payment_hash: str) -> bool:
        """A ledger that is lost may have asked for it."""
        try:
            return payment_hash in await self._wallet.look_many([payment_hash], urgent=True)
        except Broken as error:
            raise Retry(str(error)) from None

    async def _find_where(self, standing: Standing) -> int:
        """The person's own profile may name a Lightning address; else they are reminded."""
        refund = standing.refund
        if not standing.pubkey:  # who was forgotten; an operator says where, or pays by hand
            return SLOW
        reach = await self._directory.reach([standing.pubkey])
        address = reach[standing.pubkey].lud16
        if address is not None and address != standing.useless:
            await self._engine.decide(partial(handler.found, refund.id, address), refund.id)
            return GO_ON
        await self._engine.decide(partial(handler.remind, refund.id), refund.id)
        now = int(self._clock())
        return max(1, min(SLOW, next_reminder(refund.decided_at, now) - now))

    async def _tell_operators(self, standing: Standing, spend: Spend) -> None:
        """Once a day: what keeps refunds from going through."""
        now = int(self._clock())
        lately = [one for one in (*standing.dropped, spend) if one.made_at > now - DAY]
        since = now - min((one.made_at for one in lately), default=now)
        if since >= MARGIN and await self._is_short(spend.amount_msat):
            owed = await self._store.transaction(refunds.owed_total)
            await self._engine.alert(
                f"refund-short:{now // DAY}", "alert-refund-short", {"owed": owed}
            )
        elif since >= STUCK_AFTER:
            values: dict[str, object] = {
                "amount": spend.amount_msat,
                "order": standing.refund.order_id,
            }
            await self._engine.alert(f"refund-stuck:{now // DAY}", "alert-refund-stuck", values)

    async def _is_short(self, amount_msat: int) -> bool:
        try:
            return await self._wallet.balance() < amount_msat
        except (Retry, Broken):
            return False

    def _take_up(self, tx: Tx) -> None:
        for refund_id in refunds.without_job(tx):
            body = {"refund": refund_id}
            outbox.put(tx, handler.job(refund_id), "refund", self._started, body)

    def _postpone(self, row: Due, seen: Standing, wait: int, tx: Tx) -> None:
        """Unless the person has said something better meanwhile."""
        now = int(self._clock())
        changed = refunds.destination(tx, seen.refund.id) != seen.destination
        outbox.postpone(tx, row.id, now if changed else now + wait)


def _standing(tx: Tx, refund_id: str) -> Standing:
    refund = refunds.get(tx, refund_id)
    if refund is None:
        raise LookupError(f"refund {refund_id}")
    body = outbox.body_of(tx, handler.job(refund_id)) or {}
    spends = refunds.spends_of(tx, refund_id)
    return Standing(
        refund,
        people.person(tx, refund.person).pubkey,
        refunds.destination(tx, refund_id),
        body.get("useless"),
        next((one for one in spends if one.state == "open"), None),
        restored.refunds_wait(tx) is not None,
        tuple(one for one in spends if one.state == "failed"),
    )
