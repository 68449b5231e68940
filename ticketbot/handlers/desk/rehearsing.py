"""`rehearse`: a ticket is sold, paid and checked in before the doors open. Nothing of it counts.

The sale takes the very path of a purchase, from the held seat to the signed ticket, and is taken
back with all its rows. What stays is a pretend ticket for the organizer to hold under a scanner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ticketbot.domain.admission import Kind, State
from ticketbot.domain.command import Rehearse
from ticketbot.domain.listing import LONGEST_TITLE, Listing
from ticketbot.domain.naming import show
from ticketbot.domain.order import Happening, Order, order_id, step
from ticketbot.domain.order import State as OrderState
from ticketbot.domain.rehearsal import pretend
from ticketbot.domain.scanning import Scan, read_shown
from ticketbot.errors import Refused, TicketbotError
from ticketbot.handlers import finding
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.door import admitting
from ticketbot.handlers.money import cashier
from ticketbot.handlers.money.cashier import Credit
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import invoices, journal, listings, orders, tickets
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Outcome, Reply, Report, TicketShown, Told

MARK = "REHEARSAL"


STEPS = ("held", "invoiced", "paid", "signed", "admitted")
WITHOUT_MONEY = ("held", "signed", "admitted")


class _CurtainFalls(TicketbotError):
    """The sale was played to its end: all of it is taken back."""


def rehearse(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Play a sale to its end, take it back, and hand out a pretend ticket."""
    wish = request.command
    assert isinstance(wish, Rehearse)
    found, _ = own_event(wish.words, request, tx, ctx)
    listing = found.listing
    if found.state != "on-sale" or ctx.now >= listing.end:
        raise Refused("not-on-sale", "desk-not-on-sale", title=listing.title)
    tier = _cheapest(listing)
    price = finding.price(tx, listing, tier, ctx.now, 1)
    try:
        with tx.savepoint():
            _play(request, found, tier, price, tx, ctx)
            raise _CurtainFalls
    except _CurtainFalls:
        journal.note(tx, ctx.now, listing.event_id, "rehearsed")
    values = {"title": listing.title, "amount": price}
    facts: dict[str, object] = {
        "event_id": listing.event_id,
        "amount_msat": price,
        "steps": STEPS if price else WITHOUT_MONEY,
    }
    prop = _prop(request, listing, tier, tx, ctx)
    return [Report("rehearse", {**facts, "ticket_id": prop.ticket_id}, "rehearsed", values), prop]


def _cheapest(listing: Listing) -> str:
    """The tier that is played with, '' for none."""
    return "" if listing.general else min(listing.tiers, key=lambda one: one.price_msat).name


def _play(request: Request, found: Listed, tier: str, price: int, tx: Tx, ctx: Context) -> None:
    """A purchase of one ticket as anybody's, with money that nobody paid."""
    listing = found.listing
    unlimited = tuple(replace(one, stock=None) for one in listing.tiers)
    listings.fit(tx, replace(listing, stock=None, tiers=unlimited))  # sold out is no obstacle
    order = _order(request, listing, tier, price, tx, ctx)
    listings.hold(tx, order.event_id, order.tier, 1)
    orders.place(tx, order)
    if price:
        payment = tx.vault.tag(b"rehearsal payment", order.id.encode()).hex() * 2
        asked = invoices.ask(tx, order, ctx.now)
        until = ctx.now + ctx.settings.hold_seconds
        made = InvoiceRow(asked, order.id, ctx.now, payment, "lnbc", price, until)
        said = cashier.invoiced(made, tx, ctx) + cashier.settled(Credit(payment, price), tx, ctx)
    else:
        given = step(order.state, Happening.GIVEN)
        said = cashier.carry_out(given, order, listing, None, tx, ctx)
    _check_in(order, found, said, tx, ctx)


def _order(
    request: Request, listing: Listing, tier: str, price: int, tx: Tx, ctx: Context
) -> Order:
    return Order(
        id=order_id(ctx.now, tx.vault.tag(b"rehearsal", request.key)),
        person=request.person.id,
        event_id=listing.event_id,
        tier=tier,
        quantity=1,
        unit_msat=price,
        amount_msat=price,
        state=OrderState.HELD,
        via="auto",
        request_id=None,
        placed_at=ctx.now,
        hold_until=ctx.now + ctx.settings.hold_seconds,
    )


def _check_in(
    order: Order, found: Listed, said: Sequence[Outcome | Told], tx: Tx, ctx: Context
) -> None:
    """The door looks at what the buyer was sent, as if it were open."""
    shown = [one.outcome for one in said if isinstance(one, Told)]
    (ticket,) = [one for one in shown if isinstance(one, TicketShown)]
    scan = Scan(Kind.CHECK_IN, read_shown(ticket.token, ctx.signer.public), MARK)
    doors_open = replace(ctx, now=max(ctx.now, found.listing.start))
    admitting.decide(found, scan, None, tx, doors_open, counted=False)
    (row,) = tickets.of_order(tx, order.id)
    if row.state != State.ADMITTED:
        raise AssertionError(f"the ticket of a rehearsal was not let in: it is {row.state}")


def _prop(request: Request, listing: Listing, tier: str, tx: Tx, ctx: Context) -> TicketShown:
    """The pretend ticket: signed like any other, and in no ledger."""
    seed = tx.vault.tag(b"rehearsal", request.key + ctx.now.to_bytes(8, "big"))
    claims = pretend(request.sender, seed, ctx.now)
    return TicketShown(
        order_id="",
        listing=replace(
            listing, title=show(f"{MARK}: {listing.title}", LONGEST_TITLE), ephemeral=True
        ),
        tier=tier,
        ticket_id=claims.ticket_id,
        version=claims.version,
        token=ctx.signer.sign(claims),
        salt=seed,
        capability="",
        everywhere=False,
    )


COMMANDS: Commands = {
    Rehearse: rehearse,
}
