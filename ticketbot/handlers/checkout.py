"""`buy`: from a wish to held seats and an invoice on its way."""

from __future__ import annotations

from ticketbot.domain.command import Buy
from ticketbot.domain.holds import judge
from ticketbot.domain.listing import Listing
from ticketbot.domain.order import Happening, Order, State, order_id, step, tag_of
from ticketbot.errors import Refused
from ticketbot.handlers import again, cashier, finding, viewing
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import (
    holds,
    inbox,
    journal,
    listings,
    marks,
    orders,
    orphans,
    outbox,
    tickets,
)
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.orphans import Orphan
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply

SALES_STOPPED = "sales-stopped"
MOST_GIVEN_UP = 10  # unpaid orders an hour: each costs the wallet an invoice


def buy(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Hold the seats and ask for the invoice; it is shown when the wallet has made it."""
    wish = request.command
    assert isinstance(wish, Buy)
    asked = f"{wish.words}|{wish.quantity}|{wish.tier}"
    key = inbox.request_key(tx, request.person.id, request.request_id or "")
    if request.request_id is not None and (before := inbox.remembered(tx, key)):
        if before[0] != inbox.content_hash(asked):
            raise Refused("bad-request", "request-id-reused")
        return viewing.present(tx, ctx, _known(tx, before[1]), request)

    found, left = finding.event_in(wish.words, tx, ctx)
    tier = finding.tier_in((wish.tier,) if wish.tier else left, found.listing)
    unit = _price(found.listing, tier)
    name, paid = _identity(request, tx)
    order = _order(request, ctx, name, found.listing, tier, unit)
    if paid or (request.again and unit):
        reply = again.take_up(order, paid, request, tx, ctx)
        if request.request_id is not None:
            inbox.remember(tx, key, asked, order.id)
        return reply
    _check_on_sale(tx, ctx, found, request)
    mine = orders.open_of(tx, request.person.id)
    if request.request_id is None and (same := _same(mine, order)):
        return viewing.present(tx, ctx, same, request)
    _check_quantity(tx, ctx, order, found.listing, len(mine))
    if unit and _is_limited(found.listing, tier):
        _check_flood(tx, ctx, request, found.listing, tier, wish.quantity)
    _place(tx, ctx, order)
    if request.request_id is not None:
        inbox.remember(tx, key, asked, order.id)
    if order.amount_msat == 0:
        given = step(order.state, Happening.GIVEN)
        return cashier.carry_out(given, order, found.listing, None, tx, ctx)
    external_id = orders.ask_invoice(tx, order, ctx.now)
    outbox.put(tx, f"invoice:{external_id}", "invoice", ctx.now, _invoice_job(order, external_id))
    return []


def _price(listing: Listing, tier: str) -> int:
    chosen = listing.tier(tier) if tier else None
    return chosen.price_msat if chosen else listing.price_msat


def _order(
    request: Request, ctx: Context, order_id: str, listing: Listing, tier: str, unit: int
) -> Order:
    wish = request.command
    assert isinstance(wish, Buy)
    return Order(
        id=order_id,
        person=request.person.id,
        event_id=listing.event_id,
        tier=tier,
        quantity=wish.quantity,
        unit_msat=unit,
        amount_msat=unit * wish.quantity,
        state=State.HELD,
        via=request.via,
        request_id=request.request_id,
        placed_at=ctx.now,
        hold_until=ctx.now + ctx.settings.hold_seconds,
    )


def _place(tx: Tx, ctx: Context, order: Order) -> None:
    listings.hold(tx, order.event_id, order.tier, order.quantity)
    orders.place(tx, order)
    journal.note(
        tx,
        ctx.now,
        order.id,
        "placed",
        event=order.event_id,
        tier=order.tier,
        seats=order.quantity,
        msat=order.amount_msat,
    )


def _check_on_sale(tx: Tx, ctx: Context, found: Listed, request: Request) -> None:
    listing, now = found.listing, ctx.now
    if ctx.paused is not None and not request.again:
        raise Refused("try-later", ctx.paused)
    if marks.get(tx, SALES_STOPPED) is not None:
        raise Refused("not-on-sale", "sales-stopped")
    if found.state != "on-sale":
        raise Refused("not-on-sale", "event-cancelled", title=listing.title)
    if now >= listing.end:
        raise Refused("not-on-sale", "event-over", title=listing.title)
    if listing.sales_start is not None and now < listing.sales_start:
        raise Refused("not-on-sale", "sales-later", title=listing.title, at=listing.sales_start)
    if listing.sales_end is not None and now >= listing.sales_end:
        raise Refused("not-on-sale", "sales-over", title=listing.title, at=listing.sales_end)


def _check_quantity(tx: Tx, ctx: Context, order: Order, listing: Listing, waiting: int) -> None:
    most, person, quantity = ctx.settings.max_tickets_per_order, order.person, order.quantity
    if quantity > most:
        raise Refused("too-many", "too-many-per-order", most=most)
    if waiting >= ctx.settings.max_holds_per_buyer:
        raise Refused("too-many", "too-many-open", n=ctx.settings.max_holds_per_buyer)
    if orders.given_up(tx, person, ctx.now - 3600) >= MOST_GIVEN_UP:
        raise Refused("try-later", "too-many-given-up")
    limit = listing.max_per_buyer or (
        most if order.unit_msat == 0 else None
    )  # nobody empties a free event
    if limit is not None:
        has = tickets.live_count(tx, person, listing.event_id)
        held = orders.held_seats(tx, person, listing.event_id)
        if has + held + quantity > limit:
            raise Refused("too-many", "too-many-per-buyer", most=limit)


def _is_limited(listing: Listing, tier: str) -> bool:
    chosen = listing.tier(tier) if tier else None
    return listing.stock is not None or (chosen is not None and chosen.stock is not None)


def _check_flood(
    tx: Tx, ctx: Context, request: Request, listing: Listing, tier: str, quantity: int
) -> None:
    """Seats that nobody pays for must not keep out those who would."""
    now_held = holds.of(tx, listing.event_id, tier)
    if not now_held.doubtful(ctx.now):
        return
    bits, minutes = ctx.settings.proof_of_work_bits, -(-ctx.settings.hold_seconds // 60)
    trusted = request.work >= bits or orders.has_paid(tx, request.person.id)
    match judge(now_held, quantity, trusted=trusted):
        case "sold-out":
            raise Refused("sold-out", "sold-out")
        case "newcomers-wait":
            raise Refused("try-later", "newcomers-wait", minutes=minutes, bits=bits)
        case "all-wait" if quantity > now_held.most():
            raise Refused("try-later", "ask-for-fewer", minutes=minutes, most=now_held.most())
        case "all-wait":
            raise Refused("try-later", "all-wait", minutes=minutes)


def _same(waiting: list[Order], wanted: Order) -> Order | None:
    """The order that asks for the same and waits to be paid."""
    for order in waiting:
        if order[2:5] == wanted[2:5]:  # event, tier and quantity
            return order
    return None


def _known(tx: Tx, order_id: str) -> Order:
    order = orders.get(tx, order_id)
    assert order is not None
    return order


def _invoice_job(order: Order, external_id: str) -> dict[str, object]:
    return {"order": order.id, "external_id": external_id, "amount_msat": order.amount_msat}


def _identity(request: Request, tx: Tx) -> tuple[str, list[Orphan]]:
    """The id of the order that this request makes, and what was paid for it before a restore.

    It is the same however often the letter is read, or a program repeats its request_id, and
    nobody without the bot's key can tell from it whose it is.
    """
    seed, program = request.key, request.request_id is not None
    if program:
        seed = f"{request.sender}:{request.request_id}".encode()
    for number in range(256):
        wanted = order_id(request.sent_at, tx.vault.tag(b"order", seed + bytes([number])))
        paid = orphans.waiting(tx, tag_of(wanted))
        if paid and (program or paid[0].order_id == wanted):
            return paid[0].order_id, [one for one in paid if one.order_id == paid[0].order_id]
        if not orders.exists(tx, wanted):
            return wanted, []
    raise LookupError("no order id is free")
