"""How many tickets one person may have: of an event, and of one of its tiers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ticketbot.domain.listing import Listing
from ticketbot.ledger import orders, places, tickets
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
