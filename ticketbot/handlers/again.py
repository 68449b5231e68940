"""`buy`, heard again after a restore: the ledger that answered it is lost.

The same letter makes the same order id, so money that the wallet received for it is found, and
the tickets that are signed again are the very same. Where nothing was paid, no seat is held and no
invoice made; the order is kept, for its invoice may still be paid.
"""

from __future__ import annotations

from ticketbot.domain.order import Order, State
from ticketbot.handlers import cashier
from ticketbot.handlers.cashier import Credit
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import journal, orders
from ticketbot.ledger.orphans import Orphan
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Said


def take_up(order: Order, orphans: list[Orphan], request: Request, tx: Tx, ctx: Context) -> Reply:
    """Write the order as one whose hold is over, and credit what was paid for it."""
    paid = orphans[0].amount_msat if orphans else 0
    if paid and paid % order.quantity == 0:  # the price may have been another one then
        order = order._replace(unit_msat=paid // order.quantity, amount_msat=paid)
    order = order._replace(
        state=State.RELEASED,
        placed_at=request.sent_at,
        hold_until=request.sent_at + ctx.settings.hold_seconds,
    )
    orders.place(tx, order)
    orders.ask_invoice(tx, order, request.sent_at)
    journal.note(
        tx,
        ctx.now,
        order.id,
        "taken up again",
        event=order.event_id,
        tier=order.tier,
        seats=order.quantity,
        msat=order.amount_msat,
        payments=len(orphans),
    )
    if not orphans:
        return [Said("stale")]
    reply: Reply = []
    for one in orphans:
        reply += cashier.settled(
            Credit(one.payment_hash, one.amount_msat, one.external_id, one.settled_at), tx, ctx
        )
    return reply
