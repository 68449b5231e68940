"""Scans: whatever was shown at a door and what came of it, append-only; and what they add up to."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.admission import UNDOINGS, Kind, Move, Outcome, State
from ticketbot.ledger.store import Row, Tx

COLUMNS = "event_id, ticket, kind, outcome, counts, at, device_at, gate, pass"


class ScanRow(NamedTuple):
    """One scan. `counts`: it belongs to the ticket's story. Times in unix seconds."""

    event_id: str
    ticket: str | None
    kind: Kind
    outcome: Outcome
    counts: bool
    at: int
    device_at: int | None
    gate: str
    by: int | None  # the pass; None: the organizer

    @property
    def happened(self) -> int:
        """When somebody stood at the door."""
        return self.at if self.device_at is None else self.device_at


class Count(NamedTuple):
    """How often people of a tier came in, came back and went, through one gate."""

    tier: str
    gate: str
    entries: int
    returns: int
    exits: int


def write(tx: Tx, scan: ScanRow, nonce: bytes | None) -> None:
    """Write a scan down."""
    tx.change(f"INSERT INTO scan ({COLUMNS}, nonce) VALUES (?,?,?,?,?,?,?,?,?,?)", (*scan, nonce))


def nonce_tag(tx: Tx, event_id: str, nonce: str) -> bytes:
    """What a scan is known by, however often it is told: once for each event."""
    return tx.vault.tag(b"scan", f"{event_id}:{nonce}".encode())


def told(tx: Tx, nonce: bytes) -> ScanRow | None:
    """The scan that was told under this nonce."""
    row = tx.row(f"SELECT {COLUMNS} FROM scan WHERE nonce = ?", (nonce,))
    return None if row is None else _scan(row)


def story(tx: Tx, ticket_id: str) -> list[Move]:
    """What happened to a ticket, as it was told."""
    rows = tx.rows(
        "SELECT outcome, coalesce(device_at, at), gate FROM scan"
        " WHERE ticket = ? AND counts = 1 ORDER BY id",
        (ticket_id,),
    )
    return [Move(Outcome(outcome), at, gate) for outcome, at, gate in rows]


def of_order(tx: Tx, order_id: str, most: int) -> list[ScanRow]:
    """The newest scans of an order's tickets, whatever came of them, as they were told."""
    columns = ", ".join(f"scan.{name}" for name in COLUMNS.split(", "))
    rows = tx.rows(
        f"SELECT {columns} FROM ticket CROSS JOIN scan ON scan.ticket = ticket.id"
        " WHERE ticket.order_id = ? ORDER BY scan.id DESC LIMIT ?",
        (order_id, most),
    )
    return [_scan(row) for row in reversed(rows)]


def move(tx: Tx, ticket_id: str, before: State, after: State) -> None:
    """The ticket's own row; `LookupError` unless it stood where it was seen."""
    touched = tx.change(
        "UPDATE ticket SET state = ? WHERE id = ? AND state = ?", (after, ticket_id, before)
    )
    if touched != 1:
        raise LookupError(f"ticket {ticket_id} is not {before}")


def count(tx: Tx, event_id: str, tier: str, undone: Move | None, done: Move) -> None:
    """Add a move; or take one off that was undone, at the gate where it was made."""
    entries, returns, exits = _weights((undone or done).outcome)
    sign = 1 if undone is None else -1
    tx.change(
        "INSERT INTO door_count (event_id, tier, gate, entries, returns, exits)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET"
        " entries = entries + ?4, returns = returns + ?5, exits = exits + ?6",
        (event_id, tier, (undone or done).gate, sign * entries, sign * returns, sign * exits),
    )


def counts(tx: Tx, event_id: str) -> list[Count]:
    """What came and went at an event, by tier and gate."""
    rows = tx.rows(
        "SELECT tier, gate, entries, returns, exits FROM door_count WHERE event_id = ?"
        " ORDER BY tier, gate",
        (event_id,),
    )
    return [Count(*row) for row in rows]


class Doubt(NamedTuple):
    """A ticket that a scanner without a network cannot judge by its token alone."""

    ticket_id: str
    version: int
    state: State


def doubtful(tx: Tx, event_id: str, *, used: bool) -> list[Doubt]:
    """Tickets of an event that are void or of a later version; with `used` also those shown."""
    rows = tx.rows(
        "SELECT id, version, state FROM ticket WHERE event_id = ?"
        " AND (state = 'void' OR version > 1 OR (? AND state <> 'valid')) ORDER BY id",
        (event_id, used),
    )
    return [Doubt(ticket_id, version, State(state)) for ticket_id, version, state in rows]


def unexplained(tx: Tx) -> list[str]:
    """Tickets that do not stand where their scans leave them, and counts that differ from both."""
    rows = tx.rows(
        "SELECT ticket.id, state, coalesce(came, 0) AS came, coalesce(went, 0) AS went FROM ticket"
        " LEFT JOIN (SELECT ticket,"
        "  sum((outcome IN ('admitted', 'readmitted'))"
        "   - (outcome IN ('entry-undone', 'return-undone'))) AS came,"
        "  sum((outcome = 'left') - (outcome = 'exit-undone')) AS went"
        "  FROM scan WHERE counts = 1 GROUP BY ticket) AS scans ON scans.ticket = ticket.id"
        " WHERE state <> 'void' AND CASE state WHEN 'valid' THEN came <> 0 OR went <> 0"
        "  WHEN 'admitted' THEN coalesce(came, 0) <> coalesce(went, 0) + 1"
        "  ELSE coalesce(came, 0) <> coalesce(went, 0) OR coalesce(came, 0) = 0 END"
    )
    broken = [f"ticket {i}: it is {s}, and came {c} times, went {w}" for i, s, c, w in rows]
    rows = tx.rows(
        "SELECT event_id, sum(moved) AS inside, sum(counted) AS told FROM ("
        " SELECT event_id, (outcome IN ('admitted', 'readmitted', 'exit-undone'))"
        "  - (outcome IN ('left', 'entry-undone', 'return-undone')) AS moved, 0 AS counted"
        " FROM scan WHERE counts = 1 UNION ALL"
        " SELECT event_id, 0, entries + returns - exits FROM door_count"
        ") GROUP BY event_id HAVING inside <> told"
    )
    return broken + [f"{e}: scans leave {n} inside, the counts {c}" for e, n, c in rows]


def _weights(outcome: Outcome) -> tuple[int, int, int]:
    assert outcome not in UNDOINGS
    return (
        int(outcome is Outcome.ADMITTED),
        int(outcome is Outcome.READMITTED),
        int(outcome is Outcome.LEFT),
    )


def _scan(row: Row) -> ScanRow:
    event_id, ticket, kind, outcome, counts, *rest = row
    return ScanRow(event_id, ticket, Kind(kind), Outcome(outcome), bool(counts), *rest)
