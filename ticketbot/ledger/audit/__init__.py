"""Every paid satoshi has exactly one fate: the proof, by the invariants.

The same code answers `ticketbot audit` and stands behind every test. Each check is a
query whose rows are the violations.
"""

from __future__ import annotations

from collections.abc import Callable

from ticketbot.ledger import conflicts, promos, scans
from ticketbot.ledger.audit import payouts, refunds, tickets
from ticketbot.ledger.audit.finding import Finding
from ticketbot.ledger.audit.totals import Totals, totals
from ticketbot.ledger.audit.wallet import (
    LISTS,
    NEVER,
    Received,
    Sent,
    behind,
    check_wallet,
    owed_at,
)
from ticketbot.ledger.store import Tx

__all__ = [
    "CHECKS",
    "LISTS",
    "NEVER",
    "Finding",
    "Received",
    "Sent",
    "Totals",
    "behind",
    "check_ledger",
    "check_wallet",
    "owed_at",
    "totals",
]

CHECKS: tuple[tuple[str, str, Callable[[Tx], list[str]]], ...] = (
    ("I1", "each payment = its live tickets + its refunds + what is kept of it", tickets.fates),
    ("I2", "held + sold ≤ capacity, and both as orders, the queue and tickets say", tickets.seats),
    ("I1b", "an order is paid if and only if it has live tickets", tickets.paid_orders),
    ("I1c", "a void ticket that was paid for names the refund of its price", tickets.void),
    ("I8", "a refund is sent exactly once, and at most one bolt11 is under way", refunds.refunds),
    ("I9", "the book owes, and has paid back, what the refunds say", refunds.refund_books),
    ("I10", "every event's account is what its payments and payouts say", payouts.shares),
    ("I10b", "the book owes organizers what the events say", payouts.book),
    ("I11", "a payout is sent exactly once, and made of its parts", payouts.payouts),
    ("I5", "every ticket has the one token of its version", tickets.tokens),
    ("I5b", "a ticket stands where its scans leave it, and so do the counts", scans.unexplained),
    ("I5c", "entries in conflict are as many as is said", conflicts.miscounted),
    ("I6", "every entry is balanced, and the book equals the payments", refunds.books),
    (
        "I12",
        "a code was used for the tickets that are held or were paid with it",
        promos.miscounted,
    ),
)


def check_ledger(tx: Tx) -> list[Finding]:
    """The invariants that the ledger alone can answer."""
    return [Finding(name, says, tuple(find(tx))) for name, says, find in CHECKS]
