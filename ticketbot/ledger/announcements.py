"""Announcements: drafted, on their way, sent."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger import people
from ticketbot.ledger.store import Row, Tx

COLUMNS = "id, event_id, state, words, made_at, begun_at, told"


class Announcement(NamedTuple):
    """What an organizer says to everybody; `state` is draft, sending or sent.

    `words` are empty once it was sent, and only then is known how many people were `told`.
    """

    id: str
    event_id: str
    state: str
    words: str
    made_at: int
    begun_at: int | None
    told: int


def get(tx: Tx, announcement_id: str) -> Announcement | None:
    """The announcement with this id."""
    row = tx.row(f"SELECT {COLUMNS} FROM announcement WHERE id = ?", (announcement_id,))
    return None if row is None else _read(tx, row)


def draft_of(tx: Tx, event_id: str, since: int) -> Announcement | None:
    """What the organizer of an event has written since then, and not sent."""
    row = tx.row(
        f"SELECT {COLUMNS} FROM announcement"
        " WHERE event_id = ? AND state = 'draft' AND made_at > ?",
        (event_id, since),
    )
    return None if row is None else _read(tx, row)


def write(tx: Tx, announcement_id: str, event_id: str, words: str, now: int) -> None:
    """A draft, in place of an earlier one."""
    tx.change("DELETE FROM announcement WHERE event_id = ? AND state = 'draft'", (event_id,))
    sealed = tx.vault.seal(words.encode(), b"announcement")
    tx.change(
        "INSERT INTO announcement (id, event_id, state, words, made_at)"
        " VALUES (?, ?, 'draft', ?, ?)",
        (announcement_id, event_id, sealed, now),
    )


def begin(tx: Tx, announcement_id: str, now: int) -> None:
    """It is on its way from now on."""
    tx.change(
        "UPDATE announcement SET state = 'sending', begun_at = ? WHERE id = ?",
        (now, announcement_id),
    )


def begun_since(tx: Tx, event_id: str, since: int) -> list[int]:
    """When announcements of an event began since then, oldest first (unix seconds)."""
    rows = tx.rows(
        "SELECT begun_at FROM announcement WHERE event_id = ? AND begun_at > ? ORDER BY begun_at",
        (event_id, since),
    )
    return [row[0] for row in rows]


def holders(tx: Tx, event_id: str) -> int:
    """How many people hold a live ticket of an event."""
    row = tx.row(
        "SELECT count(DISTINCT holder) FROM ticket"
        f" WHERE event_id = ? AND state <> 'void' AND holder <> {people.NOBODY}",
        (event_id,),
    )
    return int(row[0]) if row else 0


def finish(tx: Tx, announcement_id: str, told: int) -> None:
    """Everybody has been told: the words go."""
    tx.change(
        "UPDATE announcement SET state = 'sent', words = NULL, told = ? WHERE id = ?",
        (told, announcement_id),
    )


def forget_drafts(tx: Tx, before: int) -> int:
    """Drop what was written before then and never sent; how many."""
    return tx.change("DELETE FROM announcement WHERE state = 'draft' AND made_at < ?", (before,))


def _read(tx: Tx, row: Row) -> Announcement:
    words = "" if row[3] is None else tx.vault.open(row[3], b"announcement").decode()
    return Announcement._make((*row[:3], words, *row[4:]))
