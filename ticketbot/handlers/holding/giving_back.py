"""The one way in which tickets become void, and what was paid for them is owed to their holders.

Whether an event is cancelled, a holder steps back or an organizer lets one go: tickets are void,
seats free and money owed in the transaction that decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from ticketbot.domain.listing import Listing
from ticketbot.domain.order import Happening, Order, step
from ticketbot.handlers import issuing
from ticketbot.handlers.context import Context
from ticketbot.handlers.holding import transfers
from ticketbot.handlers.money import refunds
from ticketbot.handlers.money.refunds import Debt
from ticketbot.handlers.telling import tell_holder
from ticketbot.ledger import journal, listings, orders, outbox, shares, tickets
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import OrderShown, Outcome, Reply, Said, Told

Fee = Callable[[int], int]
"""From a ticket's price to what its organizer keeps of it, both in msat."""


class Why(NamedTuple):
    """Why tickets are given back: what is said of money, of a ticket without, and the journal."""

    owed: str
    lost: str
    noted: str


CANCELLED = Why("refund-cancelled", "ticket-cancelled", "event cancelled")
BY_HOLDER = Why("refund-returned", "ticket-returned", "given back by its holder")
BY_ORGANIZER = Why("refund-organizer", "ticket-withdrawn", "given back by its organizer")


class GivenBack(NamedTuple):
    """How many refunds that makes, and of how many msat."""

    refunds: int = 0
    msat: int = 0


def nothing(price_msat: int) -> int:
    """No fee."""
    return 0


def give_back(
    rows: Sequence[TicketRow],
    order: Order,
    listing: Listing,
    why: Why,
    tx: Tx,
    ctx: Context,
    *,
    fee: Fee = nothing,
    alone: bool = True,
) -> tuple[Reply, GivenBack]:
    """These live tickets of one order end: one refund for each payment and holder.

    `alone`: operators who pay by hand hear of each refund by itself.
    """
    reply = transfers.withdraw(rows, tx)
    done = GivenBack()
    for (payment_hash, holder), group in groupby(sorted(rows, key=_payment), _payment):
        some = list(group)
        amount = sum(row.price_msat - fee(row.price_msat) for row in some)
        refund_id = None
        if payment_hash and amount:
            debt = Debt(payment_hash, amount, why.owed, holder)
            refund_id, told = refunds.owe(debt, order, tx, ctx, alone=alone)
            shares.give_back(tx, payment_hash, refund_id, amount, ctx.now)
            reply += told
            done = GivenBack(done.refunds + 1, done.msat + amount)
        else:
            reply.append(_lost(order, some, listing, why, tx))
        _void(some, refund_id, fee, tx)
    listings.free_sold(tx, order.event_id, order.tier, len(rows))
    listings.fit(tx, listing)  # a capacity that was cut below them falls now
    if not any(row.state != "void" for row in tickets.of_order(tx, order.id)):
        orders.move(tx, order, step(order.state, Happening.EMPTIED).state)
    journal.note(tx, ctx.now, order.id, "tickets void", tickets=len(rows), why=why.noted)
    return reply, done


def _void(rows: Sequence[TicketRow], refund_id: str | None, fee: Fee, tx: Tx) -> None:
    """And what still brings them to somebody leaves no more."""
    for price, group in groupby(sorted(rows, key=_price), _price):
        kept = fee(price) if rows[0].payment_hash else 0
        tickets.void(tx, [row.id for row in group], refund_id, kept)
    for row in rows:
        outbox.drop_under(tx, issuing.delivery(row))


def _payment(row: TicketRow) -> tuple[str, int]:
    return row.payment_hash or "", row.holder


def _price(row: TicketRow) -> int:
    return row.price_msat


def _lost(order: Order, rows: Sequence[TicketRow], listing: Listing, why: Why, tx: Tx) -> Told:
    """Tickets for which nothing comes back: nobody should travel for them."""
    holder = rows[0].holder
    said: Outcome = Said(why.lost, {"title": listing.title})
    if order.via == "24133" and holder == order.person:
        closed = step(order.state, Happening.EMPTIED).state
        said = OrderShown(order._replace(state=closed), listing, 0)
    return tell_holder(tx, order, holder, f"void:{rows[0].id}", said)
