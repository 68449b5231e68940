"""Outcomes as people read them: plain text, no Markdown, at most about 1,000 characters.

Clients find a bolt11 only where it stands alone (facts differ by client), so an invoice
is a message of its own; a ticket's token has a line of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from ticketbot.domain.listing import Listing
from ticketbot.domain.money import Sum
from ticketbot.domain.nip19 import naddr_encode, note_encode
from ticketbot.domain.payout import Account
from ticketbot.domain.terms import Terms
from ticketbot.domain.ticket import group_id, ticket_link
from ticketbot.domain.when import Clock
from ticketbot.errors import Refused
from ticketbot.replies.local import (
    EVENTS_IN_MIND,
    clock,
    moment,
    sats,
    short_day,
    short_when,
    span,
    total,
    visit_line,
    when_line,
)
from ticketbot.replies.offers import (
    asked_lines,
    choice_lines,
    price_line,
    price_lines,
    promo_line,
)
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
from ticketbot.texts import DEFAULT, has, say

LONGEST = 1000
AROUND_LINKS = 250  # the sentences before and after a list
AROUND_CODES = 120
AROUND_PROBLEMS = 350  # the title, and the sentences before and after the list
AROUND_LINES = 200  # what stands before and after a list of lines
PLACE_ON_TICKET = 120
GIVEN_BACK = {
    "order-cancelled": "order-given-back",
    "released-cancelled": "order-event-cancelled",
}  # by the reason why an order was released, where that was not its time


class Manner(NamedTuple):
    """How to speak: language, the bot's pages and its relays. `chosen`: they asked for it."""

    public_url: str | None = None
    relays: tuple[str, ...] = ()
    language: str = DEFAULT
    chosen: bool = False


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
            order = order_id[-4:].upper()
            given = sats(amount, how.language)
            return [say("refund-sent", how.language, order=order, amount=given)]


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
        case ("queued", tuple()):
            return "\n".join(_fitting([_queued(row, how) for row in value]))
        case (_, Said()):
            return _said(value, how)
        case (_, Sum()):
            return total(value, how.language)
        case ("rest", tuple()):
            return "".join(f" · {_value('', one, how)}" for one in value)
        case ("amount" | "owed", int()):
            return sats(value, how.language)
        case ("now" | "was", Listing()):
            return ", ".join(filter(None, (when_line(value, how.language), value.place)))
        case ("paid" | "kept" | "back" | "commission" | "net", int()):
            return total(value, how.language)
        case ("at", int()):
            return moment(value, how.language)
        case ("span" | "skew", int() | float()):
            return span(value, how.language)
        case ("audit", int()) if value:
            return say("differences", how.language, n=value)
        case ("audit", int() | None):
            return say("word-unchecked" if value is None else "word-right", how.language)
        case ("sales" | "side", str()) if has(f"word-{value}"):
            return say(f"word-{value}", how.language)
        case ("fee", int()):
            return sats(value, how.language)
        case ("accounts", tuple()):
            return _accounts(value, how)
        case ("problems", tuple()):
            lines = [f"- {field}: {_said(Said(key, vals), how)}" for field, key, vals in value]
            return "\n".join(_fitting(lines, " " * AROUND_PROBLEMS))
        case ("promo", dict()):
            return promo_line(value, how.language)
        case ("promos", tuple()):
            lines = [promo_line(one, how.language) for one in value]
            return "\n".join(_fitting(lines, " " * AROUND_CODES))
        case ("choices", tuple()):
            return choice_lines(value)
        case (_, Clock()):
            return clock(value, how.language)
        case ("visits", tuple()):
            return "\n".join(visit_line(row, how.language) for row in value)
        case ("links", tuple()):
            rows = [f"{what}\n{url}" for what, url in value]
            return "\n".join(_fitting(rows, " " * AROUND_LINKS))
        case ("held", tuple()):
            rows = [
                " · ".join((one.title, when_line(one, how.language), one.place)) for one in value
            ]
            return "\n".join(_fitting(rows, " " * AROUND_LINKS))
        case (_, date()):
            return short_day(value, how.language)
        case ("lines", tuple()):
            lines = [_said(line, how) for line in value]
            return "\n".join(_fitting(lines, " " * AROUND_LINES))
        case ("rows", tuple()):
            return "\n".join(f"- {order}: {sats(owed, how.language)}" for order, owed, _ in value)
        case ("passes", tuple()):
            cells = [[str(_value("", cell, how)) for cell in row] for row in value]
            lines = [" · ".join(filter(None, row)) for row in cells]
            return "\n".join(_fitting([f"- {line}" for line in lines], " " * AROUND_PROBLEMS))
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
    sums = (
        say(key, how.language, amount=total(msat, how.language))
        for key, msat in parts.items()
        if msat
    )
    return say(
        "statement-event",
        how.language,
        code=one.code.lower(),
        title=one.title[:60],
        sold=one.sold,
        sums=", ".join(sums),
        left=total(one.balance, how.language),
    )


