"""Small facts that must survive a restart: cursors, switches, the last heartbeat."""

from __future__ import annotations

import orjson

from ticketbot.ledger.store import Tx


def get(tx: Tx, name: str) -> str | None:
    """The value of a mark, or None."""
    row = tx.row("SELECT value FROM mark WHERE name = ?", (name,))
    return None if row is None else str(row[0])


def put(tx: Tx, name: str, value: str) -> None:
    """Set a mark."""
    tx.change(
        "INSERT INTO mark (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def drop(tx: Tx, name: str) -> None:
    """Remove a mark."""
    tx.change("DELETE FROM mark WHERE name = ?", (name,))


def raise_to(tx: Tx, name: str, value: int) -> None:
    """Move a cursor forward, never back."""
    tx.change(
        "INSERT INTO mark (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE "
        "SET value = excluded.value WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)",
        (name, str(value)),
    )


def number(tx: Tx, name: str, default: int = 0) -> int:
    """A mark that is a number."""
    value = get(tx, name)
    return default if value is None else int(value)


def once(tx: Tx, name: str, value: str) -> bool:
    """Set a mark that never changes; whether it is this value."""
    tx.change("INSERT OR IGNORE INTO mark (name, value) VALUES (?, ?)", (name, value))
    return get(tx, name) == value


def first(tx: Tx, name: str, value: int) -> int:
    """A mark that is a number, and is this one from now on where there was none."""
    tx.change("INSERT OR IGNORE INTO mark (name, value) VALUES (?, ?)", (name, str(value)))
    return number(tx, name)


def under(tx: Tx, prefix: str) -> dict[str, str]:
    """Every mark below `prefix`, named without it."""
    rows = tx.rows(
        "SELECT name, value FROM mark WHERE name >= ? AND name < ?", (prefix, prefix + "\x7f")
    )
    return {name[len(prefix) :]: value for name, value in rows}


def heartbeat(tx: Tx) -> dict[str, object] | None:
    """What the running bot last said of itself (`ticketbot status`)."""
    value = get(tx, "heartbeat")
    return None if value is None else orjson.loads(value)
