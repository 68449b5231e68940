"""Every paid satoshi has exactly one fate: the proof, by the invariants.

The same code answers `ticketbot audit` and stands behind every test. Each check is a
query whose rows are the violations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ticketbot.ledger.store import Tx


class Finding(NamedTuple):
    """One invariant: kept, or broken by the rows that `broken` describes."""

    name: str
    says: str
    broken: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether nothing breaks it."""
        return not self.broken


class Received(NamedTuple):
    """A success in the wallet's own list. Amount in msat."""

    payment_hash: str
    amount_msat: int
    external_id: str | None


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


def check_ledger(tx: Tx) -> list[Finding]:
    """The invariants that the ledger alone can answer."""
    return [Finding(name, says, tuple(find(tx))) for name, says, find in CHECKS]


def check_wallet(tx: Tx, received: Sequence[Received], balance_msat: int | None) -> list[Finding]:
    """The ledger against the wallet: what it received for us, and what it holds."""
    ours = {one.payment_hash: one for one in received if _is_ours(tx, one)}
    credited: dict[str, int] = dict(tx.rows("SELECT payment_hash, amount_msat FROM payment"))
    broken = [
        f"{one.payment_hash}: the wallet received {one.amount_msat} msat for "
        f"{one.external_id}, the ledger has {credited.get(one.payment_hash, 'nothing')}"
        for one in ours.values()
        if credited.get(one.payment_hash) != one.amount_msat
    ]
    broken += [
        f"{payment_hash}: the ledger credits {amount} msat that the wallet does not show"
        for payment_hash, amount in credited.items()
        if payment_hash not in ours
    ]
    findings = [Finding("I4", "ledger credits = the wallet's successes of ours", tuple(broken))]
    if balance_msat is not None:
        owed = totals(tx).refunds_owed
        short = (f"the wallet holds {balance_msat} msat, {owed} msat are owed",)
        findings.append(
            Finding(
                "I7", "wallet balance ≥ what is owed back", short if balance_msat < owed else ()
            )
        )
    return findings


def foreign(tx: Tx, received: Sequence[Received]) -> list[Received]:
    """The wallet's successes that are nobody's order: shown apart."""
    return [one for one in received if not _is_ours(tx, one)]


def _is_ours(tx: Tx, one: Received) -> bool:
    known = tx.row("SELECT 1 FROM payment_hash WHERE hash = ?", (one.payment_hash,))
    if known is not None:
        return True
    asked = "SELECT 1 FROM invoice WHERE external_id = ?"
    return one.external_id is not None and tx.row(asked, (one.external_id,)) is not None


def _fates(tx: Tx) -> list[str]:
    rows = tx.rows(
        "SELECT payment_hash, amount_msat,"
        " (SELECT coalesce(sum(price_msat), 0) FROM ticket"
        "  WHERE ticket.order_id = payment.order_id"
        "  AND ticket.payment_hash = payment.payment_hash AND state <> 'void') AS tickets,"
        " (SELECT coalesce(sum(amount_msat), 0) FROM refund"
        "  WHERE refund.order_id = payment.order_id"
        "  AND refund.payment_hash = payment.payment_hash) AS refunds"
        " FROM payment WHERE amount_msat <> tickets + refunds"
    )
    return [f"{h}: {a} msat came, {t} became tickets, {r} go back" for h, a, t, r in rows]


def _seats(tx: Tx) -> list[str]:
    rows = tx.rows(
        "SELECT event_id, tier, held, sold,"
        " (SELECT coalesce(sum(quantity), 0) FROM orders WHERE orders.event_id = seats.event_id"
        "  AND (seats.tier = '' OR orders.tier = seats.tier)"
        "  AND state IN ('held', 'invoiced')) AS open,"
        " (SELECT count(*) FROM ticket WHERE ticket.event_id = seats.event_id"
        "  AND (seats.tier = '' OR ticket.tier = seats.tier) AND state <> 'void') AS live"
        " FROM seats WHERE held <> open OR sold <> live"
        " OR (capacity IS NOT NULL AND held + sold > capacity)"
    )
    return [
        f"{e} {t!r}: held {h} (orders {o}), sold {s} (tickets {n})" for e, t, h, s, o, n in rows
    ]


def _paid_orders(tx: Tx) -> list[str]:
    rows = tx.rows(
        "SELECT id, state, quantity, (SELECT count(*) FROM ticket WHERE order_id = orders.id"
        " AND ticket.state <> 'void') AS live FROM orders"
        " WHERE (state = 'paid') <> (live > 0) OR (state = 'paid' AND live > quantity)"
    )
    return [f"order {i} is {s} with {n} of {q} tickets" for i, s, q, n in rows]


