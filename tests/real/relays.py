"""Relays for tests: nostr-sdk's real one, and one that misbehaves on request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Sealed
from ticketbot.keys import Keys, event_json
from ticketbot.relays import Caught, RelayPool, Timing

Raw = dict[str, Any]


def free_port() -> int:
    """A port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.asynccontextmanager
async def local_relay(
    port: int | None = None,
    *,
    auth: Literal["read", "write", "both"] | None = None,
    limit: int = 500,
) -> AsyncIterator[str]:
    """The URL of a nostr-sdk LocalRelay, which is a real relay in this process."""
    import nostr_sdk

    nostr_sdk.uniffi_set_event_loop(asyncio.get_running_loop())
    port = port or free_port()
    builder = (
        nostr_sdk.LocalRelayBuilder()
        .addr("127.0.0.1")
        .port(port)
        .default_filter_limit(limit)
        .max_filter_limit(limit)
        .rate_limit(nostr_sdk.RateLimit(max_reqs=100, notes_per_minute=10**6))
    )
    if auth is not None:
        mode = getattr(nostr_sdk.LocalRelayBuilderNip42Mode, auth.upper())
        builder = builder.nip42(nostr_sdk.LocalRelayBuilderNip42(mode=mode))
    relay = builder.build()
    await relay.run()
    try:
        yield str(await relay.url()).rstrip("/")
    finally:
        # A test may want the port again, and one request to shut down is sometimes missed.
        while _listens(port):
            relay.shutdown()
            await asyncio.sleep(0.02)


