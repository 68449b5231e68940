"""Codes that make tickets cheaper: organizers make, list and stop them; buyers name one."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.command import ListPromos, MakePromo, StopPromo
from ticketbot.domain.decision import What
from ticketbot.domain.listing import Listing
from ticketbot.domain.naming import quote, show
from ticketbot.domain.pricing import Reduction
from ticketbot.domain.promo import ends_at, spelled
from ticketbot.errors import Refused
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import journal, promos
from ticketbot.ledger.promos import Promo
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report

MOST_CODES = 200  # of one event
SHORT_TITLE = 60
MOST_GUESSES = 5  # an hour: who names so many codes that are none waits
PAGE, PAGE_FOR_PROGRAMS = 5, 50  # of codes in one answer


class Redeemed(NamedTuple):
    """What became of a code that a buyer named: its terms, or why it does not count.

    `guessed`: it is none, and that is to be remembered.
    """

    promo: Promo | None = None
    refused: Refused | None = None
    guessed: bool = False


def make(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Make a code, or give one these terms."""
    wish = request.command
    assert isinstance(wish, MakePromo)
    found, _ = own_event(wish.words, request, tx, ctx)
    listing, code = found.listing, spelled(wish.code)
    _check_code(code, wish.code, listing, tx)
    until = ends_at(wish.until, listing) if isinstance(wish.until, str) else wish.until
    if until is not None and until <= ctx.now and not request.again:
        raise Refused("bad-request", "promo-past")
    reduction = Reduction(wish.percent, wish.off_msat)
    tier = None if wish.tier is None else _tier(wish.tier, listing)
    event_id = listing.event_id
    terms = Promo(0, event_id, code, reduction, tier, wish.most, until, 0, False)
    saved = promos.save(tx, terms)
    _note(tx, ctx, saved, "code made")
    what: dict[str, object] = {"code": found.code.lower(), "word": code, "promo": facts(saved)}
    what["tier"] = _example(tier, listing)
    return [Report("promo", facts(saved), "promo-made", what)]


def stop(request: Request, tx: Tx, ctx: Context) -> Reply:
    """No more orders with a code; open ones keep their price."""
    wish = request.command
    assert isinstance(wish, StopPromo)
    found, _ = own_event(wish.words, request, tx, ctx)
    promo = promos.named(tx, found.listing.event_id, spelled(wish.code))
    if promo is None:
        code = found.code.lower()
        raise Refused("bad-request", "promo-unknown", word=quote(wish.code), code=code)
    promos.stop(tx, promo.id)
    stopped = promo._replace(stopped=True)
    _note(tx, ctx, stopped, "code stopped")
    return [Report("promo", facts(stopped), "promo-stopped", {"word": promo.code, "n": promo.used})]


def listed(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The codes of an event, and how often each was used."""
    wish = request.command
    assert isinstance(wish, ListPromos)
    found, _ = own_event(wish.words, request, tx, ctx)
    title, code = show(found.listing.title, SHORT_TITLE), found.code.lower()
    most = PAGE if request.request_id is None else PAGE_FOR_PROGRAMS
    known = promos.of_event(tx, found.listing.event_id)
    start = min(wish.first, len(known)) - 1 if known else 0
    page = known[start : start + most]
    more = start + len(page) + 1 if start + len(page) < len(known) else None
    plain: dict[str, object] = {
        "event_id": found.listing.event_id,
        "promos": [facts(one) for one in page],
        "next": more,
    }
    if not known:
        return [Report("promos", plain, "promos-none", {"title": title, "code": code})]
    values: dict[str, object] = {"title": title, "code": code, "next": more}
    values["promos"] = tuple(map(facts, page))
    return [Report("promos", plain, "promos" if more is None else "promos-more", values)]


def redeem(
    code: str | None, tier: str, quantity: int, listing: Listing, request: Request, tx: Tx, now: int
) -> Redeemed:
    """What a code is worth for this order. Nothing is written, nothing is held."""
    if code is None:
        return Redeemed()
    person = request.person.id
    if not request.again and promos.guesses(tx, person, now) >= MOST_GUESSES:
        return Redeemed(refused=Refused("try-later", "code-guesses"))
    word = spelled(code)
    promo = promos.named(tx, listing.event_id, word) if word else None
    if promo is None or promo.stopped:
        return Redeemed(None, Refused("bad-request", "code-unknown", word=quote(code)), True)
    return Redeemed(promo, _why_not(promo, tier, quantity, now))


def facts(promo: Promo) -> dict[str, object]:
    """A code as programs read it: amounts in msat, times in unix seconds."""
    return {
        "event_id": promo.event_id,
        "code": promo.code,
        "percent": promo.reduction.percent or None,
        "off_msat": promo.reduction.off_msat or None,
        "tier": promo.tier,
        "max": promo.most,
        "until": promo.until,
        "used": promo.used,
        "stopped": promo.stopped,
    }


def _why_not(promo: Promo, tier: str, quantity: int, now: int) -> Refused | None:
    if promo.until is not None and now >= promo.until:
        return Refused("bad-request", "code-over", word=promo.code)
    if promo.tier is not None and promo.tier.casefold() != tier.casefold():
        return Refused("bad-request", "code-tier", word=promo.code, tiers=promo.tier)
    if promo.left is not None and promo.left < quantity:
        key = "code-few" if promo.left else "code-used-up"
        return Refused("bad-request", key, word=promo.code, n=promo.left)
    return None


def _check_code(code: str, written: str, listing: Listing, tx: Tx) -> None:
    if not code or listing.tier(written) is not None:
        raise Refused("bad-request", "promo-code", text=quote(written))
    known = promos.of_event(tx, listing.event_id)
    if len(known) >= MOST_CODES and code not in {one.code for one in known}:
        raise Refused("too-many", "promo-many", most=MOST_CODES)


def _tier(wanted: str, listing: Listing) -> str:
    tier = listing.tier(wanted)
    if tier is not None:
        return tier.name
    if not listing.tiers:
        raise Refused("bad-request", "promo-no-tiers", word=quote(wanted))
    names = ", ".join(one.name for one in listing.tiers)
    raise Refused("bad-request", "tier-unknown", word=quote(wanted), tiers=names)


def _example(tier: str | None, listing: Listing) -> str:
    """A tier as buyers put it in front of the code."""
    if tier is None and listing.general:
        return ""
    return f" {tier or listing.tiers[0].name}".lower()


def _note(tx: Tx, ctx: Context, promo: Promo, what: What) -> None:
    """The journal keeps the terms; the word itself is its organizer's secret."""
    percent, off_msat = promo.reduction
    terms = {"percent": percent, "msat": off_msat, "most": promo.most, "until": promo.until}
    journal.note(tx, ctx.now, promo.event_id, what, number=promo.id, **terms)


COMMANDS: Commands = {
    MakePromo: make,
    StopPromo: stop,
    ListPromos: listed,
}
