"""Messages: sealed in the mould that lies in their row, and published until a relay says OK.

One mould makes the same bytes at every try and after every crash, so relays drop what they
have (docs/adr/0009-a-mould-instead-of-the-sealed-letter.md). A row gets another mould where a relay
refuses a gift wrap for its (backdated) age, and the rumor a wrap dated now; and where a clock that
was ahead has dated it, unless a relay may have taken it without a word.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson
import structlog

from ticketbot import qr
from ticketbot.crew import Crew
from ticketbot.domain.nip19 import npub_encode
from ticketbot.envelopes import SEED_BYTES, Letter, Mould, Protocol, Sealed
from ticketbot.errors import Malformed
from ticketbot.failpoints import failpoint
from ticketbot.ledger import journal, orders, outbox
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.people import FARTHEST_AHEAD
from ticketbot.ledger.store import Store, Tx
from ticketbot.metrics import metrics
from ticketbot.outbox.claims import Claims, delay
from ticketbot.relay.directory import Directory, Reach
from ticketbot.relays import Ok, RelayPool

TOO_OLD = ("timestamp", "created_at", "too old", "in the past")
TOO_NEW = ("timestamp", "created_at", "date", "future", "too new", "too late", "too far")
PARTLY = 4  # rounds in which relays that stay silent are tried beside one that has it
POISON = 3
MOST_RELAYS = 12

Work = Callable[[Tx], None]


class Parcel(NamedTuple):
    """A row and its sealed letter, the relays it goes to now, and those that have it."""

    row: Due
    sealed: Sealed
    relays: tuple[str, ...]
    had: frozenset[str]


class Courier:
    """Carries out the outbox rows of kind `message`."""

    def __init__(
        self,
        store: Store,
        crew: Crew,
        pool: RelayPool,
        directory: Directory,
        relays: Sequence[str],
        clock: Callable[[], float] = time.time,
        earliest: Callable[[], float] | None = None,
    ) -> None:
        self.claims = Claims(store, "message", clock, self._send)
        self._store = store
        self._crew = crew
        self._pool = pool
        self._directory = directory
        self._relays = tuple(relays)
        self._clock = clock
        self._earliest = earliest or clock
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """For ever."""
        await self.claims.run()

    async def _send(self, rows: Sequence[Due]) -> None:
        now = int(self._clock())
        late = self._earliest()  # whichever clock is wrong, nothing is dropped too early
        wanted = [row for row in rows if row.body["until"] > late]
        reach = await self._directory.reach(list({row.body["to"] for row in wanted}))
        staying = [row for row in wanted if not _is_for_bot(row, reach)]
        names = {row.id for row in staying}
        dropped = [row for row in rows if row.id not in names]
        had = await self._accepted(staying)
        ahead = [row for row in staying if _is_ahead(row, now) and not row.attempts]
        kept = [row for row in staying if row not in ahead]
        texts = [await _drawn(row) if "draw" in row.body else row.body["text"] for row in kept]
        letters = [
            _letter(row.body, text, reach[row.body["to"]])
            for row, text in zip(kept, texts, strict=True)
        ]
        parcels: list[Parcel] = []
        works: list[Work] = [partial(_give_up, row=row, now=now) for row in dropped]
        works += [self._redate(row, now, at=now) for row in ahead]
        for row, sealed in zip(kept, await self._crew.seal(letters), strict=True):
            if isinstance(sealed, Malformed):
                works.append(self._refuse(row, sealed))
            else:
                took = had.get(row.id, frozenset())
                parcels.append(self._parcel(row, sealed, reach[row.body["to"]], took))
        failpoint("courier.before-publish")
        answers = await self._pool.publish([(one.sealed, one.relays) for one in parcels])
        failpoint("courier.after-publish")
        done: list[int] = []
        for parcel, answer in zip(parcels, answers, strict=True):
            if (work := self._judge(parcel, answer, now)) is None:
                done.append(parcel.row.id)
            else:
                works.append(work)
        await self._store.transaction(lambda tx: _mark(tx, done, works))
        for row in dropped:
            self._log.info("message.dropped", key=row.key)

    async def _accepted(self, rows: Sequence[Due]) -> dict[int, frozenset[str]]:
        """The relays that took a message in an earlier round."""
        again = [row.id for row in rows if row.attempts]
        if not again:
            return {}
        return await self._store.transaction(
            lambda tx: {one: frozenset(outbox.accepted(tx, one)) for one in again}
        )

    def _parcel(self, row: Due, sealed: Sealed, reach: Reach, had: frozenset[str]) -> Parcel:
        if sealed.kind == 1059:
            relays = reach.dm_relays or self._relays
        else:
            relays = (*self._relays, *reach.read_relays[:3])
        wanted = tuple(dict.fromkeys(relays))[:MOST_RELAYS]
        return Parcel(row, sealed, tuple(one for one in wanted if one not in had), had)

    def _judge(self, parcel: Parcel, answer: dict[str, Ok], now: int) -> Work | None:
        """What to do with a message after one round; None: nothing any more."""
        row, sealed = parcel.row, parcel.sealed
        took = [relay for relay, ok in answer.items() if ok.accepted]
        missing = [relay for relay in parcel.relays if relay not in answer]
        protocol = _PROTOCOLS[sealed.kind]
        metrics().dm_sent.labels(protocol, "accepted" if took else "refused").inc()
        if took and "paid" in row.body and row.attempts == 0:
            metrics().paid_to_ticket.observe(max(0.0, self._clock() - row.body["paid"]))
        if sealed.kind == 24133 and len(answer) == len(parcel.relays):
            return None  # nobody keeps it for later, so a second try reaches nobody new
        if (took or parcel.had) and (not missing or row.attempts >= PARTLY):
            return None
        too_old = not took and _complain(answer, TOO_OLD)
        if sealed.kind == 1059 and too_old and not row.body.get("now"):
            return self._redate(row, now, via="nip17", now=True)
        if not (took or parcel.had) and _is_ahead(row, now) and _complain(answer, TOO_NEW):
            return self._redate(row, now, at=now)
        again = now + delay(row.attempts)
        words = {
            relay: _without(row.body["to"], ok.text)
            for relay, ok in answer.items()
            if not ok.accepted
        }
        self._log.info("message.postponed", key=row.key, refused=words, silent=missing)

        def work(tx: Tx) -> None:
            if row.body["via"] == "auto":  # once on its way, a message never changes its form
                outbox.replace_body(tx, row.id, {**row.body, "via": protocol})
            for relay in took:
                outbox.accept(tx, row.id, relay)
            outbox.postpone(tx, row.id, again)

        return work

    def _redate(self, row: Due, when: int, **changes: object) -> Work:
        """Another mould, made at this time; nobody has the letter of the one before."""
        body = row.body | {"mould": (os.urandom(SEED_BYTES).hex(), when)} | changes

        def work(tx: Tx) -> None:
            outbox.replace_body(tx, row.id, body)
            outbox.postpone(tx, row.id, when)

        return work

    def _refuse(self, row: Due, error: Malformed) -> Work:
        """What cannot be sealed is poison: tried `POISON` times, then put aside."""
        now = int(self._clock())
        self._log.error("message.cannot_be_sealed", key=row.key, error=str(error))

        def work(tx: Tx) -> None:
            if row.attempts + 1 < POISON:
                outbox.postpone(tx, row.id, now + delay(row.attempts))
                return
            outbox.quarantine(tx, "message", row.key, str(error), orjson.dumps(row.body), now)
            outbox.done(tx, row.id)

        return work


async def _drawn(row: Due) -> str:
    """A ticket for a program, with its QR code in it."""
    message = orjson.loads(row.body["text"])
    picture = await asyncio.to_thread(qr.png, message["token"])
    message["qr_code"] = qr.data_uri(picture)
    return orjson.dumps(message).decode()


def _letter(body: Mapping[str, Any], text: str, reach: Reach) -> Letter:
    via: Protocol = body["via"]
    if body["via"] == "auto":
        via = "nip17" if reach.dm_relays else "nip04"
    seed, made_at = body["mould"]
    return Letter(
        via,
        body["to"],
        body["at"],
        text,
        not body.get("now", False),
        body.get("expires"),
        Mould(bytes.fromhex(seed), made_at),
    )


def _mark(tx: Tx, done: Sequence[int], works: Sequence[Work]) -> None:
    outbox.done_all(tx, done)
    for work in works:
        work(tx)


def _is_ahead(row: Due, now: int) -> bool:
    """Written by a clock that has been put back since: relays refuse what is not yet."""
    return bool(max(row.body["at"], row.body["mould"][1]) > now + 2 * FARTHEST_AHEAD)


def _complain(answer: Mapping[str, Ok], words: Sequence[str]) -> bool:
    return any(word in ok.text.lower() for ok in answer.values() for word in words)


def _give_up(tx: Tx, row: Due, now: int) -> None:
    """Too late, or for a bot: an order's story says so."""
    order_id, _, what = row.key.partition(":")
    if orders.get(tx, order_id) is not None:
        journal.note(tx, now, order_id, "message given up", message=what)
    outbox.done(tx, row.id)


_PROTOCOLS: dict[int, Protocol] = {1059: "nip17", 4: "nip04", 24133: "24133"}


def _without(pubkey: str, text: str) -> str:
    """A relay's words for the log, which names no attendee."""
    return text.replace(pubkey, "…").replace(npub_encode(pubkey), "…")


def _is_for_bot(row: Due, reach: dict[str, Reach]) -> bool:
    """Two bots that answer each other never stop: chat is not for who says `bot: true`."""
    known = reach.get(row.body["to"])
    return bool(row.body.get("chat") and row.body["via"] != "24133" and known and known.is_bot)
