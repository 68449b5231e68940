"""How many tickets one person may have: of an event, and of one of its tiers."""

from __future__ import annotations

from ticketbot.domain.listing import Listing
from ticketbot.ledger import orders, tickets
from ticketbot.ledger.store import Tx


def exceeded(
    tx: Tx, person: int, listing: Listing, tier: str, quantity: int, otherwise: int | None = None
) -> tuple[int, str] | None:
    """The limit that so many more tickets would break, and of what; None when there is none.

    `otherwise` counts where the event sets no limit of its own.
    """
    chosen = listing.tier(tier) if tier else None
    of_tier = None if chosen is None else chosen.max_per_buyer
    limits = (
        (listing.max_per_buyer or otherwise, None, listing.title),
        (of_tier, tier, f"{listing.title} ({tier})"),
    )
    for limit, kind, title in limits:
        if limit is None:
            continue
        has = tickets.live_count(tx, person, listing.event_id, kind)
        held = orders.held_seats(tx, person, listing.event_id, kind)
        if has + held + quantity > limit:
            return limit, title
    return None
