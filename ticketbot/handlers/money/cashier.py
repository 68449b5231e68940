"""What the wallet says, and what it means for an order: the only room that moves one."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.decision import What
from ticketbot.domain.listing import Listing
from ticketbot.domain.order import OPEN, Effect, Happening, Order, State, Step, step
from ticketbot.domain.payout import commission_of
from ticketbot.failpoints import failpoint
from ticketbot.handlers import issuing
from ticketbot.handlers.allowance import exceeded, others_leave
from ticketbot.handlers.context import Context
from ticketbot.handlers.money.as_shown import as_shown
from ticketbot.handlers.money.refunds import Debt, owe
from ticketbot.handlers.telling import tell, tell_buyer
from ticketbot.handlers.viewing import invoice_shown
from ticketbot.ledger import (
    holds,
    invoices,
    journal,
    listings,
    money,
    orders,
    orphans,
    people,
    promos,
    shares,
    turns,
)
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.orphans import Orphan
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import OrderShown, Outcome, Reply, Said

PAY_BEFORE_EXPIRY = 60  # the bolt11 outlives the hold, so the last look still finds it alive


class Credit(NamedTuple):
    """A settled payment, as an authenticated look-up reported it."""

    payment_hash: str
    amount_msat: int
    external_id: str | None = None
    settled_at: int | None = None  # unix seconds, by the wallet's clock


def invoiced(made: InvoiceRow, tx: Tx, ctx: Context) -> Reply:
    """The wallet made a bolt11: record it first, show it only then."""
    order, listed = orders.with_listing(tx, made.order_id)
    if not invoices.adopt(tx, made):
        return []
    journal.note(tx, ctx.now, order.id, "invoice made", payment=made.payment_hash)
    moved = step(order.state, Happening.INVOICE_MADE)
    if Effect.SHOW_INVOICE not in moved.effects:
        return []
    assert made.expires_at is not None
    lives_until = made.expires_at - PAY_BEFORE_EXPIRY  # by the wallet's clock, as the bolt11 is
    order = orders.move_and_hold(tx, order, moved.state, lives_until)
    return [tell(tx, order, "invoice", invoice_shown(tx, order, listed.listing, made))]


def settled(credit: Credit, tx: Tx, ctx: Context) -> Reply:
    """Money came: it ends as tickets or as a refund, decided here, once per payment."""
    if money.credited(tx, credit.payment_hash) or orphans.is_closed(tx, credit.payment_hash):
        return []
    order_id = invoices.owner_of(tx, credit.payment_hash) or _claimed(credit, tx)
    if order_id is None:
        return _strange(credit, tx, ctx)
    order, listed = orders.with_listing(tx, order_id)
    order = as_shown(order, listed.listing, credit.amount_msat, tx, ctx)
    reason = _unfit(order, listed, credit, tx, ctx)
    moved = step(order.state, Happening.SETTLED_FIT if reason is None else Happening.SETTLED_UNFIT)
    owed = Effect.OWE_REFUND in moved.effects
    if owed and order.state in (State.PAID, State.CLOSED):
        reason = "refund-double"
    fate, amount = "refund" if owed else "tickets", credit.amount_msat
    _book(credit, order, listed.listing, fate, tx, ctx)
    journal.note(tx, ctx.now, order.id, "paid", payment=credit.payment_hash, msat=amount, fate=fate)
    failpoint("cashier.credited")
    reply = carry_out(moved, order, listed.listing, credit.payment_hash, tx, ctx)
    if owed:
        debt = Debt(credit.payment_hash, amount, reason or "refund-late", order.person)
        reply += owe(debt, order, tx, ctx)[1]
    return reply


def released(order_id: str, why: str, tx: Tx, ctx: Context, judged: State | None = None) -> Reply:
    """The hold is over: seats go back, the buyer hears that nothing was charged.

    `judged`: the state that was judged outside. An invoice that was made meanwhile has another
    time, and its own question to the wallet.
    """
    order, listed = orders.with_listing(tx, order_id)
    moved = step(order.state, Happening.HOLD_OVER)
    if moved.state == order.state or judged not in (None, order.state):
        return []
    journal.note(tx, ctx.now, order.id, "released", why=why)
    reply = carry_out(moved, order, listed.listing, None, tx, ctx)
    holds.lapsed(tx, order.event_id, ctx.now)
    turns.left_unpaid(tx, order.event_id, order.id)
    order = order._replace(state=moved.state)
    said: Outcome = Said(why, {"order": order.short, "code": listed.code})
    if order.via == "24133":
        said = OrderShown(order, listed.listing, 0)
    return [*reply, tell(tx, order, why, said)]


def delayed(order_id: str, tx: Tx, ctx: Context) -> Reply:
    """The wallet does not answer: say so once, instead of leaving somebody waiting."""
    order, _ = orders.with_listing(tx, order_id)
    if order.state is not State.HELD:
        return []
    return [tell(tx, order, "delayed", Said("invoice-delayed", {"order": order.short}))]


def carry_out(
    moved: Step, order: Order, listing: Listing, payment_hash: str | None, tx: Tx, ctx: Context
) -> Reply:
    """The effects of one line of the order's table, in this transaction."""
    orders.move(tx, order, moved.state)
    reply: Reply = []
    for effect in moved.effects:
        match effect:
            case Effect.FREE_HELD_SEATS:
                listings.free_held(tx, order.event_id, order.tier, order.quantity)
                promos.give_back(tx, order.id)
                listings.fit(tx, listing)  # a capacity that was cut below them falls now
            case Effect.SELL_HELD_SEATS:
                listings.sell_held(tx, order.event_id, order.tier, order.quantity)
                if payment_hash is not None:
                    holds.paid(tx, order.event_id)
            case Effect.SELL_FREE_SEATS:
                listings.sell_free(tx, order.event_id, order.tier, order.quantity)
                promos.count(tx, order.id)
            case Effect.ISSUE_TICKETS:
                buyer = people.person(tx, order.person)
                for ticket in issuing.issue(tx, ctx, order, listing, payment_hash, buyer):
                    reply.append(tell_buyer(order, buyer, f"ticket:{ticket.ticket_id}", ticket))
            case Effect.SHOW_INVOICE | Effect.OWE_REFUND:
                pass  # carried out by who has the invoice, or the payment, in hand
    return reply


