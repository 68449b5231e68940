"""Entries that were told later and should not have been: which, and who was told of them."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.admission import Outcome
from ticketbot.ledger.store import Tx

IN_CONFLICT = (
    "device_at IS NOT NULL AND kind = 'check-in' AND outcome NOT IN ('admitted', 'readmitted')"
)


class Entry(NamedTuple):
    """Somebody came in: when (unix seconds), by which gate, let in by which pass.

    None: by the organizer.
    """

    at: int
    gate: str
    by: int | None


class Conflict(NamedTuple):
    """An entry that happened, why it should not have, and the one that it is in conflict with.

    `ticket_id` is None where what was shown is no ticket of this bot's.
    """

    ticket_id: str | None
    outcome: Outcome
    entry: Entry
    other: Entry | None


def note(tx: Tx, event_id: str) -> None:
    """There is one more."""
    tx.change(
        "INSERT INTO door_conflict (event_id, found) VALUES (?, 1)"
        " ON CONFLICT (event_id) DO UPDATE SET found = found + 1",
        (event_id,),
    )


def found(tx: Tx, event_id: str) -> int:
    """How many an event has had."""
    row = tx.row("SELECT found FROM door_conflict WHERE event_id = ?", (event_id,))
    return 0 if row is None else int(row[0])


def of_event(tx: Tx, event_id: str, first: int, most: int) -> list[Conflict]:
    """A page of them, newest first; `first` counts from 1."""
    rows = tx.rows(
        "SELECT ticket, outcome, id, device_at, gate, pass FROM scan"
        f" WHERE event_id = ? AND {IN_CONFLICT} ORDER BY id DESC LIMIT ? OFFSET ?",
        (event_id, most, first - 1),
    )
    return [
        Conflict(ticket, Outcome(outcome), Entry(*entry), _other(tx, ticket, number))
        for ticket, outcome, number, *entry in rows
    ]


def untold(tx: Tx, told_before: int) -> list[str]:
    """Events whose organizers do not know of all, and heard nothing of them since then."""
    rows = tx.rows(
        "SELECT event_id FROM door_conflict WHERE told < found AND told_at <= ?"
        " ORDER BY told_at LIMIT 100",
        (told_before,),
    )
    return [row[0] for row in rows]


def tell(tx: Tx, event_id: str, now: int) -> tuple[int, int]:
    """All of them count as told; how many are new to the organizer, and how many there are."""
    row = tx.row("SELECT found - told, found FROM door_conflict WHERE event_id = ?", (event_id,))
    assert row is not None
    tx.change(
        "UPDATE door_conflict SET told = found, told_at = ? WHERE event_id = ?", (now, event_id)
    )
    return int(row[0]), int(row[1])


def miscounted(tx: Tx) -> list[str]:
    """Events whose number of conflicts is not that of their scans."""
    rows = tx.rows(
        "SELECT event_id, sum(one) AS happened, sum(counted) AS noted FROM ("
        f" SELECT event_id, 1 AS one, 0 AS counted FROM scan WHERE {IN_CONFLICT} UNION ALL"
        " SELECT event_id, 0, found FROM door_conflict) GROUP BY event_id HAVING happened <> noted"
    )
    return [f"{e}: {n} scans are in conflict, {c} are counted" for e, n, c in rows]


def _other(tx: Tx, ticket_id: str | None, before: int) -> Entry | None:
    """The entry that was known when the conflict was told."""
    row = tx.row(
        "SELECT coalesce(device_at, at), gate, pass FROM scan WHERE ticket = ? AND id < ?"
        " AND counts = 1 AND outcome = 'admitted' ORDER BY id DESC LIMIT 1",
        (ticket_id, before),
    )
    return None if row is None else Entry(*row)
