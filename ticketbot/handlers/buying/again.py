"""Letters that are heard again after a restore: the ledger that answered them is lost.

What changed something is done again. The same `buy` makes the same order id, so that money which
the wallet received for it is found, and the tickets that are signed again are the very same.
Where nothing was paid, no seat is held and no invoice made; the order is kept, for its invoice
may still be paid.
"""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.command import Command, NeverAgain, OnlyAsked
from ticketbot.domain.order import Order, State
from ticketbot.domain.when import HOUR
from ticketbot.handlers.context import Context, Request
from ticketbot.handlers.money import cashier
from ticketbot.handlers.money.cashier import Credit
from ticketbot.ledger import invoices, journal, orders, promos, questions
from ticketbot.ledger.orphans import Orphan
from ticketbot.ledger.questions import Answers
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Said

STILL_WAITS = HOUR
LATE_LETTERS = 600


def heard_before(sent_at: int, restored_at: int | None, *, catching_up: bool) -> bool:
    """Whether the ledger that is lost may have answered this letter.

    While the bot catches up, all that was sent before the restore. Later only what is clearly
    older: the clock of a phone may be some minutes behind.
    """
    if restored_at is None:
        return False
    return sent_at <= (restored_at if catching_up else restored_at - LATE_LETTERS)


def answered(command: Command | None, before: int) -> bool:
    """Whether to leave it at the answer that was given; `before`: seconds before the restore.

    Whoever asked in the last hour may have asked a bot that was down already.
    """
    if isinstance(command, NeverAgain):
        return True
    only_asked = command is None or isinstance(command, OnlyAsked)
    return only_asked and before > STILL_WAITS


class Details(NamedTuple):
    """What belongs to an order beside its row: the number of its code, what its buyer answered,
    and what the code takes off, in msat."""

    promo: int | None = None
    answers: Answers = ()
    saved_msat: int = 0


def write(order: Order, details: Details, tx: Tx) -> None:
    """A new order with all that belongs to it."""
    orders.place(tx, order)
    if details.promo is not None:
        promos.bind(tx, details.promo, order.id, order.quantity, details.saved_msat)
    questions.keep(tx, order.id, details.answers)


def take_up(
    order: Order,
    orphans: list[Orphan],
    details: Details,
    request: Request,
    tx: Tx,
    ctx: Context,
) -> Reply:
    """Write the order as one whose hold is over, and credit what was paid for it."""
    paid = orphans[0].amount_msat if orphans else 0
    if paid and paid % order.quantity == 0:  # the price may have been another one then
        order = order._replace(unit_msat=paid // order.quantity, amount_msat=paid)
    order = order._replace(
        state=State.RELEASED,
        placed_at=request.sent_at,
        hold_until=request.sent_at + ctx.settings.hold_seconds,
    )
    write(order, details, tx)
    invoices.ask(tx, order, request.sent_at)
    journal.note(
        tx,
        ctx.now,
        order.id,
        journal.TAKEN_UP,
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
