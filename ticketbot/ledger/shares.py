"""Organizers' accounts: the only room that posts to them.

Every posting goes into the book and, in the same transaction, into the event's row of `share`;
the audit compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.domain.listing import Listing
from ticketbot.domain.payout import Account, Part, Payout, commission_back, spread
from ticketbot.ledger import money
from ticketbot.ledger.spends import BY_HAND
from ticketbot.ledger.store import Tx

COMMISSION = "commission"
PAYOUTS = "payouts"
"""What was set aside for organizers, and is not sent yet."""


def account(organizer: str) -> str:
    """The name of an organizer's account in the book."""
    return f"organizer:{organizer}"


def sold(
    tx: Tx, listing: Listing, payment_hash: str, amount_msat: int, commission_msat: int, now: int
) -> None:
    """Money came and became tickets: the organizer's, less the commission."""
    kept = [(COMMISSION, -commission_msat)] if commission_msat else []
    mine = (account(listing.organizer), commission_msat - amount_msat)
    money.post(tx, f"payment:{payment_hash}", now, ("wallet", amount_msat), mine, *kept)
    tx.change(
        "INSERT INTO share (event_id, organizer, ends, gross_msat, commission_msat)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (event_id) DO UPDATE SET"
        " ends = max(ends, excluded.ends), gross_msat = gross_msat + excluded.gross_msat,"
        " commission_msat = commission_msat + excluded.commission_msat",
        (listing.event_id, listing.organizer, listing.end, amount_msat, commission_msat),
    )


def give_back(tx: Tx, payment_hash: str, refund_id: str, amount_msat: int, now: int) -> None:
    """A part of what became tickets is owed back: of the organizer's, the commission pro rata.

    Every refund of such a payment is posted here, once, whoever decides it.
    """
    row = tx.row(
        "SELECT payment.amount_msat, commission_msat, back_msat, event_id FROM payment"
        " JOIN orders ON orders.id = payment.order_id WHERE payment_hash = ?",
        (payment_hash,),
    )
    assert row is not None
    paid, commission, back, event_id = row
    returned = commission_back(commission, paid, back, amount_msat)
    tx.change(
        "UPDATE payment SET back_msat = back_msat + ?, returned_msat = returned_msat + ?"
        " WHERE payment_hash = ?",
        (amount_msat, returned, payment_hash),
    )
    tx.change(
        "UPDATE share SET refunded_msat = refunded_msat + ?,"
        " commission_msat = commission_msat - ? WHERE event_id = ?",
        (amount_msat, returned, event_id),
    )
    owner = account(_organizer(tx, event_id))
    given = [(COMMISSION, returned)] if returned else []
    lines = ((owner, amount_msat - returned), *given, ("refunds", -amount_msat))
    money.post(tx, f"refund:{refund_id}", now, *lines)


def set_aside(tx: Tx, payout: Payout, parts: Sequence[Part]) -> None:
    """A payout is decided: from now on this money is on its way to its organizer."""
    amount = payout.amount_msat
    lines = ((account(payout.organizer), amount), (PAYOUTS, -amount))
    money.post(tx, f"payout:{payout.id}", payout.decided_at, *lines)
    for part in parts:
        tx.change(
            "INSERT INTO payout_part (payout_id, event_id, amount_msat) VALUES (?, ?, ?)",
            (payout.id, *part),
        )
        tx.change(
            "UPDATE share SET paid_msat = paid_msat + ? WHERE event_id = ?",
            (part.amount_msat, part.event_id),
        )


def paid_out(tx: Tx, payout: Payout, fee_msat: int, now: int) -> None:
    """The wallet paid it: what its way cost is the organizer's."""
    amount = payout.amount_msat
    fee = [(account(payout.organizer), fee_msat)] if fee_msat else []
    lines = ((PAYOUTS, amount), *fee, ("wallet", -amount - fee_msat))
    money.post(tx, f"paid:{payout.id}", now, *lines)
    parts = parts_of(tx, payout.id)
    for part, share in zip(parts, spread(fee_msat, parts), strict=True):
        tx.change(
            "UPDATE payout_part SET fee_msat = ? WHERE payout_id = ? AND event_id = ?",
            (share, payout.id, part.event_id),
        )
        tx.change(
            "UPDATE share SET fees_msat = fees_msat + ? WHERE event_id = ?",
            (share, part.event_id),
        )


def paid_by_hand(tx: Tx, payout: Payout, now: int) -> None:
    """The operator paid it without the bot, and bears what that cost."""
    amount = payout.amount_msat
    money.post(tx, f"paid:{payout.id}", now, (PAYOUTS, amount), (BY_HAND, -amount))


def parts_of(tx: Tx, payout_id: str) -> list[Part]:
    """Of which events a payout is made."""
    rows = tx.rows(
        "SELECT event_id, amount_msat FROM payout_part WHERE payout_id = ? ORDER BY event_id",
        (payout_id,),
    )
    return [Part(*row) for row in rows]


def accounts_of(tx: Tx, organizer: str, delay: int) -> list[Account]:
    """An organizer's events that anything was paid for, by their end, the first to end first.

    Their money is free `delay` seconds after the latest end that a buyer was promised: who
    moves the end of an event forward is not paid earlier.
    """
    rows = tx.rows(
        "SELECT share.event_id, listing.code, listing.body ->> 'title',"
        " (SELECT sold FROM seats WHERE seats.event_id = share.event_id AND tier = ''),"
        " max(share.ends, listing.ends), (SELECT 1 FROM outbox"
        "  WHERE key = 'closing:' || share.event_id), gross_msat, commission_msat,"
        " refunded_msat, paid_msat, fees_msat FROM share JOIN listing USING (event_id)"
        " WHERE share.organizer = ? ORDER BY max(share.ends, listing.ends), share.event_id",
        (organizer,),
    )
    return [Account._make((*row[:4], None if row[5] else row[4] + delay, *row[6:])) for row in rows]


def organizers(tx: Tx) -> list[str]:
    """Everybody who has an account."""
    return [row[0] for row in tx.rows("SELECT DISTINCT organizer FROM share ORDER BY organizer")]


def earned(tx: Tx) -> bool:
    """Whether anything could have been paid out, of any event."""
    left = "gross_msat - commission_msat - refunded_msat - paid_msat - fees_msat"
    return tx.row(f"SELECT 1 FROM share WHERE {left} > 0") is not None


def _organizer(tx: Tx, event_id: str) -> str:
    row = tx.row("SELECT organizer FROM share WHERE event_id = ?", (event_id,))
    assert row is not None
    return str(row[0])
