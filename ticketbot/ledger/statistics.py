"""What an organizer asks of an event: how many were sold, when, for how much, and who came.

Money is read from the event's row of `share`, which stands beside the book and is compared with it
by every audit.
"""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger.store import Tx

QUARTER = 900  # seconds: every time zone's midnight lies on a quarter of an hour


class Money(NamedTuple):
    """In msat: what tickets brought, what of it went back, what the operator kept."""

    paid: int
    refunded: int
    commission: int

    @property
    def net(self) -> int:
        """What is the organizer's."""
        return self.paid - self.refunded - self.commission


class Counts(NamedTuple):
    """Tickets of one tier that live, and those of them that were let in."""

    tier: str
    live: int
    admitted: int


def money_of(tx: Tx, event_id: str) -> Money:
    """What an event has brought so far. Money that bought no ticket was never the organizer's."""
    row = tx.row(
        "SELECT gross_msat, refunded_msat, commission_msat FROM share WHERE event_id = ?",
        (event_id,),
    )
    return Money(0, 0, 0) if row is None else Money(*row)


def counts_of(tx: Tx, event_id: str) -> list[Counts]:
    """Live tickets by tier; a ticket that went out again was let in, too."""
    rows = tx.rows(
        "SELECT tier, count(*), sum(state IN ('admitted', 'out')) FROM ticket"
        " WHERE event_id = ? AND state <> 'void' GROUP BY tier ORDER BY tier",
        (event_id,),
    )
    return [Counts(*row) for row in rows]


def sold_over_time(tx: Tx, event_id: str) -> list[tuple[int, int, int]]:
    """(unix seconds, tickets, msat) of every quarter of an hour in which tickets were made.

    Those that are void by now were sold all the same.
    """
    rows = tx.rows(
        "SELECT issued_at / ?1 * ?1, count(*), sum(price_msat) FROM ticket"
        " WHERE event_id = ?2 GROUP BY issued_at / ?1",
        (QUARTER, event_id),
    )
    return [(row[0], row[1], row[2]) for row in rows]
