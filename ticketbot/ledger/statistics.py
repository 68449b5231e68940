"""What an organizer asks of an event: how many were sold, when, for how much, and who came.

Money is read from what the book is written by: a paid ticket's price was posted to the organizer
under `payment:`, what a refund took from them under `refund:`, the operator's part of either to
the account `commission` under the same ref. So what is left here is the organizer's account.
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
        "SELECT coalesce(sum(price_msat), 0) FROM ticket"
        " WHERE event_id = ? AND payment_hash IS NOT NULL",
        (event_id,),
    )
    back = tx.row(
        "SELECT coalesce(sum(amount_msat), 0) FROM refund WHERE id IN"
        " (SELECT refund_id FROM ticket WHERE event_id = ? AND refund_id IS NOT NULL)",
        (event_id,),
    )
    assert row is not None and back is not None
    return Money(row[0], back[0], commission_of(tx, event_id))


def commission_of(tx: Tx, event_id: str) -> int:
    """What the operator kept of an event's payments, less what was reversed by refunds, in msat."""
    row = tx.row(
        "SELECT -coalesce(sum(amount_msat), 0) FROM entry"
        " WHERE account = 'commission' AND ref IN"
        " (SELECT 'payment:' || payment_hash FROM ticket WHERE event_id = ?1"
        "   AND payment_hash IS NOT NULL"
        "  UNION SELECT 'refund:' || refund_id FROM ticket WHERE event_id = ?1"
        "   AND refund_id IS NOT NULL)",
        (event_id,),
    )
    assert row is not None
    return int(row[0])


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
