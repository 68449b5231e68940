"""What stands in for the network: a relay that keeps nothing, and the crowd behind it.

A process of its own on the other core, as lean as Python can be, so that it never is what
is measured: events are neither verified nor stored. Whenever a buyer has been handed the
invoice (both wraps are accepted), one byte goes to the wallet, which then settles.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, cast

import orjson
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from benchmarks.crowd import INVOICE_WRAPS, KEEP_EVERY, WRAP, BadService, Buyer, Rushed, Served
from benchmarks.worker import Answers, answer

ECHO_KINDS = range(20_000, 24_000)  # the bot's ephemeral notes to itself
WINDOW = 256  # purchases under way at once when speed is measured
PATIENCE = 30.0  # seconds without any progress, after which a slice has failed
MAX_FRAME = 2**20


class Network:
    """A relay for one bot. `paid` is where a byte says that an invoice was handed out."""

    def __init__(self, paid: Connection) -> None:
        self.url = ""
        self._paid = paid
        self._inbox: tuple[_Visitor, bytes] | None = None  # the bot's subscription
        self._subscribed = asyncio.Event()
        self._buyers: dict[str, Buyer] = {}
        self._waiting: list[Buyer] = []
        self._done: dict[str, float] = {}
        self._answered = 0
        self._news = asyncio.Event()
        self._window: asyncio.Semaphore | None = None

    async def open(self) -> str:
        """Listen on a free port; the URL."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Visitor(self), "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return self.url

    async def gather(self, bot: str, number: int, words: str, keep_every: int = KEEP_EVERY) -> None:
        """Make `number` buyers ready; nobody sends anything yet."""
        await self._subscribed.wait()
        self._buyers.clear()  # who was served is not spoken to again
        for count in range(number):
            buyer = Buyer(bot, self.url, words, keeps=count % keep_every == 0)
            self._buyers[buyer.keys.pubkey] = buyer
            self._waiting.append(buyer)

    async def sell(self, window: int = WINDOW, per_second: float | None = None) -> Served:
        """Let all buy, `window` at once or `per_second` evenly; BadService if one starves."""
        buyers, self._waiting = self._waiting, []
        self._done = {}
        self._window = asyncio.Semaphore(len(buyers) if per_second else window)
        began = time.monotonic()
        sending = asyncio.create_task(self._send(buyers, began, per_second))
        while len(self._done) < len(buyers):
            await self._hear_more(buyers)
        await sending
        return Served(len(buyers), max(self._done.values()) - began, self._done)

    async def greet(self) -> float:
        """Let those who wait write, and nobody pay; seconds until the last had the first word."""
        buyers = await self._write_at_once()
        while self._answered < len(buyers):
            await self._hear_more(buyers)
        return max(one.answered_at - one.sent_at for one in buyers)

    async def rush(self, seats: int, ticket_key: bytes) -> Rushed:
        """Let all buy in the same moment; BadService if one is not answered as is right."""
        began = time.monotonic()
        buyers = await self._write_at_once()
        while len(self._done) < seats or self._answered < len(buyers):
            await self._hear_more(buyers)
        seconds = max(*self._done.values(), *(one.answered_at for one in buyers)) - began
        for buyer in buyers:
            if buyer.done_at:
                buyer.check(ticket_key)
            else:
                buyer.check_refused()
        waits = [one.answered_at - one.sent_at for one in buyers]
        return Rushed(seconds, waits, len(self._done), len(buyers) - len(self._done))

    async def _write_at_once(self) -> list[Buyer]:
        buyers, self._waiting = self._waiting, []
        self._done, self._answered = {}, 0
        self._window = asyncio.Semaphore(len(buyers))
        await self._send(buyers, time.monotonic(), None)
        return buyers

    async def _hear_more(self, buyers: Sequence[Buyer]) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._news.wait()
        except TimeoutError:
            missing = [(b.wraps, b.machine) for b in buyers if not b.served]
            raise BadService(
                f"{len(missing)} of {len(buyers)} buyers have not (DMs, 24133s) all they could "
                f"have: {missing[:5]}"
            ) from None

    async def check(self, ticket_key: bytes) -> int:
        """Read the letters that were kept; of how many buyers. BadService if they are wrong."""
        keepers = [buyer for buyer in self._buyers.values() if buyer.kept]
        for buyer in keepers:
            buyer.check(ticket_key)
        return len(keepers)

    async def _send(self, buyers: Sequence[Buyer], began: float, per_second: float | None) -> None:
        assert self._window is not None
        for number, buyer in enumerate(buyers):
            if per_second:
                await asyncio.sleep(began + number / per_second - time.monotonic())
            await self._window.acquire()
            buyer.sent_at = time.monotonic()
            self._deliver(buyer.request)

    def _deliver(self, event: bytes) -> None:
        if self._inbox is not None:
            visitor, name = self._inbox
            visitor.say(b'["EVENT",' + name + b"," + event + b"]")

    # what the bot says

    def left(self, visitor: _Visitor) -> None:
        """A connection of the bot is gone."""
        if self._inbox is not None and self._inbox[0] is visitor:
            self._inbox = None
            self._subscribed.clear()

    def hear(self, visitor: _Visitor, message: list[Any]) -> None:
        """One message of the bot."""
        match message:
            case ["EVENT", event]:
                visitor.say(b'["OK","' + event["id"].encode() + b'",true,""]')
                self._take(event)
            case ["REQ", name, *filters]:
                self._answer(visitor, orjson.dumps(name), filters)

    def _answer(self, visitor: _Visitor, name: bytes, filters: list[dict[str, Any]]) -> None:
        if any(WRAP in one.get("kinds", ()) for one in filters):
            self._inbox = visitor, name
            self._subscribed.set()
        for author in {author for one in filters for author in one.get("authors", ())}:
            if author in self._buyers:
                relays = self._buyers[author].relays
                visitor.say(b'["EVENT",' + name + b"," + relays + b"]")
        visitor.say(b'["EOSE",' + name + b"]")

    def _take(self, event: dict[str, Any]) -> None:
        if event["kind"] in ECHO_KINDS:
            self._deliver(orjson.dumps(event))
            return
        recipients = [tag[1] for tag in event["tags"] if tag[0] == "p"]
        buyer = self._buyers.get(recipients[0]) if recipients else None
        if buyer is None or not buyer.take(event):
            return
        if not buyer.answered_at:
            buyer.answered_at = time.monotonic()
            self._answered += 1
            self._news.set()
        if event["kind"] == WRAP and buyer.wraps == INVOICE_WRAPS:
            os.write(self._paid.fileno(), b"1")
        if buyer.served and not buyer.done_at:
            buyer.done_at = self._done[buyer.keys.pubkey] = time.monotonic()
            assert self._window is not None
            self._window.release()
            self._news.set()


class _Visitor(asyncio.Protocol):
    """One WebSocket of the bot; everything heard at once is answered in one write."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._ws = ServerProtocol(max_size=MAX_FRAME)
        self._hearing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._ws.receive_data(data)
        self._hearing = True
        for event in self._ws.events_received():
            if isinstance(event, Request):
                self._ws.send_response(self._ws.accept(event))
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._network.hear(self, orjson.loads(event.data))
        self._hearing = False
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._network.left(self)

    def eof_received(self) -> None:
        self._ws.receive_eof()

    def say(self, message: bytes) -> None:
        self._ws.send_text(message)
        if not self._hearing:
            self._flush()

    def _flush(self) -> None:
        pieces = self._ws.data_to_send()
        if data := b"".join(pieces):
            self._transport.write(data)
        if b"" in pieces:
            self._transport.close()


async def run_network(pipe: Connection, paid: Connection) -> None:
    """What a worker does."""
    network = Network(paid)

    async def stop() -> None:
        pass

    answers: Answers = {
        "open": network.open,
        "gather": network.gather,
        "sell": network.sell,
        "greet": network.greet,
        "rush": network.rush,
        "check": network.check,
        "stop": stop,
    }
    await answer(pipe, answers)
