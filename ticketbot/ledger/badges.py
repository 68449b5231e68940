"""Who asked for a badge, and who has one."""

from __future__ import annotations

import orjson

from ticketbot.ledger.store import Tx
from ticketbot.ledger.thanks import WAS_THERE


def wish(tx: Tx, event_id: str, person: int) -> bool:
    """They want one; False when they have asked before."""
    sql = "INSERT OR IGNORE INTO badge_wish (event_id, person) VALUES (?, ?)"
    return tx.change(sql, (event_id, person)) == 1


def unwish(tx: Tx, event_id: str, person: int) -> None:
    """They want none; one that was published stays."""
    tx.change(
        "DELETE FROM badge_wish WHERE event_id = ? AND person = ? AND awarded_at IS NULL",
        (event_id, person),
    )


def awarded(tx: Tx, event_id: str, person: int) -> bool:
    """Whether theirs is published."""
    row = tx.row(
        "SELECT awarded_at FROM badge_wish WHERE event_id = ? AND person = ?", (event_id, person)
    )
    return row is not None and row[0] is not None


def due(tx: Tx, ended_before: int, most: int) -> list[str]:
    """Events that ended before then, with a badge for somebody who was let in."""
    rows = tx.rows(
        "SELECT DISTINCT event_id FROM badge_wish CROSS JOIN listing USING (event_id)"
        " WHERE awarded_at IS NULL AND ends <= ? AND EXISTS (SELECT 1 FROM ticket"
        " WHERE ticket.holder = badge_wish.person AND ticket.event_id = badge_wish.event_id"
        f" AND ticket.{WAS_THERE}) LIMIT ?",
        (ended_before, most),
    )
    return [row[0] for row in rows]


def to_award(tx: Tx, event_id: str, most: int) -> list[int]:
    """People who asked for the badge of this event and were let in."""
    rows = tx.rows(
        "SELECT person FROM badge_wish WHERE event_id = ? AND awarded_at IS NULL AND EXISTS"
        " (SELECT 1 FROM ticket WHERE ticket.holder = badge_wish.person"
        f" AND ticket.event_id = badge_wish.event_id AND ticket.{WAS_THERE})"
        " ORDER BY person LIMIT ?",
        (event_id, most),
    )
    return [row[0] for row in rows]


def award(tx: Tx, event_id: str, people: list[int], now: int) -> None:
    """Theirs is on its way to the relays."""
    tx.change(
        "UPDATE badge_wish SET awarded_at = ? WHERE event_id = ?"
        " AND person IN (SELECT value FROM json_each(?))",
        (now, event_id, orjson.dumps(people).decode()),
    )


def define(tx: Tx, event_id: str, now: int) -> bool:
    """Whether this is the first time that the badge of this event is published."""
    sql = "INSERT OR IGNORE INTO badge (event_id, made_at) VALUES (?, ?)"
    return tx.change(sql, (event_id, now)) == 1


def forget(tx: Tx, ended_before: int) -> int:
    """Wishes of who never came, some time after the event; how many."""
    return tx.change(
        "DELETE FROM badge_wish WHERE awarded_at IS NULL AND event_id IN"
        " (SELECT event_id FROM badge_wish CROSS JOIN listing USING (event_id)"
        " WHERE awarded_at IS NULL AND ends <= ?)",
        (ended_before,),
    )