def _books(tx: Tx) -> list[str]:
    rows = tx.rows("SELECT ref, sum(amount_msat) AS odd FROM entry GROUP BY ref HAVING odd <> 0")
    broken = [f"{ref}: entries sum to {odd} msat" for ref, odd in rows]
    gap = tx.row(
        "SELECT (SELECT coalesce(sum(amount_msat), 0) FROM entry WHERE account = 'wallet'"
        " AND ref LIKE 'payment:%') - (SELECT coalesce(sum(amount_msat), 0) FROM payment)"
    )
    if gap is not None and gap[0] != 0:
        broken.append(f"the book and the payments differ by {gap[0]} msat")
    return broken


def _void(tx: Tx) -> list[str]:
    """Refunds of tickets: each void ticket that was paid for names the one that pays it back."""
    rows = tx.rows(
        "SELECT id FROM ticket WHERE state = 'void' AND refund_id IS NULL"
        " AND payment_hash IS NOT NULL AND price_msat > 0"
    )
    broken = [f"ticket {row[0]} is void, and no refund gives its price back" for row in rows]
    rows = tx.rows("SELECT id, state FROM ticket WHERE refund_id IS NOT NULL AND state <> 'void'")
    broken += [f"ticket {i} is {s}, and its price goes back" for i, s in rows]
    rows = tx.rows(
        "SELECT refund.id, refund.amount_msat, coalesce(sum(price_msat), 0) AS prices"
        " FROM refund JOIN payment ON payment.payment_hash = refund.payment_hash"
        " LEFT JOIN ticket ON ticket.refund_id = refund.id"
        " AND ticket.payment_hash = refund.payment_hash"
        " WHERE fate = 'tickets' GROUP BY refund.id HAVING prices <> refund.amount_msat"
    )
    return broken + [f"refund {i} is {a} msat, its void tickets cost {p}" for i, a, p in rows]


def _refunds(tx: Tx) -> list[str]:
    """Paid exactly once: by one bolt11, or by hand; at most one is under way."""
    rows = tx.rows(
        "SELECT refund.id, refund.state, refund.amount_msat,"
        " coalesce(sum(spend.state = 'open'), 0) AS open,"
        " coalesce(sum(spend.state = 'paid'), 0) AS paid,"
        " coalesce(sum(spend.amount_msat <> refund.amount_msat), 0) AS odd,"
        " hand.ref IS NOT NULL AS hand"
        " FROM refund LEFT JOIN spend ON purpose = 'refund' AND spend.ref = refund.id"
        " LEFT JOIN (SELECT DISTINCT ref FROM entry WHERE account = 'by hand') AS hand"
        "  ON hand.ref = 'sent:' || refund.id"
        " GROUP BY refund.id HAVING odd > 0 OR open <> (refund.state = 'sending')"
        " OR paid + hand <> (refund.state = 'sent')"
    )
    broken = [
        f"refund {i} of {a} msat is {s}, with {p} bolt11s paid, {o} under way, {w} of another"
        f" amount, {'and' if h else 'not'} paid by hand"
        for i, s, a, o, p, w, h in rows
    ]
    rows = tx.rows(
        "SELECT payment_hash FROM spend WHERE purpose = 'refund'"
        " AND ref NOT IN (SELECT id FROM refund)"
    )
    return broken + [f"bolt11 {row[0]} pays a refund that is not there" for row in rows]


def _refund_books(tx: Tx) -> list[str]:
    """What the book owes, and what left the wallet, is what refunds and bolt11s say."""
    row = tx.row(
        "SELECT (SELECT coalesce(-sum(amount_msat), 0) FROM entry WHERE account = 'refunds'),"
        " (SELECT coalesce(sum(amount_msat), 0) FROM refund WHERE state <> 'sent'),"
        " (SELECT coalesce(-sum(amount_msat), 0) FROM entry WHERE account = 'wallet'"
        "  AND ref LIKE 'sent:%'),"
        " (SELECT coalesce(sum(amount_msat + fee_msat), 0) FROM spend"
        "  WHERE purpose = 'refund' AND state = 'paid')"
    )
    assert row is not None
    owes, owed, left, spent = row
    broken = [] if owes == owed else [f"the book owes {owes} msat back, the refunds {owed}"]
    if left != spent:
        broken.append(f"in the book {left} msat left the wallet for refunds, by bolt11s {spent}")
    return broken


def _tokens(tx: Tx) -> list[str]:
    rows = tx.rows("SELECT id FROM ticket WHERE length(token_hash) <> 32 OR length(nonce) <> 8")
    return [f"ticket {row[0]} has no token" for row in rows]


CHECKS: tuple[tuple[str, str, Callable[[Tx], list[str]]], ...] = (
    ("I1", "each payment = its live tickets + its refunds", _fates),
    ("I2", "held + sold ≤ capacity, and both as orders and tickets say", _seats),
    ("I1b", "an order is paid if and only if it has live tickets", _paid_orders),
    ("I1c", "a void ticket that was paid for names the refund of its price", _void),
    ("I8", "a refund is sent exactly once, and at most one bolt11 is under way", _refunds),
    ("I9", "the book owes, and has paid back, what the refunds say", _refund_books),
    ("I5", "every ticket has the one token of its version", _tokens),
    ("I6", "every entry is balanced, and the book equals the payments", _books),
)
