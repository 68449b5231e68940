"""Who waits for a seat, in turn: nobody who comes later is served before.

A place is there as long as its row is. Seats that come free are held for whose turn it is, and
the row says until when; whoever takes it away has decided: a purchase, a refusal, the end of
that time. Where what is kept is let go in numbers, who has shown more comes first
(domain/waiting.py).
"""

from __future__ import annotations

from ticketbot.domain.command import Buy, JoinQueue, LeaveQueue, ShowQueue
from ticketbot.domain.listing import Listing
from ticketbot.domain.order import Order
from ticketbot.domain.pricing import regular
from ticketbot.domain.waiting import MOST_WAITING, Standing, Turns, has_room
from ticketbot.errors import Refused
from ticketbot.handlers import finding, viewing
from ticketbot.handlers.allowance import kept_besides, limits
from ticketbot.handlers.buying import conditions
from ticketbot.handlers.buying.basket import Basket
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.telling import tell_person
from ticketbot.ledger import journal, listings, marks, places, turns
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.places import Place
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report

AT_ONCE = 50  # offers, or places, in one transaction
MOST_PLACES = 20  # of one person
LET_GO = ("left", "not taken")  # how an offer ends of which its own person made nothing


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
        _give_up(place, "left", tx, ctx)
    facts: dict[str, object] = {"event_id": found.listing.event_id, "left": True}
    return [Report("queue-left", facts, "queue-left", {"title": found.listing.title})]


