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
from ticketbot.handlers.attending.language import language_for
from ticketbot.handlers.context import Context
from ticketbot.handlers.door import admitting, asking, conflicts, scanners
from ticketbot.handlers.door.scanners import Caller
from ticketbot.ledger import scans
from ticketbot.ledger.store import Store, Tx
from ticketbot.replies import dm
from ticketbot.replies.outcome import Report
from ticketbot.replies.saying import Manner
from ticketbot.texts import DEFAULT

FRESH = 0.4  # seconds for which everybody who watches an event is shown the same counts
SPOKEN_FRESH = 5.0  # seconds for which a scanner's language is known without asking again
MOST_KEPT = 100  # events whose counts are kept in mind, and scanners whose language is

Json = dict[str, Any]


class _Counted(NamedTuple):
    at: float
    counts: Report


class _Spoken(NamedTuple):
    at: float
    language: str


class Doorkeeper:
    """A `web.api.door.port.Door` over the engine. `steady` gives seconds that never jump."""

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
        self._spoken: dict[tuple[str | None, str], _Spoken] = {}
        self._counting = asyncio.Lock()

    async def language(self, caller: Caller, event: str) -> str:
        """In which language who asks is answered; a scanner with a secret in its organizer's."""
        known = self._spoken.get((caller.pubkey, event))
        if known is None or self._steady() - known.at >= SPOKEN_FRESH:
            language = await self._store.transaction(lambda tx: _language(caller, event, tx))
            known = self._spoken[caller.pubkey, event] = _Spoken(self._steady(), language)
            _forget_oldest(self._spoken)
        return known.language

    async def scan(self, caller: Caller, event: str, asked: Sequence[Scan]) -> list[Json | Refused]:
        """What comes of each scan, as programs read it; a refusal for one is none for the rest."""
        language = await self.language(caller, event)
        results = await self._engine.scan(caller, event, asked)
        return [one if isinstance(one, Refused) else _written(one, language) for one in results]

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

        def work(tx: Tx) -> Report:
            found, _ = scanners.admit_caller(caller, event, tx, ctx)
            return asking.counted(found, tx)

        return _written(await self._ask(work), await self.language(caller, event))

    async def conflicts(self, caller: Caller, event: str, first: int) -> Json:
        """Who was let in and should not have been, newest first, from the n-th on."""
        ctx = self._engine.context()

        def work(tx: Tx) -> Report:
            found, _ = scanners.admit_caller(caller, event, tx, ctx)
            return conflicts.page(found, caller, first, conflicts.PAGE_FOR_PROGRAMS, tx, ctx)

        return _written(await self._ask(work), await self.language(caller, event))

    async def latest(self, caller: Caller, event_id: str) -> Json:
        """The counts as everybody who watches is shown them, taken from the ledger once for all."""
        language = await self.language(caller, event_id)
        async with self._counting:
            known = self._known.get(event_id)
            if known is None or self._steady() - known.at >= FRESH:
                counts = await self._ask(lambda tx: _count(event_id, tx))
                known = self._known[event_id] = _Counted(self._steady(), counts)
                _forget_oldest(self._known)
            return _written(known.counts, language)

    async def _ask(self, work: Callable[[Tx], Report]) -> Report:
        """In the writer's group a refusal is a value: raised, it would take the group apart."""

        def attempt(tx: Tx) -> Report | Refused:
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


def _count(event_id: str, tx: Tx) -> Report:
    return asking.counted(scanners.named_exactly(event_id, tx), tx)


def _language(caller: Caller, event: str, tx: Tx) -> str:
    if caller.pubkey is not None:
        return language_for(tx, caller.pubkey)
    try:
        return language_for(tx, scanners.named_exactly(event, tx).listing.organizer)
    except Refused:
        return DEFAULT


def _written(report: Report, language: str) -> Json:
    return {**report.facts, "message": " ".join(dm.speak(report, Manner(language=language)))}


def _forget_oldest(kept: dict[Any, Any]) -> None:
    while len(kept) > MOST_KEPT:
        del kept[next(iter(kept))]
