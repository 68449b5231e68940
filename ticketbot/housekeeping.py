"""Once in a while: say how the bot is, alert operators once, forget what is over."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from typing import Any

import orjson
import structlog

from ticketbot.engine import Engine
from ticketbot.errors import Retry
from ticketbot.intake import Interests
from ticketbot.ledger import inbox, listings, marks, outbox, refunds
from ticketbot.ledger.store import Store, Tx
from ticketbot.lightning import Wallet
from ticketbot.metrics import metrics
from ticketbot.relays import RelayPool

EVERY = 10.0
MONTH = 30 * 86_400
LATE_TRIES = 10  # tries by then: about an hour of them
FREE_DISK = 200 * 2**20
DEAF_FOR = 120
CLOCK_BACK = 60


class Housekeeper:
    """Keeps the heartbeat that `ticketbot status` reads, the gauges, and the alerts."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        pool: RelayPool,
        wallet: Wallet,
        interests: Interests,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._engine = engine
        self._pool = pool
        self._wallet = wallet
        self._interests = interests
        self._clock = clock
        self._started = self._last = int(clock())
        self._deaf_since: int | None = None
        self._deaf_told = False
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever, and at once when organizers wrote."""
        while True:
            try:
                await self.tidy()
            except Retry as error:
                self._log.error("ledger.cannot_write", error=str(error))
            try:
                async with asyncio.timeout(EVERY):
                    await self._engine.notes_seen.wait()
            except TimeoutError:
                pass
            self._engine.notes_seen.clear()

    async def tidy(self) -> None:
        """One round."""
        now = int(self._clock())
        if now < self._last - CLOCK_BACK:
            self._pool.refilter()  # what was asked for "since" is in the future now
        self._last = now
        self._check_disk()
        beat = self.beat()

        def work(tx: Tx) -> tuple[list[str], int, int, int]:
            marks.put(tx, "heartbeat", orjson.dumps(beat).decode())
            inbox.forget(tx, now - MONTH)
            organizers = listings.organizers(tx, now)
            return (
                organizers,
                outbox.pending(tx),
                outbox.late(tx, LATE_TRIES),
                refunds.owed_total(tx),
            )

        known, pending, late, owed = await self._store.transaction(work)
        metrics().outbox_pending.set(pending)
        metrics().refunds_owed_sats.set(owed / 1000)
        for url, state in self._pool.status().items():
            metrics().relay_connected.labels(url).set(state.connected)
        if self._interests.follow({*known, *(self._engine.settings.organizers or ())}):
            self._pool.refilter()
        if late:
            await self._engine.alert(f"outbox:{now // 86_400}", "alert-outbox", {"n": late})
        await self._alert_deaf(now)

    def beat(self) -> dict[str, Any]:
        """How the bot is, for people."""
        relays = self._pool.status()
        up = sum(state.connected for state in relays.values())
        health = self._wallet.health()
        return {
            "at": int(self._clock()),
            "started": self._started,
            "relays": f"{up}/{len(relays)}",
            "deaf": self._pool.deaf,
            "wallet": "ok" if health.good else health.text or "not asked yet",
            "paused": self._engine.paused,
        }

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self._store.path.parent).free
        paused = "disk-full" if free < FREE_DISK else None
        if paused != self._engine.paused:
            self._log.warning("sales.paused", why=paused, free_mb=free // 2**20)
        self._engine.paused = paused

    async def _alert_deaf(self, now: int) -> None:
        if not self._pool.deaf:
            if self._deaf_told:
                await self._engine.alert(f"hear:{self._deaf_since}", "alert-deaf-over", {})
            self._deaf_since, self._deaf_told = None, False
            return
        self._deaf_since = self._deaf_since or now
        if not self._deaf_told and now - self._deaf_since > DEAF_FOR:
            self._log.error("relays.deaf", since=self._deaf_since)
            await self._engine.alert(f"deaf:{self._deaf_since}", "alert-deaf", {})
            self._deaf_told = True
