"""Batches of transactions: a full disk is waited out, and poison takes nobody along."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import orjson
import structlog

from ticketbot.domain.nostr import Event
from ticketbot.errors import Broken, Retry
from ticketbot.ledger import outbox
from ticketbot.ledger.store import Store, Work
from ticketbot.redaction import whereabouts

TRIES = 3
PAUSE = 1.0  # seconds until a ledger that could not be written is tried again

Batch = Sequence[tuple[Work, Event | None]]
"""Transactions, each with the event that asked for it, if one did."""


class Batches:
    """Runs batches in a ledger, one commit each where that can be."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._log = structlog.get_logger()

    async def run(self, batch: Batch, written: Callable[[], None]) -> None:
        """All of a batch; `written` is called whenever some of it is on disk.

        What an event asked for is put aside when it has failed `TRIES` times; what fails without
        an event is raised.
        """
        left = list(batch)
        for attempt in range(1, TRIES + 1):
            results = await self._until_written([work for work, _ in left])
            failed = [
                (work, event, result)
                for (work, event), result in zip(left, results, strict=True)
                if isinstance(result, Exception)
            ]
            written()
            if not failed:
                return
            left = [(work, event) for work, event, _ in failed]
            if attempt == TRIES:
                for _, event, error in failed:
                    await self._quarantine(event, error)

    async def _until_written(self, works: Sequence[Work]) -> list[object]:
        while True:
            results = await self._store.transactions(works)
            if not any(isinstance(result, Retry) for result in results):
                return results
            self._log.error("ledger.cannot_write", error=str(results[0]))
            await asyncio.sleep(PAUSE)

    async def _quarantine(self, event: Event | None, error: Exception) -> None:
        if event is None or isinstance(error, Broken):
            raise error
        now = int(self._clock())
        key = self._store.vault.tag(b"quarantine", bytes.fromhex(event.id)).hex()
        self._log.error("inbox.quarantined", key=key, where=whereabouts(error))
        body = orjson.dumps(event._asdict())
        await self._store.transaction(
            lambda tx: outbox.quarantine(tx, "inbox", key, repr(error), body, now)
        )
