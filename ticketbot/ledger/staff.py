"""Who may scan at which event: people, and whoever has a secret that was made for it.

A person's key is sealed and found by HMAC, a secret only by HMAC. Nothing here says whose it is
to who has not the nsec; some time after the event nothing says it to anybody.
"""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger.listings import COLUMNS as LISTING
from ticketbot.ledger.listings import Listed, listed
from ticketbot.ledger.store import Row, Tx

COLUMNS = "id, event_id, kind, sealed, gate, made_at, expires_at"
IN_FORCE = "removed_at IS NULL"


class Pass(NamedTuple):
    """Leave to scan at an event until `expires_at`. `pubkey` is None for a secret."""

    id: int
    event_id: str
    pubkey: str | None
    gate: str
    made_at: int
    expires_at: int


def person_tag(tx: Tx, pubkey: str) -> bytes:
    """What a person's passes are found by."""
    return tx.vault.tag(b"staff", bytes.fromhex(pubkey))


def secret_tag(tx: Tx, secret: str) -> bytes:
    """All that is kept of a secret."""
    return tx.vault.tag(b"door token", secret.encode())


def give(tx: Tx, event_id: str, pubkey: str, now: int, expires_at: int) -> int:
    """Let a person scan at an event until then, or until then instead; the pass's number."""
    lookup, sealed = person_tag(tx, pubkey), tx.vault.seal(bytes.fromhex(pubkey), b"staff")
    row = tx.row(
        "INSERT INTO door_pass (event_id, kind, lookup, sealed, made_at, expires_at)"
        " VALUES (?, 'person', ?, ?, ?, ?)"
        " ON CONFLICT (lookup, event_id) WHERE removed_at IS NULL AND lookup IS NOT NULL"
        " DO UPDATE SET expires_at = excluded.expires_at RETURNING id",
        (event_id, lookup, sealed, now, expires_at),
    )
    assert row is not None
    return int(row[0])


def give_secret(tx: Tx, event_id: str, secret: str, gate: str, now: int, expires_at: int) -> int:
    """Let whoever has this secret scan at an event; the pass's number."""
    return tx.insert(
        "INSERT INTO door_pass (event_id, kind, lookup, gate, made_at, expires_at)"
        " VALUES (?, 'token', ?, ?, ?, ?)",
        (event_id, secret_tag(tx, secret), gate, now, expires_at),
    )


def take(tx: Tx, event_id: str, number: int, now: int) -> bool:
    """End a pass of this event; False where there is none in force."""
    return bool(
        tx.change(
            f"UPDATE door_pass SET removed_at = ? WHERE id = ? AND event_id = ? AND {IN_FORCE}",
            (now, number, event_id),
        )
    )


def good(tx: Tx, lookup: bytes, event_id: str, now: int) -> Pass | None:
    """The pass behind a tag, if it is in force at this event."""
    row = tx.row(
        f"SELECT {COLUMNS} FROM door_pass WHERE lookup = ? AND event_id = ?"
        f" AND {IN_FORCE} AND expires_at > ?",
        (lookup, event_id, now),
    )
    return None if row is None else _pass(tx, row)


def anywhere(tx: Tx, lookup: bytes, now: int) -> list[str]:
    """The events at which the pass behind a tag is in force, the one that ends first before all."""
    rows = tx.rows(
        f"SELECT event_id FROM door_pass WHERE lookup = ? AND {IN_FORCE} AND expires_at > ?"
        " ORDER BY expires_at",
        (lookup, now),
    )
    return [row[0] for row in rows]


def of_event(tx: Tx, event_id: str, now: int) -> list[Pass]:
    """Every pass in force at an event, oldest first."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM door_pass WHERE event_id = ? AND {IN_FORCE} AND expires_at > ?"
        " ORDER BY id",
        (event_id, now),
    )
    return [_pass(tx, row) for row in rows]


def numbered(tx: Tx, number: int) -> Pass | None:
    """The pass of this number, in force or not."""
    row = tx.row(f"SELECT {COLUMNS} FROM door_pass WHERE id = ?", (number,))
    return None if row is None else _pass(tx, row)


def organized(tx: Tx, pubkey: str, since: int) -> list[Listed]:
    """An organizer's own events that were not over then, the one that ends first before all."""
    rows = tx.rows(
        f"SELECT {LISTING} FROM listing WHERE organizer = ? AND ends > ? ORDER BY ends LIMIT 50",
        (pubkey, since),
    )
    return [listed(row) for row in rows]


def forget(tx: Tx, pubkey: str, now: int) -> int:
    """Nobody scans with this key any more, nor is known to have; how many passes that were."""
    return tx.change(
        "UPDATE door_pass SET lookup = NULL, sealed = NULL, removed_at = coalesce(removed_at, ?)"
        " WHERE lookup = ?",
        (now, person_tag(tx, pubkey)),
    )


def forget_old(tx: Tx, before: int, most: int = 500) -> int:
    """The same for all passes that were over before then."""
    return tx.change(
        "UPDATE door_pass SET lookup = NULL, sealed = NULL"
        " WHERE id IN (SELECT id FROM door_pass WHERE lookup IS NOT NULL AND expires_at < ?"
        " LIMIT ?)",
        (before, most),
    )


def _pass(tx: Tx, row: Row) -> Pass:
    number, event_id, _, sealed, gate, made_at, expires_at = row
    pubkey = None if sealed is None else tx.vault.open(sealed, b"staff").hex()
    return Pass(number, event_id, pubkey, gate, made_at, expires_at)
