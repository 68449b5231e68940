"""The ledger in numbers, as backups and restores compare it."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger.store import Tx


class Totals(NamedTuple):
    """The ledger in numbers; amounts in msat."""

    orders: int
    tickets: int
    credited: int
    for_tickets: int
    refunds_owed: int
    refunds_sent: int


def totals(tx: Tx) -> Totals:
    """How much there is of everything."""
    row = tx.row(
        "SELECT (SELECT count(*) FROM orders),"
        " (SELECT count(*) FROM ticket WHERE state <> 'void'),"
        " (SELECT coalesce(sum(amount_msat), 0) FROM payment),"
        " (SELECT coalesce(sum(amount_msat), 0) FROM payment WHERE fate = 'tickets'),"
        " (SELECT coalesce(sum(amount_msat), 0) FROM refund WHERE state <> 'sent'),"
        " (SELECT coalesce(sum(amount_msat), 0) FROM refund WHERE state = 'sent')"
    )
    assert row is not None
    return Totals(*row)
