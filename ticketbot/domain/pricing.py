"""What a ticket costs at a moment: its tier, the early bird, a code. Whole sats, always.

The price is decided when the seats are held; an open order keeps it.
"""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.listing import Listing
from ticketbot.domain.money import SAT
from ticketbot.domain.offer import EarlyBird


class Reduction(NamedTuple):
    """What a code takes off each ticket: `percent` (1 to 100), or `off_msat`; the other is 0."""

    percent: int = 0
    off_msat: int = 0


def regular(listing: Listing, tier: str) -> int:
    """The price in msat without any reduction; '' is a ticket without a tier."""
    chosen = listing.tier(tier) if tier else None
    return chosen.price_msat if chosen else listing.price_msat


def counts_seats(listing: Listing, tier: str) -> bool:
    """Whether this price depends on how many seats are taken."""
    return any(bird.tier == tier and bird.first is not None for bird in listing.early_birds)


def early_bird(
    listing: Listing, tier: str, now: int, taken: int, quantity: int = 1
) -> EarlyBird | None:
    """The cheapest early bird that holds for an order of so many tickets at `now`, or None.

    `taken`: seats of this kind that are held or sold. A number of seats holds for orders that fit
    into it whole: nobody pays two prices in one order.
    """
    held = [
        bird
        for bird in listing.early_birds
        if bird.tier == tier
        and (bird.until is None or now < bird.until)
        and (bird.first is None or taken + quantity <= bird.first)
    ]
    return min(held, key=lambda bird: bird.price_msat, default=None)


def price_at(listing: Listing, tier: str, now: int, taken: int, quantity: int = 1) -> int:
    """What one ticket costs in msat, before any code."""
    bird = early_bird(listing, tier, now, taken, quantity)
    usual = regular(listing, tier)
    return usual if bird is None else min(usual, bird.price_msat)


def possible(listing: Listing, tier: str, at: int) -> set[int]:
    """Every price in msat that one ticket may have had at that time, whoever came first."""
    birds = (one for one in listing.early_birds if one.tier == tier)
    early = {one.price_msat for one in birds if one.until is None or at < one.until}
    return {regular(listing, tier)} | early


def reduced(unit_msat: int, reduction: Reduction) -> int:
    """The price of one ticket with a code, in msat: whole sats, rounded down for the buyer.

    Never below zero: a code that takes off more than the price makes the ticket free.
    """
    left = unit_msat * (100 - reduction.percent) // 100 - reduction.off_msat
    return max(0, left // SAT * SAT)
