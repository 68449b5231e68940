"""Events that were moved to another time or place, and until when that is a reason to step back."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger.store import Tx


class Move(NamedTuple):
    """When an event was last moved, and until when tickets ordered before go back in full."""

    at: int
    until: int


def note(tx: Tx, event_id: str, move: Move) -> None:
    """An event was moved, perhaps not for the first time."""
    tx.change(
        "INSERT INTO moved (event_id, at, until) VALUES (?1, ?2, ?3) ON CONFLICT (event_id)"
        " DO UPDATE SET at = ?2, until = ?3",
        (event_id, *move),
    )


def of(tx: Tx, event_id: str) -> Move | None:
    """The last move of an event, if it was ever moved."""
    row = tx.row("SELECT at, until FROM moved WHERE event_id = ?", (event_id,))
    return None if row is None else Move(*row)
