"""A small Nostr client: what an attendee's phone does, for the demo and the stories."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from ticketbot.domain.nostr import Event, Tags
from ticketbot.envelopes import Envelopes, Letter, Opened, Protocol
from ticketbot.errors import Malformed
from ticketbot.keys import Keys, event_json, parse_event

MAX_FRAME = 2**20


class Client:
    """Somebody's key, connected to one relay. `heard` grows as messages come."""

    def __init__(self, keys: Keys, bot: str, clock: Callable[[], float] = time.time) -> None:
        self.keys = keys
        self.heard: list[Opened] = []
        self.events: list[Event] = []
        self._bot = bot
        self._clock = clock
        self._envelopes = Envelopes(keys, clock=clock)
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._read = 0
        self._stamp = 0

    async def connect(self, relay: str) -> None:
        """Open the connection and subscribe to everything addressed to this key."""
        self._socket = await connect(relay, max_size=MAX_FRAME, compression=None)
        query = {"#p": [self.keys.pubkey], "kinds": [4, 1059, 24133]}
        await self._socket.send(orjson.dumps(["REQ", "inbox", query]), text=True)
        self._reader = asyncio.create_task(self._listen(self._socket))

    async def disconnect(self) -> None:
        """Go offline."""
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader
        self._socket = self._reader = None

    async def publish(self, kind: int, tags: Tags, content: str, at: int | None = None) -> Event:
        """Sign and send an event."""
        stamp = int(self._clock()) if at is None else at
        event = self.keys.sign_event(stamp, kind, tags, content)
        await self.send(event_json(event))
        return event

    async def write(self, text: str, via: Protocol = "nip17", ago: int = 0) -> bytes:
        """Send the bot an encrypted message; the event's JSON."""
        sealed = self.seal(text, via, ago)
        await self.send(sealed)
        return sealed

    def seal(self, text: str, via: Protocol = "nip17", ago: int = 0) -> bytes:
        """What `write` sends: the event's JSON."""
        stamp = int(self._clock()) - ago if ago else self.fresh_stamp()
        letter = Letter(via, self._bot, stamp, text)
        return self._envelopes.seal([letter])[0].json

    def fresh_stamp(self) -> int:
        """Unix seconds: the same words in the same second would be the same message."""
        self._stamp = max(int(self._clock()), self._stamp + 1)
        return self._stamp

    async def send(self, event: bytes) -> None:
        """Send an event as it is."""
        if self._socket is None:
            raise ConnectionError("not connected")
        await self._socket.send(b'["EVENT",' + event + b"]", text=True)

    async def next(self, part: str = "", within: float = 10.0) -> Opened:
        """The next message that contains `part`; `TimeoutError` when none comes."""
        async with asyncio.timeout(within):
            while True:
                while self._read < len(self.heard):
                    message = self.heard[self._read]
                    self._read += 1
                    if part in message.text:
                        return message
                self._news.clear()
                await self._news.wait()

    @property
    def unread(self) -> int:
        """How many messages `next` has not passed yet."""
        return len(self.heard) - self._read

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for frame in socket:
                message = orjson.loads(frame)
                if message[0] == "EVENT":
                    self._take(parse_event(message[2]))
        except ConnectionClosed:
            return

    def _take(self, event: Event) -> None:
        opened = self._envelopes.open([event])[0]
        if isinstance(opened, Malformed):
            raise opened
        self.events.append(event)
        self.heard.append(opened)
        self._news.set()
