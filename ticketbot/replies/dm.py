"""Outcomes as people read them: plain text, no Markdown, at most about 1,000 characters.

Clients find a bolt11 only where it stands alone (facts differ by client), so an invoice
is a message of its own; a ticket's token has a line of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from ticketbot.domain.listing import Listing
from ticketbot.domain.nip19 import naddr_encode, note_encode
from ticketbot.domain.terms import Terms
from ticketbot.domain.ticket import group_id, ticket_link
from ticketbot.replies.local import (
    EVENTS_IN_MIND,
    sats,
    short_when,
    when_line,
)
from ticketbot.replies.offers import (
    asked_lines,
    price_line,
    price_lines,
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
from ticketbot.replies.saying import Manner, fitting, said_of, sentence, what_of, why_owed
from ticketbot.texts import say

PLACE_ON_TICKET = 120
GIVEN_BACK = {
    "order-cancelled": "order-given-back",
    "released-cancelled": "order-event-cancelled",
}  # by the reason why an order was released, where that was not its time


def speak(outcome: Outcome, how: Manner) -> list[str]:
    """The messages, in order."""
    match outcome:
        case Said():
            return [said_of(outcome, how)]
        case Report(sentence=key, values=values):
            return [said_of(Said(key, values), how)]
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


def _events(found: EventsFound, how: Manner) -> list[str]:
    if not found.cards:
        key = "events-none-found" if found.words else "events-none"
        return [say(key, how.language, words=found.words)]
    hint = _events_hint(found.cards, how)
    more = say("events-more", how.language)
    lines = fitting([_event_line(card, how) for card in found.cards], hint, more)
    if len(lines) < len(found.cards) or found.after:
        lines.append(more)
    return ["\n".join([*lines, hint])]


def _events_hint(cards: Sequence[Card], how: Manner) -> str:
    """What to send next: for the first that can be bought, or else to wait for the first."""
    on_sale = [card for card in cards if not card.paused] or cards
    card = next((card for card in on_sale if not _is_gone(card)), on_sale[0])
    key = "events-hint-sold-out" if _is_gone(card) else "events-hint"
    return say(key, how.language, code=card.code.lower(), tier=_tier_word(card))


def _event_line(card: Card, how: Manner) -> str:
    one = card.listing
    left = [say("sold-out-short", how.language)] if _is_gone(card) else []
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
    lines = [*head, *fitting(prices, *head, *tail)]
    lines += fitting(asked_lines(one, how.language), *lines, *tail)
    if one.summary:
        lines += fitting([one.summary[:300]], *lines, *tail)
    return "\n".join([*lines, *tail])


def _hint(card: Card, how: Manner) -> str:
    """How to get a ticket of a kind that is left; where none is, how to wait for one."""
    key = "event-hint-sold-out" if _is_gone(card) else "event-hint"
    return say(key, how.language, code=card.code.lower(), tier=_tier_word(card))


def _is_gone(card: Card) -> bool:
    """Whether no kind of ticket is left."""
    none_left = all(available == 0 for _, _, available in card.tiers)
    return card.available == 0 or (none_left and not card.listing.general)


def _tier_word(card: Card) -> str:
    """The kind that must be named behind the code, the first that is left."""
    names = [name for name, _, _ in card.tiers]
    left = [name for name, _, available in card.tiers if available != 0]
    chosen = card.listing.general or len(names) == 1
    return "" if chosen else f" 1 {(left or names)[0].lower()}"


def _terms(listing: Listing, how: Manner) -> list[str]:
    """What holders may do with their tickets, where that is not the usual."""
    terms, lines = listing.terms, []
    if terms.refund_until is not None:
        values = {"at": terms.refund_until, "fee": _fee(terms, how.language)}
        lines.append(
            said_of(Said("terms-refund-fee" if values["fee"] else "terms-refund", values), how)
        )
    if not terms.transferable:
        lines.append(say("terms-no-transfer", how.language))
    return lines


def _fee(terms: Terms, language: str) -> str:
    if terms.fee_percent:
        return f"{terms.fee_percent}%"
    return sats(terms.fee_msat, language) if terms.fee_msat else ""


def _invoice(shown: InvoiceShown, how: Manner) -> list[str]:
    if shown.link_only:
        return [f"lightning:{shown.bolt11}"]
    order = shown.order
    until = datetime.fromtimestamp(order.hold_until, UTC).strftime("%H:%M UTC")
    first = say(
        "order-invoice",
        how.language,
        order=order.short,
        what=what_of(order.quantity, shown.listing.title, order.tier),
        amount=sats(order.amount_msat, how.language),
        until=until,
    )
    lines = [first]
    if shown.code:
        saved = sats(shown.saved_msat, how.language)
        lines.append(say("order-code", how.language, word=shown.code, amount=saved))
    return ["\n".join([*lines, event_link(shown.listing, how)]), shown.bolt11]


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
        lines.append(next((link for link in links if fitting([link], proof, *lines)), bare))
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
    lines = fitting(rows, head, hint, more)
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
            what=what_of(order.quantity, shown.listing.title, order.tier),
            amount=sats(order.amount_msat, how.language),
        )
    ]
    for number, (amount, state) in enumerate(shown.refunds):
        given = sats(amount, how.language)
        key = "order-refund-placed" if number in shown.placed else f"order-refund-{state}"
        lines.append(say(key, how.language, amount=given))
    return "\n".join(lines)


@lru_cache(EVENTS_IN_MIND)
def event_link(listing: Listing, how: Manner) -> str:
    """Where the event's own note is found (NIP-21)."""
    if listing.kind == 1:
        return f"nostr:{note_encode(listing.note_id)}"
    d = listing.event_id.split(":", 2)[2]
    return "nostr:" + naddr_encode(listing.kind, listing.organizer, d, how.relays[:1])
