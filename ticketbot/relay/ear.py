"""What a relay says (NIP-01), read frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.nostr import Event
from ticketbot.errors import Malformed
from ticketbot.keys import parse_event
from ticketbot.relay.line import Line


class Brought(NamedTuple):
    """An EVENT for the subscription or question `name`; nothing of it is verified yet."""

    name: str
    event: Event


Message = Brought | list[Any]
"""An EVENT, or any other message as it came."""


def hear(frames: Iterable[bytes], line: Line) -> Iterator[Message]:
    """The messages in their order. What is too long, or none at all, is counted and dropped."""
    for frame in frames:
        if len(frame) > line.max_frame:
            line.counts.oversized += 1
            continue
        try:
            match orjson.loads(frame):
                case ["EVENT", str(name), raw]:
                    yield Brought(name, parse_event(raw))
                case list(message):
                    yield message
                case _:
                    line.counts.malformed += 1
        except (orjson.JSONDecodeError, Malformed):
            line.counts.malformed += 1