def _queued(row: tuple[Listing, str, int, int | None, int], how: Manner) -> str:
    """A place in a queue: for what, and its number or until when seats are kept."""
    listing, tier, quantity, until, number = row
    what = _what(quantity, listing.title, tier)
    if until is not None:
        return f"- {what} · {say('queue-kept', how.language, at=moment(until, how.language))}"
    return f"- {what} · {say('queue-number', how.language, number=number)}"


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
    left = [say("sold-out-short", how.language)] if card.available == 0 else []
    facts = (short_when(one, how.language), price_line(card, how.language), *left)
    return " · ".join((card.code.lower(), one.title, *facts))


def _event(card: Card, how: Manner) -> str:
    one = card.listing
    head = [one.title, when_line(one, how.language), *([one.place] if one.place else [])]
    prices = price_lines(card, how.language)
    tail = [
        *_terms(one, how),
        say("event-paused", how.language) if card.paused else _hint(card, how),
        event_link(one, how),
    ]
    lines = [*head, *_fitting(prices, *head, *tail)]
    lines += _fitting(asked_lines(one, how.language), *lines, *tail)
    if one.summary:
        lines += _fitting([one.summary[:300]], *lines, *tail)
    return "\n".join([*lines, *tail])


def _hint(card: Card, how: Manner) -> str:
    """How to get a ticket of a kind that is left; where none is, how to wait for one."""
    names = [name for name, _, _ in card.tiers]
    left = [name for name, _, available in card.tiers if available != 0]
    chosen = card.listing.general or len(names) == 1
    tier = "" if chosen else f" 1 {(left or names)[0].lower()}"
    gone = card.available == 0 or not (card.listing.general or left)
    key = "event-hint-sold-out" if gone else "event-hint"
    return say(key, how.language, code=card.code.lower(), tier=tier)


def _terms(listing: Listing, how: Manner) -> list[str]:
    """What holders may do with their tickets, where that is not the usual."""
    terms, lines = listing.terms, []
    if terms.refund_until is not None:
        values = {"at": terms.refund_until, "fee": _fee(terms, how.language)}
        lines.append(
            _said(Said("terms-refund-fee" if values["fee"] else "terms-refund", values), how)
        )
    if not terms.transferable:
        lines.append(say("terms-no-transfer", how.language))
    return lines


def _fee(terms: Terms, language: str) -> str:
    if terms.fee_percent:
        return f"{terms.fee_percent}%"
    return sats(terms.fee_msat, language) if terms.fee_msat else ""


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
        amount=sats(order.amount_msat, how.language),
        until=until,
    )
    return [f"{first}\n{event_link(shown.listing, how)}", shown.bolt11]


def _ticket(ticket: TicketShown, how: Manner) -> str:
    one = ticket.listing
    tier = f" · {ticket.tier}" if ticket.tier else ""
    lines = [say("ticket", how.language, title=one.title, tier=tier), when_line(one, how.language)]
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
        f" · {short_when(listing, how.language)} · {group_id(ticket_id)}"
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
            amount=sats(order.amount_msat, how.language),
        )
    ]
    for amount, state in shown.refunds:
        given = sats(amount, how.language)
        lines.append(say(f"order-refund-{state}", how.language, amount=given))
    return "\n".join(lines)


def _what(quantity: int, title: str, tier: str) -> str:
    return f"{quantity} × {title}" + (f" ({tier})" if tier else "")


@lru_cache(EVENTS_IN_MIND)
def event_link(listing: Listing, how: Manner) -> str:
    """Where the event's own note is found (NIP-21)."""
    if listing.kind == 1:
        return f"nostr:{note_encode(listing.note_id)}"
    d = listing.event_id.split(":", 2)[2]
    return "nostr:" + naddr_encode(listing.kind, listing.organizer, d, how.relays[:1])
