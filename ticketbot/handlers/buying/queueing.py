"""Who waits for a seat, in turn: nobody who comes later is served before.

What is kept for whom, and for how long, is decided in offering.py.
"""

from __future__ import annotations

from ticketbot.domain.command import Buy, JoinQueue, LeaveQueue, ShowQueue
from ticketbot.domain.listing import Listing
from ticketbot.domain.naming import typed
from ticketbot.domain.order import Order
from ticketbot.domain.waiting import MOST_WAITING, Standing, has_room
from ticketbot.errors import Refused
from ticketbot.handlers import finding, viewing
from ticketbot.handlers.allowance import others_leave
from ticketbot.handlers.buying import conditions
from ticketbot.handlers.buying.basket import Basket
from ticketbot.handlers.buying.offering import facts_of, give_up, number_of, values_of
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.ledger import journal, listings, places, turns
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.places import Place
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report

MOST_PLACES = 20  # of one person


def join(request: Request, tx: Tx, ctx: Context) -> Reply:
    """A place behind all others; where there is one already, how many seats it is for."""
    wish = request.command
    assert isinstance(wish, JoinQueue)
    wanted = _wanted(wish, tx, ctx)
    conditions.check_on_sale(tx, ctx, wanted, request)
    before = places.of(tx, request.person.id, wanted.listing.event_id, wanted.tier)
    standing = conditions.standing(tx, ctx, request)
    if before is not None and standing > before.standing:
        before = places.raise_to(tx, before, standing)
    if before is not None and (before.kept or before.quantity == wish.quantity):
        return [_place(before, wanted.found, tx, ctx)]
    _check_wish(wanted, request, tx, ctx)
    if before is not None:
        return [_place(places.change(tx, before, wish.quantity), wanted.found, tx, ctx)]
    event_id, person = wanted.listing.event_id, request.person.id
    _check_room(wanted.listing, person, standing, tx, ctx)
    place = places.join(tx, event_id, wanted.tier, person, wish.quantity, ctx.now, standing)
    return [_place(place, wanted.found, tx, ctx)]


