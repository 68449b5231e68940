"""How many tickets one person may have: by an event's rules, and by who waits for them, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ticketbot.domain.listing import Listing
from ticketbot.ledger import listings, orders, places, tickets
from ticketbot.ledger.store import Tx


class Limit(NamedTuple):
    """So many one person may have, of what, and how many more that are now."""

    most: int
    title: str
    left: int


def limits(
    tx: Tx, person: int, listing: Listing, tier: str, otherwise: int | None = None, kept: int = 0
) -> Iterator[Limit]:
    """What holds for one more ticket of this tier, and what is left of it.

    `otherwise` counts where the event sets no limit of its own; `kept`: seats of the event that
    are kept for them besides.
    """
    chosen = listing.tier(tier) if tier else None
    of_tier = None if chosen is None else chosen.max_per_buyer
    known = (
        (listing.max_per_buyer or otherwise, None, listing.title, kept),
        (of_tier, tier, f"{listing.title} ({tier})", 0),
    )
    for most, kind, title, more in known:
        if most is None:
            continue
        has = tickets.live_count(tx, person, listing.event_id, kind)
        held = orders.held_seats(tx, person, listing.event_id, kind)
        yield Limit(most, title, most - has - held - more)


def exceeded(
    tx: Tx,
    person: int,
    listing: Listing,
    tier: str,
    quantity: int,
    otherwise: int | None = None,
    kept: int = 0,
) -> tuple[int, str] | None:
    """The limit that so many more tickets would break, and of what; None when there is none."""
    for limit in limits(tx, person, listing, tier, otherwise, kept):
        if quantity > limit.left:
            return limit.most, limit.title
    return None


def kept_besides(tx: Tx, person: int, listing: Listing, tier: str) -> int:
    """Seats of other tiers that the queue keeps for them: they may take these, too."""
    return places.kept_besides(tx, person, listing.event_id, tier) if listing.tiers else 0


def others_leave(
    tx: Tx, listing: Listing, tier: str, quantity: int, person: int | None = None
) -> bool:
    """Whether those who wait in the queue leave so many seats to somebody who has no turn.

    `person`: whoever is first in it may be they. Whether there are seats at all is not asked.
    """
    first = places.first(tx, listing.event_id, tier)
    if first is not None and first.person != person:
        return False
    others = places.wanted(tx, listing.event_id) if listing.tiers else {}
    seats = listings.seats_of(tx, listing.event_id) if others else []
    total = listings.available(seats, "")
    if total is None:
        return True
    for kind, number in others.items():
        if kind == tier or not listing.sells(kind):
            continue
        of_kind = listings.available(seats, kind)
        total -= number if of_kind is None else min(number, of_kind)
    return total >= quantity
