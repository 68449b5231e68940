"""Tools for readers of people's words: tokens, numbers, events, and what is only noise."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ticketbot.domain.command import MOST_TICKETS, Command
from ticketbot.domain.naming import quote
from ticketbot.domain.nip19 import read_event_id
from ticketbot.domain.tongues import SPANISH_NOISE, SPANISH_ORDER, SPANISH_POLITE
from ticketbot.errors import Malformed, Refused

Reader = Callable[[Sequence[str]], Command | None]
"""What follows a verb, read; None when it makes no sense behind it."""

POLITE = frozenset({"please", "pls", "my"}) | SPANISH_POLITE
NOISE = POLITE | {"for", "me", "ticket", "tickets", "seat", "seats"} | SPANISH_NOISE
ORDER_NOISE = POLITE | {"the", "order", "orders", "of", "it", "this", "that", "to"} | SPANISH_ORDER

INTEGER = re.compile(r"[x×]?([0-9]+)|([0-9]+)[x×]", re.IGNORECASE)
NUMBERISH = re.compile(
    r"[-+−–]?(?:[0-9]+(?:[.,'][0-9]+)*|[.,][0-9]+)(?:(?:e|\^|\*\*|/|⁄)[-+]?[0-9]+)?%?[x×]?", re.I
)
CODE = re.compile(r"(?=.*[^\W\d_])[^\W_]{2,12}")
EVENT_CODE = re.compile(r"[a-z][a-z0-9]{1,9}", re.IGNORECASE)
DESTINATION = re.compile(
    r".+@.+|ln[a-z0-9]{20,}|ln(?:url|(?:bcrt|bc|tbs|tb)(?:[0-9]+[munp]?)?)1[a-z0-9]*", re.IGNORECASE
)
ORDER_ID = re.compile(r"[a-z0-9]{4,64}", re.IGNORECASE)
TICKET_CODE = re.compile(r"[a-z0-9]{4}(?:-[a-z0-9]{4}){1,3}", re.IGNORECASE)
REFUND_ID = re.compile(r"[a-z0-9]{4,64}-r[0-9]{1,4}", re.IGNORECASE)
_EVENT_ID = re.compile(r"3192[23]:[0-9a-f]{64}:.+|[0-9a-fA-F]{64}")
LONGEST_OFFER = 80
_POINTER = re.compile(r"(?:naddr|nevent|note)1[02-9ac-hj-np-z]{20,}", re.IGNORECASE)


def without(noise: frozenset[str], tokens: Sequence[str]) -> list[str]:
    """The tokens that say something."""
    return [token for token in tokens if token.lower() not in noise]


def offer(verb: str, rest: Sequence[str]) -> str:
    """A whole command to offer, with the words that it may keep."""
    whole = " ".join((verb, *without(NOISE, rest))).lower()
    takes_words = verb in ("buy", "event", "events", "refund")
    return whole if takes_words and len(whole) <= LONGEST_OFFER else verb


def read_quantity(digits: str) -> int:
    """A number of tickets; Refused for none, and for more than any order can have."""
    quantity = int(digits)
    if quantity < 1:
        raise Refused("bad-request", "quantity-whole", text=quote(digits))
    if quantity > MOST_TICKETS:
        raise Refused("too-many", "quantity-many", text=quote(digits))
    return quantity


def read_from(rest: Sequence[str]) -> int | None:
    """The number in `from 51`, where a list goes on."""
    found = re.fullmatch(r"from ([0-9]{1,6})", " ".join(rest).lower())
    return max(1, int(found[1])) if found else None


def event_words(tokens: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The words in small letters; a complete event_id first, and whether there is one."""
    ids = [_event_id(token) for token in tokens]
    words = [token.lower() for token, one in zip(tokens, ids, strict=True) if one is None]
    whole = [one for one in ids if one is not None]
    return (*whole, *words), bool(whole)


def _event_id(token: str) -> str | None:
    if _EVENT_ID.fullmatch(token):
        return token if ":" in token else token.lower()
    pointer = _POINTER.search(token)
    if pointer is None:
        return None
    try:
        return read_event_id(pointer[0])
    except Malformed:
        raise Refused("bad-request", "event-pointer", text=quote(token)) from None