@dataclass
class AwkwardRelay:
    """A small relay whose habits can be changed while it runs.

    It stores what is not ephemeral, serves newest first, and gives every accepted event to the
    subscribers. What came is in `received`, by connection.
    """

    limit: int = 500
    """Most events that one filter returns."""
    copies: int = 1
    """How often each event is sent."""
    oldest_first: bool = False
    oks: bool = True
    eose: Literal["honest", "early", "never"] = "honest"
    delay: float = 0.0
    """Seconds before anything is answered."""
    echoes: bool = True
    """Whether ephemeral events are given to subscribers."""
    delivers: bool = True
    """Whether any event is given to live subscribers."""
    refuse: Callable[[Raw], str | None] = lambda event: None
    """OK false with this reason."""
    refuse_query: Callable[[list[Raw]], str | None] = lambda filters: None
    """CLOSED with this reason."""
    auth_read: bool = False
    auth_write: bool = False
    auth_accepts: bool = True
    mumbles: bool = False
    """It refuses by NOTICE, or by an OK for no event, and gives a proof no answer."""
    withholds: bool = False
    """Without authentication it silently keeps kind 1059 back."""
    greeting: list[bytes | str] = field(default_factory=list)
    """Frames that every new connection gets, whatever they are."""
    ping_interval: float | None = None
    ping_timeout: float | None = None
    document: bytes | None = None
    """Its NIP-11 document; None: it has none."""
    tls: ssl.SSLContext | None = None

    stored: dict[str, Raw] = field(default_factory=dict)
    received: list[tuple[int, list[Any]]] = field(default_factory=list)
    connected: int = 0
    """Connections so far."""
    described: int = 0
    """How often its NIP-11 document was asked for."""
    peers: dict[ServerConnection, dict[str, list[Raw]]] = field(default_factory=dict)
    proven: set[ServerConnection] = field(default_factory=set)
    port: int = 0
    _server: Server | None = None

    @property
    def url(self) -> str:
        return f"{'ws' if self.tls is None else 'wss'}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.port = self.port or free_port()
        self._server = await serve(
            self._talk,
            "127.0.0.1",
            self.port,
            compression=None,
            max_size=None,
            ping_interval=self.ping_interval,
            ping_timeout=self.ping_timeout,
            process_request=self._describe,
            ssl=self.tls,
        )

    async def stop(self) -> None:
        if self._server is not None:
            for peer in self.peers:
                peer.transport.abort()
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def said(self, verb: str) -> list[list[Any]]:
        """The messages of that kind that clients sent, in order."""
        return [message for _, message in self.received if message[0] == verb]

    def count(self) -> Counter[str]:
        return Counter(message[0] for _, message in self.received)

    def freeze(self) -> None:
        """From now on no present connection is read or answered: a half-open peer."""
        for peer in self.peers:
            peer.transport.pause_reading()

    def cut(self) -> None:
        """Drops every connection without a word."""
        for peer in self.peers:
            peer.transport.abort()

    def store(self, *events: Raw) -> None:
        self.stored.update((event["id"], event) for event in events)

    async def broadcast(self, *events: Raw) -> None:
        """Gives events to whoever subscribed to them, without storing them."""
        for peer, queries in list(self.peers.items()):
            for name, filters in list(queries.items()):
                for event in events:
                    if any(fits(one, event) for one in filters):
                        await self._say(peer, *[["EVENT", name, event]] * self.copies)

    async def tell(self, message: bytes | str) -> None:
        """Sends the same frame to every connection."""
        for peer in list(self.peers):
            await peer.send(message, text=True)

    def _describe(self, peer: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Accept") != "application/nostr+json":
            return None
        self.described += 1
        if self.document is None:
            return peer.respond(404, "no document")
        headers = Headers({"Content-Length": str(len(self.document)), "Connection": "close"})
        return Response(200, "OK", headers, self.document)

    async def _say(self, peer: ServerConnection, *messages: list[Any]) -> None:
        for message in messages:
            with contextlib.suppress(ConnectionClosed):
                await peer.send(json.dumps(message))

    async def _talk(self, peer: ServerConnection) -> None:
        self.connected += 1
        number = self.connected
        self.peers[peer] = {}
        try:
            if self.auth_read or self.auth_write or self.withholds:
                await self._say(peer, ["AUTH", f"challenge-{number}"])
            for frame in self.greeting:
                await peer.send(frame, text=True)
            async for data in peer:
                message = json.loads(data)
                self.received.append((number, message))
                await asyncio.sleep(self.delay)
                await self._answer(peer, message)
        except ConnectionClosed:
            pass
        finally:
            del self.peers[peer]
            self.proven.discard(peer)

    async def _answer(self, peer: ServerConnection, message: list[Any]) -> None:
        match message:
            case ["REQ", name, *filters]:
                await self._query(peer, name, filters)
            case ["CLOSE", name]:
                self.peers[peer].pop(name, None)
            case ["AUTH", event]:
                if self.auth_accepts:
                    self.proven.add(peer)
                if not self.mumbles:
                    words = ["OK", event["id"], self.auth_accepts, "restricted: who?"]
                    await self._say(peer, words)
            case ["EVENT", event]:
                await self._event(peer, event)

    async def _query(self, peer: ServerConnection, name: str, filters: list[Raw]) -> None:
        reason = self.refuse_query(filters)
        if self.auth_read and peer not in self.proven:
            reason = "auth-required: who are you?"
        if reason is not None:
            await self._say(peer, ["NOTICE", reason] if self.mumbles else ["CLOSED", name, reason])
            return
        self.peers[peer][name] = filters
        if self.eose == "early":
            await self._say(peer, ["EOSE", name])
        found: dict[str, Raw] = {}
        for one in filters:
            fitting = [event for event in self.stored.values() if fits(one, event)]
            fitting.sort(key=lambda event: -event["created_at"])
            for event in fitting[: one.get("limit", self.limit)]:
                if self.withholds and event["kind"] == 1059 and peer not in self.proven:
                    continue
                found[event["id"]] = event
        events = sorted(found.values(), key=lambda event: -event["created_at"])
        for event in reversed(events) if self.oldest_first else events:
            await self._say(peer, *[["EVENT", name, event]] * self.copies)
        if self.eose == "honest":
            await self._say(peer, ["EOSE", name])

    async def _event(self, peer: ServerConnection, event: Raw) -> None:
        reason = self.refuse(event)
        if self.auth_write and peer not in self.proven:
            reason = "auth-required: who are you?"
        duplicate = event["id"] in self.stored
        ephemeral = 20000 <= event["kind"] < 30000
        if reason is not None and self.mumbles:
            await self._say(peer, ["OK", "", False, reason])
        elif self.oks:
            text = reason or ("duplicate: have it" if duplicate else "")
            await self._say(peer, ["OK", event["id"], reason is None, text])
        if reason is not None or duplicate:
            return
        if not ephemeral:
            self.stored[event["id"]] = event
        if self.delivers and (self.echoes or not ephemeral):
            await self.broadcast(event)


def fits(one: Raw, event: Raw) -> bool:
    """Whether a filter (NIP-01) asks for an event."""
    return (
        event["kind"] in one.get("kinds", [event["kind"]])
        and event["pubkey"] in one.get("authors", [event["pubkey"]])
        and event["id"] in one.get("ids", [event["id"]])
        and one.get("since", 0) <= event["created_at"] <= one.get("until", 1 << 60)
        and all(
            any(tag[0] == key[1:] and tag[1] in values for tag in event["tags"])
            for key, values in one.items()
            if key.startswith("#")
        )
    )


@contextlib.asynccontextmanager
async def awkward_relay(**habits: Any) -> AsyncIterator[AwkwardRelay]:
    """A running AwkwardRelay with these habits."""
    relay = AwkwardRelay(**habits)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


BOT = Keys(bytes.fromhex("0b" * 32))
ALICE = Keys(bytes.fromhex("0a" * 32))
WRAP = 1059

PATIENT = Timing(backoff_floor=0.02, backoff_cap=0.2, dial=5)
"""Nothing happens by time alone, but for reconnecting."""


def wrap(
    number: int = 0, *, at: int | None = None, kind: int = WRAP, author: Keys = ALICE
) -> Event:
    """An event to the bot; what is in it does not matter here."""
    sent_at = int(time.time()) if at is None else at
    return author.sign_event(sent_at, kind, [["p", BOT.pubkey]], f"letter {number}")


def sealed(event: Event) -> Sealed:
    """The event, ready to be published."""
    return Sealed(event.id, event.kind, event_json(event))


def raw(event: Event) -> Raw:
    """The event as decoded JSON."""
    return event._asdict()


def to_bot(mark: int | None) -> list[Raw]:
    """The filters of a bot that reads gift wraps and machine messages."""
    since = 0 if mark is None else mark - (2 * 24 + 1) * 3600
    return [{"kinds": [WRAP, 24133], "#p": [BOT.pubkey], "since": since}]


@dataclass
class Rig:
    """A running pool, and what came out of it."""

    pool: RelayPool
    inbox: asyncio.Queue[Event | Caught]
    task: asyncio.Task[None]

    async def events(self, number: int) -> list[Event]:
        """The next so many events, marks left out."""
        found: list[Event] = []
        async with asyncio.timeout(30):
            while len(found) < number:
                if isinstance(item := await self.inbox.get(), Event):
                    found.append(item)
        return found

    async def caught(self) -> Caught:
        """The next mark; events before it are dropped."""
        async with asyncio.timeout(30):
            while not isinstance(item := await self.inbox.get(), Caught):
                pass
        return item

    async def live(self) -> None:
        """Returns when every relay has sent all it had stored."""
        await until(lambda: all(status.live for status in self.pool.status().values()))
        await until(lambda: all(status.publishing for status in self.pool.status().values()))


async def until(condition: Callable[[], bool], patience: float = 30) -> None:
    """Returns as soon as the condition holds; fails when it does not in time."""
    async with asyncio.timeout(patience):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(
    *urls: str,
    filters: Callable[[int | None], list[Raw]] = to_bot,
    marks: dict[str, int] | None = None,
    timing: Timing = PATIENT,
    size: int = 10_000,
    **options: Any,
) -> AsyncIterator[Rig]:
    """A running pool over these relays, allowed to dial the loopback."""
    inbox: asyncio.Queue[Event | Caught] = asyncio.Queue(size)
    options.setdefault("allow_private", True)
    pool = RelayPool(
        urls, BOT, inbox, filters, {} if marks is None else marks, timing=timing, **options
    )
    task = asyncio.create_task(pool.run())
    try:
        yield Rig(pool, inbox, task)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
