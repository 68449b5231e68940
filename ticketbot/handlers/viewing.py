"""Where an order stands, shown in the form that helps most."""

from __future__ import annotations

from ticketbot.domain import spending
from ticketbot.domain.listing import Listing
from ticketbot.domain.order import Order, State
from ticketbot.domain.pricing import regular
from ticketbot.domain.refund import Refund
from ticketbot.handlers import issuing
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import invoices, journal, listings, promos, refunds, tickets
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import InvoiceShown, OrderShown, Outcome, Reply, Said


def present(tx: Tx, ctx: Context, order: Order, request: Request) -> Reply:
    """The order as it is now: its invoice, its tickets, or what became of it."""
    if request.via == "api":
        return [summary(tx, order, request)]
    listing = listed(tx, order.event_id).listing
    if order.state is State.INVOICED and (made := invoices.shown(tx, order.id)):
        return [invoice_shown(tx, order, listing, made)]
    if order.state is State.PAID and may_show_tickets(request, listing, ctx):
        return [
            issuing.show(tx, ctx, row, listing, request.person, everywhere=False)
            for row in tickets.of_order(tx, order.id)
            if row.holder == request.person.id and row.state != "void"
        ]
    if order.state is State.HELD and request.request_id is None:
        return [Said("invoice-coming", {"order": order.short})]
    return [summary(tx, order)]


def may_show_tickets(request: Request, listing: Listing, ctx: Context) -> bool:
    """Whether tickets may go the way of this request: kind 24133 can be forbidden."""
    return request.via != "24133" or (listing.ephemeral and ctx.settings.ephemeral != "never")


def summary(tx: Tx, order: Order, request: Request | None = None) -> Outcome:
    """State, tickets and its buyer's refunds of an order; over HTTP also its invoice."""
    live = [row for row in tickets.of_order(tx, order.id) if row.state != "void"]
    back = [one for one in refunds.of_order(tx, order.id) if one.person == order.person]
    owed = tuple((one.amount_msat, str(one.state)) for one in back)
    why = journal.why_released(tx, order.id) if order.state is State.RELEASED else None
    listing, waiting = listed(tx, order.event_id).listing, None
    if request is not None and request.via == "api" and order.state is State.INVOICED:
        made = invoices.shown(tx, order.id)
        waiting = None if made is None else invoice_shown(tx, order, listing, made)
    placed = frozenset(number for number, one in enumerate(back) if is_placed(tx, one))
    return OrderShown(order, listing, len(live), owed, why, waiting, placed)


def is_placed(tx: Tx, refund: Refund) -> bool:
    """Whether it is still to be sent, and known where to."""
    return refund.state is spending.State.DUE and refunds.destination(tx, refund.id) is not None


def facts_of(order: Order) -> dict[str, object]:
    """An order in a list that programs read."""
    times = {"placed_at": order.placed_at, "hold_until": order.hold_until}
    return standing_of(order) | times


def standing_of(order: Order) -> dict[str, object]:
    """What an order is for and how it stands, for programs."""
    return {
        "order_id": order.id,
        "event_id": order.event_id,
        "tier": order.tier,
        "quantity": order.quantity,
        "amount_msat": order.amount_msat,
        "state": str(order.state),
    }


def invoice_shown(tx: Tx, order: Order, listing: Listing, made: InvoiceRow) -> InvoiceShown:
    """An order with its bolt11, and the code that made it cheaper."""
    assert made.bolt11 is not None and made.payment_hash is not None
    assert made.expires_at is not None
    invoice = (made.bolt11, made.payment_hash, made.expires_at)
    # Most orders cost the usual price: nothing is looked up for them.
    usual = order.unit_msat == regular(listing, order.tier)
    applied = None if usual else promos.applied(tx, order.id)
    return InvoiceShown(order, listing, *invoice, *(applied or ()))


def listed(tx: Tx, event_id: str) -> Listed:
    """The listing an order points to: never missing."""
    found = listings.by_id(tx, event_id)
    if found is None:
        raise LookupError(f"listing {event_id}")
    return found
