"""`stats`: what was sold, what it brought, and who came; in words, in JSON, and as a picture."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ticketbot.domain.chart import Bars, Day, Picture, Share, bars_of, by_day, sparkline
from ticketbot.domain.command import ShowStats
from ticketbot.domain.listing import Listing
from ticketbot.domain.when import DAY
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import gifts, listings, people, statistics
from ticketbot.ledger.listings import Listed, Seats
from ticketbot.ledger.statistics import Money
from ticketbot.ledger.store import Tx
from ticketbot.replies import local
from ticketbot.replies.outcome import Reply, Report, Said
from ticketbot.texts import DEFAULT, say

PICTURE_LIVES = DAY  # seconds that the address of a picture is good for
STAMP_BYTES = 4
MOST_TIERS = 6  # in a message to people


class Figures(NamedTuple):
    """An event in numbers. `came` counts those let in of the `live` ones; amounts in msat."""

    found: Listed
    state: str
    total: Seats
    tiers: tuple[Seats, ...]
    live: int
    came: int
    given: int
    money: Money
    days: tuple[Day, ...]

    @property
    def no_shows(self) -> int | None:
        """Tickets that were never let in; None before the event is over."""
        return self.live - self.came if self.state == "over" else None


def stats(request: Request, tx: Tx, ctx: Context) -> Reply:
    """An organizer's own event in numbers."""
    wish = request.command
    assert isinstance(wish, ShowStats)
    found, _ = own_event(wish.words, request, tx, ctx)
    figures = figures_of(found, tx, ctx)
    picture = address_of(found, tx, ctx)
    facts = facts_of(figures) | {"picture": picture}
    return [Report("stats", facts, "stats", {"lines": tuple(_lines(figures, picture, ctx))})]


def figures_of(found: Listed, tx: Tx, ctx: Context) -> Figures:
    """All that is counted of an event."""
    listing = found.listing
    total, *rows = listings.seats_of(tx, listing.event_id)
    counts = statistics.counts_of(tx, listing.event_id)
    sold = statistics.sold_over_time(tx, listing.event_id)
    until = min(ctx.now, listing.end)
    return Figures(
        found=found,
        state=_state(found, tx, ctx),
        total=total,
        tiers=tuple(_tiers(listing, total, rows)),
        live=sum(one.live for one in counts),
        came=sum(one.admitted for one in counts),
        given=gifts.live(tx, listing.event_id),
        money=statistics.money_of(tx, listing.event_id),
        days=by_day(sold, until, listing.timezone, all_day=listing.all_day),
    )


def facts_of(figures: Figures) -> dict[str, object]:
    """The same for programs: plain JSON, amounts in msat."""
    listing, money = figures.found.listing, figures.money
    return {
        "event_id": listing.event_id,
        "code": figures.found.code,
        "title": listing.title,
        "state": figures.state,
        **_seats_json(figures.total),
        "given": figures.given,
        "admitted": figures.came,
        "no_shows": figures.no_shows,
        "paid_msat": money.paid,
        "refunded_msat": money.refunded,
        "commission_msat": money.commission,
        "net_msat": money.net,
        "tiers": [{"name": one.tier, **_seats_json(one)} for one in figures.tiers],
        "days": [
            {"day": one.day.isoformat(), "tickets": one.tickets, "msat": one.msat}
            for one in figures.days
            if one.tickets
        ],
    }


def address_of(found: Listed, tx: Tx, ctx: Context) -> str | None:
    """Where the picture of an event's sales can be fetched for a day; None without a public URL.

    It does not end like a picture: clients and their proxies would fetch it by themselves.
    """
    if ctx.settings.public_url is None:
        return None
    return f"{ctx.settings.public_url}/stats/{_capability(found, ctx.now + PICTURE_LIVES, tx)}"


def by_capability(capability: str, tx: Tx, ctx: Context) -> Picture | None:
    """What the picture behind an address shows now; None for a wrong or an old address."""
    try:
        raw = base64.urlsafe_b64decode(capability + "=" * (-len(capability) % 4))
        code = raw[STAMP_BYTES:-16].decode("ascii")
    except ValueError:
        return None
    until = int.from_bytes(raw[:STAMP_BYTES], "big")
    found = next((one for one in listings.by_code(tx, code) if one.code == code), None)
    if found is None or ctx.now >= until:
        return None
    if not hmac.compare_digest(_capability(found, until, tx), capability):
        return None
    organizer = people.known(tx, found.listing.organizer)
    language = organizer.language if organizer is not None else ""
    return _picture(figures_of(found, tx, ctx), language or DEFAULT)


def _capability(found: Listed, until: int, tx: Tx) -> str:
    mac = tx.vault.tag(b"stats", f"{found.listing.event_id}:{until}".encode())
    raw = until.to_bytes(STAMP_BYTES, "big") + found.code.encode() + mac
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _state(found: Listed, tx: Tx, ctx: Context) -> str:
    if found.state != "on-sale":
        return "cancelled"
    if ctx.now >= found.listing.end:
        return "over"
    return "paused" if listings.paused(tx, found.listing.event_id) else "on-sale"


