"""Announcements: drafted, on their way, and how far they have come."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger import people
from ticketbot.ledger.store import Row, Tx

COLUMNS = "id, event_id, state, words, made_at, begun_at, reached, told"


class Announcement(NamedTuple):
    """What an organizer says to everybody; `state` is draft, sending or sent.

    `words` are empty once it was sent. `told` people have it so far; tickets up to the row
    `reached` were looked at.
    """

    id: str
    event_id: str
    state: str
    words: str
    made_at: int
    begun_at: int | None
    reached: int
    told: int


def get(tx: Tx, announcement_id: str) -> Announcement | None:
    """The announcement with this id."""
    row = tx.row(f"SELECT {COLUMNS} FROM announcement WHERE id = ?", (announcement_id,))
    return None if row is None else _read(tx, row)


def draft_of(tx: Tx, event_id: str) -> Announcement | None:
    """What the organizer of an event has written and not sent."""
    row = tx.row(
        f"SELECT {COLUMNS} FROM announcement WHERE event_id = ? AND state = 'draft'", (event_id,)
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


def advance(tx: Tx, one: Announcement, most: int) -> tuple[list[int], bool]:
    """Look at the next live tickets: who is to be told now, and whether any were left to look at.

    Whoever is returned counts as told: the caller tells them in this transaction.
    """
    rows = tx.rows(
        "SELECT holder, rowid FROM ticket WHERE event_id = ? AND rowid > ? AND state <> 'void'"
        " ORDER BY rowid LIMIT ?",
        (one.event_id, one.reached, most),
    )
    found = dict.fromkeys(holder for holder, _ in rows if holder != people.NOBODY)
    fresh = [person for person in found if _first(tx, person, one.id)]
    if rows:
        tx.change(
            "UPDATE announcement SET reached = ?, told = told + ? WHERE id = ?",
            (rows[-1][1], len(fresh), one.id),
        )
    return fresh, bool(rows)


def finish(tx: Tx, announcement_id: str) -> None:
    """Everybody was told: the words go, and who heard them."""
    tx.change("DELETE FROM announced WHERE announcement = ?", (announcement_id,))
    tx.change(
        "UPDATE announcement SET state = 'sent', words = NULL WHERE id = ?", (announcement_id,)
    )


def _first(tx: Tx, person: int, announcement_id: str) -> bool:
    return bool(
        tx.change(
            "INSERT OR IGNORE INTO announced (person, announcement) VALUES (?, ?)",
            (person, announcement_id),
        )
    )


def _read(tx: Tx, row: Row) -> Announcement:
    words = "" if row[3] is None else tx.vault.open(row[3], b"announcement").decode()
    return Announcement._make((*row[:3], words, *row[4:]))
