"""Payouts: what is set aside for organizers, and where each of them wants it to go."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.payout import Payout
from ticketbot.domain.spending import State
from ticketbot.ledger.store import Tx


class Waiting(NamedTuple):
    """Payouts that are not sent: how many are due and on their way, each with its sum in msat.

    `failed` of them have been tried in vain, and of `unplaced` nobody has said where to.
    """

    due: int = 0
    due_msat: int = 0
    sending: int = 0
    sending_msat: int = 0
    failed: int = 0
    unplaced: int = 0

    @property
    def msat(self) -> int:
        """All of it."""
        return self.due_msat + self.sending_msat


COLUMNS = "id, organizer, amount_msat, state, decided_at"
OPEN = "state <> 'sent'"


def decide(tx: Tx, payout: Payout, destination: str | None) -> None:
    """Write down a payout that is due."""
    tx.change(
        f"INSERT INTO payout ({COLUMNS}, destination) VALUES (?, ?, ?, ?, ?, ?)",
        (*payout, _seal(tx, destination)),
    )


def get(tx: Tx, payout_id: str) -> Payout | None:
    """The payout with this id."""
    found = _payouts(tx, "id = ?", payout_id)
    return found[0] if found else None


def of(tx: Tx, organizer: str, most: int = 20) -> list[Payout]:
    """An organizer's newest payouts, newest first."""
    return _payouts(tx, "organizer = ? ORDER BY decided_at DESC, id LIMIT ?", organizer, most)


def open_of(tx: Tx, organizer: str) -> list[Payout]:
    """An organizer's payouts that are not sent, oldest first."""
    return _payouts(tx, f"{OPEN} AND organizer = ? ORDER BY decided_at, id", organizer)


def open_all(tx: Tx, most: int = 100) -> list[Payout]:
    """Everybody's payouts that are not sent, oldest first."""
    return _payouts(tx, f"{OPEN} ORDER BY decided_at, id LIMIT ?", most)


def total(tx: Tx) -> int:
    """All payouts that are not sent, in msat."""
    row = tx.row(f"SELECT coalesce(sum(amount_msat), 0) FROM payout WHERE {OPEN}")
    return int(row[0]) if row else 0


def waiting(tx: Tx) -> Waiting:
    """What is still to be paid out, for operators."""
    row = tx.row(
        "SELECT sum(state = 'due'), sum(iif(state = 'due', amount_msat, 0)),"
        " sum(state = 'sending'), sum(iif(state = 'sending', amount_msat, 0)),"
        " sum(EXISTS (SELECT 1 FROM spend"
        "  WHERE purpose = 'payout' AND ref = payout.id AND spend.state = 'failed')),"
        f" sum(state = 'due' AND destination IS NULL) FROM payout WHERE {OPEN}"
    )
    return Waiting(*(number or 0 for number in row or ()))


def without_job(tx: Tx) -> list[str]:
    """Payouts that are not sent, and that nothing in the outbox carries out."""
    rows = tx.rows(
        f"SELECT id FROM payout WHERE {OPEN}"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE key = 'payout:' || payout.id)"
    )
    return [row[0] for row in rows]


def move(tx: Tx, payout: Payout, state: State, now: int) -> None:
    """Set the state that the table says. What was sent needs no destination any more."""
    sent_at = now if state is State.SENT else None
    tx.change(
        "UPDATE payout SET state = ?, sent_at = ?,"
        " destination = iif(? = 'sent', NULL, destination) WHERE id = ?",
        (str(state), sent_at, str(state), payout.id),
    )


def set_destination(tx: Tx, payout_id: str, destination: str | None) -> None:
    """Where this one shall go; None: unknown."""
    sealed = _seal(tx, destination)
    tx.change("UPDATE payout SET destination = ? WHERE id = ?", (sealed, payout_id))


def destination(tx: Tx, payout_id: str) -> str | None:
    """Where this one shall go, if anybody said so."""
    return _open(tx, tx.row("SELECT destination FROM payout WHERE id = ?", (payout_id,)))


def set_payee(tx: Tx, organizer: str, destination: str, now: int) -> None:
    """Where an organizer's payouts go from now on."""
    tx.change(
        "INSERT INTO payee VALUES (?, ?, ?) ON CONFLICT (organizer)"
        " DO UPDATE SET destination = excluded.destination, since = excluded.since",
        (organizer, _seal(tx, destination), now),
    )


def payee(tx: Tx, organizer: str) -> str | None:
    """Where an organizer's payouts go."""
    return _open(tx, tx.row("SELECT destination FROM payee WHERE organizer = ?", (organizer,)))


def drop_payee(tx: Tx, organizer: str) -> None:
    """It cannot be paid to, or is to be forgotten."""
    tx.change("DELETE FROM payee WHERE organizer = ?", (organizer,))


def forget(tx: Tx, organizer: str) -> None:
    """Nothing is known any more of where their payouts went; what they were stays."""
    drop_payee(tx, organizer)
    tx.change(
        "UPDATE spend SET bolt11 = NULL WHERE purpose = 'payout' AND state <> 'open'"
        " AND ref IN (SELECT id FROM payout WHERE organizer = ?)",
        (organizer,),
    )


def payees(tx: Tx) -> list[str]:
    """Organizers who have said where their payouts shall go."""
    return [row[0] for row in tx.rows("SELECT organizer FROM payee ORDER BY organizer")]


def own_bolt11(tx: Tx, payout_id: str) -> str | None:
    """A bolt11 of ours that a buyer of these events paid: payouts stay on its network."""
    row = tx.row(
        "SELECT bolt11 FROM payout_part JOIN ticket ON ticket.event_id = payout_part.event_id"
        " JOIN invoice ON invoice.order_id = ticket.order_id"
        " WHERE payout_id = ? AND bolt11 IS NOT NULL LIMIT 1",
        (payout_id,),
    )
    return None if row is None else row[0]


def _payouts(tx: Tx, where: str, *params: object) -> list[Payout]:
    rows = tx.rows(f"SELECT {COLUMNS} FROM payout WHERE {where}", params)
    return [Payout._make((*row[:3], State(row[3]), row[4])) for row in rows]


def _seal(tx: Tx, destination: str | None) -> bytes | None:
    return None if destination is None else tx.vault.seal(destination.encode(), b"payee")


def _open(tx: Tx, row: tuple[bytes | None, ...] | None) -> str | None:
    if row is None or row[0] is None:
        return None
    return tx.vault.open(row[0], b"payee").decode()