def _book(credit: Credit, order: Order, listing: Listing, fate: str, tx: Tx, ctx: Context) -> None:
    """Whose the money is now: the buyer's again, or the organizer's, less the commission."""
    payment, amount = credit.payment_hash, credit.amount_msat
    if fate == "refund":
        money.credit(tx, payment, order.id, amount, ctx.now, fate)
        money.post(tx, f"payment:{payment}", ctx.now, ("wallet", amount), ("refunds", -amount))
        return
    commission = commission_of(amount, ctx.settings.commission(listing.organizer))
    money.credit(tx, payment, order.id, amount, ctx.now, fate, commission)
    shares.sold(tx, listing, payment, amount, commission, ctx.now)


def _claimed(credit: Credit, tx: Tx) -> str | None:
    """The order that asked for this invoice, though its hash never came into the ledger."""
    name = credit.external_id
    order_id = None if name is None else invoices.named(tx, name)
    if name is None or order_id is None:
        return None
    made = InvoiceRow(name, order_id, 0, credit.payment_hash, None, credit.amount_msat, None)
    invoices.adopt(tx, made)
    orphans.adopted(tx, credit.payment_hash)
    return order_id


def _strange(credit: Credit, tx: Tx, ctx: Context) -> Reply:
    """Money without an order here: none of our business, or of a ledger that is lost."""
    name = credit.external_id or ""
    orphan = Orphan(credit.payment_hash, name, credit.amount_msat, credit.settled_at)
    if orphans.take_in(tx, orphan, ctx.now):
        payment, msat = credit.payment_hash, credit.amount_msat
        what: What = "paid, and unknown"
        journal.note(tx, ctx.now, orphan.order_id, what, payment=payment, msat=msat)
    return []


def _unfit(order: Order, listed: Listed, credit: Credit, tx: Tx, ctx: Context) -> str | None:
    """Why this money cannot become tickets; None when it can."""
    listing = listed.listing
    if credit.amount_msat != order.amount_msat:
        return "refund-amount"
    if listed.state != "on-sale":
        return "refund-cancelled"
    if ctx.now >= listing.end:
        return "refund-over"
    if order.person == people.NOBODY:
        return "refund-forgotten"
    if order.state in OPEN:
        return None
    free = listings.available(listings.seats_of(tx, order.event_id), order.tier)
    if free is not None and free < order.quantity:
        return "refund-sold-out"
    if not others_leave(tx, listing, order.tier, order.quantity, order.person):
        return "refund-sold-out"
    if exceeded(tx, order.person, listing, order.tier, order.quantity):
        return "refund-max"
    return None if promos.has_room(tx, order.id) else "refund-code"
