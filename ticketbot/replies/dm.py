"""Outcomes as people read them: plain text, no Markdown, at most about 1,000 characters.

Clients find a bolt11 only where it stands alone (facts differ by client), so an invoice
is a message of its own; a ticket's token has a line of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ticketbot.domain.listing import Listing
from ticketbot.domain.money import format_sats, sum_of
from ticketbot.domain.nip19 import naddr_encode, note_encode
from ticketbot.domain.payout import Account
from ticketbot.domain.ticket import group_id, ticket_link
from ticketbot.errors import Refused
from ticketbot.replies.outcome import (
    Card,
    EventsFound,
    EventShown,
    Failed,
    InvoiceShown,
    OrderShown,
    Outcome,
    RefundOwed,
    RefundSent,
    Report,
    Said,
    TicketsCounted,
    TicketShown,
)
from ticketbot.texts import say

LONGEST = 1000
AROUND_PROBLEMS = 350  # the title, and the sentences before and after the list
PLACE_ON_TICKET = 120
GIVEN_BACK = {
    "order-cancelled": "order-given-back",
    "released-cancelled": "order-event-cancelled",
}  # by the reason why an order was released, where that was not its time
EVENTS_IN_MIND = 256  # what is said of an event to every buyer is made once


class Manner(NamedTuple):
    """How to speak: language, the bot's pages and its relays."""

    public_url: str | None = None
    relays: tuple[str, ...] = ()
    language: str = "en"


PLAIN = Manner()


def speak(outcome: Outcome, how: Manner) -> list[str]:
    """The messages, in order."""
    match outcome:
        case Said():
            return [_said(outcome, how)]
        case Report(sentence=key, values=values):
            return [_said(Said(key, values), how)]
        case Failed(refused=refused):
            return [sentence(refused, how)]
        case EventsFound():
            return _events(outcome, how)
        case EventShown(card=card):
            return [_event(card, how)]
        case InvoiceShown():
            return _invoice(outcome, how)
        case TicketShown():
            return [_ticket(outcome, how)]
        case TicketsCounted():
            return [_tickets(outcome, how)]
        case OrderShown():
            return [_order(outcome, how)]
        case RefundOwed():
            order = outcome.order_id[-4:].upper()
            return [f"{why_owed(outcome, how)}\n{say('refund-how', how.language, order=order)}"]
        case RefundSent(order_id=order_id, amount_msat=amount):
            order, sats = order_id[-4:].upper(), format_sats(amount)
            return [say("refund-sent", how.language, order=order, amount=sats)]


def _said(said: Said, how: Manner) -> str:
    values = {name: _value(name, value, how) for name, value in said.values.items()}
    return say(said.sentence, how.language, **values)


def sentence(refused: Refused, how: Manner = PLAIN) -> str:
    """A refusal in one sentence: what is wrong, and what to do next."""
    return _said(Said(refused.sentence, refused.values), how)


def why_owed(owed: RefundOwed, how: Manner = PLAIN) -> str:
    """Why money goes back, or why it does not yet."""
    values = {"title": owed.title, "amount": owed.amount_msat, **owed.values}
    return _said(Said(owed.reason, values), how)


def _value(name: str, value: object, how: Manner) -> object:
    match name, value:
        case ("amount" | "owed", int()):
            return format_sats(value)
        case ("paid", int()):
            return format_sats(value) if value else "0 sats"
        case ("at", int()):
            return datetime.fromtimestamp(value, UTC).strftime("%d %b %Y, %H:%M UTC")
        case ("fee", int()):
            return format_sats(value)
        case ("accounts", tuple()):
            return _accounts(value, how)
        case ("problems", tuple()):
            lines = [f"- {field}: {_said(Said(key, vals), how)}" for field, key, vals in value]
            return "\n".join(_fitting(lines, " " * AROUND_PROBLEMS))
        case ("rows", tuple()):
            return "\n".join(f"- {order}: {format_sats(owed)}" for order, owed, _ in value)
    return value


