"""What became of the last holds of each event. Which orders that concerns: domain/holds.py."""

from __future__ import annotations

from ticketbot.domain.holds import FORGOTTEN_AFTER, REMEMBERED, Holds, Room
from ticketbot.ledger.store import Tx

ALL = 2**REMEMBERED - 1


def of(tx: Tx, event_id: str, tier: str) -> Holds:
    """What an order of this event and tier ('': none) is judged by, in one read."""
    rows = tx.rows(
        "SELECT fates, lapsed_at, capacity - sold, held FROM seats"
        " WHERE event_id = ? AND tier IN ('', ?) ORDER BY tier",
        (event_id, tier),
    )
    rooms = tuple(Room(left, held) for _, _, left, held in rows if left is not None)
    return Holds(rows[0][0], rows[0][1], rooms)


def lapsed(tx: Tx, event_id: str, now: int) -> None:
    """One more hold was left unpaid."""
    tx.change(
        "UPDATE seats SET lapsed_at = ?2, fates = CASE WHEN abs(?2 - lapsed_at) < ?3"
        " THEN (fates << 1 | 1) & ?4 ELSE 1 END WHERE event_id = ?1 AND tier = ''",
        (event_id, now, FORGOTTEN_AFTER, ALL),
    )


def paid(tx: Tx, event_id: str) -> None:
    """One more hold was paid. Where none has lapsed there is nothing to write."""
    tx.change(
        "UPDATE seats SET fates = (fates << 1) & ?2"
        " WHERE event_id = ?1 AND tier = '' AND fates > 0",
        (event_id, ALL),
    )
