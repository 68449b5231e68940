"""The price that a buyer was shown by a ledger that is lost.

Which price an order had may have hung on who came first, and after a restore that is not known of
orders that nobody has paid yet. Whoever pays what they were shown says which one it was.
"""

from __future__ import annotations

from ticketbot.domain.listing import Listing
from ticketbot.domain.order import Order, State
from ticketbot.domain.pricing import possible, reduced
from ticketbot.handlers.context import Context
from ticketbot.ledger import journal, orders, promos
from ticketbot.ledger.store import Tx


def as_shown(order: Order, listing: Listing, paid_msat: int, tx: Tx, ctx: Context) -> Order:
    """The order at the price that was paid, if a lost ledger may have asked for that."""
    if paid_msat == order.amount_msat or order.state is not State.RELEASED:
        return order
    if not any(one.what == journal.TAKEN_UP for one in journal.of(tx, order.id)):
        return order
    code = promos.reduction_of(tx, order.id)
    prices = possible(listing, order.tier, order.placed_at)
    if code is not None:
        prices = {reduced(price, code) for price in prices}
    for unit in prices:
        if unit * order.quantity == paid_msat:
            journal.note(tx, ctx.now, order.id, "price as it was shown", msat=paid_msat)
            return orders.reprice(tx, order, unit)
    return order
