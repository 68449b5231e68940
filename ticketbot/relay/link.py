"""One WebSocket to one relay: batches out, frames in, and a pulse.

The protocol is websockets' sans-I/O one on an asyncio transport, so that a batch is one write,
flow control is ours, and no redirect or environment proxy is followed
(docs/adr/0003-websocket-without-its-client.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import CONNECTING, OPEN
from websockets.uri import parse_uri

from ticketbot.errors import Retry
from ticketbot.relay.frames import text_frames

# What may wait unread before the socket is paused and TCP holds the relay back.
HIGH_WATER_FRAMES = 256
HIGH_WATER_BYTES = 1024 * 1024
# What one receive() returns: between two of them everybody else has a turn.
SLICE = 64


class Unreachable(Retry):
    """The relay could not be dialled."""


class LinkLost(Retry):
    """The connection to the relay is gone."""


class FrameTooBig(LinkLost):
    """The relay sent a frame over the limit; nothing after it can be read."""


class Link(asyncio.Protocol):
    """An open WebSocket. One task receives; any task of the same loop may send."""

    def __init__(self, url: str, max_size: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.date: float | None = None
        """The relay's clock (unix seconds) when it took the handshake, where it told."""
        self._ws = ClientProtocol(parse_uri(url), max_size=max_size)
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._lost: LinkLost | None = None
        self._frames: list[bytes] = []
        self._waiting_bytes = 0
        self._partial = bytearray()
        self._receiver: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._paused = False
        self._heard_at = self._loop.time()

    async def opened(self) -> None:
        """Returns when the opening handshake is done; raises Unreachable."""
        await self._opened

    async def receive(self) -> list[bytes]:
        """The next whole messages, at least one; raises LinkLost once all have been read."""
        # Not only when there is nothing to read: a flood must not keep the loop for itself.
        await asyncio.sleep(0)
        while not self._frames:
            if self._lost is not None:
                raise self._lost
            self._receiver = self._loop.create_future()
            await self._receiver
        frames, self._frames = self._frames[:SLICE], self._frames[SLICE:]
        if not self._frames:
            self._waiting_bytes = 0
            self._resume()
        return frames

    def send(self, messages: Sequence[bytes]) -> None:
        """Hands `messages` to the socket in one write; raises LinkLost."""
        if self._lost is not None or self._ws.state is not OPEN:
            raise self._lost or LinkLost("closing")
        if not self._transport.is_closing():
            self._transport.write(text_frames(messages))

    async def drain(self) -> None:
        """Waits until the relay has taken most of what was sent."""
        if self._writable is not None:
            await asyncio.shield(self._writable)

    async def pulse(self, every: float, patience: float) -> None:
        """Pings every `every` seconds; a peer silent for `patience` seconds after one is given up.

        A socket that we ourselves have paused is not a silent peer.
        """
        while self._lost is None:
            await asyncio.sleep(max(every - patience, 0))
            pinged_at = self._loop.time()
            if self._ws.state is OPEN:
                self._ws.send_ping(b"")
                self._flush()
            await asyncio.sleep(patience)
            if self._heard_at < pinged_at and not self._paused:
                self.lose(f"silent for {patience:g} s after a ping")

    def lose(self, reason: str) -> None:
        """Drops the connection at once; whoever receives is told why."""
        self._lose(LinkLost(reason))
        self._transport.abort()

    async def close(self, patience: float) -> None:
        """Says goodbye and closes; after `patience` seconds the socket is dropped."""
        if self._ws.state is OPEN:
            self._ws.send_close(CloseCode.GOING_AWAY)
            self._flush()
        self._transport.close()
        try:
            async with asyncio.timeout(patience):
                await asyncio.shield(self._gone)
        except TimeoutError:
            self._transport.abort()
            await self._gone

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        request = self._ws.connect()
        request.headers["User-Agent"] = "ticketbot"
        self._ws.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        self._ws.receive_data(data)
        for event in self._ws.events_received():
            if isinstance(event, Frame):
                self._take(event)
            elif isinstance(event, Response):
                self.date = _read_date(event.headers.get("Date"))
        self._flush()
        if not self._opened.done():
            self._settle_handshake()
        if self._ws.parser_exc is not None:
            self._break(self._ws.parser_exc)
        elif self._ws.close_expected():
            self._transport.close()
        self._wake()

    def eof_received(self) -> None:
        self._ws.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ws.receive_eof()
        close = self._ws.close_rcvd
        said = f"closed by the relay: {close.code} {close.reason}".strip() if close else ""
        self._lose(LinkLost(said or str(exc or "closed by the relay without a word")))
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._gone.set_result(None)

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None

    # inside

    def _take(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY) and frame.fin:
            self._put(bytes(frame.data))
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._partial += frame.data
            if frame.fin:
                self._put(bytes(self._partial))
                self._partial.clear()

    def _put(self, message: bytes) -> None:
        self._frames.append(message)
        self._waiting_bytes += len(message)
        full = len(self._frames) > HIGH_WATER_FRAMES or self._waiting_bytes > HIGH_WATER_BYTES
        if full and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            # Whatever is overdue has been waiting for us, not for the relay.
            self._heard_at = self._loop.time()
            self._transport.resume_reading()

    def _flush(self) -> None:
        pieces = self._ws.data_to_send()
        if self._transport.is_closing():
            return
        if data := b"".join(pieces):
            self._transport.write(data)
        # The empty piece is websockets' sign that nothing will follow.
        if b"" in pieces:
            self._transport.close()

    def _settle_handshake(self) -> None:
        if self._ws.handshake_exc is not None:
            self._opened.set_exception(Unreachable(str(self._ws.handshake_exc)))
        elif self._ws.state is not CONNECTING:
            self._opened.set_result(None)

    def _break(self, why: Exception) -> None:
        kind = FrameTooBig if isinstance(why, PayloadTooBig) else LinkLost
        self._lose(kind(str(why)))
        self._transport.abort()

    def _lose(self, why: LinkLost) -> None:
        if self._lost is None:
            self._lost = why
        if not self._opened.done():
            self._opened.set_exception(Unreachable(str(self._lost)))
        self._wake()

    def _wake(self) -> None:
        news = self._frames or self._lost is not None
        if news and self._receiver is not None and not self._receiver.done():
            self._receiver.set_result(None)


def _read_date(header: str | None) -> float | None:
    """Unix seconds of an HTTP date, which cuts its seconds off; None when it is none."""
    try:
        return parsedate_to_datetime(header or "").timestamp() + 0.5
    except (ValueError, OverflowError):
        return None
