"""What must still happen outside. Rows are sealed, and deleted when they are done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.when import DAY, HOUR
from ticketbot.ledger.store import Tx

LATE = HOUR
"""Seconds after which a message that has not left is a trouble."""


class Due(NamedTuple):
    """A row of the outbox."""

    id: int
    key: str
    kind: str
    attempts: int
    body: dict[str, Any]


_PUT = "INSERT OR IGNORE INTO outbox (key, kind, put_at, due, body) VALUES (?1, ?2, ?3, ?3, ?4)"


def put(tx: Tx, key: str, kind: str, due: int, body: dict[str, Any]) -> None:
    """Queue something under its deterministic key, unless it is queued already."""
    tx.add(_PUT, (key, kind, due, tx.vault.seal(orjson.dumps(body), b"outbox")))


def due(tx: Tx, kind: str, now: int, skip: frozenset[int], most: int) -> list[Due]:
    """Rows of a kind whose time has come, oldest first, without those in hand."""
    known = tx.rows(
        "SELECT id FROM outbox WHERE kind = ? AND due <= ? ORDER BY due, id LIMIT ?",
        (kind, now, most + len(skip)),
    )
    fresh = [number for (number,) in known if number not in skip][:most]
    rows = tx.rows(
        "SELECT id, key, kind, attempts, body FROM outbox"
        " WHERE id IN (SELECT value FROM json_each(?)) ORDER BY due, id",
        (orjson.dumps(fresh).decode(),),
    )
    return [Due._make((*row[:4], _open(tx, row[4]))) for row in rows]


def _open(tx: Tx, sealed: bytes) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(tx.vault.open(sealed, b"outbox"))
    return body


def accept(tx: Tx, number: int, relay: str) -> None:
    """A relay said OK."""
    tx.change(
        "INSERT OR IGNORE INTO accepted (id, relay) SELECT id, ? FROM outbox WHERE id = ?",
        (relay, number),
    )


def accepted(tx: Tx, number: int) -> set[str]:
    """The relays that have it."""
    return {row[0] for row in tx.rows("SELECT relay FROM accepted WHERE id = ?", (number,))}


def done(tx: Tx, number: int) -> None:
    """Nothing more to do; what hangs on the row goes with it."""
    tx.change("DELETE FROM outbox WHERE id = ?", (number,))


def done_all(tx: Tx, numbers: Sequence[int]) -> None:
    """As `done`, for many at once."""
    if numbers:
        tx.change(
            "DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(numbers).decode(),),
        )


def postpone(tx: Tx, number: int, due_at: int) -> None:
    """Try again at `due_at`."""
    tx.change("UPDATE outbox SET due = ?, attempts = attempts + 1 WHERE id = ?", (due_at, number))


def pull_in(tx: Tx, now: int, longest: int) -> int:
    """Nothing waits longer than `longest` seconds for its next try; how many rows did.

    They were put off by a clock that has been put back since. What waits for people may wait
    longer, and a cancelled event begins its day anew.
    """
    kinds = [(kind, longest, now) for kind in ("invoice", "message", "note")]
    kinds += [(kind, max(longest, DAY), now) for kind in ("refund", "payout")]
    kinds += [("closing", max(longest, DAY), now + DAY)]
    # an errand that was not tried yet has its own time, perhaps weeks ahead
    tried = "kind = 'errand' AND attempts > 0"
    pulled = tx.change(
        f"UPDATE outbox SET due = ?1 WHERE {tried} AND due > ?1 + ?2", (now, longest)
    )
    return pulled + sum(
        tx.change(
            "UPDATE outbox SET due = ?1 WHERE kind = ?2 AND due > ?3 + ?4", (due, kind, now, most)
        )
        for kind, most, due in kinds
    )


def quarantine(tx: Tx, room: str, key: str, error: str, body: bytes, now: int) -> None:
    """Put poison aside so that the rest goes on; sealed, and what it made fail may quote it.

    `room` is `inbox`, or the kind that the row had in the outbox. Under one key only the newest
    is kept.
    """
    tx.change("DELETE FROM quarantine WHERE room = ? AND key = ?", (room, key))
    tx.change(
        "INSERT INTO quarantine (at, room, key, error, body) VALUES (?, ?, ?, ?, ?)",
        (
            now,
            room,
            key,
            tx.vault.seal(error.encode(errors="replace"), b"quarantine-error"),
            tx.vault.seal(body, b"quarantine"),
        ),
    )


def hasten(tx: Tx, key: str, kind: str, due: int, body: dict[str, Any]) -> None:
    """Make a row due at `due`, as if it had never been tried; queue it where there is none."""
    put(tx, key, kind, due, body)
    tx.change("UPDATE outbox SET due = min(due, ?), attempts = 0 WHERE key = ?", (due, key))


def arm(tx: Tx, key: str, kind: str, due: int, body: dict[str, Any]) -> None:
    """The row under this key, whatever it was before, is due then and carries this."""
    sealed = tx.vault.seal(orjson.dumps(body), b"outbox")
    tx.change(
        "INSERT INTO outbox (key, kind, put_at, due, body) VALUES (?1, ?2, ?3, ?3, ?4)"
        " ON CONFLICT (key) DO UPDATE SET due = ?3, attempts = 0, body = ?4",
        (key, kind, due, sealed),
    )


def is_due(tx: Tx, number: int, now: int) -> bool:
    """Whether this very row is still there, and its time has come."""
    return tx.row("SELECT 1 FROM outbox WHERE id = ? AND due <= ?", (number, now)) is not None


def has_under(tx: Tx, prefix: str) -> bool:
    """Whether anything waits whose key begins so."""
    sql = "SELECT 1 FROM outbox WHERE key >= ? AND key < ? LIMIT 1"
    return tx.row(sql, (prefix, f"{prefix}\x7f")) is not None


def drop_under(tx: Tx, prefix: str) -> None:
    """Nothing shall happen any more whose key begins so."""
    tx.change("DELETE FROM outbox WHERE key >= ? AND key < ?", (prefix, f"{prefix}\x7f"))


def body_of(tx: Tx, key: str) -> dict[str, Any] | None:
    """What the row under this key carries; None when it is done."""
    row = tx.row("SELECT body FROM outbox WHERE key = ?", (key,))
    return None if row is None else orjson.loads(tx.vault.open(row[0], b"outbox"))


def waits(tx: Tx, number: int) -> bool:
    """Whether this very row is still there."""
    return tx.row("SELECT 1 FROM outbox WHERE id = ?", (number,)) is not None


def amend(tx: Tx, key: str, **changes: object) -> None:
    """Let the row under this key carry more, or something else."""
    body = body_of(tx, key)
    if body is not None:
        sealed = tx.vault.seal(orjson.dumps(body | changes), b"outbox")
        tx.change("UPDATE outbox SET body = ? WHERE key = ?", (sealed, key))


def drop(tx: Tx, key: str) -> None:
    """It shall not happen any more."""
    tx.change("DELETE FROM outbox WHERE key = ?", (key,))


def pending(tx: Tx) -> int:
    """How many rows wait to leave; what waits for a person's answer is not among them."""
    row = tx.row("SELECT count(*) FROM outbox WHERE kind IN ('invoice', 'message', 'note')")
    return int(row[0]) if row else 0


def late(tx: Tx, before: int) -> int:
    """How many messages wait since before then."""
    sql = "SELECT count(*) FROM outbox WHERE kind = 'message' AND put_at < ?"
    row = tx.row(sql, (before,))
    return int(row[0]) if row else 0


def replace_body(tx: Tx, number: int, body: dict[str, Any]) -> None:
    """The same message, sealed differently from now on."""
    sealed = tx.vault.seal(orjson.dumps(body), b"outbox")
    tx.change("UPDATE outbox SET body = ? WHERE id = ?", (sealed, number))
