"""What must still happen outside. Rows are sealed, and deleted when they are done."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from ticketbot.ledger.store import Tx


class Due(NamedTuple):
    """A row of the outbox. `signed`: the sealed event, once there is one."""

    id: int
    key: str
    kind: str
    attempts: int
    body: dict[str, Any]
    signed: bytes | None


def put(tx: Tx, key: str, kind: str, due: int, body: dict[str, Any]) -> bool:
    """Queue something under its deterministic key; False when it is queued already."""
    sealed = tx.vault.seal(orjson.dumps(body), b"outbox")
    return (
        tx.change(
            "INSERT OR IGNORE INTO outbox (key, kind, due, body) VALUES (?, ?, ?, ?)",
            (key, kind, due, sealed),
        )
        == 1
    )


def due(tx: Tx, kind: str, now: int, skip: frozenset[int], most: int) -> list[Due]:
    """Rows of a kind whose time has come, oldest first, without those in hand."""
    known = tx.rows(
        "SELECT id FROM outbox WHERE kind = ? AND due <= ? ORDER BY due, id LIMIT ?",
        (kind, now, most + len(skip)),
    )
    fresh = [number for (number,) in known if number not in skip][:most]
    rows = tx.rows(
        "SELECT id, key, kind, attempts, body, event FROM outbox LEFT JOIN signed USING (id)"
        " WHERE id IN (SELECT value FROM json_each(?)) ORDER BY due, id",
        (orjson.dumps(fresh).decode(),),
    )
    return [_due(tx, *row) for row in rows]


def _due(
    tx: Tx, number: int, key: str, kind: str, attempts: int, body: bytes, event: bytes | None
) -> Due:
    signed = None if event is None else tx.vault.open(event, b"signed")
    return Due(number, key, kind, attempts, orjson.loads(tx.vault.open(body, b"outbox")), signed)


def keep_signed(tx: Tx, number: int, event: bytes) -> None:
    """Store the signed event before anybody sees it; a re-wrap replaces it."""
    tx.change(
        "INSERT OR REPLACE INTO signed (id, event) VALUES (?, ?)",
        (number, tx.vault.seal(event, b"signed")),
    )


def accept(tx: Tx, number: int, relay: str) -> None:
    """A relay said OK."""
    tx.change("INSERT OR IGNORE INTO accepted (id, relay) VALUES (?, ?)", (number, relay))


def accepted(tx: Tx, number: int) -> set[str]:
    """The relays that have it."""
    return {row[0] for row in tx.rows("SELECT relay FROM accepted WHERE id = ?", (number,))}


def done(tx: Tx, number: int) -> None:
    """Nothing more to do; what hangs on the row goes with it."""
    tx.change("DELETE FROM outbox WHERE id = ?", (number,))


def postpone(tx: Tx, number: int, due_at: int) -> None:
    """Try again at `due_at`."""
    tx.change("UPDATE outbox SET due = ?, attempts = attempts + 1 WHERE id = ?", (due_at, number))


def quarantine(tx: Tx, room: str, key: str, error: str, body: bytes, now: int) -> None:
    """Put poison aside, sealed, so that the rest goes on."""
    tx.change(
        "INSERT INTO quarantine (at, room, key, error, body) VALUES (?, ?, ?, ?, ?)",
        (now, room, key, error, tx.vault.seal(body, b"quarantine")),
    )


def hasten(tx: Tx, key: str, kind: str, due: int, body: dict[str, Any]) -> None:
    """Make a row due at `due`, as if it had never been tried; queue it where there is none."""
    if not put(tx, key, kind, due, body):
        tx.change("UPDATE outbox SET due = min(due, ?), attempts = 0 WHERE key = ?", (due, key))


def body_of(tx: Tx, key: str) -> dict[str, Any] | None:
    """What the row under this key carries; None when it is done."""
    row = tx.row("SELECT body FROM outbox WHERE key = ?", (key,))
    return None if row is None else orjson.loads(tx.vault.open(row[0], b"outbox"))


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


def late(tx: Tx, attempts: int) -> int:
    """How many messages have been tried so often."""
    sql = "SELECT count(*) FROM outbox WHERE kind = 'message' AND attempts >= ?"
    row = tx.row(sql, (attempts,))
    return int(row[0]) if row else 0


def replace_body(tx: Tx, number: int, body: dict[str, Any]) -> None:
    """The same message wrapped anew: forget the signed event, keep the rumor."""
    tx.change("DELETE FROM signed WHERE id = ?", (number,))
    sealed = tx.vault.seal(orjson.dumps(body), b"outbox")
    tx.change("UPDATE outbox SET body = ? WHERE id = ?", (sealed, number))
