"""The proof for money that goes back, and for the book that every movement stands in."""

from __future__ import annotations

from ticketbot.ledger.store import Tx

# What moved money in or out of the wallet, by the `ref` under which it is booked.
MOVED = {
    "payment": "SELECT payment_hash AS id, amount_msat AS fact, 0 AS booked FROM payment",
    "sent": (
        "SELECT ref AS id, -amount_msat - fee_msat AS fact, 0 AS booked FROM spend"
        " WHERE state = 'paid' AND purpose = 'refund'"
    ),
    "paid": (
        "SELECT ref AS id, -amount_msat - fee_msat AS fact, 0 AS booked FROM spend"
        " WHERE state = 'paid' AND purpose = 'payout'"
    ),
}


def books(tx: Tx) -> list[str]:
    """Entries are balanced, and what moved at the wallet is booked once."""
    rows = tx.rows("SELECT ref, sum(amount_msat) AS odd FROM entry GROUP BY ref HAVING odd <> 0")
    broken = [f"{ref}: entries sum to {odd} msat" for ref, odd in rows]
    for name, facts in MOVED.items():
        rows = tx.rows(
            f"SELECT id, sum(fact), sum(booked) FROM ({facts} UNION ALL"
            " SELECT substr(ref, ?), 0, amount_msat FROM entry"
            " WHERE account = 'wallet' AND ref LIKE ?) GROUP BY id HAVING sum(fact) <> sum(booked)",
            (len(name) + 2, f"{name}:%"),
        )
        broken += [
            f"{name}:{i}: {fact} msat moved, {booked} are booked" for i, fact, booked in rows
        ]
    return broken


def refunds(tx: Tx) -> list[str]:
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


def refund_books(tx: Tx) -> list[str]:
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
