"""What attendees' programs ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from ticketbot.domain.command import (
    LONGEST_TEXT,
    Buy,
    CancelOrder,
    Command,
    ListEvents,
    ListOrders,
    Refund,
    ShowEvent,
    ShowStatus,
    ShowTickets,
    Standing,
    Validate,
)
from ticketbot.domain.offer import LONGEST_ANSWER, MOST_QUESTIONS
from ticketbot.domain.requests.fields import (
    LONGEST_CURSOR,
    LONGEST_EVENT_ID,
    LONGEST_ID,
    Asked,
    Fields,
)


def _events(fields: Fields) -> Command:
    words = (fields.maybe("words", 200) or "").lower().split()
    return ListEvents(
        tuple(words),
        fields.number("limit", 20, 100),
        fields.maybe("after", LONGEST_CURSOR),
        category=fields.maybe("category", 100),
        price_from=fields.amount("min_price_msat"),
        price_to=fields.amount("max_price_msat"),
        starts_from=fields.amount("from"),
        starts_to=fields.amount("to"),
    )


def _orders(fields: Fields) -> Command:
    return ListOrders(
        fields.maybe_event(),
        fields.one_of("state", get_args(Standing)),
        limit=fields.number("limit", 20, 100),
        after=fields.maybe("after", LONGEST_ID),
    )


def _buy(fields: Fields) -> Command:
    return Buy(
        fields.event(),
        fields.quantity(),
        fields.tier(),
        whole=True,
        code=fields.maybe("code", LONGEST_ID),
        answers=fields.pairs("answers", MOST_QUESTIONS, LONGEST_ANSWER),
        of_age=fields.flag("accept_age"),
    )


def _tickets(fields: Fields) -> Command:
    return ShowTickets(
        after=fields.maybe("after", 100),
        ticket_id=fields.maybe("ticket_id", LONGEST_ID),
        order_id=fields.maybe("order_id", LONGEST_ID),
    )


def _refund(fields: Fields) -> Command:
    """With `to` where money shall go; without it what is held is given back."""
    what = fields.ticket_or_order()
    if to := fields.maybe("to", LONGEST_TEXT):
        return Refund((to,), what)
    return Refund(("yes",) if fields.flag("sure") else (), what)


def _validate(fields: Fields) -> Command:
    text = fields.text("ticket", LONGEST_TEXT)
    return Validate(text, fields.maybe("event_id", LONGEST_EVENT_ID))


REQUESTS: Mapping[str, Asked] = {
    "events": _events,
    "event": lambda f: ShowEvent(f.event()),
    "buy": _buy,
    "tickets": _tickets,
    "orders": _orders,
    "status": lambda f: ShowStatus(f.order()),
    "cancel": lambda f: CancelOrder(f.order()),
    "refund": _refund,
    "validate": lambda f: Validate(
        f.text("ticket", LONGEST_TEXT), f.maybe("event_id", LONGEST_EVENT_ID)
    ),
}
