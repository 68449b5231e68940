"""Outcomes as programs read them: the JSON of kind 24133 (docs/protocol.md)."""

from __future__ import annotations

from typing import Any

from ticketbot.domain.listing import Listing
from ticketbot.domain.offer import Tier
from ticketbot.domain.order import Order
from ticketbot.replies.dm import speak
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
from ticketbot.replies.saying import Manner, sentence, why_owed
from ticketbot.texts import DEFAULT, say

Message = dict[str, Any]


def write(
    outcome: Outcome, request_id: str | None, public_url: str | None, language: str = DEFAULT
) -> Message | None:
    """The message, or None for what is only for people; its sentences are in this language.

    A ticket's `qr_code` is its picture's URL, or None where there is no public URL:
    the outbox then draws it as a data URI.
    """
    body = _body(outcome, Manner(public_url, language=language))
    if body is None:
        return None
    kind = body.pop("type")
    return {"type": kind, "request_id": request_id} | body


def _body(outcome: Outcome, how: Manner) -> Message | None:
    match outcome:
        case Said() | RefundSent():
            return None
        case Report(kind=kind, facts=facts):
            return {"type": kind, **facts, "message": " ".join(speak(outcome, how))}
        case Failed(refused=refused):
            # With so many bits of proof of work it would be granted.
            said = sentence(refused, how)
            wanted = {"pow": refused.values["bits"]} if "bits" in refused.values else {}
            return {"type": "error", "code": refused.code, "message": said, **wanted}
        case EventsFound(cards=cards, after=after):
            return {"type": "events", "events": [_card(card) for card in cards], "next": after}
        case EventShown(card=card):
            return {"type": "events", "events": [_card(card) | _details(card)], "next": None}
        case InvoiceShown():
            return _invoice(outcome)
        case TicketShown():
            return _ticket(outcome, how)
        case TicketsCounted(count=count, after=after):
            return {"type": "tickets", "count": count} | ({"next": after} if after else {})
        case OrderShown(order=order, tickets=tickets, refunds=refunds, waiting=waiting):
            owed = [{"amount_msat": amount, "state": state} for amount, state in refunds]
            shown = {"type": "order", **_order(order), "tickets": tickets, "refunds": owed}
            return shown if waiting is None else shown | _invoice(waiting) | {"type": "order"}
        case RefundOwed(order_id=order_id, amount_msat=amount):
            return {
                "type": "refund-due",
                "order_id": order_id,
                "amount_msat": amount,
                "message": why_owed(outcome, how),
            }


def _invoice(shown: InvoiceShown) -> Message:
    code = {"code": shown.code, "saved_msat": shown.saved_msat} if shown.code else None
    return {
        "type": "invoice",
        "order_id": shown.order.id,
        "event_id": shown.order.event_id,
        "quantity": shown.order.quantity,
        "amount_msat": shown.order.amount_msat,
        "invoice": shown.bolt11,
        "payment_hash": shown.payment_hash,
        "expires_at": shown.order.hold_until,
        **_said({"promo": code}),
    }


def _ticket(ticket: TicketShown, how: Manner) -> Message:
    picture = None
    if how.public_url and ticket.capability:  # a rehearsal's picture is nowhere to be had
        picture = f"{how.public_url}/tickets/{ticket.capability}.png"
    return {
        "type": "ticket",
        "order_id": ticket.order_id,
        "ticket_id": ticket.ticket_id,
        "event_id": ticket.listing.event_id,
        "qr_code": picture,
        "note": say("ticket-note", how.language, title=ticket.listing.title),
        "token": ticket.token,
        "version": ticket.version,
        "tier": ticket.tier,
        "holder_salt": ticket.salt.hex(),
    }


def _order(order: Order) -> Message:
    return {
        "order_id": order.id,
        "event_id": order.event_id,
        "quantity": order.quantity,
        "amount_msat": order.amount_msat,
        "state": str(order.state),
    }


def _details(card: Card) -> Message:
    """What is told of an event only to who asks for this one."""
    one = card.listing
    return {
        "summary": one.summary,
        "image": one.image,
        "categories": list(one.categories),
        "organizer": one.organizer,
        "timezone": one.timezone,
        "all_day": one.all_day,
        "sales_start": one.sales_start,
        "sales_end": one.sales_end,
        "max_per_buyer": one.max_per_buyer,
    }


def _card(card: Card) -> Message:
    """An event; what only some events have is there where it says something."""
    one = card.listing
    plain = {
        "event_id": one.event_id,
        "code": card.code,
        "title": one.title,
        "start": one.start,
        "end": one.end,
        "place": one.place,
        "price_msat": card.price_msat,
        "available": card.available,
        "transferable": one.terms.transferable,
        "refund_until": one.terms.refund_until,
        "tiers": [
            {"name": name, "price_msat": price, "available": free, **_tier(card, name)}
            for name, price, free in card.tiers
        ],
    }
    questions = [
        {"text": asked.text, "choices": list(asked.choices), "optional": asked.optional}
        for asked in one.questions
    ]
    more = {"early_bird": _early(card, ""), "age": one.age, "questions": questions or None}
    more["paused"] = card.paused or None
    return plain | _said(more | _times(one))


def _tier(card: Card, name: str) -> Message:
    tier = card.listing.tier(name)
    early: Message = {"early_bird": _early(card, name)}
    return _said(early if tier is None else early | _times(tier))


def _times(sold: Listing | Tier) -> Message:
    return {
        "sales_start": sold.sales_start,
        "sales_end": sold.sales_end,
        "max_per_buyer": sold.max_per_buyer,
    }


def _early(card: Card, tier: str) -> Message | None:
    """The price without the early bird, and what ends it."""
    early = card.early_of(tier)
    if early is None:
        return None
    ends = {"until": early.until, "left": early.left}
    return {"regular_msat": early.regular_msat, **_said(ends)}


def _said(fields: Message) -> Message:
    return {name: value for name, value in fields.items() if value is not None}
