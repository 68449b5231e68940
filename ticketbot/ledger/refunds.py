"""Money that goes back: what is owed to whom, and where it shall go."""

from __future__ import annotations

from ticketbot.domain.refund import Refund
from ticketbot.domain.spending import State
from ticketbot.ledger.store import Tx

COLUMNS = "id, order_id, person, payment_hash, amount_msat, reason, state, decided_at"
OWED = "state <> 'sent'"


def owe(tx: Tx, refund: Refund) -> None:
    """Decide a refund."""
    tx.change(f"INSERT INTO refund ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", refund)


def get(tx: Tx, refund_id: str) -> Refund | None:
    """The refund with this id."""
    found = _refunds(tx, "id = ?", refund_id)
    return found[0] if found else None


def of_order(tx: Tx, order_id: str) -> list[Refund]:
    """Refunds of an order, oldest first."""
    return _refunds(tx, "order_id = ? ORDER BY decided_at, id", order_id)


def owed(tx: Tx, most: int = 100, event_id: str | None = None) -> list[Refund]:
    """Refunds that are not sent, of all events or of one, oldest first."""
    if event_id is None:
        return _refunds(tx, f"{OWED} ORDER BY decided_at LIMIT ?", most)
    of_event = "order_id IN (SELECT id FROM orders WHERE event_id = ?)"
    return _refunds(tx, f"{OWED} AND {of_event} ORDER BY decided_at, id LIMIT ?", event_id, most)


def owed_to(tx: Tx, person: int) -> list[Refund]:
    """What is owed to a person, oldest first."""
    return _refunds(tx, f"{OWED} AND person = ? ORDER BY decided_at, id", person)


def owed_for(tx: Tx, letters: str) -> list[Refund]:
    """What is owed for orders whose id ends so, oldest first: operators type four letters.

    With `-r2` behind them only that refund.
    """
    if not letters.replace("-", "").isalnum():  # nothing that LIKE would take for anything else
        return []
    column = "id" if "-" in letters else "order_id"
    return _refunds(tx, f"{OWED} AND {column} LIKE ? ORDER BY decided_at, id", f"%{letters}")


def without_job(tx: Tx) -> list[str]:
    """Refunds that are owed, and that nothing in the outbox carries out."""
    rows = tx.rows(
        f"SELECT id FROM refund WHERE {OWED}"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE key = 'refund:' || refund.id)"
    )
    return [row[0] for row in rows]


def owed_total(tx: Tx) -> int:
    """All refunds that are not sent, in msat."""
    row = tx.row(f"SELECT coalesce(sum(amount_msat), 0) FROM refund WHERE {OWED}")
    return int(row[0]) if row else 0


def move(tx: Tx, refund: Refund, state: State, now: int) -> None:
    """Set the state that the refund's table says."""
    sent_at = now if state is State.SENT else None
    tx.change(
        "UPDATE refund SET state = ?, sent_at = ? WHERE id = ?", (str(state), sent_at, refund.id)
    )


def of_ticket(tx: Tx, ticket_id: str) -> str | None:
    """The refund that gives the price of a ticket back, if one does."""
    row = tx.row("SELECT refund_id FROM ticket WHERE id = ?", (ticket_id,))
    return None if row is None else row[0]


def set_destination(tx: Tx, refund_id: str, destination: str | None) -> None:
    """Where the money shall go, sealed: a bolt11, a Lightning address, an lnurl. None: unknown."""
    sealed = None
    if destination is not None:
        sealed = tx.vault.seal(destination.encode(), b"destination")
    tx.change("UPDATE refund SET destination = ? WHERE id = ?", (sealed, refund_id))


def destination(tx: Tx, refund_id: str) -> str | None:
    """Where the money shall go, if anybody said so."""
    row = tx.row("SELECT destination FROM refund WHERE id = ?", (refund_id,))
    if row is None or row[0] is None:
        return None
    return tx.vault.open(row[0], b"destination").decode()


def paid_with(tx: Tx, payment_hash: str) -> str | None:
    """Our own bolt11 that this payment paid: what goes back, goes back on the same network."""
    row = tx.row(
        "SELECT bolt11 FROM payment_hash JOIN invoice ON external_id = ref WHERE hash = ?",
        (payment_hash,),
    )
    return None if row is None else row[0]


def _refunds(tx: Tx, where: str, *params: object) -> list[Refund]:
    rows = tx.rows(f"SELECT {COLUMNS} FROM refund WHERE {where}", params)
    return [Refund._make((*row[:6], State(row[6]), row[7])) for row in rows]
