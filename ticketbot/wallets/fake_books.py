"""The fake wallet's file: what it was asked to receive, and what it was told to send.

Several processes may have it open; it outlives them all.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from coincurve import PrivateKey

from ticketbot.domain.payment import Invoice, Look, Spent, State

Fate = Literal["paid", "pending", "failed"]

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
CREATE TABLE IF NOT EXISTS spending (
    payment_hash TEXT PRIMARY KEY,
    bolt11 TEXT NOT NULL,
    amount_msat INTEGER NOT NULL,
    fee_msat INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('paid', 'pending', 'failed')),
    changed_at INTEGER NOT NULL,
    change INTEGER NOT NULL UNIQUE
) STRICT;
"""
_LOOK = (
    "SELECT payment_hash, state, coalesce(credited_msat, amount_msat), external_id, settled_at"
    " FROM payment"
)
_SPENT = (
    "SELECT payment_hash, state, amount_msat, iif(state = 'paid', fee_msat, 0), changed_at"
    " FROM spending"
)
_NEXT_CHANGE = "(SELECT coalesce(max(change), 0) + 1 FROM spending)"


class Books:
    """The rows of one wallet, in a file or in memory, and the key of its node."""

    def __init__(self, path: str | Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(
            "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + _SCHEMA
        )
        self._db.execute("INSERT OR IGNORE INTO node VALUES (1, ?)", (os.urandom(32),))
        (secret,) = self._db.execute("SELECT secret FROM node").fetchone()
        self.node = PrivateKey(secret)

    def close(self) -> None:
        self._db.close()

    # What came in.

    def ask(self, invoice: Invoice, external_id: str | None) -> None:
        """A new invoice, which nobody has paid."""
        self._db.execute(
            "INSERT INTO payment (payment_hash, external_id, bolt11, amount_msat, expires_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                invoice.payment_hash,
                external_id,
                invoice.bolt11,
                invoice.amount_msat,
                invoice.expires_at,
            ),
        )

    def asked(self, external_id: str) -> list[Invoice]:
        rows = self._db.execute(
            "SELECT external_id, payment_hash, bolt11, amount_msat, expires_at FROM payment"
            " WHERE external_id = ? ORDER BY id",
            (external_id,),
        )
        return [Invoice(*row) for row in rows]

    def looks(self, hashes: Sequence[str]) -> Iterator[Look]:
        for one in hashes:
            row = self._db.execute(f"{_LOOK} WHERE payment_hash = ?", (one,)).fetchone()
            if row is not None:
                yield Look(*row)

    def settled_since(self, at: int) -> list[Look]:
        rows = self._db.execute(
            f"{_LOOK} WHERE settled_at >= ? ORDER BY settled_at, settlement", (at,)
        )
        return [Look(*row) for row in rows]

    def settle(self, bolt11: str, amount_msat: int | None, now: int, *, late: bool) -> str | None:
        """The payment hash; None when it is no invoice of ours, was paid, or has expired."""
        settled = self._db.execute(
            "UPDATE payment SET state = 'settled', settled_at = :now,"
            " credited_msat = coalesce(:amount, amount_msat),"
            " settlement = (SELECT coalesce(max(settlement), 0) + 1 FROM payment)"
            " WHERE bolt11 = :bolt11 AND state <> 'settled' AND (expires_at > :now OR :late)"
            " RETURNING payment_hash",
            {"now": now, "amount": amount_msat, "bolt11": bolt11, "late": late},
        ).fetchone()
        return settled and str(settled[0])

    def give_up(self, payment_hash: str) -> None:
        self._db.execute(
            "UPDATE payment SET state = 'failed' WHERE payment_hash = ? AND state = 'pending'",
            (payment_hash,),
        )

    def state(self, bolt11: str) -> State | None:
        """Of an invoice of ours; None for anybody else's."""
        row: tuple[State] | None = self._db.execute(
            "SELECT state FROM payment WHERE bolt11 = ?", (bolt11,)
        ).fetchone()
        return row and row[0]

    def settlements(self) -> int:
        """How many there were."""
        return int(
            self._db.execute("SELECT coalesce(max(settlement), 0) FROM payment").fetchone()[0]
        )

    def settled_after(self, settlement: int) -> list[tuple[str, int]]:
        """Payment hashes and numbers of the settlements after this one."""
        return self._db.execute(
            "SELECT payment_hash, settlement FROM payment WHERE settlement > ? ORDER BY settlement",
            (settlement,),
        ).fetchall()

    def version(self) -> int:
        """Changes when another connection commits (PRAGMA data_version)."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    # What went out.

    def begin(
        self, payment_hash: str, bolt11: str, amount_msat: int, fee_msat: int, now: int
    ) -> bool:
        """A pending row, whose money is reserved; False when there is one already."""
        cursor = self._db.execute(
            f"INSERT OR IGNORE INTO spending VALUES (?, ?, ?, ?, 'pending', ?, {_NEXT_CHANGE})",
            (payment_hash, bolt11, amount_msat, fee_msat, now),
        )
        return cursor.rowcount == 1

    def end(self, payment_hash: str, fate: Fate, now: int) -> str | None:
        """What became of a payment; its bolt11, or None when that was so already."""
        row = self._db.execute(
            f"UPDATE spending SET state = :fate, changed_at = :now, change = {_NEXT_CHANGE}"
            " WHERE payment_hash = :hash AND state <> :fate RETURNING bolt11",
            {"fate": fate, "now": now, "hash": payment_hash},
        ).fetchone()
        return row and str(row[0])

    def spent(self, payment_hash: str) -> Spent:
        row = self._db.execute(f"{_SPENT} WHERE payment_hash = ?", (payment_hash,)).fetchone()
        return Spent(*row) if row else Spent(payment_hash, "absent", 0, 0, None)

    def spent_since(self, at: int) -> list[Spent]:
        rows = self._db.execute(
            f"{_SPENT} WHERE state = 'paid' AND changed_at >= ? ORDER BY changed_at, change", (at,)
        )
        return [Spent(*row) for row in rows]

    def under_way(self) -> list[str]:
        rows = self._db.execute("SELECT payment_hash FROM spending WHERE state = 'pending'")
        return [row[0] for row in rows]

    def balance(self) -> int:
        """What came in, less what went out or is reserved to, fees among it; msat."""
        row = self._db.execute(
            "SELECT (SELECT coalesce(sum(credited_msat), 0) FROM payment)"
            " - coalesce(sum(amount_msat + fee_msat), 0) FROM spending WHERE state <> 'failed'"
        ).fetchone()
        return int(row[0])
