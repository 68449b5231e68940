"""The running bot as scanners see it: scans, the list for a door without network, live counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ticketbot.domain.admission import State
from ticketbot.domain.scanning import Scan
from ticketbot.domain.ticket import event_hash
from ticketbot.engine import Engine
from ticketbot.errors import Refused
from ticketbot.handlers.context import Context
from ticketbot.handlers.door import admitting, asking, conflicts, scanners
from ticketbot.handlers.door.scanners import Caller
from ticketbot.ledger import scans
from ticketbot.ledger.store import Store, Tx
from ticketbot.replies import dm
from ticketbot.replies.outcome import Report
from ticketbot.replies.saying import PLAIN

FRESH = 0.4  # seconds for which everybody who watches an event is shown the same counts
MOST_KEPT = 100  # events whose counts are kept in mind

Json = dict[str, Any]


class _Counted(NamedTuple):
    at: float
    counts: Json


class Doorkeeper:
    """A `web.api.door.Door` over the engine. `steady` gives seconds that never jump."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        public_key: bytes,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.public_key = public_key
        self._store = store
        self._engine = engine
        self._steady = steady
        self._known: dict[str, _Counted] = {}
        self._counting = asyncio.Lock()

    async def scan(self, caller: Caller, event: str, asked: Sequence[Scan]) -> list[Json | Refused]:
        """What comes of each scan, as programs read it; a refusal for one is none for the rest."""
        results = await self._engine.scan(caller, event, asked)
        return [one if isinstance(one, Refused) else _written(one) for one in results]

    async def checklist(self, caller: Caller, event: str, *, used: bool) -> Json:
        """What a scanner needs to judge tickets without a network. It names nobody.

        With `used` also the tickets that were let in. Read beside the writer.
        """
        ctx = self._engine.context()
        return await self._store.read(
            lambda tx: self._listed(caller, event, used=used, tx=tx, ctx=ctx)
        )

    async def counts(self, caller: Caller, event: str) -> Json:
        """Who came, is inside, has left; `Refused` for who may not scan there."""
        ctx = self._engine.context()

        def work(tx: Tx) -> Json:
            found, _ = scanners.admit_caller(caller, event, tx, ctx)
            return _written(asking.counted(found, tx))

        return await self._ask(work)

    async def conflicts(self, caller: Caller, event: str, first: int) -> Json:
        """Who was let in and should not have been, newest first, from the n-th on."""
        ctx = self._engine.context()

        def work(tx: Tx) -> Json:
            found, _ = scanners.admit_caller(caller, event, tx, ctx)
            return _written(
                conflicts.page(found, caller, first, conflicts.PAGE_FOR_PROGRAMS, tx, ctx)
            )

        return await self._ask(work)

    async def latest(self, event_id: str) -> Json:
        """The counts as everybody who watches is shown them, taken from the ledger once for all."""
        async with self._counting:
            known = self._known.get(event_id)
            if known is None or self._steady() - known.at >= FRESH:
                counts = await self._ask(lambda tx: _count(event_id, tx))
                known = self._known[event_id] = _Counted(self._steady(), counts)
                while len(self._known) > MOST_KEPT:
                    del self._known[next(iter(self._known))]
            return known.counts

    async def _ask(self, work: Callable[[Tx], Json]) -> Json:
        """In the writer's group a refusal is a value: raised, it would take the group apart."""

        def attempt(tx: Tx) -> Json | Refused:
            try:
                return work(tx)
            except Refused as refused:
                return refused

        found = await self._store.transaction(attempt)
        if isinstance(found, Refused):
            raise found
        return found

    def _listed(self, caller: Caller, event: str, *, used: bool, tx: Tx, ctx: Context) -> Json:
        found, _ = scanners.admit_caller(caller, event, tx, ctx)
        listing, hours = found.listing, admitting.hours(found, ctx)
        doubts = scans.doubtful(tx, listing.event_id, used=used)
        newer = [one for one in doubts if one.version > 1 and one.state is not State.VOID]
        shown = [one for one in doubts if one.state in (State.ADMITTED, State.OUT)]
        return {
            "event_id": listing.event_id,
            "code": found.code,
            "title": listing.title,
            "start": listing.start,
            "end": listing.end,
            "timezone": listing.timezone,
            "opens": hours.opens,
            "ends": hours.ends,
            "cancelled": hours.cancelled,
            "event_hash": event_hash(listing.event_id).hex(),
            "keys": [{"alg": "Ed25519", "public_key": self.public_key.hex()}],
            "void": [one.ticket_id for one in doubts if one.state is State.VOID],
            "versions": {one.ticket_id: one.version for one in newer},
        } | ({"used": [one.ticket_id for one in shown]} if used else {})


def _count(event_id: str, tx: Tx) -> Json:
    return _written(asking.counted(scanners.named_exactly(event_id, tx), tx))


def _written(report: Report) -> Json:
    return {**report.facts, "message": " ".join(dm.speak(report, PLAIN))}
