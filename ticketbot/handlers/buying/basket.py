"""A wish that is understood: the event, the kind of ticket, its price at this moment, the code."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ticketbot.domain.command import Buy
from ticketbot.domain.listing import Listing
from ticketbot.domain.naming import typed
from ticketbot.domain.pricing import reduced
from ticketbot.handlers import finding
from ticketbot.handlers.buying.promos import Redeemed, redeem
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.promos import Promo
from ticketbot.ledger.store import Tx


class Basket(NamedTuple):
    """What somebody wants of which event, what one ticket costs in msat, and with which code.

    `off_msat`: what the code takes off that ticket.
    """

    found: Listed
    wish: Buy
    tier: str
    unit_msat: int
    promo: Promo | None
    off_msat: int = 0

    @property
    def listing(self) -> Listing:
        """The event."""
        return self.found.listing

    def typed(self) -> str:
        """The same in words, as they stand behind `buy` or `join`."""
        return typed(self.found.code, self.wish.quantity, self.tier)


def fill(wish: Buy, request: Request, tx: Tx, ctx: Context) -> tuple[Basket, Redeemed]:
    """The event, the tier, the price at this moment, and what becomes of the code."""
    found, left = finding.event_in(wish.words, tx, ctx)
    listing = found.listing
    tier, code = finding.tier_and_code(wish, left, found)
    now = moment_of(request, ctx)
    usual = unit = finding.price(tx, listing, tier, now, wish.quantity, request.person.id)
    redeemed = redeem(code, tier, wish.quantity, listing, request, tx, now)
    if redeemed.promo is not None:
        unit = reduced(unit, redeemed.promo.reduction)
    kept = replace(wish, words=(listing.event_id,), tier=tier or None, whole=True, code=code)
    return Basket(found, kept, tier, unit, redeemed.promo, usual - unit), redeemed


def moment_of(request: Request, ctx: Context) -> int:
    """When a letter counts: now, or when it was written if a lost ledger may have answered it."""
    return request.sent_at if request.again else ctx.now
