"""`comp`: free tickets for somebody, from an event's own organizer."""

from __future__ import annotations

from ticketbot.domain.command import Comp
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.order import Happening, Order, State, order_id, step
from ticketbot.domain.when import DAY
from ticketbot.errors import Refused
from ticketbot.handlers import finding
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.money import cashier
from ticketbot.handlers.rights import own_event
from ticketbot.handlers.telling import tell
from ticketbot.ledger import gifts, inbox, journal, listings, orders, people
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Outcome, Reply, Report, Said, Told

A_DAY = 200  # tickets of one organizer: every gift is a letter to somebody who may not know us
A_DAY_OF_ANYBODY = 20  # where anybody may sell, a gift must not be a way to write to strangers


def comp(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Seats are held and sold as any others, and the tickets go to whom they are given."""
    wish = request.command
    assert isinstance(wish, Comp)
    found, left = own_event(wish.words, request, tx, ctx)
    if wish.to is None:
        raise Refused("bad-request", "comp-how")
    key = inbox.request_key(tx, request.person.id, request.request_id or "")
    asked = f"comp|{wish.words}|{wish.to}|{wish.quantity}|{wish.tier}"
    if request.request_id is not None and (before := inbox.remembered(tx, key)):
        if before[0] != inbox.content_tag(tx, asked):
            raise Refused("bad-request", "request-id-reused")
        known = orders.get(tx, before[1])
        assert known is not None
        return [_given(found, known, wish.to)]
    typed = f"comp {found.code.lower()} {npub_encode(wish.to)} {wish.quantity}"
    tier = finding.tier_in((wish.tier,) if wish.tier else left, found.listing, typed)
    _check(found, wish, tx, ctx)
    order = _order(request, found, wish, people.meet(tx, wish.to).id, tier, tx, ctx)
    issued = _give(found, order, tx, ctx)
    if request.request_id is not None:
        inbox.remember(tx, key, asked, order.id)
    return [_greeting(found, order, tx, ctx), *issued, _given(found, order, wish.to)]


def _give(found: Listed, order: Order, tx: Tx, ctx: Context) -> Reply:
    listings.hold(tx, order.event_id, order.tier, order.quantity)
    orders.place(tx, order)
    gifts.give(tx, order, ctx.now)
    journal.note(
        tx,
        ctx.now,
        order.id,
        "given by the organizer",
        event=order.event_id,
        tier=order.tier,
        seats=order.quantity,
    )
    handed = step(order.state, Happening.GIVEN)
    return cashier.carry_out(handed, order, found.listing, None, tx, ctx)


def _check(found: Listed, wish: Comp, tx: Tx, ctx: Context) -> None:
    listing = found.listing
    if ctx.paused is not None:
        raise Refused("try-later", ctx.paused)
    if found.state != "on-sale" or ctx.now >= listing.end:
        raise Refused("not-on-sale", "desk-not-on-sale", title=listing.title)
    if wish.to == ctx.settings.bot:
        raise Refused("bad-request", "comp-to-me")
    if wish.quantity > ctx.settings.max_tickets_per_order:
        raise Refused("too-many", "comp-many", most=ctx.settings.max_tickets_per_order)
    most = A_DAY if ctx.settings.organizers is not None else A_DAY_OF_ANYBODY
    if gifts.given_since(tx, listing.organizer, ctx.now - DAY) + wish.quantity > most:
        raise Refused("too-many", "comp-often", most=most)


def _order(
    request: Request, found: Listed, wish: Comp, person: int, tier: str, tx: Tx, ctx: Context
) -> Order:
    return Order(
        id=_identity(request, tx),
        person=person,
        event_id=found.listing.event_id,
        tier=tier,
        quantity=wish.quantity,
        unit_msat=0,
        amount_msat=0,
        state=State.HELD,
        via="auto",
        request_id=None,
        placed_at=ctx.now,
        hold_until=ctx.now,
    )


def _identity(request: Request, tx: Tx) -> str:
    """The same for one letter, and for one request_id of a program, in every ledger of this bot.

    So a gift that is heard again after a restore makes the very same tickets.
    """
    seed = request.key
    if request.request_id is not None:
        seed = f"{request.sender}:{request.request_id}".encode()
    for number in range(256):
        wanted = order_id(request.sent_at, tx.vault.tag(b"gift", seed + bytes([number])))
        if orders.get(tx, wanted) is None:
            return wanted
    raise LookupError("no order id is free")


def _greeting(found: Listed, order: Order, tx: Tx, ctx: Context) -> Told:
    values = {
        "title": found.listing.title,
        "n": order.quantity,
        "name": ctx.settings.name,
    }
    return tell(tx, order, "given", Said("comp-greeting", values))


def _given(found: Listed, order: Order, to: str) -> Outcome:
    npub = npub_encode(to)
    facts: dict[str, object] = {
        "event_id": order.event_id,
        "order_id": order.id,
        "holder": npub,
        "tier": order.tier,
        "quantity": order.quantity,
    }
    what = f"{found.listing.title} ({order.tier})" if order.tier else found.listing.title
    values = {"what": what, "n": order.quantity, "holder": npub, "order": order.short}
    return Report("comp", facts, "comp-given", values)


COMMANDS: Commands = {
    Comp: comp,
}
