"""What people say who wait for a seat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ticketbot.domain.command import Command, JoinQueue, LeaveQueue, ShowQueue
from ticketbot.domain.naming import quote
from ticketbot.domain.speech.words import (
    INTEGER,
    NOISE,
    NUMBERISH,
    Reader,
    event_words,
    read_quantity,
    without,
)
from ticketbot.errors import Refused

_QUEUE_NOISE = NOISE | {"the", "queue", "list", "waiting", "of", "event"}


def _join(rest: Sequence[str]) -> Command:
    quantity, kept = 1, []
    for token in without(_QUEUE_NOISE, rest):
        if number := INTEGER.fullmatch(token):
            quantity = read_quantity(number[1] or number[2])
        elif NUMBERISH.fullmatch(token):
            raise Refused("bad-request", "quantity-whole", text=quote(token))
        else:
            kept.append(token)
    words, whole = event_words(kept)
    return JoinQueue(words, quantity, None, whole)


def _leave(rest: Sequence[str]) -> Command:
    words, _ = event_words(without(_QUEUE_NOISE, rest))
    return LeaveQueue(words)


READERS: Mapping[str, Reader] = {
    "join": _join,
    "leave": _leave,
    "waiting": lambda rest: ShowQueue(),
}