def _accounts(found: Sequence[Account], how: Manner) -> str:
    """An organizer's events, a line each, and where the others are."""
    more = say("statement-more", how.language, n=len(found))
    lines = _fitting([_account(one, how) for one in found], more)
    return "\n".join([*lines, more] if len(lines) < len(found) else lines)


def _account(one: Account, how: Manner) -> str:
    """`lisbon · Lisbon Meetup · 2 sold: gross 10,000 sats, commission -200 sats = 9,800 sats`."""
    parts = {
        "statement-gross": one.gross,
        "statement-commission": -one.commission,
        "statement-refunded": -one.refunded,
        "statement-paid": -one.paid,
        "statement-fees": -one.fees,
    }
    return say(
        "statement-event",
        how.language,
        code=one.code.lower(),
        title=one.title[:60],
        sold=one.sold,
        sums=", ".join(
            say(key, how.language, amount=sum_of(msat)) for key, msat in parts.items() if msat
        ),
        left=sum_of(one.balance),
    )


def _events(found: EventsFound, how: Manner) -> list[str]:
    if not found.cards:
        key = "events-none-found" if found.words else "events-none"
        return [say(key, how.language, words=found.words)]
    hint = say("events-hint", how.language, code=found.cards[0].code.lower())
    more = say("events-more", how.language)
    lines = _fitting([_event_line(card, how) for card in found.cards], hint, more)
    if len(lines) < len(found.cards) or found.after:
        lines.append(more)
    return ["\n".join([*lines, hint])]


def _event_line(card: Card, how: Manner) -> str:
    one = card.listing
    left = f" · {say('sold-out-short', how.language)}" if card.available == 0 else ""
    return f"{card.code.lower()} · {one.title} · {_short_when(one)} · {price_line(one)}{left}"


def _event(card: Card, how: Manner) -> str:
    one = card.listing
    head = [one.title, when_line(one), *([one.place] if one.place else [])]
    prices = [f"{format_sats(one.price_msat)}{_free(card.available, how)}"] if one.general else []
    prices += [
        f"{name}: {format_sats(price)}{_free(free, how)}" for name, price, free in card.tiers
    ]
    tier = "" if one.general or len(card.tiers) == 1 else f" 1 {card.tiers[0][0].lower()}"
    tail = [say("event-hint", how.language, code=card.code.lower(), tier=tier), _link(one, how)]
    lines = [*head, *_fitting(prices, *head, *tail)]
    if one.summary:
        lines += _fitting([one.summary[:300]], *lines, *tail)
    return "\n".join([*lines, *tail])


def _fitting(rows: Sequence[str], *around: str) -> list[str]:
    """As many rows as one message takes beside what stands around them."""
    room = LONGEST - sum(len(line) + 1 for line in around)
    taken = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            break
        taken.append(row)
    return taken


def _invoice(shown: InvoiceShown, how: Manner) -> list[str]:
    if shown.link_only:
        return [f"lightning:{shown.bolt11}"]
    order = shown.order
    until = datetime.fromtimestamp(order.hold_until, UTC).strftime("%H:%M UTC")
    first = say(
        "order-invoice",
        how.language,
        order=order.short,
        what=_what(order.quantity, shown.listing.title, order.tier),
        amount=format_sats(order.amount_msat),
        until=until,
    )
    return [f"{first}\n{_link(shown.listing, how)}", shown.bolt11]


