"""Money that leaves: one bolt11 at a time, in the ledger before the wallet hears of it.

What a call to pay answers decides nothing. The wallet is asked what became of the bolt11, and
only its own outgoing row counts; as long as that may still be paid, no other is asked for.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import structlog

from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.domain.payment import Spent
from ticketbot.domain.spending import State, read_destination
from ticketbot.domain.when import DAY, HOUR
from ticketbot.engine import Engine
from ticketbot.errors import Broken, NoInvoice, Retry
from ticketbot.failpoints import failpoint
from ticketbot.handlers.money.spending import Paid
from ticketbot.ledger import outbox, spends
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.spends import Purpose, Spend
from ticketbot.ledger.store import Store, Tx
from ticketbot.lightning import Wallet
from ticketbot.lnurl import Lnurl
from ticketbot.metrics import metrics
from ticketbot.outbox.claims import Claims, delay
from ticketbot.outbox.standing import Alerts, Cause, Owing, Standing
from ticketbot.relay.directory import Directory

AT_ONCE = 16
GO_ON = 0
MARGIN = 60  # seconds after the expiry, and after the last call to pay, until a bolt11 is given up
LONGEST_DELAY = 300
HELD = 60  # seconds between looks whether operators have let money leave after a restore
SLOW = 6 * HOUR  # between looks at what waits for a person
STUCK_AFTER = HOUR
LOOKED_BACK = 30 * DAY  # what was given up is asked about again before another is paid


class Spender(ABC):
    """Carries out the outbox rows of one purpose. What differs, its children say."""

    purpose: ClassVar[Purpose]
    alerts: ClassVar[Alerts]

    def __init__(
        self,
        store: Store,
        engine: Engine,
        wallet: Wallet,
        lnurl: Lnurl,
        directory: Directory,
        clock: Callable[[], float],
        cause: Cause,
    ) -> None:
        self.claims = Claims(
            store, self.purpose, clock, self._send_all, batch=AT_ONCE, in_hand=AT_ONCE * 4
        )
        self._cause = cause
        self._store = store
        self._engine = engine
        self._wallet = wallet
        self._lnurl = lnurl
        self._directory = directory
        self._clock = clock
        self._started = int(clock())
        self._called: dict[str, int] = {}
        self._log = structlog.get_logger()

    @abstractmethod
    def owing(self, ref: str, tx: Tx) -> Owing:
        """This refund, or this payout; LookupError when there is none."""

    @abstractmethod
    def without_job(self, tx: Tx) -> list[str]:
        """What is owed, and nothing in the outbox carries out."""

    @abstractmethod
    def owed(self, tx: Tx) -> int:
        """All that is not sent yet, in msat."""

    @abstractmethod
    async def find_where(self, standing: Standing) -> int:
        """Nobody has said where it shall go; seconds to wait."""

    @abstractmethod
    async def unreachable(self, standing: Standing) -> None:
        """Where it shall go does not answer."""

    def standing(self, ref: str, tx: Tx) -> Standing:
        """All that is known of it."""
        body = outbox.body_of(tx, self._cause.job(ref)) or {}
        found = spends.of(tx, self.purpose, ref)
        under_way = next((one for one in found if one.state == "open"), None)
        dropped = tuple(one for one in found if one.state == "failed")
        return Standing(ref, *self.owing(ref, tx), body.get("useless"), under_way, dropped)

    async def run(self) -> None:
        """For ever; what lost its row, put aside as poison, gets another at every start."""
        await self.claims.written(self._take_up)
        await self.claims.run()

    async def _send_all(self, rows: Sequence[Due]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for row in rows:
                tasks.create_task(self._send(row))

    async def _send(self, row: Due) -> None:
        """Step by step, each of them in the ledger, until there is something to wait for."""
        ref = row.body[self.purpose]
        while True:
            standing = await self._store.transaction(partial(self.standing, ref))
            if standing.state is State.SENT:
                await self._store.transaction(lambda tx: outbox.done(tx, row.id))
                return
            try:
                wait = await self._step(standing, row)
            except Retry as error:
                kind = type(error).__name__
                self._log.info("spend.postponed", purpose=self.purpose, ref=ref, error=kind)
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
                return await self._is_paid(standing, spent)
            if spent.state in ("pending", "unknown"):
                return delay(row.attempts, LONGEST_DELAY)
        if standing.held:
            return HELD
        if standing.destination is None:
            return await self.find_where(standing)
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
        spent = await self._ask(spend.payment_hash)
        if spent.state == "paid":
            return await self._is_paid(standing, spent)
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
                gone = partial(self._cause.failed, standing.ref, spend.payment_hash)
                await self._engine.decide(gone, spend.payment_hash)
                metrics().spends.labels(self.purpose, "failed").inc()
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

    async def _is_paid(self, standing: Standing, spent: Spent) -> int:
        failpoint("spender.before-sent")
        paid = Paid(spent.payment_hash, spent.fee_msat)
        await self._engine.decide(partial(self._cause.sent, standing.ref, paid), spent.payment_hash)
        metrics().spends.labels(self.purpose, "sent").inc()
        self._called.pop(spent.payment_hash, None)
        return GO_ON

    async def _pay(self, spend: Spend) -> None:
        """Ask the wallet to pay. Whatever it answers, it is asked what became of it."""
        self._called[spend.payment_hash] = self._wallet.now()
        failpoint("spender.before-pay")
        try:
            await self._wallet.pay(spend.bolt11)
        except Retry as error:
            self._log.info("spend.unsure", purpose=self.purpose, ref=spend.ref, error=str(error))
        except Broken as error:
            self._log.warning(
                "spend.refused", purpose=self.purpose, ref=spend.ref, error=str(error)
            )
            day = int(self._clock()) // DAY
            await self._engine.alert(
                f"{self.purpose}-key:{day}", self.alerts.key, {"why": str(error)}
            )
        failpoint("spender.after-pay")

    async def _choose(self, standing: Standing, seen: str, row: Due) -> int:
        """From a destination to a bolt11 that is in the ledger; then it is paid."""
        ref = standing.ref
        try:
            bolt11 = await self._bolt11(seen, standing.amount_msat)
        except NoInvoice as no:
            useless = partial(self._cause.useless, ref, seen, no.sentence, no.values)
            await self._engine.decide(useless, ref)
            return GO_ON
        except Retry:
            await self.unreachable(standing)
            return delay(row.attempts, LONGEST_DELAY)
        if bolt11 is None:
            own = partial(self._cause.useless, ref, seen, "refund-invoice-own", {})
            await self._engine.decide(own, ref)
            return GO_ON
        failpoint("spender.before-spend")
        chosen = partial(self._cause.chosen, ref, seen, bolt11, self._wallet.now())
        await self._engine.decide(chosen, ref)
        failpoint("spender.after-spend")
        kept = (await self._store.transaction(partial(self.standing, ref))).spend
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

    async def _tell_operators(self, standing: Standing, spend: Spend) -> None:
        """Once a day: what keeps money from leaving."""
        now = int(self._clock())
        lately = [one for one in (*standing.dropped, spend) if one.made_at > now - DAY]
        since = now - min((one.made_at for one in lately), default=now)
        if since >= MARGIN and await self._is_short(spend.amount_msat):
            owed = await self._store.transaction(self.owed)
            day = f"{self.purpose}-short:{now // DAY}"
            await self._engine.alert(day, self.alerts.short, {"owed": owed})
        elif since >= STUCK_AFTER:
            values: dict[str, object] = {
                "amount": spend.amount_msat,
                "order": standing.about,
            }
            day = f"{self.purpose}-stuck:{now // DAY}"
            await self._engine.alert(day, self.alerts.stuck, values)

    async def _is_short(self, amount_msat: int) -> bool:
        try:
            return await self._wallet.balance() < amount_msat
        except (Retry, Broken):
            return False

    def _take_up(self, tx: Tx) -> None:
        for ref in self.without_job(tx):
            body: dict[str, object] = {self.purpose: ref}
            outbox.put(tx, self._cause.job(ref), self.purpose, self._started, body)

    def _postpone(self, row: Due, seen: Standing, wait: int, tx: Tx) -> None:
        """Unless somebody has said something better meanwhile."""
        now = int(self._clock())
        changed = self.standing(seen.ref, tx).destination != seen.destination
        outbox.postpone(tx, row.id, now if changed else now + wait)
