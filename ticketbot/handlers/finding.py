"""From the words people type to an event, a tier, an order."""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.domain import pricing
from ticketbot.domain.command import Buy
from ticketbot.domain.listing import Listing
from ticketbot.domain.naming import nearest, quote, typed
from ticketbot.domain.order import Order
from ticketbot.domain.promo import spelled
from ticketbot.domain.vocabulary import NUMBER_WORDS
from ticketbot.errors import Refused
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import listings, orders, places
from ticketbot.ledger.listings import Listed, Seats
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Card, Early

MOST_WORDS = 12  # nobody names an event in more, and each costs a look at every code
LONGEST_NUMBER = 12  # digits of a time or an amount in a cursor
CODE_NOISE = frozenset({"code", "with"})
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


def tier_in(words: Sequence[str], listing: Listing, asked: str) -> str:
    """The tier that the left-over words name; '' for an event without tiers.

    `asked` is the command as far as it is known, for who has to send it again with a tier.
    """
    wanted = " ".join(words)
    if wanted and wanted.lower() in NUMBER_WORDS:
        number = NUMBER_WORDS[wanted.lower()]
        raise Refused("bad-request", "quantity-in-digits", word=quote(wanted), number=number)
    names = ", ".join(tier.name for tier in listing.tiers)
    if not wanted:
        if listing.general:
            return ""
        if len(listing.tiers) == 1:
            return listing.tiers[0].name
        wish = f"{asked} {listing.tiers[0].name.lower()}"
        raise Refused("bad-request", "tier-needed", tiers=names, wish=wish)
    tier = listing.tier(wanted)
    if tier is not None:
        return tier.name
    if not listing.tiers:
        raise Refused("bad-request", "tier-none", word=quote(wanted))
    raise Refused("bad-request", "tier-unknown", word=quote(wanted), tiers=names)


def tier_and_code(wish: Buy, left: Sequence[str], found: Listed) -> tuple[str, str | None]:
    """The tier, and the code as it was written; what people left over may be both, or either."""
    listing, asked = found.listing, f"buy {typed(found.code, wish.quantity, '')}"
    if wish.tier is not None or wish.code is not None or (wish.whole and not left):
        return tier_in((wish.tier,) if wish.tier else left, listing, asked), wish.code
    words = [word for word in left if word not in CODE_NOISE]
    for others, code in ((words, None), (words[:-1], words[-1:]), (words[1:], words[:1])):
        tier = _fitting(others, listing)
        if tier is not None and (code is None or spelled("".join(code))):
            return tier, None if code is None else code[0]
    return tier_in(left, listing, asked), None


def price(
    tx: Tx, listing: Listing, tier: str, now: int, quantity: int, person: int | None = None
) -> int:
    """What one ticket of an order costs at `now`, in msat, before any code.

    Seats that are kept for this person (their number) are not taken by anybody yet.
    """
    taken = 0
    if pricing.counts_seats(listing, tier):
        taken = listings.seats_taken(listings.seats_of(tx, listing.event_id), tier)
        place = None if person is None else places.of(tx, person, listing.event_id, tier)
        taken -= 0 if place is None else place.kept
    return pricing.price_at(listing, tier, now, taken, quantity)


def card(tx: Tx, found: Listed, now: int) -> Card:
    """The event with what it costs at `now` (unix seconds), and what is left of it."""
    listing, seats = found.listing, listings.seats_of(tx, found.listing.event_id)
    early = tuple(filter(None, (_early(listing, one.tier, seats, now) for one in seats)))
    prices = {one.tier: one.price_msat for one in early}
    tiers = tuple(
        (
            tier.name,
            prices.get(tier.name, tier.price_msat),
            listings.available(seats, tier.name),
        )
        for tier in listing.tiers
    )
    paused = listings.paused(tx, listing.event_id)
    return Card(listing, found.code, listings.available(seats, ""), tiers, early, paused)


def _early(listing: Listing, tier: str, seats: Sequence[Seats], now: int) -> Early | None:
    taken = listings.seats_taken(seats, tier)
    bird = pricing.early_bird(listing, tier, now, taken)
    if bird is None:
        return None
    left = None if bird.first is None else bird.first - taken
    return Early(tier, bird.price_msat, pricing.regular(listing, tier), bird.until, left)


def own_order(tx: Tx, request: Request, named: str) -> Order:
    """The order of this person that is meant: by its id, or at least four of its last letters."""
    mine, letters = request.person.id, named.lower()
    exact = orders.get(tx, letters)
    ends = [one for one in orders.latest_of(tx, mine, 50) if _ends(one, letters)]
    found = [exact] if exact else ends
    if not found or found[0].person != mine:
        raise Refused("not-yours", "order-unknown", order=quote(named))
    return found[0]


def cursor_of(at: int, name: str) -> str:
    """Where a list of things by time goes on behind this one; `read_cursor` reads it."""
    return f"{at}:{name}"


def read_cursor(after: str | None) -> tuple[int, str]:
    """From the `next` of an earlier answer to (number, id); the beginning without one."""
    if not after:
        return (0, "")
    number, _, name = after.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER):
        raise Refused("bad-request", "bad-cursor")
    return (int(number), name)


def _fitting(words: Sequence[str], listing: Listing) -> str | None:
    """The tier that these words name, or that no words mean; None where they name none."""
    if words:
        tier = listing.tier(" ".join(words))
        return None if tier is None else tier.name
    if listing.general:
        return ""
    return listing.tiers[0].name if len(listing.tiers) == 1 else None


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
        raise Refused("bad-request", "event-needed", code=on_sale[0].code.lower())
    raise Refused("unknown-event", "events-none")


def _unknown(words: Sequence[str], tx: Tx, ctx: Context) -> Refused:
    known = listings.codes(tx, ctx.now)
    near = [code for word in words[:MOST_WORDS] for code in nearest(word.upper(), known)]
    if near:
        return Refused(
            "unknown-event", "event-near", word=quote(words[0]), codes=", ".join(near[:3]).lower()
        )
    return Refused("unknown-event", "event-unknown", word=quote(words[0]))


def _codes(found: Sequence[Listed]) -> str:
    return ", ".join(f"{one.code.lower()} ({one.listing.title})" for one in found[:5])
