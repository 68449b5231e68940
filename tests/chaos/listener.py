"""Somebody who keeps all that a relay is ever sent, as anybody may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from ticketbot.domain.nostr import Event
from ticketbot.keys import parse_event

MAX_FRAME = 2**20


class Listener:
    """`events` by id: whatever came, from anybody to anybody."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    async def keep(self, socket: ClientConnection) -> None:
        """Until the connection ends."""
        try:
            async for frame in socket:
                message = orjson.loads(frame)
                if message[0] == "EVENT":
                    event = parse_event(message[2])
                    self.events[event.id] = event
        except ConnectionClosed:
            return

    async def hears_of(self, kind: int, within: float = 40.0) -> None:
        """Wait until there is an event of this kind."""
        async with asyncio.timeout(within):
            while all(event.kind != kind for event in self.events.values()):
                await asyncio.sleep(0.05)


@asynccontextmanager
async def listening(relay: str) -> AsyncIterator[Listener]:
    """Subscribed to everything while the block runs."""
    listener = Listener()
    async with connect(relay, max_size=MAX_FRAME, compression=None) as socket:
        await socket.send(orjson.dumps(["REQ", "all", {}]), text=True)
        keeper = asyncio.create_task(listener.keep(socket))
        yield listener
        await asyncio.sleep(0.2)  # what has just been sent
    await keeper
