"""What a relay says (NIP-01), read frame by frame, its events verified many at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.nostr import Event
from ticketbot.envelopes import parse_event, verify
from ticketbot.errors import Malformed
from ticketbot.relay.line import Line

Verify = Callable[[Sequence[Event]], Awaitable[Sequence[bool]]]
"""Whether each event's id is that of its content, and its signature its author's (NIP-01)."""


class Brought(NamedTuple):
    """An EVENT for the subscription or question `name`. `genuine`: verified; None: not looked at,
    because nobody wants it."""

    name: str
    event: Event
    genuine: bool | None


Message = Brought | list[Any]
"""An EVENT, or any other message as it came."""


async def verified_here(events: Sequence[Event]) -> list[bool]:
    """Verifies in place."""
    return [verify(event) for event in events]


class Ear:
    """Hears one relay. What is too long, or no message at all, is counted and dropped."""

    def __init__(self, line: Line, verify: Verify) -> None:
        self._line = line
        self._verify = verify

    async def hear(
        self, frames: Iterable[bytes], wants: Callable[[str, Event], bool]
    ) -> list[Message]:
        """The messages in their order; those of the events that are wanted have been verified."""
        heard = [one for frame in frames if (one := self._read(frame)) is not None]
        brought = [one for one in heard if isinstance(one, Brought)]
        looked_at = [one for one in brought if wants(one.name, one.event)]
        if not looked_at:
            return heard
        verdicts = await self._verify([one.event for one in looked_at])
        genuine = {id(one): good for one, good in zip(looked_at, verdicts, strict=True)}
        return [
            one._replace(genuine=genuine.get(id(one))) if isinstance(one, Brought) else one
            for one in heard
        ]

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
