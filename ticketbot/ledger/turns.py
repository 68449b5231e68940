"""What became of the last offers in each event's queue. What follows from it: domain/waiting.py."""

from __future__ import annotations

from ticketbot.domain.waiting import Turns
from ticketbot.ledger.store import Tx


def of(tx: Tx, event_id: str) -> Turns:
    """What an event remembers; nothing where nobody has let go of anything."""
    row = tx.row("SELECT fates, passed FROM turns WHERE event_id = ?", (event_id,))
    return Turns() if row is None else Turns(*row)


def save(tx: Tx, event_id: str, turns: Turns) -> None:
    """Remember this from now on."""
    tx.change(
        "INSERT INTO turns VALUES (?1, ?2, ?3)"
        " ON CONFLICT (event_id) DO UPDATE SET fates = ?2, passed = ?3",
        (event_id, *turns),
    )


def taken(tx: Tx, event_id: str, order_id: str) -> None:
    """Kept seats became this order, which may still be left unpaid."""
    save(tx, event_id, of(tx, event_id).taken())
    tx.change("INSERT INTO turn_taken VALUES (?)", (order_id,))


def left_unpaid(tx: Tx, event_id: str, order_id: str) -> None:
    """An order is let go. Nothing happens where it did not come by the queue."""
    if tx.change("DELETE FROM turn_taken WHERE order_id = ?", (order_id,)):
        save(tx, event_id, of(tx, event_id).left_unpaid())
