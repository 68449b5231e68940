"""What the door has written down of an event, ticket by ticket."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.admission import Move, Outcome
from ticketbot.ledger.store import Tx


class Holding(NamedTuple):
    """How many live tickets an event has, and how many of them nobody came in with."""

    tickets: int
    away: int


def holding(tx: Tx, event_id: str) -> Holding:
    """The tickets of an event."""
    row = tx.row(
        "SELECT count(*), coalesce(sum(state = 'valid'), 0) FROM ticket"
        " WHERE event_id = ? AND state <> 'void'",
        (event_id,),
    )
    assert row is not None
    return Holding(*row)


def stories(tx: Tx, event_id: str) -> dict[str, list[Move]]:
    """What happened to each ticket that was shown at the door, by its id, in the order told."""
    told: dict[str, list[Move]] = {}
    rows = tx.rows(
        "SELECT ticket, outcome, coalesce(device_at, at), gate FROM scan"
        " WHERE event_id = ? AND counts = 1 ORDER BY id",
        (event_id,),
    )
    for ticket, outcome, at, gate in rows:
        told.setdefault(ticket, []).append(Move(Outcome(outcome), at, gate))
    return told
