"""Whether an order may be placed: the event is on sale, the number is allowed, seats are not kept.

Each check raises `Refused` with what its buyer can do about it.
"""

from __future__ import annotations

from ticketbot.domain.holds import judge
from ticketbot.domain.waiting import Standing
from ticketbot.domain.when import HOUR
from ticketbot.errors import Refused
from ticketbot.handlers.allowance import exceeded, kept_besides
from ticketbot.handlers.buying.basket import Basket
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import holds, listings, marks, orders
from ticketbot.ledger.store import Tx

SALES_STOPPED = "sales-stopped"
MOST_GIVEN_UP = 10  # unpaid orders an hour: each costs the wallet an invoice


def check_on_sale(tx: Tx, ctx: Context, basket: Basket, request: Request) -> None:
    """The bot sells, the event is on, and this is the time for it and for its tier."""
    listing, now = basket.listing, ctx.now
    if ctx.paused is not None and not request.again:
        raise Refused("try-later", ctx.paused)
    if marks.get(tx, SALES_STOPPED) is not None:
        raise Refused("not-on-sale", "sales-stopped")
    if basket.found.state != "on-sale":
        raise Refused("not-on-sale", "event-cancelled", title=listing.title)
    if now >= listing.end:
        raise Refused("not-on-sale", "event-over", title=listing.title)
    if listings.paused(tx, listing.event_id):
        raise Refused("not-on-sale", "event-paused")
    tier = listing.tier(basket.tier) if basket.tier else None
    for sold, title in ((listing, listing.title), (tier, f"{listing.title} ({basket.tier})")):
        if sold is None:
            continue
        if sold.sales_start is not None and now < sold.sales_start:
            raise Refused("not-on-sale", "sales-later", title=title, at=sold.sales_start)
        if sold.sales_end is not None and now >= sold.sales_end:
            raise Refused("not-on-sale", "sales-over", title=title, at=sold.sales_end)


def check_quantity(tx: Tx, ctx: Context, request: Request, basket: Basket, waiting: int) -> None:
    """Not too many in one order, of one person, or left unpaid; `waiting`: their open orders."""
    if waiting >= ctx.settings.max_holds_per_buyer:
        raise Refused("too-many", "too-many-open", n=ctx.settings.max_holds_per_buyer)
    if orders.given_up(tx, request.person.id, ctx.now - HOUR) >= MOST_GIVEN_UP:
        raise Refused("try-later", "too-many-given-up")
    check_size(tx, ctx, request, basket)


def check_size(tx: Tx, ctx: Context, request: Request, basket: Basket) -> None:
    """Not too many in one order, nor of one person."""
    most, quantity = ctx.settings.max_tickets_per_order, basket.wish.quantity
    if quantity > most:
        raise Refused("too-many", "too-many-per-order", most=most)
    otherwise = None if basket.unit_msat else most  # nobody empties a free event
    whose, of = request.person.id, (basket.listing, basket.tier)
    kept = kept_besides(tx, whose, *of) if otherwise or basket.listing.max_per_buyer else 0
    broken = exceeded(tx, whose, *of, quantity, otherwise, kept)
    if broken is not None:
        raise Refused("too-many", "too-many-per-buyer", most=broken[0], title=broken[1])


def check_free(tx: Tx, basket: Basket) -> None:
    """There are seats; nothing is held."""
    event_id, quantity = basket.listing.event_id, basket.wish.quantity
    free = listings.available(listings.seats_of(tx, event_id), basket.tier)
    if free is not None and free < quantity:
        raise listings.short_of(tx, event_id, basket.tier, quantity)


def _is_limited(basket: Basket) -> bool:
    chosen = basket.listing.tier(basket.tier) if basket.tier else None
    return basket.listing.stock is not None or (chosen is not None and chosen.stock is not None)


def standing(tx: Tx, ctx: Context, request: Request) -> Standing:
    """What somebody has shown who may be one of a thousand keys of one person."""
    if orders.has_paid(tx, request.person.id):
        return Standing.PAID
    worked = request.work >= ctx.settings.proof_of_work_bits
    return Standing.WORKED if worked else Standing.NEWCOMER


def check_flood(tx: Tx, ctx: Context, request: Request, basket: Basket) -> None:
    """Seats that nobody pays for must not keep out those who would."""
    if not (basket.unit_msat and _is_limited(basket)):
        return
    now_held = holds.of(tx, basket.listing.event_id, basket.tier)
    if not now_held.doubtful(ctx.now):
        return
    bits, minutes = ctx.settings.proof_of_work_bits, -(-ctx.settings.hold_seconds // 60)
    trusted = standing(tx, ctx, request) > Standing.NEWCOMER
    match judge(now_held, basket.wish.quantity, trusted=trusted):
        case "sold-out":
            raise Refused("sold-out", "sold-out", wish=basket.typed())
        case "newcomers-wait":
            raise Refused("try-later", "newcomers-wait", minutes=minutes, bits=bits)
        case "all-wait" if basket.wish.quantity > now_held.most():
            raise Refused("try-later", "ask-for-fewer", minutes=minutes, most=now_held.most())
        case "all-wait":
            raise Refused("try-later", "all-wait", minutes=minutes)
