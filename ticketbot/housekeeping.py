"""Once in a while: say how the bot is, look for trouble, forget what is over."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any, NamedTuple

import orjson
import structlog

from ticketbot.alarms import Alarms, Trouble
from ticketbot.domain.when import DAY, HOUR
from ticketbot.engine import Engine
from ticketbot.errors import Retry
from ticketbot.intake import Interests
from ticketbot.ledger import (
    inbox,
    listings,
    marks,
    orders,
    orphans,
    outbox,
    payouts,
    questions,
    refunds,
    restored,
    stuck,
)
from ticketbot.ledger.outbox import LATE
from ticketbot.ledger.payouts import Waiting
from ticketbot.ledger.store import Store, Tx
from ticketbot.lightning import Wallet
from ticketbot.metrics import metrics
from ticketbot.outbox.claims import LONGEST_DELAY
from ticketbot.relays import RelayPool
from ticketbot.timekeeper import Timekeeper

EVERY = 10.0
MONTH = 30 * DAY
FREE_DISK = 200 * 2**20
CLOCK_BACK = 60
MUTE_FOR = 30
STUCK = HOUR  # seconds after which a hold should long be over


class _Found(NamedTuple):
    """What the ledger says in one round. Amounts in msat."""

    organizers: list[str]
    pending: int
    late: int
    owed: int
    orphans: int
    orphaned: int
    stuck: int
    refunds_wait: bool
    failing: int
    payouts: Waiting
    payouts_wait: bool


class Housekeeper:
    """Keeps the heartbeat that `ticketbot status` reads, the gauges, and the alarms."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        pool: RelayPool,
        wallet: Wallet,
        interests: Interests,
        clock: Timekeeper,
    ) -> None:
        self.alarms = Alarms(store, engine, clock)
        self._store = store
        self._engine = engine
        self._pool = pool
        self._wallet = wallet
        self._interests = interests
        self._clock = clock
        self._started = int(clock.machine())
        self._last = clock.earliest()
        self._free = 0
        self._mute_since: int | None = None
        self._turn = asyncio.Lock()
        self._skew: dict[str, float] = {}
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever, and at once when organizers wrote."""
        while True:
            try:
                await self.tidy()
                await self._tell_mute()
            except Retry as error:
                self._log.error("ledger.cannot_write", error=str(error))
                self._mute_since = self._mute_since or int(self._clock())
            try:
                async with asyncio.timeout(EVERY):
                    await self._engine.notes_seen.wait()
            except TimeoutError:
                pass
            self._engine.notes_seen.clear()

    async def tidy(self) -> None:
        """One round; two at once would tell everything twice."""
        async with self._turn:
            await self._tidy()

    async def _tidy(self) -> None:
        self.check_time()
        self.check_sales()
        now = int(self._clock())
        self._count_newcomers()
        longest = now + self._engine.settings.hold_seconds
        beat = self.beat()

        def work(tx: Tx) -> _Found:
            marks.put(tx, "heartbeat", orjson.dumps(beat).decode())
            inbox.forget(tx, now - MONTH)
            questions.forget(tx, now - DAY)
            outbox.pull_in(tx, now, LONGEST_DELAY)
            orders.shorten_holds(tx, longest)
            return _Found(
                listings.organizers(tx, now),
                outbox.pending(tx),
                outbox.late(tx, now - LATE),
                refunds.owed_total(tx),
                *orphans.total(tx),
                orders.stuck(tx, now - STUCK),
                restored.refunds_wait(tx) is not None,
                stuck.failing(tx),
                payouts.waiting(tx),
                restored.payouts_wait(tx) is not None,
            )

        found = await self._store.transaction(work)
        metrics().outbox_pending.set(found.pending)
        metrics().refunds_owed_sats.set(found.owed / 1000)
        metrics().payouts_sats.labels("due").set(found.payouts.due_msat / 1000)
        metrics().payouts_sats.labels("sending").set(found.payouts.sending_msat / 1000)
        for url, state in self._pool.status().items():
            metrics().relay_connected.labels(url).set(state.connected)
        if self._interests.follow({*found.organizers, *(self._engine.settings.organizers or ())}):
            self._pool.refilter()
        await self.alarms.look(self._troubles(found))

    async def _tell_mute(self) -> None:
        """A ledger that cannot be written takes no alert either: it is told once it can."""
        since, now = self._mute_since, int(self._clock())
        if since is not None and now - since >= MUTE_FOR:
            await self._engine.alert(f"mute:{since}", "alert-ledger", {"span": now - since})
        self._mute_since = None

    def beat(self) -> dict[str, Any]:
        """How the bot is, for people. Its times are those of this machine's clock."""
        relays = self._pool.status()
        up = sum(state.connected for state in relays.values())
        health = self._wallet.health()
        return {
            "at": int(self._clock.machine()),
            "started": self._started,
            "relays": f"{up}/{len(relays)}",
            "deaf": self._pool.deaf,
            "wallet": "ok" if health.good else health.text or "not asked yet",
            "paused": self._engine.paused,
            "troubles": sorted(self.alarms.ringing),
            "skew": {who: round(by) for who, by in self._skew.items()},
        }

    def check_time(self) -> None:
        """Whose clock differs; and relays are asked anew when time goes back."""
        self._skew = self._clock.judge()
        earliest = self._clock.earliest()
        if earliest < self._last - CLOCK_BACK:
            self._pool.refilter()  # what was asked for "since" is in the future now
        self._last = earliest

    def check_sales(self) -> None:
        """Whether there is a reason not to sell anything new."""
        self._free = shutil.disk_usage(self._store.path.parent).free
        paused = "disk-full" if self._free < FREE_DISK else None
        if self._engine.reception.catching_up:
            paused = "catching-up"
        if paused != self._engine.paused:
            self._log.warning("sales.paused", why=paused, free_mb=self._free // 2**20)
        self._engine.paused = paused

    def _count_newcomers(self) -> None:
        refused, self._engine.reception.newcomers.refused = (
            self._engine.reception.newcomers.refused,
            0,
        )
        if refused:
            self._log.warning("newcomers.unanswered", number=refused)

    def _troubles(self, found: _Found) -> dict[str, Trouble]:
        """What is not as it should be, with what is to be said of it."""
        troubles: dict[str, Trouble] = {}
        health = self._wallet.health()
        if not health.good:
            troubles["wallet"] = {"why": health.text}
        if self._pool.deaf and self._clock.machine() - self._started >= EVERY:
            troubles["relays"] = {}  # before that relays may be about to answer
        if found.late:
            troubles["outbox"] = {"n": found.late}
        if self._free < FREE_DISK:
            troubles["disk"] = {"free": self._free // 2**20}
        if self._skew:
            who, by = max(self._skew.items(), key=lambda one: abs(one[1]))
            side = "behind" if by > 0 else "ahead"
            troubles["clock"] = {"skew": round(abs(by)), "side": side, "who": who}
        if found.stuck and health.good and not self._pool.deaf:  # else it is known why they wait
            troubles["holds"] = {"n": found.stuck}
        if found.refunds_wait and found.owed and not self._engine.reception.catching_up:
            troubles["refunds"] = {"owed": found.owed}
        if found.failing:
            troubles["poison"] = {"n": found.failing}
        if found.payouts_wait and found.payouts.msat and not self._engine.reception.catching_up:
            troubles["payouts"] = {"owed": found.payouts.msat}
        if found.orphans and not self._engine.reception.catching_up:
            troubles["orphans"] = {"n": found.orphans, "amount": found.orphaned}
        return troubles
