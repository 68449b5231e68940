"""Who is still to be thanked after an event. The ledger knows how far it has come."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger.people import NOBODY
from ticketbot.ledger.store import Tx

WAS_THERE = "state IN ('admitted', 'out')"


class Visitor(NamedTuple):
    """Somebody who was let in, and the row number of the ticket that says so."""

    person: int
    row: int


def due(tx: Tx, ended_after: int, ended_before: int) -> list[str]:
    """Events on sale that ended between these times and whose visitors are not all thanked."""
    rows = tx.rows(
        "SELECT event_id FROM listing WHERE ends > ? AND ends <= ? AND state = 'on-sale'"
        " AND NOT EXISTS (SELECT 1 FROM thanks WHERE thanks.event_id = listing.event_id"
        " AND done_at IS NOT NULL) ORDER BY ends LIMIT 100",
        (ended_after, ended_before),
    )
    return [row[0] for row in rows]


def begun(tx: Tx, event_id: str) -> int:
    """The last row that was looked at; 0 before the first."""
    row = tx.row("SELECT after FROM thanks WHERE event_id = ?", (event_id,))
    return 0 if row is None else int(row[0])


def visitors(tx: Tx, event_id: str, after: int, most: int) -> list[Visitor]:
    """The next tickets that were let in; who was forgotten is nobody."""
    rows = tx.rows(
        f"SELECT holder, rowid FROM ticket WHERE event_id = ? AND rowid > ? AND {WAS_THERE}"
        f" AND holder > {NOBODY} ORDER BY rowid LIMIT ?",
        (event_id, after, most),
    )
    return [Visitor(*row) for row in rows]


def claim(tx: Tx, event_id: str, person: int) -> bool:
    """Whether this is the first word of thanks to them."""
    sql = "INSERT OR IGNORE INTO thanked (event_id, person) VALUES (?, ?)"
    return tx.change(sql, (event_id, person)) == 1


def go_on(tx: Tx, event_id: str, after: int) -> None:
    """So far it has come."""
    tx.change(
        "INSERT INTO thanks (event_id, after) VALUES (?1, ?2)"
        " ON CONFLICT (event_id) DO UPDATE SET after = ?2",
        (event_id, after),
    )


def finish(tx: Tx, event_id: str, now: int) -> None:
    """All are thanked, for good; who they were is not needed any more."""
    go_on(tx, event_id, begun(tx, event_id))
    tx.change("UPDATE thanks SET done_at = ? WHERE event_id = ?", (now, event_id))
    tx.change("DELETE FROM thanked WHERE event_id = ?", (event_id,))