def _tiers(listing: Listing, total: Seats, rows: list[Seats]) -> list[Seats]:
    """Every tier in the note's order, then those that are gone from it, and who has none."""
    by_name = {one.tier: one for one in rows}
    named = [by_name[tier.name] for tier in listing.tiers if tier.name in by_name]
    gone = [one for one in rows if one not in named and one.held + one.sold]
    if not (named or gone):
        return []
    held = total.held - sum(one.held for one in rows)
    sold = total.sold - sum(one.sold for one in rows)
    rest = [Seats("", None, held, sold)] if listing.general or held + sold else []
    return [*named, *gone, *rest]


def _seats_json(seats: Seats) -> dict[str, object]:
    return {
        "capacity": seats.capacity,
        "sold": seats.sold,
        "held": seats.held,
        "free": seats.available,
    }


def _lines(figures: Figures, picture: str | None, ctx: Context) -> list[Said]:
    listing, money = figures.found.listing, figures.money
    state = Said(f"stats-{figures.state}")
    lines = [Said("stats-head", {"title": listing.title, "state": state})]
    lines.append(_seats_line(figures.total, Said("stats-all")))
    shown_tiers = figures.tiers[:MOST_TIERS]
    lines += [_seats_line(one, one.tier or Said("stats-no-tier")) for one in shown_tiers]
    if len(figures.tiers) > MOST_TIERS:
        lines.append(Said("stats-more-tiers", {"n": len(figures.tiers) - MOST_TIERS}))
    if figures.given:
        lines.append(Said("stats-given", {"n": figures.given}))
    if money.paid:
        shown: dict[str, object] = {"paid": money.paid, "back": money.refunded}
        shown |= {"commission": money.commission, "net": money.net}
        lines.append(Said("stats-money", shown))
    if figures.state == "over":
        lines.append(Said("stats-came", {"came": figures.came, "n": figures.no_shows}))
    elif figures.came:
        lines.append(Said("stats-inside", {"n": figures.came}))
    bars = bars_of(figures.days)
    if bars is not None:
        lines += _bars_lines(bars, figures, ctx)
    if picture is not None:
        lines.append(Said("stats-picture", {"link": picture}))
    return lines


def _seats_line(seats: Seats, what: object) -> Said:
    values: dict[str, object] = {"what": what, "sold": seats.sold, "held": seats.held}
    if seats.capacity is None:
        return Said("stats-seats-unlimited", values)
    return Said("stats-seats", values | {"capacity": seats.capacity, "free": seats.available})


def _bars_lines(bars: Bars, figures: Figures, ctx: Context) -> list[Said]:
    best = max(figures.days, key=lambda one: one.tickets)
    zone = UTC if figures.found.listing.all_day else ZoneInfo(figures.found.listing.timezone)
    today = datetime.fromtimestamp(ctx.now, zone).date()
    sold_today = sum(one.tickets for one in figures.days if one.day == today)
    drawn: dict[str, object] = {"first": bars.first, "last": bars.last, "n": bars.days_each}
    drawn["bars"] = sparkline(bars.values)
    told = {"best": best.day, "most": best.tickets, "today": sold_today}
    return [
        *([Said("stats-bars", drawn)] if len(bars.values) > 1 else []),
        Said("stats-best", told),
    ]


def _picture(figures: Figures, language: str) -> Picture:
    told = partial(say, language=language)
    listing, money, total = figures.found.listing, figures.money, figures.total
    zone = UTC if listing.all_day else ZoneInfo(listing.timezone)
    starts = local.day(datetime.fromtimestamp(listing.start, zone), language)
    counted = partial(local.count, language=language)
    sold = " / ".join(counted(one) for one in (total.sold, total.capacity) if one is not None)
    shown = [(told("picture-sold"), sold), (told("picture-net"), local.total(money.net, language))]
    if figures.state == "over":
        shown.append((told("picture-no-shows"), counted(figures.no_shows or 0)))
    else:
        shown.append((told("picture-held"), counted(total.held)))
    rest = total._replace(tier=told("stats-all"))
    return Picture(
        title=listing.title,
        subtitle=f"{starts} · {told(f'stats-{figures.state}')}",
        figures=tuple(shown),
        days=figures.days,
        shares=tuple(
            Share(one.tier or told("stats-no-tier"), one.sold, one.held, one.capacity)
            for one in figures.tiers or (rest,)
        ),
        words={
            name: told(f"picture-{name}") for name in ("days", "tiers", "nothing", "sold", "held")
        }
        | {"months": told("months")},
        counted=counted,
    )


COMMANDS: Commands = {
    ShowStats: stats,
}
