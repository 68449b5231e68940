"""A wallet without money, for the demo, the tests and the benchmarks.

It is a small working model, held to LNbits by the contract tests: real signed bolt11s
(of the regtest network, so that no real wallet pays one by mistake), a store that
several processes can share, hints, and switches for everything that goes wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from coincurve import PrivateKey

from ticketbot.domain.bolt11 import write_bolt11
from ticketbot.errors import Broken, Retry, TicketbotError
from ticketbot.hints import HintQueue
from ticketbot.lightning import Health, Invoice, InvoiceAsk, Look, State, check_ask, tidy_memo

_NETWORK = "bcrt"
_POLL = 0.05  # seconds between looks at what other processes did
_SCHEMA = """
CREATE TABLE IF NOT EXISTS node (one INTEGER PRIMARY KEY CHECK (one = 1), secret BLOB NOT NULL)
STRICT;
CREATE TABLE IF NOT EXISTS payment (
    id INTEGER PRIMARY KEY,
    payment_hash TEXT NOT NULL UNIQUE,
    external_id TEXT,
    bolt11 TEXT NOT NULL UNIQUE,
    amount_msat INTEGER NOT NULL,
    credited_msat INTEGER,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'settled', 'failed')),
    settled_at INTEGER,
    settlement INTEGER UNIQUE
) STRICT;
CREATE INDEX IF NOT EXISTS payment_external_id ON payment (external_id);
CREATE INDEX IF NOT EXISTS payment_settled_at ON payment (settled_at);
"""
_LOOK = (
    "SELECT payment_hash, state, coalesce(credited_msat, amount_msat), external_id, settled_at"
    " FROM payment"
)


class PaymentFailed(TicketbotError):
    """The payer is told that the payment did not go through."""


class _Signed(NamedTuple):
    payment_hash: str
    bolt11: str
    expires_at: int


class FakeWallet:
    """A Wallet in `path`, which processes may share, or in memory.

    Switches, to be set at any time: `down` answers nothing; `lose_answers` makes that
    many invoices and then says that it does not know; `slow` seconds pass before each
    answer; `refuses_key` is what a wrong key does; `deaf` drops hints; `accept_late`
    lets expired invoices be paid.
    """

    name = "fake"

    def __init__(
        self,
        path: str | Path = ":memory:",
        *,
        accept_late: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.accept_late = accept_late
        self.down = False
        self.refuses_key = False
        self.deaf = False
        self.lose_answers = 0
        self.slow = 0.0
        self._clock = clock
        self._shared = str(path) != ":memory:"
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(
            "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + _SCHEMA
        )
        self._db.execute("INSERT OR IGNORE INTO node VALUES (1, ?)", (os.urandom(32),))
        (secret,) = self._db.execute("SELECT secret FROM node").fetchone()
        self._node = PrivateKey(secret)
        self._stock: defaultdict[int, deque[_Signed]] = defaultdict(deque)
        self._streams: set[HintQueue] = set()
        self._health = Health(False, None, "not asked yet")

    # What the bot does.

    async def create(self, ask: InvoiceAsk) -> Invoice:
        check_ask(ask)
        await self._answer()
        stock = self._stock[ask.amount_msat]
        signed = stock.popleft() if stock else self._sign(*ask[1:])
        self._db.execute(
            "INSERT INTO payment (payment_hash, external_id, bolt11, amount_msat, expires_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                signed.payment_hash,
                ask.external_id,
                signed.bolt11,
                ask.amount_msat,
                signed.expires_at,
            ),
        )
        if self.lose_answers > 0:
            self.lose_answers -= 1
            raise self._unknown("the fake wallet's answer was lost")
        return Invoice(
            ask.external_id, signed.payment_hash, signed.bolt11, ask.amount_msat, signed.expires_at
        )

    async def find(self, external_id: str) -> list[Invoice]:
        await self._answer()
        rows = self._db.execute(
            "SELECT external_id, payment_hash, bolt11, amount_msat, expires_at FROM payment"
            " WHERE external_id = ? ORDER BY id",
            (external_id,),
        )
        return [Invoice(*row) for row in rows]

    async def look(self, payment_hash: str, expires_at: int) -> Look:
        unknown = Look(payment_hash, "unknown", 0, None, None)
        try:
            return (await self.look_many([payment_hash])).get(payment_hash, unknown)
        except Retry:
            return unknown

    async def look_many(self, hashes: Sequence[str], *, urgent: bool = False) -> dict[str, Look]:
        await self._answer()
        rows = (
            self._db.execute(f"{_LOOK} WHERE payment_hash = ?", (one,)).fetchone() for one in hashes
        )
        return {row[0]: Look(*row) for row in rows if row is not None}

    async def settled_since(self, updated_at: int) -> list[Look]:
        await self._answer()
        rows = self._db.execute(
            f"{_LOOK} WHERE settled_at >= ? ORDER BY settled_at, settlement", (updated_at,)
        )
        return [Look(*row) for row in rows]

    async def hints(self) -> AsyncGenerator[str | None, None]:
        queue = HintQueue()
        async with contextlib.aclosing(queue.drain(self._follow(queue))) as hints:
            async for hint in hints:
                yield hint

    async def balance(self) -> int:
        await self._answer()
        return int(
            self._db.execute("SELECT coalesce(sum(credited_msat), 0) FROM payment").fetchone()[0]
        )

    def now(self) -> int:
        return int(self._clock())

    async def probe(self) -> None:
        with contextlib.suppress(Retry, Broken):
            await self._answer()

    def health(self) -> Health:
        return self._health

    async def close(self) -> None:
        self._db.close()

    # What the world does.

    async def pay(self, bolt11: str, amount_msat: int | None = None) -> None:
        """Settles an invoice, with another amount if one is given; PaymentFailed if not."""
        now = int(self._clock())
        settled = self._db.execute(
            "UPDATE payment SET state = 'settled', settled_at = :now,"
            " credited_msat = coalesce(:amount, amount_msat),"
            " settlement = (SELECT coalesce(max(settlement), 0) + 1 FROM payment)"
            " WHERE bolt11 = :bolt11 AND state <> 'settled' AND (expires_at > :now OR :late)"
            " RETURNING payment_hash",
            {"now": now, "amount": amount_msat, "bolt11": bolt11.lower(), "late": self.accept_late},
        ).fetchone()
        if settled is None:
            raise PaymentFailed(self._why_not(bolt11.lower()))
        self._tell(settled[0])

    async def pay_in(self, amount_msat: int) -> str:
        """Money that is none of the bot's business; its payment hash."""
        signed = self._sign(amount_msat, "something else", 3_600)
        self._db.execute(
            "INSERT INTO payment (payment_hash, bolt11, amount_msat, expires_at)"
            " VALUES (?, ?, ?, ?)",
            (signed.payment_hash, signed.bolt11, amount_msat, signed.expires_at),
        )
        await self.pay(signed.bolt11)
        return signed.payment_hash

    def give_up(self, payment_hash: str) -> None:
        """Marks an unpaid invoice `failed`, as LNbits does after the expiry; not final."""
        self._db.execute(
            "UPDATE payment SET state = 'failed' WHERE payment_hash = ? AND state = 'pending'",
            (payment_hash,),
        )

    def hang_up(self) -> None:
        """The hints' connection breaks and comes back."""
        for queue in self._streams:
            queue.put(None)

    def stock(self, number: int, amount_msat: int, expiry_seconds: int = 86_400) -> None:
        """Signs invoices of one amount ahead; `create` hands them out, whatever the memo."""
        self._stock[amount_msat].extend(
            self._sign(amount_msat, "ticket", expiry_seconds) for _ in range(number)
        )

    async def _answer(self) -> None:
        """What comes before every answer, or instead of it."""
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.down:
            raise self._unknown("the fake wallet is down")
        if self.refuses_key:
            self._health = Health(False, int(self._clock()), "the fake wallet refuses the key")
            raise Broken("The fake wallet refuses the key, as `refuses_key` told it to.")
        self._health = Health(True, int(self._clock()), "ok")

    def _unknown(self, text: str) -> Retry:
        self._health = Health(False, int(self._clock()), text)
        return Retry(text)

    def _sign(self, amount_msat: int, memo: str, expiry_seconds: int) -> _Signed:
        payment_hash = sha256(os.urandom(32)).digest()
        now = int(self._clock())
        bolt11 = write_bolt11(
            network=_NETWORK,
            payment_hash=payment_hash,
            payment_secret=os.urandom(32),
            amount_msat=amount_msat,
            memo=tidy_memo(memo),
            created_at=now,
            expiry_seconds=expiry_seconds,
            sign=self._node.sign_recoverable,
        )
        return _Signed(payment_hash.hex(), bolt11, now + expiry_seconds)

    def _why_not(self, bolt11: str) -> str:
        state: tuple[State] | None = self._db.execute(
            "SELECT state FROM payment WHERE bolt11 = ?", (bolt11,)
        ).fetchone()
        if state is None:
            return "no such invoice"
        return "already paid" if state[0] == "settled" else "the invoice has expired"

    def _tell(self, payment_hash: str) -> None:
        if not self.deaf:
            for queue in self._streams:
                queue.put(payment_hash)

    async def _follow(self, queue: HintQueue) -> None:
        """Feeds one stream: what this process pays at once, what others pay by polling."""
        self._streams.add(queue)
        queue.put(None)
        try:
            if not self._shared:
                await asyncio.Event().wait()
            told = self._settlements()
            version = self._version()
            while True:
                await asyncio.sleep(_POLL)
                if version == self._version():
                    continue
                version = self._version()
                for payment_hash, settlement in self._db.execute(
                    "SELECT payment_hash, settlement FROM payment WHERE settlement > ?"
                    " ORDER BY settlement",
                    (told,),
                ):
                    told = settlement
                    if not self.deaf:
                        queue.put(payment_hash)
        finally:
            self._streams.discard(queue)

    def _version(self) -> int:
        """Changes when another connection commits (PRAGMA data_version)."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def _settlements(self) -> int:
        return int(
            self._db.execute("SELECT coalesce(max(settlement), 0) FROM payment").fetchone()[0]
        )
