"""The proof for organizers' money: their accounts, what was set aside, and what was sent."""

from __future__ import annotations

from ticketbot.ledger.store import Tx

BALANCE = "gross_msat - commission_msat - refunded_msat - paid_msat - fees_msat"


def shares(tx: Tx) -> list[str]:
    """Every event's account is what its payments, refunds and payouts say."""
    rows = tx.rows(
        "SELECT event_id, gross_msat, coalesce(gross, 0), commission_msat, coalesce(kept, 0),"
        " refunded_msat, coalesce(back, 0), paid_msat, coalesce(paid, 0), fees_msat,"
        " coalesce(fees, 0) FROM share"
        " LEFT JOIN (SELECT event_id, sum(payment.amount_msat) AS gross,"
        "  sum(commission_msat - returned_msat) AS kept, sum(back_msat) AS back"
        "  FROM payment JOIN orders ON orders.id = payment.order_id WHERE fate = 'tickets'"
        "  GROUP BY event_id) USING (event_id)"
        " LEFT JOIN (SELECT event_id, sum(amount_msat) AS paid, sum(fee_msat) AS fees"
        "  FROM payout_part GROUP BY event_id) USING (event_id)"
        " WHERE (gross_msat, commission_msat, refunded_msat, paid_msat, fees_msat) IS NOT"
        " (coalesce(gross, 0), coalesce(kept, 0), coalesce(back, 0), coalesce(paid, 0),"
        "  coalesce(fees, 0))"
    )
    names = ("gross", "commission", "refunded", "paid out", "fees")
    broken = [
        f"{row[0]}: its account says {name} {row[at]} msat, the rows {row[at + 1]}"
        for row in rows
        for at, name in zip(range(1, 11, 2), names, strict=True)
        if row[at] != row[at + 1]
    ]
    rows = tx.rows("SELECT event_id, paid_msat, gross_msat FROM share WHERE paid_msat > gross_msat")
    broken += [f"{e}: {p} msat were paid out, and it brought {g} msat" for e, p, g in rows]
    rows = tx.rows(
        "SELECT payment.payment_hash, back_msat, coalesce(sum(refund.amount_msat), 0) AS owed"
        " FROM payment LEFT JOIN refund ON refund.order_id = payment.order_id"
        " AND refund.payment_hash = payment.payment_hash WHERE fate = 'tickets'"
        " GROUP BY payment.payment_hash HAVING owed <> back_msat"
    )
    return broken + [f"{h}: {b} msat of it went back, the refunds say {o}" for h, b, o in rows]


def book(tx: Tx) -> list[str]:
    """The book has in each account what the events say."""
    rows = tx.rows(
        "SELECT who, sum(book), sum(events) FROM ("
        " SELECT substr(account, 11) AS who, -amount_msat AS book, 0 AS events FROM entry"
        " WHERE account LIKE 'organizer:%'"
        f" UNION ALL SELECT organizer, 0, {BALANCE} FROM share"
        " UNION ALL SELECT 'commission', -amount_msat, 0 FROM entry WHERE account = 'commission'"
        " UNION ALL SELECT 'commission', 0, commission_msat FROM share"
        " UNION ALL SELECT 'payouts', -amount_msat, 0 FROM entry WHERE account = 'payouts'"
        " UNION ALL SELECT 'payouts', 0, amount_msat FROM payout WHERE state <> 'sent')"
        " GROUP BY who HAVING sum(book) <> sum(events)"
    )
    return [f"{who}: {booked} msat in the book, {due} by events" for who, booked, due in rows]


def payouts(tx: Tx) -> list[str]:
    """Sent exactly once, by one bolt11 or by hand, and made of its parts."""
    rows = tx.rows(
        "SELECT payout.id, payout.state, payout.amount_msat,"
        " coalesce(sum(spend.state = 'open'), 0) AS open,"
        " coalesce(sum(spend.state = 'paid'), 0) AS paid,"
        " coalesce(sum(spend.amount_msat <> payout.amount_msat), 0) AS odd,"
        " hand.ref IS NOT NULL AS hand,"
        " (SELECT coalesce(sum(amount_msat), 0) FROM payout_part"
        "  WHERE payout_id = payout.id) AS parts,"
        " (SELECT coalesce(sum(fee_msat), 0) FROM payout_part"
        "  WHERE payout_id = payout.id) - coalesce(sum(fee_msat), 0) AS fees"
        " FROM payout LEFT JOIN spend ON purpose = 'payout' AND spend.ref = payout.id"
        " LEFT JOIN (SELECT DISTINCT ref FROM entry WHERE account = 'by hand') AS hand"
        "  ON hand.ref = 'paid:' || payout.id"
        " GROUP BY payout.id HAVING odd > 0 OR open <> (payout.state = 'sending')"
        " OR paid + hand <> (payout.state = 'sent') OR parts <> payout.amount_msat OR fees <> 0"
    )
    broken = [
        f"payout {i} of {a} msat is {s}, with {p} bolt11s paid, {o} under way, {w} of another"
        f" amount, {'and' if h else 'not'} paid by hand; its parts are {n} msat, {f} of fee odd"
        for i, s, a, o, p, w, h, n, f in rows
    ]
    rows = tx.rows(
        "SELECT payment_hash FROM spend WHERE purpose = 'payout'"
        " AND ref NOT IN (SELECT id FROM payout)"
    )
    return broken + [f"bolt11 {row[0]} pays a payout that is not there" for row in rows]
