"""Payouts: organizers are sent what they have earned, when they ask or when it is time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Literal

from ticketbot.domain.when import DAY
from ticketbot.engine import Engine
from ticketbot.errors import Retry
from ticketbot.handlers.money import paying_out
from ticketbot.handlers.money import payouts as handler
from ticketbot.ledger import marks, payouts, restored
from ticketbot.ledger.store import Store, Tx
from ticketbot.lightning import Wallet
from ticketbot.lnurl import Lnurl
from ticketbot.outbox.spender import SLOW, Spender
from ticketbot.outbox.standing import Alerts, Owing, Standing
from ticketbot.relay.directory import Directory

Schedule = Literal["on-request", "daily", "weekly"]
LOOK = 60.0  # seconds between looks whether a new day, or week, has begun
LAST_RUN = "payouts:last-run"
MONDAY = 3  # days before the first day of the unix calendar, a Thursday


class Payer(Spender):
    """Carries out the outbox rows of kind `payout`, and decides those that are due by the clock.

    `earliest()` is the earliest time that any clock shows: nobody is paid before it is time by
    all of them. `heard()` says whether everything that relays kept was answered.
    """

    purpose = "payout"
    alerts = Alerts("alert-payout-short", "alert-payout-stuck", "alert-payout-key")

    def __init__(
        self,
        store: Store,
        engine: Engine,
        wallet: Wallet,
        lnurl: Lnurl,
        directory: Directory,
        clock: Callable[[], float],
        schedule: Schedule = "on-request",
        earliest: Callable[[], float] | None = None,
        heard: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(store, engine, wallet, lnurl, directory, clock, handler)
        self._schedule = schedule
        self._earliest = earliest or clock
        self._heard = heard

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            if self._schedule != "on-request":
                tasks.create_task(self._watch())

    async def pay_by_the_clock(self) -> None:
        """Where a day, or a week, has begun since the last time: whoever has earned enough."""
        day = int(self._earliest()) // DAY
        turn = day if self._schedule == "daily" else (day + MONDAY) // 7
        last = await self._store.transaction(lambda tx: marks.number(tx, LAST_RUN))
        if turn <= last or not self._heard():
            return
        for organizer in await self._store.transaction(payouts.payees):
            due = partial(paying_out.due, organizer, turn, int(self._earliest()))
            await self._engine.decide(due, f"payouts:{turn}:{organizer[:16]}")
        await self._store.transaction(lambda tx: marks.put(tx, LAST_RUN, str(turn)))
        self.claims.stirred.set()

    async def _watch(self) -> None:
        while True:
            try:
                await self.pay_by_the_clock()
            except Retry as error:
                self._log.info("payouts.put_off", error=str(error))
            await asyncio.sleep(LOOK)

    def owing(self, ref: str, tx: Tx) -> Owing:
        payout = payouts.get(tx, ref)
        if payout is None:
            raise LookupError(f"payout {ref}")
        return Owing(
            about=ref,
            amount_msat=payout.amount_msat,
            state=payout.state,
            decided_at=payout.decided_at,
            pubkey=payout.organizer,
            destination=payouts.destination(tx, ref),
            held=restored.payouts_wait(tx) is not None,
        )

    def without_job(self, tx: Tx) -> list[str]:
        return payouts.without_job(tx)

    def owed(self, tx: Tx) -> int:
        return payouts.total(tx)

    async def find_where(self, standing: Standing) -> int:
        """Their own profile may name a Lightning address: they are asked whether to use it."""
        reach = await self._directory.reach([standing.pubkey])
        address = reach[standing.pubkey].lud16
        if address is not None and address != standing.useless:
            offer = partial(handler.offer, standing.ref, address)
            await self._engine.decide(offer, standing.ref)
        return SLOW

    async def unreachable(self, standing: Standing) -> None:
        await self._engine.decide(partial(handler.silent, standing.ref), standing.ref)