def _ticket(ticket: TicketShown, how: Manner) -> str:
    one = ticket.listing
    tier = f" · {ticket.tier}" if ticket.tier else ""
    lines = [say("ticket", how.language, title=one.title, tier=tier), when_line(one)]
    if one.place:
        lines.append(one.place[:PLACE_ON_TICKET])
    lines.append(say("ticket-code", how.language, code=group_id(ticket.ticket_id)))
    lines.append(ticket.token)
    proof = say("ticket-proof", how.language, salt=ticket.salt.hex())
    if how.public_url is not None:
        start = f"{datetime.fromtimestamp(one.start, UTC):%Y-%m-%d}" if one.all_day else one.start
        zone = "" if one.all_day else one.timezone
        links = (
            ticket_link(how.public_url, ticket.token, one.title, start, zone, place)
            for place in (one.place, "")
        )
        bare = ticket_link(how.public_url, ticket.token)
        lines.append(next((link for link in links if _fitting([link], proof, *lines)), bare))
    return "\n".join([*lines, proof])


def _tickets(counted: TicketsCounted, how: Manner) -> str:
    if not counted.count:
        return say("tickets-none", how.language)
    head = say("tickets", how.language, n=counted.count)
    hint = say("tickets-hint", how.language)
    rows = [
        f"- {listing.title[:60]}{f' · {tier}' if tier else ''}"
        f" · {_short_when(listing)} · {group_id(ticket_id)}"
        for listing, tier, ticket_id in counted.rows
    ]
    more = say("tickets-more", how.language, next=counted.count)
    lines = _fitting(rows, head, hint, more)
    last = counted.first + len(lines) - 1
    if last < counted.count:
        lines.append(say("tickets-more", how.language, next=last + 1))
    return "\n".join([head, *lines, hint])


def _order(shown: OrderShown, how: Manner) -> str:
    order = shown.order
    lines = [
        say(
            GIVEN_BACK.get(shown.released or "", f"order-{order.state}"),
            how.language,
            order=order.short,
            what=_what(order.quantity, shown.listing.title, order.tier),
            amount=format_sats(order.amount_msat),
        )
    ]
    for amount, state in shown.refunds:
        lines.append(say(f"order-refund-{state}", how.language, amount=format_sats(amount)))
    return "\n".join(lines)


def price_line(listing: Listing) -> str:
    """What the event costs, in a few words."""
    general = [format_sats(listing.price_msat)] if listing.general else []
    tiers = [f"{tier.name} {format_sats(tier.price_msat)}" for tier in listing.tiers[:3]]
    return ", ".join(general + tiers)


@lru_cache(EVENTS_IN_MIND)
def when_line(listing: Listing) -> str:
    """`Mon 1 Mar 2027, 19:00–22:00 (Europe/Lisbon)`, or the days of an all-day event."""
    if listing.all_day:
        days = [datetime.fromtimestamp(day, UTC) for day in (listing.start, listing.last_day)]
        return " – ".join(dict.fromkeys(f"{day:%a %-d %b %Y}" for day in days))
    zone = ZoneInfo(listing.timezone)
    start = datetime.fromtimestamp(listing.start, zone)
    end = datetime.fromtimestamp(listing.end, zone)
    last = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%a %-d %b, %H:%M}"
    return f"{start:%a %-d %b %Y, %H:%M}–{last} ({listing.timezone})"


def _short_when(listing: Listing) -> str:
    zone = UTC if listing.all_day else ZoneInfo(listing.timezone)
    start = datetime.fromtimestamp(listing.start, zone)
    return f"{start:%-d %b}" if listing.all_day else f"{start:%-d %b %H:%M}"


def _what(quantity: int, title: str, tier: str) -> str:
    return f"{quantity} × {title}" + (f" ({tier})" if tier else "")


def _free(available: int | None, how: Manner) -> str:
    if available is None:
        return ""
    key = "seats-left" if available else "sold-out-short"
    return f" · {say(key, how.language, n=available)}"


@lru_cache(EVENTS_IN_MIND)
def _link(listing: Listing, how: Manner) -> str:
    if listing.kind == 1:
        return f"nostr:{note_encode(listing.note_id)}"
    d = listing.event_id.split(":", 2)[2]
    return "nostr:" + naddr_encode(listing.kind, listing.organizer, d, how.relays[:1])