def leave(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Wait no longer; what was kept is offered on."""
    wish = request.command
    assert isinstance(wish, LeaveQueue)
    mine = places.of_person(tx, request.person.id)
    if not mine:
        raise Refused("bad-request", "queue-none")
    found = viewing.listed(tx, mine[0].event_id)
    if wish.words or len({place.event_id for place in mine}) > 1:
        found, _ = finding.event_in(wish.words, tx, ctx)
    meant = [place for place in mine if place.event_id == found.listing.event_id]
    if not meant:
        raise Refused("bad-request", "queue-not-there", title=found.listing.title)
    for place in meant:
        give_up(place, "left", tx, ctx)
    facts: dict[str, object] = {"event_id": found.listing.event_id, "left": True}
    return [Report("queue-left", facts, "queue-left", {"title": found.listing.title})]


def show(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Every place of theirs."""
    mine = places.of_person(tx, request.person.id)
    found = [(place, viewing.listed(tx, place.event_id)) for place in mine]
    facts: dict[str, object] = {"places": [facts_of(place, tx) for place, listed in found]}
    if not mine:
        return [Report("queue", facts, "queue-empty")]
    rows = tuple(
        (listed.listing, place.tier, place.quantity, place.until, number_of(place, tx))
        for place, listed in found
    )
    return [Report("queue", facts, "queue-places", {"queued": rows})]


def turn_of(request: Request, wanted: Basket, tx: Tx) -> Place | None:
    """The place whose kept seats this order takes; None for who has none.

    `Refused` for more than are kept, and for who would be served before those who wait.
    """
    event_id = wanted.listing.event_id
    place = places.of(tx, request.person.id, event_id, wanted.tier)
    if place is not None and place.kept:
        if wanted.wish.quantity > place.kept:
            raise Refused("too-many", "queue-fewer", n=place.kept)
        return place
    if place is not None and request.again and place == places.first(tx, event_id, wanted.tier):
        return place  # the ledger that kept seats for them is lost
    if not others_leave(tx, wanted.listing, wanted.tier, wanted.wish.quantity):
        if place is not None:
            raise Refused("sold-out", "queue-patience")
        raise Refused("sold-out", "queue-waits", wish=wanted.typed())
    return None


def take(place: Place, tx: Tx, ctx: Context) -> None:
    """Its seats are for the order that is placed in this transaction."""
    places.leave(tx, place)
    listings.free_held(tx, place.event_id, place.tier, place.kept)
    journal.note(tx, ctx.now, place.event_id, "kept seats", place=place.id, how="taken")


def taken(place: Place, order: Order, tx: Tx) -> None:
    """The order that took them is there: whether it is paid decides whether they were let go."""
    if place.kept and place.standing < Standing.PAID:
        turns.taken(tx, place.event_id, order.id)


def bought(order: Order, tx: Tx, ctx: Context) -> None:
    """An order of a lost ledger is paid: whoever placed it waits for no seat of it any more."""
    place = places.of(tx, order.person, order.event_id, order.tier)
    if place is not None:
        give_up(place, "taken", tx, ctx)


def forget(person: int, tx: Tx, ctx: Context) -> None:
    """Somebody is forgotten, and waits for nothing any more."""
    for place in places.of_person(tx, person):
        give_up(place, "left", tx, ctx)


def _wanted(wish: JoinQueue, tx: Tx, ctx: Context) -> Basket:
    """What they would buy if there were seats. No code is asked for: it counts when they buy."""
    found, left = finding.event_in(wish.words, tx, ctx)
    asked = f"join {typed(found.code, wish.quantity, '')}"
    tier = finding.tier_in((wish.tier,) if wish.tier else left, found.listing, asked)
    unit = finding.price(tx, found.listing, tier, ctx.now, wish.quantity)
    wanted = Buy((found.listing.event_id,), wish.quantity, tier or None, whole=True)
    return Basket(found, wanted, tier, unit, None)


def _check_wish(wanted: Basket, request: Request, tx: Tx, ctx: Context) -> None:
    conditions.check_size(tx, ctx, request, wanted)
    quantity = wanted.wish.quantity
    seats = listings.seats_of(tx, wanted.listing.event_id)
    free = listings.available(seats, wanted.tier)
    left = others_leave(tx, wanted.listing, wanted.tier, quantity)
    if left and (free is None or free >= quantity):
        raise Refused("bad-request", "queue-needless", wish=wanted.typed())


def _check_room(listing: Listing, person: int, standing: Standing, tx: Tx, ctx: Context) -> None:
    """Neither too many places of one person, nor of one event."""
    if len(places.of_person(tx, person)) >= MOST_PLACES:
        raise Refused("too-many", "queue-many", most=MOST_PLACES)
    if not has_room(places.waiting(tx, listing.event_id), standing):
        bits = {} if standing else {"bits": ctx.settings.proof_of_work_bits}
        full = "queue-full" if standing else "queue-full-newcomer"
        raise Refused("try-later", full, title=listing.title, most=f"{MOST_WAITING:,}", **bits)


def _place(place: Place, found: Listed, tx: Tx, ctx: Context) -> Report:
    """Where somebody stands, and how they would stand better."""
    facts, values = facts_of(place, tx), values_of(place, found)
    if place.kept:
        return Report("queue-place", facts, "queue-offer", values)
    values = {"title": found.listing.title, "code": found.code.lower(), "number": facts["position"]}
    if place.standing == Standing.NEWCOMER and turns.of(tx, place.event_id).doubtful:
        bits = ctx.settings.proof_of_work_bits
        return Report(
            "queue-place", facts | {"pow": bits}, "queue-joined-behind", values | {"bits": bits}
        )
    return Report("queue-place", facts, "queue-joined", values)


COMMANDS: Commands = {
    JoinQueue: join,
    LeaveQueue: leave,
    ShowQueue: show,
}
