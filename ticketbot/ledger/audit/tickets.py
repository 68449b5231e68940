"""The proof for tickets: what came became live tickets, or goes back; each seat is sold once."""

from __future__ import annotations

from ticketbot.ledger.store import Tx


def fates(tx: Tx) -> list[str]:
    """What came is tickets, refunds, or was kept."""
    rows = tx.rows(
        "SELECT payment_hash, amount_msat,"
        " (SELECT coalesce(sum(iif(state = 'void', kept_msat, price_msat)), 0) FROM ticket"
        "  WHERE ticket.order_id = payment.order_id"
        "  AND ticket.payment_hash = payment.payment_hash) AS tickets,"
        " (SELECT coalesce(sum(amount_msat), 0) FROM refund"
        "  WHERE refund.order_id = payment.order_id"
        "  AND refund.payment_hash = payment.payment_hash) AS refunds"
        " FROM payment WHERE amount_msat <> tickets + refunds"
    )
    return [f"{h}: {a} msat came, {t} became tickets, {r} go back" for h, a, t, r in rows]


def seats(tx: Tx) -> list[str]:
    """Held and sold are what orders, the queue and tickets say, and fit."""
    rows = tx.rows(
        "SELECT event_id, tier, held, sold,"
        " (SELECT coalesce(sum(quantity), 0) FROM orders WHERE orders.event_id = seats.event_id"
        "  AND (seats.tier = '' OR orders.tier = seats.tier) AND state IN ('held', 'invoiced'))"
        " + (SELECT coalesce(sum(kept), 0) FROM place WHERE place.event_id = seats.event_id"
        "  AND (seats.tier = '' OR place.tier = seats.tier)) AS open,"
        " (SELECT count(*) FROM ticket WHERE ticket.event_id = seats.event_id"
        "  AND (seats.tier = '' OR ticket.tier = seats.tier) AND state <> 'void') AS live"
        " FROM seats WHERE held <> open OR sold <> live"
        " OR (capacity IS NOT NULL AND held + sold > capacity)"
    )
    return [
        f"{e} {t!r}: held {h} (orders and queue {o}), sold {s} (tickets {n})"
        for e, t, h, s, o, n in rows
    ]


def paid_orders(tx: Tx) -> list[str]:
    """Paid orders have live tickets, and only they."""
    rows = tx.rows(
        "SELECT id, state, quantity, (SELECT count(*) FROM ticket WHERE order_id = orders.id"
        " AND ticket.state <> 'void') AS live FROM orders"
        " WHERE (state = 'paid') <> (live > 0) OR (state = 'paid' AND live > quantity)"
    )
    return [f"order {i}: it is {s} with {n} of {q} tickets" for i, s, q, n in rows]


def void(tx: Tx) -> list[str]:
    """Refunds of tickets: each void ticket that was paid for names the one that pays it back."""
    rows = tx.rows(
        "SELECT id FROM ticket WHERE state = 'void' AND refund_id IS NULL"
        " AND payment_hash IS NOT NULL AND price_msat > kept_msat"
    )
    broken = [f"ticket {row[0]} is void, and no refund gives its price back" for row in rows]
    rows = tx.rows("SELECT id, state FROM ticket WHERE refund_id IS NOT NULL AND state <> 'void'")
    broken += [f"ticket {i} is {s}, and its price goes back" for i, s in rows]
    rows = tx.rows(
        "SELECT refund.id, refund.amount_msat, coalesce(sum(price_msat - kept_msat), 0) AS prices"
        " FROM refund JOIN payment ON payment.payment_hash = refund.payment_hash"
        " LEFT JOIN ticket ON ticket.refund_id = refund.id"
        " AND ticket.payment_hash = refund.payment_hash"
        " WHERE fate = 'tickets' GROUP BY refund.id HAVING prices <> refund.amount_msat"
    )
    return broken + [f"refund {i} is {a} msat, its void tickets cost {p}" for i, a, p in rows]


def tokens(tx: Tx) -> list[str]:
    """Each ticket has what its token is made of."""
    rows = tx.rows("SELECT id FROM ticket WHERE length(token_hash) <> 32 OR length(nonce) <> 8")
    return [f"ticket {row[0]} has no token" for row in rows]
