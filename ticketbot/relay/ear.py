"""What a relay says (NIP-01), read frame by frame, and its events verified."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.nostr import Event
from ticketbot.envelopes import parse_event, verify
from ticketbot.errors import Malformed
from ticketbot.relay.line import Line


class Brought(NamedTuple):
    """An EVENT for the subscription or question `name`. `genuine`: verified; None: not looked at,
    because nobody wants it."""

    name: str
    event: Event
    genuine: bool | None


Message = Brought | list[Any]
"""An EVENT, or any other message as it came."""


class Ear:
    """Hears one relay. What is too long, or no message at all, is counted and dropped."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def hear(
        self, frames: Iterable[bytes], wants: Callable[[str, Event], bool]
    ) -> Iterator[Message]:
        """The messages in their order; those of the events that are wanted have been verified."""
        for frame in frames:
            message = self._read(frame)
            if isinstance(message, Brought) and wants(message.name, message.event):
                yield message._replace(genuine=verify(message.event))
            elif message is not None:
                yield message

    def _read(self, frame: bytes) -> Message | None:
        if len(frame) > self._line.max_frame:
            self._line.counts.oversized += 1
            return None
        try:
            match orjson.loads(frame):
                case ["EVENT", str(name), raw]:
                    return Brought(name, parse_event(raw), None)
                case list(message):
                    return message
        except (orjson.JSONDecodeError, Malformed):
            pass
        self._line.counts.malformed += 1
        return None