def show(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Every place of theirs."""
    mine = places.of_person(tx, request.person.id)
    found = [(place, viewing.listed(tx, place.event_id)) for place in mine]
    facts: dict[str, object] = {"places": [_facts(place, tx) for place, listed in found]}
    if not mine:
        return [Report("queue", facts, "queue-empty")]
    rows = tuple(
        (listed.listing, place.tier, place.quantity, place.until, _number(place, tx))
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
    if not _is_left(wanted, tx):
        raise Refused("sold-out", "queue-waits" if place is None else "queue-patience")
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
        _give_up(place, "taken", tx, ctx)


def stirred(tx: Tx, ctx: Context) -> list[str]:
    """Events of which `offer` has something to say."""
    return [event_id for event_id in places.events(tx) if _is_stirred(event_id, tx, ctx)]


def offer(event_id: str, tx: Tx, ctx: Context) -> Reply:
    """Seats that came free are kept for whose turn it is, each of whom is told."""
    found = viewing.listed(tx, event_id)
    if _is_over(found, ctx):
        return _dissolve(found, tx, ctx)
    if _stands_still(found, tx, ctx):
        return []
    reply: Reply = []
    for _ in range(AT_ONCE):
        line = turns.of(tx, event_id)
        place = _next(found.listing, line, tx, ctx)
        if place is None:
            break
        if line.doubtful:
            turns.save(tx, event_id, line.after(place.standing))
        kept = _how_many(place, found.listing, tx, ctx)
        if kept < 1:
            _give_up(place, "enough", tx, ctx)
            reply += _tell(place, found, "queue-enough", tx)
            continue
        listings.hold(tx, event_id, place.tier, kept)
        until = _until(found.listing, place.tier, ctx)
        place = places.keep(tx, place, kept, until)
        journal.note(tx, ctx.now, event_id, "seats kept", place=place.id, seats=kept)
        reply += _tell(place, found, "queue-offer", tx)
    return reply


def lapse(now: int, tx: Tx, ctx: Context) -> Reply:
    """Seats that were kept long enough come free; who did not take them hears so.

    Where nothing was sold meanwhile it is still their turn, as soon as there is something again.
    """
    reply: Reply = []
    for place in places.over(tx, now, AT_ONCE):
        if _stands_still(viewing.listed(tx, place.event_id), tx, ctx):
            places.keep(tx, place, 0, None)
            _free(place, "sales stood still", tx, ctx)
            continue
        _give_up(place, "not taken", tx, ctx)
        reply += _tell(place, viewing.listed(tx, place.event_id), "queue-lapsed", tx)
    return reply


def forget(person: int, tx: Tx, ctx: Context) -> None:
    """Somebody is forgotten, and waits for nothing any more."""
    for place in places.of_person(tx, person):
        _give_up(place, "left", tx, ctx)


def _wanted(wish: JoinQueue, tx: Tx, ctx: Context) -> Basket:
    """What they would buy if there were seats. No code is asked for: it counts when they buy."""
    found, left = finding.event_in(wish.words, tx, ctx)
    tier = finding.tier_in((wish.tier,) if wish.tier else left, found.listing)
    unit = finding.price(tx, found.listing, tier, ctx.now, wish.quantity)
    wanted = Buy((found.listing.event_id,), wish.quantity, tier or None, whole=True)
    return Basket(found, wanted, tier, unit, None)


def _check_wish(wanted: Basket, request: Request, tx: Tx, ctx: Context) -> None:
    conditions.check_size(tx, ctx, request, wanted)
    quantity = wanted.wish.quantity
    seats = listings.seats_of(tx, wanted.listing.event_id)
    free = listings.available(seats, wanted.tier)
    if (free is None or free >= quantity) and _is_left(wanted, tx):
        wish = f"{wanted.found.code.lower()} {quantity} {wanted.tier.lower()}".strip()
        raise Refused("bad-request", "queue-needless", wish=wish)


def _check_room(listing: Listing, person: int, standing: Standing, tx: Tx, ctx: Context) -> None:
    """Neither too many places of one person, nor of one event."""
    if len(places.of_person(tx, person)) >= MOST_PLACES:
        raise Refused("too-many", "queue-many", most=MOST_PLACES)
    if not has_room(places.waiting(tx, listing.event_id), standing):
        bits = {} if standing else {"bits": ctx.settings.proof_of_work_bits}
        full = "queue-full" if standing else "queue-full-newcomer"
        raise Refused("try-later", full, title=listing.title, most=f"{MOST_WAITING:,}", **bits)


def _is_left(wanted: Basket, tx: Tx) -> bool:
    """Whether those who wait leave what is wanted. Whether there are seats at all is not asked."""
    event_id = wanted.listing.event_id
    if places.first(tx, event_id, wanted.tier) is not None:
        return False
    others = places.wanted(tx, event_id) if wanted.listing.tiers else {}
    seats = listings.seats_of(tx, event_id) if others else []
    total = listings.available(seats, "")
    if total is None:
        return True
    for kind, number in others.items():
        if not _is_sold(wanted.listing, kind):
            continue
        of_kind = listings.available(seats, kind)
        total -= number if of_kind is None else min(number, of_kind)
    return total >= wanted.wish.quantity


def _is_stirred(event_id: str, tx: Tx, ctx: Context) -> bool:
    found = viewing.listed(tx, event_id)
    if _is_over(found, ctx):
        return True
    return not _stands_still(found, tx, ctx) and _next(found.listing, Turns(), tx, ctx) is not None


def _is_over(found: Listed, ctx: Context) -> bool:
    return found.state == "closed" or ctx.now >= found.listing.end


def _stands_still(found: Listed, tx: Tx, ctx: Context) -> bool:
    """Whether nobody can buy just now, but perhaps later: a cancelled event may be put back."""
    if found.state != "on-sale" or ctx.paused is not None:
        return True
    stopped = marks.get(tx, conditions.SALES_STOPPED) is not None
    return stopped or listings.paused(tx, found.listing.event_id)


def _next(listing: Listing, line: Turns, tx: Tx, ctx: Context) -> Place | None:
    """Whose turn it is among those for whom there is a seat."""
    seats = listings.seats_of(tx, listing.event_id)
    first = places.favoured if line.favours else places.first
    found = []
    for tier in (one.tier for one in seats):
        if not _is_sold(listing, tier):
            continue
        free = listings.available(seats, tier)
        if (free is None or free > 0) and _until(listing, tier, ctx) > ctx.now:
            found.append(first(tx, listing.event_id, tier))
    return min(filter(None, found), key=lambda place: _rank(place, line), default=None)


def _rank(place: Place, line: Turns) -> tuple[int, int]:
    """The lower is served first."""
    return (-place.standing if line.favours else 0, place.id)


def _how_many(place: Place, listing: Listing, tx: Tx, ctx: Context) -> int:
    """As many as they want, as there are, and as they may have still."""
    seats = listings.available(listings.seats_of(tx, place.event_id), place.tier)
    most = None if regular(listing, place.tier) else ctx.settings.max_tickets_per_order
    kept = kept_besides(tx, place.person, listing, place.tier)
    found = limits(tx, place.person, listing, place.tier, most, kept)
    return min([place.quantity, *([] if seats is None else [seats]), *(one.left for one in found)])


def _is_sold(listing: Listing, tier: str) -> bool:
    """Whether there is such a kind of ticket: a newer note may have taken it out."""
    return listing.general if not tier else listing.tier(tier) is not None


def _until(listing: Listing, tier: str, ctx: Context) -> int:
    """How long a seat is kept: not beyond the time in which it can be bought."""
    chosen = listing.tier(tier) if tier else None
    if any(
        one.sales_start is not None and ctx.now < one.sales_start
        for one in (listing, chosen)
        if one is not None
    ):
        return ctx.now
    ends = [one.sales_end for one in (listing, chosen) if one is not None and one.sales_end]
    return min(ctx.now + ctx.settings.keep_seconds, listing.end, *ends)


def _dissolve(found: Listed, tx: Tx, ctx: Context) -> Reply:
    """Nothing is sold any more: who waits for an event that is cancelled hears so."""
    reply: Reply = []
    for place in places.of_event(tx, found.listing.event_id, AT_ONCE):
        _give_up(place, "over", tx, ctx)
        if ctx.now < found.listing.end:
            reply += _tell(place, found, "queue-cancelled", tx)
    return reply


def _give_up(place: Place, how: str, tx: Tx, ctx: Context) -> None:
    places.leave(tx, place)
    if place.kept:
        _free(place, how, tx, ctx)
        if how in LET_GO and place.standing < Standing.PAID:
            turns.save(tx, place.event_id, turns.of(tx, place.event_id).let_go())


def _free(place: Place, how: str, tx: Tx, ctx: Context) -> None:
    listings.free_held(tx, place.event_id, place.tier, place.kept)
    listings.fit(tx, viewing.listed(tx, place.event_id).listing)
    journal.note(tx, ctx.now, place.event_id, "kept seats", place=place.id, how=how)


def _facts(place: Place, tx: Tx) -> dict[str, object]:
    return {
        "event_id": place.event_id,
        "tier": place.tier,
        "quantity": place.quantity,
        "position": None if place.kept else _number(place, tx),
        "kept": place.kept,
        "until": place.until,
    }


def _number(place: Place, tx: Tx) -> int:
    """Where somebody stands among those who wait for the same."""
    return 1 + places.ahead(tx, place, favoured=turns.of(tx, place.event_id).doubtful)


def _values(place: Place, found: Listed) -> dict[str, object]:
    tier = f" {place.tier.lower()}" if place.tier else ""
    wish = f"{found.code.lower()} {place.kept}{tier}"
    at = place.until
    return {"title": found.listing.title, "code": found.code.lower(), "wish": wish, "at": at}


def _place(place: Place, found: Listed, tx: Tx, ctx: Context) -> Report:
    """Where somebody stands, and how they would stand better."""
    facts, values = _facts(place, tx), _values(place, found)
    if place.kept:
        return Report("queue-place", facts, "queue-offer", values)
    values = {"title": found.listing.title, "code": found.code.lower(), "number": facts["position"]}
    if place.standing == Standing.NEWCOMER and turns.of(tx, place.event_id).doubtful:
        bits = ctx.settings.proof_of_work_bits
        return Report(
            "queue-place", facts | {"pow": bits}, "queue-joined-behind", values | {"bits": bits}
        )
    return Report("queue-place", facts, "queue-joined", values)


def _tell(place: Place, found: Listed, sentence: str, tx: Tx) -> Reply:
    said = Report(sentence, _facts(place, tx), sentence, _values(place, found))
    key = f"place:{place.id}:{sentence}:{place.until}"  # it may be their turn more than once
    return tell_person(tx, place.person, key, said)


COMMANDS: Commands = {
    JoinQueue: join,
    LeaveQueue: leave,
    ShowQueue: show,
}
