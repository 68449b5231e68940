"""What an event costs, for whom, and with which code: the lines that people read of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ticketbot.domain.listing import Listing
from ticketbot.domain.offer import Tier
from ticketbot.replies.local import moment, sats
from ticketbot.replies.outcome import Card
from ticketbot.texts import say


def price_line(card: Card, language: str) -> str:
    """What the event costs now, in a few words."""
    general = [sats(card.price_msat, language)] if card.listing.general else []
    return ", ".join(
        general + [f"{name} {sats(price, language)}" for name, price, _ in card.tiers[:3]]
    )


def price_lines(card: Card, language: str) -> list[str]:
    """A line for each kind of ticket: price, what it will be, what is left, when it is sold."""
    one = card.listing
    rows = [("", "", card.price_msat, card.available)] if one.general else []
    rows += [(name, f"{name}: ", price, free) for name, price, free in card.tiers]
    lines = []
    for tier, label, price, free in rows:
        parts = [_price(card, tier, price, language)]
        if free is not None:
            parts.append(say("seats-left" if free else "sold-out-short", language, n=free))
        lines.append(label + " · ".join(parts + _terms(one.tier(tier) if tier else None, language)))
    return lines


def asked_lines(listing: Listing, language: str) -> list[str]:
    """What whoever buys should know before: a limit, an age, questions."""
    lines = []
    if listing.max_per_buyer is not None:
        lines.append(say("most-per-buyer", language, most=listing.max_per_buyer))
    if listing.age is not None:
        lines.append(say("for-ages", language, n=listing.age))
    for question in listing.questions:
        choices = f" ({', '.join(question.choices)})" if question.choices else ""
        lines.append(say("asked-when-buying", language, text=question.text + choices))
    return lines


def promo_line(facts: dict[str, Any], language: str) -> str:
    """`FRIENDS: 20% off, VIP only, 12 of 50 used, until 2 Feb 2027, 00:00 UTC`."""
    word = facts["code"] or say("promo-forgotten", language)
    if facts["percent"]:
        parts = [say("promo-percent", language, word=word, n=facts["percent"])]
    else:
        parts = [say("promo-off", language, word=word, amount=sats(facts["off_msat"], language))]
    if facts["tier"]:
        parts.append(say("promo-for-tier", language, tier=facts["tier"]))
    used = "promo-used" if facts["max"] is None else "promo-used-of"
    parts.append(say(used, language, n=facts["used"], most=facts["max"]))
    if facts["until"] is not None:
        parts.append(say("promo-until-at", language, at=moment(facts["until"], language)))
    if facts["stopped"]:
        parts.append(say("promo-is-stopped", language))
    return ", ".join(parts)


def choice_lines(choices: Sequence[str]) -> str:
    """`1 · S`, a line each."""
    return "\n".join(f"{number} · {choice}" for number, choice in enumerate(choices, start=1))


def _price(card: Card, tier: str, price: int, language: str) -> str:
    early = card.early_of(tier)
    if early is None:
        return sats(price, language)
    values = {
        "amount": sats(early.price_msat, language),
        "regular": sats(early.regular_msat, language),
    }
    if early.left is not None:
        return say("early-first", language, n=early.left, **values)
    assert early.until is not None
    return say("early-until", language, at=moment(early.until, language), **values)


def _terms(tier: Tier | None, language: str) -> list[str]:
    if tier is None:
        return []
    terms = []
    if tier.sales_start is not None:
        terms.append(say("sold-from", language, at=moment(tier.sales_start, language)))
    if tier.sales_end is not None:
        terms.append(say("sold-until", language, at=moment(tier.sales_end, language)))
    if tier.max_per_buyer is not None:
        terms.append(say("most-of-tier", language, most=tier.max_per_buyer))
    return terms
