"""The bot's own notes: who it is (kind 0) and where it reads (10002, 10050), said when changed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson
import structlog

from ticketbot.envelopes import Sealed
from ticketbot.keys import Keys, event_json
from ticketbot.ledger import marks, outbox
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.store import Store, Tx
from ticketbot.outbox.claims import Claims, delay
from ticketbot.relays import RelayPool

LISTED = 3  # NIP-17 asks for one to three DM relays


class OwnNote(NamedTuple):
    """A replaceable event of the bot, unsigned."""

    kind: int
    tags: list[list[str]]
    content: str


def own_notes(name: str, about: str, relays: Sequence[str]) -> list[OwnNote]:
    """Kind 0 with `bot: true` (NIP-24), relay list (NIP-65) and DM relays (NIP-17)."""
    profile = {"name": name, "display_name": name, "about": about, "bot": True}
    return [
        OwnNote(0, [], orjson.dumps(profile).decode()),
        OwnNote(10002, [["r", relay] for relay in relays[:LISTED]], ""),
        OwnNote(10050, [["relay", relay] for relay in relays[:LISTED]], ""),
    ]


class Herald:
    """Carries out the outbox rows of kind `note`."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        pool: RelayPool,
        relays: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.claims = Claims(store, "note", clock, self._publish)
        self._store = store
        self._keys = keys
        self._pool = pool
        self._relays = tuple(relays)
        self._clock = clock
        self._log = structlog.get_logger()

    async def announce(self, notes: Sequence[OwnNote]) -> None:
        """Queue the notes that differ from what was last published."""
        now = int(self._clock())

        def work(tx: Tx) -> None:
            for note in notes:
                body: dict[str, Any] = note._asdict()
                known = hashlib.sha256(orjson.dumps([body, self._relays])).hexdigest()
                if marks.get(tx, f"own:{note.kind}") == known:
                    continue
                last = marks.number(tx, f"own-stamp:{note.kind}")
                body["at"] = max(now, last + 1)  # a replaceable event must be newer than the last
                marks.put(tx, f"own:{note.kind}", known)
                marks.put(tx, f"own-stamp:{note.kind}", str(body["at"]))
                outbox.put(tx, f"own:{note.kind}:{known[:16]}:{body['at']}", "note", now, body)

        await self._store.transaction(work)
        self.claims.stirred.set()

    async def run(self) -> None:
        """For ever."""
        await self.claims.run()

    async def _publish(self, rows: Sequence[Due]) -> None:
        batch = [(self._sign(row), self._relays) for row in rows]
        answers = await self._pool.publish(batch)
        now = int(self._clock())
        works: list[Callable[[Tx], None]] = []
        for row, answer in zip(rows, answers, strict=True):
            silent = [relay for relay in self._relays if relay not in answer]
            if not silent and any(ok.accepted for ok in answer.values()):
                works.append(partial(outbox.done, number=row.id))
                continue
            self._log.info("note.postponed", kind=row.body["kind"], silent=silent)
            later = now + delay(row.attempts)
            works.append(partial(outbox.postpone, number=row.id, due_at=later))
        for result in await self._store.transactions(works):
            if isinstance(result, Exception):
                raise result

    def _sign(self, row: Due) -> Sealed:
        body = row.body
        event = self._keys.sign_event(body["at"], body["kind"], body["tags"], body["content"])
        return Sealed(event.id, event.kind, event_json(event))
