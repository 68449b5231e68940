"""Outcomes as programs read them: the JSON of kind 24133 (docs/protocol.md)."""

from __future__ import annotations

from typing import Any

from ticketbot.domain.order import Order
from ticketbot.replies.dm import PLAIN, sentence, speak, why_owed
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

Message = dict[str, Any]


def write(outcome: Outcome, request_id: str | None, public_url: str | None) -> Message | None:
    """The message, or None for what is only for people.

    A ticket's `qr_code` is its picture's URL, or None where there is no public URL:
    the outbox then draws it as a data URI.
    """
    body = _body(outcome, public_url)
    if body is None:
        return None
    kind = body.pop("type")
    return {"type": kind, "request_id": request_id} | body


def _body(outcome: Outcome, public_url: str | None) -> Message | None:
    match outcome:
        case Said() | RefundSent():
            return None
        case Report(kind=kind, facts=facts):
            return {"type": kind, **facts, "message": " ".join(speak(outcome, PLAIN))}
        case Failed(refused=refused):
            # With so many bits of proof of work it would be granted.
            wanted = {"pow": refused.values["bits"]} if "bits" in refused.values else {}
            return {"type": "error", "code": refused.code, "message": sentence(refused), **wanted}
        case EventsFound(cards=cards, after=after):
            return {"type": "events", "events": [_card(card) for card in cards], "next": after}
        case EventShown(card=card):
            return {"type": "events", "events": [_card(card)], "next": None}
        case InvoiceShown():
            return _invoice(outcome)
        case TicketShown():
            return _ticket(outcome, public_url)
        case TicketsCounted(count=count, after=after):
            return {"type": "tickets", "count": count} | ({"next": after} if after else {})
        case OrderShown(order=order, tickets=tickets, refunds=refunds):
            owed = [{"amount_msat": amount, "state": state} for amount, state in refunds]
            return {"type": "order", **_order(order), "tickets": tickets, "refunds": owed}
        case RefundOwed(order_id=order_id, amount_msat=amount):
            return {
                "type": "refund-due",
                "order_id": order_id,
                "amount_msat": amount,
                "message": why_owed(outcome),
            }


def _invoice(shown: InvoiceShown) -> Message:
    return {
        "type": "invoice",
        "order_id": shown.order.id,
        "event_id": shown.order.event_id,
        "quantity": shown.order.quantity,
        "amount_msat": shown.order.amount_msat,
        "invoice": shown.bolt11,
        "payment_hash": shown.payment_hash,
        "expires_at": shown.order.hold_until,
    }


def _ticket(ticket: TicketShown, public_url: str | None) -> Message:
    picture = None
    if public_url is not None and ticket.capability:  # a rehearsal's picture is nowhere to be had
        picture = f"{public_url}/tickets/{ticket.capability}.png"
    return {
        "type": "ticket",
        "order_id": ticket.order_id,
        "ticket_id": ticket.ticket_id,
        "event_id": ticket.listing.event_id,
        "qr_code": picture,
        "note": say("ticket-note", title=ticket.listing.title),
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


def _card(card: Card) -> Message:
    one = card.listing
    return {
        "event_id": one.event_id,
        "code": card.code,
        "title": one.title,
        "start": one.start,
        "end": one.end,
        "place": one.place,
        "price_msat": one.price_msat,
        "available": card.available,
        "tiers": [
            {"name": name, "price_msat": price, "available": free}
            for name, price, free in card.tiers
        ],
    }
