"""Alarms: trouble that lasts is told to the operators once, and once more when it is over.

What rings stands in the ledger, so that a restart tells nothing twice and forgets nothing.
The words leave through the outbox: when relays are the trouble, they arrive after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import orjson
import structlog

from ticketbot.engine import Engine
from ticketbot.ledger import marks
from ticketbot.ledger.store import Store, Tx
from ticketbot.metrics import metrics

PREFIX = "alarm:"

Trouble = Mapping[str, object]
"""What the sentence of an alarm is filled with."""


class Alarm(NamedTuple):
    """A trouble by name. `patience`: seconds it must last, and be gone, before a word is said."""

    name: str
    patience: int
    begins: str
    over: str


ALARMS = (
    Alarm("wallet", 60, "alert-wallet", "alert-wallet-back"),
    Alarm("relays", 120, "alert-deaf", "alert-deaf-over"),
    Alarm("outbox", 300, "alert-outbox", "alert-outbox-over"),
    Alarm("disk", 10, "alert-disk", "alert-disk-over"),
    Alarm("clock", 60, "alert-clock", "alert-clock-over"),
    Alarm("refunds", 10, "alert-restored", "alert-restored-over"),
    Alarm("holds", 60, "alert-holds", "alert-holds-over"),
    Alarm("payouts", 10, "alert-payouts-wait", "alert-payouts-wait-over"),
    Alarm("poison", 10, "alert-poison", "alert-poison-over"),
    Alarm("orphans", 300, "alert-orphans", "alert-orphans-over"),
)


class Ringing(NamedTuple):
    """A trouble since when (unix seconds), whether it was told, and since when it is gone."""

    since: int
    told: bool = False
    gone: int | None = None


def step(
    alarm: Alarm, was: Ringing | None, there: bool, now: int
) -> tuple[Ringing | None, str | None]:
    """What rings now, and the sentence to say, if any. A clock put back starts the wait anew."""
    if there:
        since = min(was.since, now) if was else now
        told = was is not None and was.told
        if not told and now - since >= alarm.patience:
            return Ringing(since, True), alarm.begins
        return Ringing(since, told), None
    if was is None or not was.told:
        return None, None
    gone = min(was.gone, now) if was.gone is not None else now
    if now - gone >= alarm.patience:
        return None, alarm.over
    return Ringing(was.since, True, gone), None


class Alarms:
    """Looks at all troubles every round. `ringing` says since when each one lasts."""

    def __init__(
        self, store: Store, engine: Engine, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._known: dict[str, Ringing] | None = None
        self._log = structlog.get_logger()

    @property
    def ringing(self) -> dict[str, int]:
        """Every trouble that lasts just now: name → since when."""
        known = self._known or {}
        return {name: one.since for name, one in known.items() if one.gone is None}

    async def look(self, troubles: Mapping[str, Trouble]) -> None:
        """One round: what is not among `troubles` is well. `Retry` when the ledger is silent."""
        known = await self._recall() if self._known is None else self._known
        now = int(self._clock())
        after, said = {}, []
        for alarm in ALARMS:
            there = alarm.name in troubles
            state, sentence = step(alarm, known.get(alarm.name), there, now)
            if state is not None:
                after[alarm.name] = state
            if sentence is not None:
                said.append((alarm, sentence, troubles.get(alarm.name, {})))
            metrics().alarm.labels(alarm.name).set(there)
        if after != known:
            await self._decide(known, after, said)
        self._known = after

    async def _decide(
        self,
        known: Mapping[str, Ringing],
        after: Mapping[str, Ringing],
        said: list[tuple[Alarm, str, Trouble]],
    ) -> None:
        """What rings and what is said about it, in one transaction."""

        def work(tx: Tx) -> None:
            for name in known.keys() - after.keys():
                marks.drop(tx, PREFIX + name)
            for name, state in after.items():
                if known.get(name) != state:
                    marks.put(tx, PREFIX + name, orjson.dumps(list(state)).decode())
            for alarm, sentence, values in said:
                since = (after.get(alarm.name) or known[alarm.name]).since
                self._engine.tell_operators(tx, f"{sentence}:{since}", sentence, dict(values))

        await self._store.transaction(work)
        self._engine.wake()
        for alarm, sentence, values in said:
            if sentence == alarm.begins:
                self._log.error("alarm.rings", alarm=alarm.name, **values)
            else:
                self._log.warning("alarm.over", alarm=alarm.name)

    async def _recall(self) -> dict[str, Ringing]:
        """What was ringing when the bot was stopped."""
        found = await self._store.transaction(lambda tx: marks.under(tx, PREFIX))
        return {name: Ringing(*orjson.loads(value)) for name, value in found.items()}
