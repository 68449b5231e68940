"""Seats that came free, kept for whose turn it is in the queue, and not for ever.

A place is there as long as its row is, and the row says until when what is kept is; whoever takes
it away has decided: a purchase, a refusal, the end of that time. Where what is kept is let go in
numbers, who has shown more comes first (domain/waiting.py).
"""

from __future__ import annotations

from ticketbot.domain.listing import Listing
from ticketbot.domain.pricing import regular
from ticketbot.domain.waiting import Standing, Turns
from ticketbot.handlers import viewing
from ticketbot.handlers.allowance import kept_besides, limits
from ticketbot.handlers.buying import conditions
from ticketbot.handlers.context import Context
from ticketbot.handlers.telling import tell_person
from ticketbot.ledger import journal, listings, marks, places, turns
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.places import Place
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report

AT_ONCE = 50  # offers, or places, in one transaction
LET_GO = ("left", "not taken")  # how an offer ends of which its own person made nothing


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
        kept = _how_many(place, found.listing, tx, ctx)
        if kept < 1:
            give_up(place, "enough", tx, ctx)
            reply += _tell(place, found, "queue-enough", tx)
            continue
        if line.doubtful:
            turns.save(tx, event_id, line.after(place.standing))
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
        give_up(place, "not taken", tx, ctx)
        reply += _tell(place, viewing.listed(tx, place.event_id), "queue-lapsed", tx)
    return reply


def give_up(place: Place, how: str, tx: Tx, ctx: Context) -> None:
    places.leave(tx, place)
    if place.kept:
        _free(place, how, tx, ctx)
        if how in LET_GO and place.standing < Standing.PAID:
            turns.save(tx, place.event_id, turns.of(tx, place.event_id).let_go())


def facts_of(place: Place, tx: Tx) -> dict[str, object]:
    return {
        "event_id": place.event_id,
        "tier": place.tier,
        "quantity": place.quantity,
        "position": None if place.kept else number_of(place, tx),
        "kept": place.kept,
        "until": place.until,
    }


def number_of(place: Place, tx: Tx) -> int:
    """Where somebody stands among those who wait for the same."""
    return 1 + places.ahead(tx, place, favoured=turns.of(tx, place.event_id).doubtful)


def values_of(place: Place, found: Listed) -> dict[str, object]:
    tier = f" {place.tier.lower()}" if place.tier else ""
    wish = f"{found.code.lower()} {place.kept}{tier}"
    at = place.until
    return {"title": found.listing.title, "code": found.code.lower(), "wish": wish, "at": at}


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
        if not listing.sells(tier):  # a newer note may have taken it out
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
        give_up(place, "over", tx, ctx)
        if ctx.now < found.listing.end:
            reply += _tell(place, found, "queue-cancelled", tx)
    return reply


def _free(place: Place, how: str, tx: Tx, ctx: Context) -> None:
    listings.free_held(tx, place.event_id, place.tier, place.kept)
    listings.fit(tx, viewing.listed(tx, place.event_id).listing)
    journal.note(tx, ctx.now, place.event_id, "kept seats", place=place.id, how=how)


def _tell(place: Place, found: Listed, sentence: str, tx: Tx) -> Reply:
    said = Report(sentence, facts_of(place, tx), sentence, values_of(place, found))
    key = f"place:{place.id}:{sentence}:{place.until}"  # it may be their turn more than once
    return tell_person(tx, place.person, key, said)
