"""What attendees say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ticketbot.domain.command import (
    Buy,
    CancelOrder,
    Command,
    ForgetMe,
    Hello,
    Help,
    ListEvents,
    ListOrders,
    Refund,
    Resend,
    ShowEvent,
    ShowLink,
    ShowStatus,
    ShowTickets,
    Standing,
    Thanks,
    Unknown,
)
from ticketbot.domain.naming import quote
from ticketbot.domain.speech.words import (
    DESTINATION,
    EVENT_CODE,
    INTEGER,
    NOISE,
    NUMBERISH,
    ORDER_ID,
    ORDER_NOISE,
    POLITE,
    REFUND_ID,
    TICKET_CODE,
    Reader,
    event_words,
    offer,
    read_from,
    read_quantity,
    without,
)
from ticketbot.domain.tongues import YES
from ticketbot.domain.vocabulary import HELP_TOPICS, RESERVED
from ticketbot.errors import Refused

_STANDING: Mapping[str, Standing] = {
    **dict.fromkeys(("open", "unpaid", "waiting", "abiertos", "pendientes"), "open"),
    **dict.fromkeys(("paid", "pagados"), "paid"),
    **dict.fromkeys(("lapsed", "cancelled", "released", "caducados", "cancelados"), "released"),
    **dict.fromkeys(("closed", "cerrados"), "closed"),
}
"""What people call the states of their orders."""
_NOT_ORDERS = frozenset({"event", "events", "sales"})  # "cancel" must not cost them an order


def _events(rest: Sequence[str]) -> Command:
    words = without(NOISE | {"the", "all", "event", "events"}, rest)
    return ListEvents(tuple(word.lower() for word in words))


def _event(rest: Sequence[str]) -> Command:
    words, _ = event_words(without(POLITE, rest))
    return ShowEvent(words) if words else ListEvents()


def _buy(rest: Sequence[str]) -> Command:
    quantity, kept = None, []
    for token in without(NOISE, rest):
        number = INTEGER.fullmatch(token)
        if number and quantity is None:
            quantity = read_quantity(number[1] or number[2])
        elif not number and NUMBERISH.fullmatch(token):
            raise Refused("bad-request", "quantity-whole", text=quote(token))
        else:
            kept.append(token)
    words, whole = event_words(kept)
    return Buy(words, 1 if quantity is None else quantity, None, whole)


def _tickets(rest: Sequence[str]) -> Command:
    if first := read_from(rest):
        return ShowTickets(first)
    if rest and rest[0].lower() == "from":
        return ShowTickets()  # from a number that nobody has so many tickets for
    if any(map(INTEGER.fullmatch, rest)):
        return Unknown(quote(" ".join(("tickets", *rest))), (offer("buy", rest),))
    return ShowTickets()


def _status(rest: Sequence[str]) -> Command:
    named = [word for word in without(ORDER_NOISE, rest) if ORDER_ID.fullmatch(word)]
    return ShowStatus(named[0] if named else None)


def _orders(rest: Sequence[str]) -> Command:
    lower = [word.lower() for word in rest]
    at = lower.index("from") if "from" in lower else len(rest)
    words = without(ORDER_NOISE | {"for", "all"}, rest[:at])
    states = [_STANDING[word.lower()] for word in words if word.lower() in _STANDING]
    event, _ = event_words([word for word in words if word.lower() not in _STANDING])
    return ListOrders(event, states[0] if states else None, read_from(rest[at:]) or 1)


def _cancel(rest: Sequence[str]) -> Command | None:
    named = without(ORDER_NOISE, rest)
    if not named:
        return CancelOrder(None)
    if not _NOT_ORDERS.isdisjoint(word.lower() for word in named):
        return Unknown(quote(" ".join(("cancel", *rest))))
    if len(named) > 1 or named[0].lower() in RESERVED:
        return None
    if ORDER_ID.fullmatch(named[0]) or EVENT_CODE.fullmatch(named[0]):
        return CancelOrder(named[0])
    return None


def _refund(rest: Sequence[str]) -> Command:
    named = without(ORDER_NOISE, rest)
    words = [re.sub("^lightning:", "", word, flags=re.IGNORECASE) for word in named]
    words = ["yes" if word.lower() in YES else word for word in words]
    if not words or DESTINATION.fullmatch(words[0]):
        return Refund(tuple(words))
    if any(kind.fullmatch(words[0]) for kind in (ORDER_ID, TICKET_CODE, REFUND_ID)):
        return Refund(tuple(words[1:]), words[0])
    return Refund(tuple(words))


def _forget_me(rest: Sequence[str]) -> Command | None:
    words = [word.lower() for word in without(POLITE, rest)]
    return ForgetMe(sure=words != []) if set(words) <= YES and len(words) < 2 else None


def _help(rest: Sequence[str]) -> Command:
    topics = (HELP_TOPICS[word.lower()] for word in rest if word.lower() in HELP_TOPICS)
    return Help(next(topics, ""))


READERS: Mapping[str, Reader] = {
    "hello": lambda rest: Hello(),
    "thanks": lambda rest: Thanks(),
    "help": _help,
    "events": _events,
    "event": _event,
    "buy": _buy,
    "tickets": _tickets,
    "resend": lambda rest: Resend(read_from(rest) or 1),
    "status": _status,
    "orders": _orders,
    "cancel": _cancel,
    "link": lambda rest: ShowLink(),
    "refund": _refund,
    "forget me": _forget_me,
}
