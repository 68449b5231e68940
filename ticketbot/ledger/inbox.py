"""The inbox: what was answered once is not answered again, on no relay, after no restart."""

from __future__ import annotations

from ticketbot.ledger.store import Tx


def claim(tx: Tx, key: bytes, now: int) -> bool:
    """True for the first who brings this message; key is `Opened.key`, 32 bytes."""
    known = tx.vault.tag(b"inbox", key)  # a plain hash could be guessed: who, when, "buy lisbon"
    return tx.change("INSERT OR IGNORE INTO inbox (key, at) VALUES (?, ?)", (known, now)) == 1


def forget(tx: Tx, before: int, most: int = 500) -> int:
    """Drop keys of messages that are too old to be acted on anyway; how many."""
    return tx.change(
        "DELETE FROM inbox WHERE key IN (SELECT key FROM inbox WHERE at < ? LIMIT ?)",
        (before, most),
    )


def request_key(tx: Tx, person: int, request_id: str) -> bytes:
    """What a machine's request is remembered by."""
    return tx.vault.tag(b"request", f"{person}:{request_id}".encode())


def remembered(tx: Tx, key: bytes) -> tuple[bytes, str] | None:
    """(tag of the content, order id) of the purchase made under this key, or None."""
    row = tx.row("SELECT content, order_id FROM request WHERE key = ?", (key,))
    return None if row is None else (row[0], row[1])


def remember(tx: Tx, key: bytes, content: str, order_id: str) -> None:
    """Bind this request to its order for good."""
    tx.change(
        "INSERT INTO request (key, content, order_id) VALUES (?, ?, ?)",
        (key, content_tag(tx, content), order_id),
    )


def content_tag(tx: Tx, content: str) -> bytes:
    """What was asked, without the request_id: it may name somebody, so no plain hash tells it."""
    return tx.vault.tag(b"content", content.encode())
