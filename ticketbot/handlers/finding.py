"""From the words people type to an event, a tier, an order."""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.domain.listing import Listing
from ticketbot.domain.naming import nearest, quote
from ticketbot.domain.order import Order
from ticketbot.domain.vocabulary import NUMBER_WORDS
from ticketbot.errors import Refused
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import listings, orders
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Card

MOST_WORDS = 12  # nobody names an event in more, and each costs a look at every code
LONGEST_NUMBER = 12  # digits of a time or an amount in a cursor
LETTERS = 4  # of an order's id: what people read of it


def event_in(words: Sequence[str], tx: Tx, ctx: Context) -> tuple[Listed, tuple[str, ...]]:
    """The event that one of the words names, and the words that are left.

    Without words the only event on sale is meant, if there is only one.
    `Refused`: unknown (the nearest codes are offered) or more than one fits.
    """
    if not words:
        return _only_one(tx, ctx), ()
    for at, word in enumerate(words[:MOST_WORDS]):
        found = _named(word, tx)
        if len(found) == 1:
            return found[0], (*words[:at], *words[at + 1 :])
        if found:
            raise Refused("bad-request", "event-ambiguous", codes=_codes(found))
    raise _unknown(words, tx, ctx)


def tier_in(words: Sequence[str], listing: Listing) -> str:
    """The tier that the left-over words name; '' for an event without tiers."""
    wanted = " ".join(words)
    if wanted and wanted.lower() in NUMBER_WORDS:
        raise Refused("bad-request", "quantity-in-digits", word=quote(wanted))
    names = ", ".join(tier.name for tier in listing.tiers)
    if not wanted:
        if listing.general:
            return ""
        if len(listing.tiers) == 1:
            return listing.tiers[0].name
        raise Refused("bad-request", "tier-needed", tiers=names)
    tier = listing.tier(wanted)
    if tier is not None:
        return tier.name
    if not listing.tiers:
        raise Refused("bad-request", "tier-none", word=quote(wanted))
    raise Refused("bad-request", "tier-unknown", word=quote(wanted), tiers=names)


def card(tx: Tx, found: Listed) -> Card:
    """The event with what is left of it."""
    seats = listings.seats_of(tx, found.listing.event_id)
    tiers = tuple(
        (tier.name, tier.price_msat, listings.available(seats, tier.name))
        for tier in found.listing.tiers
    )
    return Card(found.listing, found.code, listings.available(seats, ""), tiers)


def own_order(tx: Tx, request: Request, named: str) -> Order:
    """The order of this person that is meant: by its id, or at least four of its last letters."""
    mine, letters = request.person.id, named.lower()
    exact = orders.get(tx, letters)
    ends = [one for one in orders.latest_of(tx, mine, 50) if _ends(one, letters)]
    found = [exact] if exact else ends
    if not found or found[0].person != mine:
        raise Refused("not-yours", "order-unknown", order=quote(named))
    return found[0]


def read_cursor(after: str | None) -> tuple[int, str]:
    """From the `next` of an earlier answer to (number, id); the beginning without one."""
    if not after:
        return (0, "")
    number, _, name = after.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER):
        raise Refused("bad-request", "bad-cursor")
    return (int(number), name)


def _ends(order: Order, letters: str) -> bool:
    return len(letters) >= LETTERS and order.id.endswith(letters)


def _named(word: str, tx: Tx) -> list[Listed]:
    if found := listings.by_code(tx, word):
        return found
    listed = listings.by_id(tx, word)
    return [] if listed is None else [listed]


def _only_one(tx: Tx, ctx: Context) -> Listed:
    on_sale = listings.upcoming(tx, ctx.now, most=2)
    if len(on_sale) == 1:
        return on_sale[0]
    if on_sale:
        raise Refused("bad-request", "event-needed", code=on_sale[0].code)
    raise Refused("unknown-event", "events-none")


def _unknown(words: Sequence[str], tx: Tx, ctx: Context) -> Refused:
    known = listings.codes(tx, ctx.now)
    near = [code for word in words[:MOST_WORDS] for code in nearest(word.upper(), known)]
    if near:
        return Refused(
            "unknown-event", "event-near", word=quote(words[0]), codes=", ".join(near[:3])
        )
    return Refused("unknown-event", "event-unknown", word=quote(words[0]))


def _codes(found: Sequence[Listed]) -> str:
    return ", ".join(f"{one.code} ({one.listing.title})" for one in found[:5])
