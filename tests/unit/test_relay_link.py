"""One WebSocket without a network: what is written, when reading stops, how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from ticketbot.relay.link import HIGH_WATER_FRAMES, FrameTooBig, Link, LinkLost, Unreachable


class Wire(asyncio.Transport):
    """A transport that keeps what is written, with a WebSocket server at its other end."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.reading = True
        self.server = ServerProtocol()
        self._link = link
        self._closing = False
        link.connection_made(self)

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))
        self.server.receive_data(data)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._link.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def shake_hands(self) -> None:
        (request,) = self.server.events_received()
        assert isinstance(request, Request)
        assert "Sec-WebSocket-Extensions" not in request.headers
        self.server.send_response(self.server.accept(request))
        self.deliver()

    def deliver(self) -> None:
        """Hands what the server has to say to the link, as one piece."""
        self._link.data_received(b"".join(self.server.data_to_send()))

    def frames(self) -> list[Frame]:
        return [event for event in self.server.events_received() if isinstance(event, Frame)]


async def connected(max_size: int = 1000) -> tuple[Link, Wire]:
    link = Link("ws://relay.example/inbox", max_size)
    wire = Wire(link)
    wire.shake_hands()
    await link.opened()
    wire.writes.clear()
    return link, wire


async def test_a_batch_is_one_write() -> None:
    link, wire = await connected()
    link.send([b'["EVENT",1]', b'["EVENT",2]', b'["EVENT",3]'])
    assert len(wire.writes) == 1
    assert [frame.data for frame in wire.frames()] == [
        b'["EVENT",1]',
        b'["EVENT",2]',
        b'["EVENT",3]',
    ]


async def test_messages_of_any_length_arrive_each_under_its_own_mask() -> None:
    link, wire = await connected()
    sent = [b"x" * size for size in (0, 1, 125, 126, 65_535, 65_536)]
    link.send(sent)
    link.send([b"same", b"same"])
    assert [frame.data for frame in wire.frames()] == [*sent, b"same", b"same"]
    assert wire.writes[-1][2:6] != wire.writes[-1][12:16]


async def test_messages_in_pieces_are_put_together() -> None:
    link, wire = await connected()
    wire.server.send_text(b'["NOT', fin=False)
    wire.server.send_continuation(b"", fin=False)
    wire.server.send_continuation(b'ICE"]', fin=True)
    wire.server.send_binary(b"[]")
    wire.deliver()
    assert await link.receive() == [b'["NOTICE"]', b"[]"]


async def test_reading_stops_while_much_is_unread() -> None:
    link, wire = await connected()
    for number in range(HIGH_WATER_FRAMES + 1):
        assert wire.reading
        wire.server.send_text(b"%d" % number)
        wire.deliver()
    assert not wire.reading
    got: list[bytes] = []
    while not wire.reading:
        got += await link.receive()
    assert got == [b"%d" % number for number in range(HIGH_WATER_FRAMES + 1)]


async def test_what_came_before_the_end_is_still_read() -> None:
    link, wire = await connected()
    wire.server.send_text(b"last words")
    wire.server.send_close(1001, "bye")
    wire.deliver()
    assert await link.receive() == [b"last words"]
    with pytest.raises(LinkLost, match="closed by the relay: 1001 bye"):
        await link.receive()
    with pytest.raises(LinkLost):
        link.send([b"x"])


async def test_a_frame_over_the_limit_ends_it_before_it_is_read() -> None:
    link, wire = await connected(max_size=1000)
    link.data_received(Frame(Opcode.TEXT, b"x" * 1001).serialize(mask=False)[:20])
    with pytest.raises(FrameTooBig):
        await link.receive()
    assert wire.is_closing()


async def test_pieces_over_the_limit_end_it_too() -> None:
    link, wire = await connected(max_size=1000)
    wire.server.send_text(b"x" * 600, fin=False)
    wire.server.send_continuation(b"x" * 600, fin=True)
    wire.deliver()
    with pytest.raises(FrameTooBig):
        await link.receive()


async def test_a_frame_too_big_right_behind_the_handshake() -> None:
    link = Link("ws://relay.example", 1000)
    wire = Wire(link)
    (request,) = wire.server.events_received()
    assert isinstance(request, Request)
    wire.server.send_response(wire.server.accept(request))
    wire.server.send_text(b"x" * 2000)
    wire.deliver()
    await link.opened()
    with pytest.raises(FrameTooBig):
        await link.receive()


async def test_a_refused_handshake() -> None:
    link = Link("ws://relay.example", 1000)
    wire = Wire(link)
    wire.server.send_response(wire.server.reject(503, "full"))
    wire.deliver()
    with pytest.raises(Unreachable, match="503"):
        await link.opened()


async def test_a_peer_that_leaves_during_the_handshake() -> None:
    link = Link("ws://relay.example", 1000)
    wire = Wire(link)
    wire.close()
    with pytest.raises(Unreachable):
        await link.opened()


async def test_a_ping_is_answered_and_one_is_sent() -> None:
    link, wire = await connected()
    wire.server.send_ping(b"you?")
    wire.deliver()
    pulse = asyncio.create_task(link.pulse(0.02, 0.01))
    await asyncio.sleep(0.2)
    assert wire.is_closing()  # its pings were not answered
    assert [frame.opcode for frame in wire.frames()] == [Opcode.PONG, Opcode.PING]
    with pytest.raises(LinkLost, match="silent"):
        await link.receive()
    await pulse


async def test_a_link_that_we_have_paused_is_not_silent() -> None:
    link, wire = await connected()
    for _ in range(HIGH_WATER_FRAMES + 1):
        wire.server.send_text(b"x")
    wire.deliver()
    pulse = asyncio.create_task(link.pulse(0.02, 0.01))
    await asyncio.sleep(0.2)
    assert not wire.is_closing()
    pulse.cancel()


async def test_draining_waits_until_the_relay_reads() -> None:
    link, _ = await connected()
    await link.drain()
    link.pause_writing()
    draining = asyncio.create_task(link.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    link.resume_writing()
    await draining
    link.pause_writing()
    draining = asyncio.create_task(link.drain())
    await asyncio.sleep(0)
    link.lose("gone")
    await draining


async def test_closing_says_goodbye() -> None:
    link, wire = await connected()
    await link.close(1)
    (frame,) = wire.frames()
    assert frame.opcode is Opcode.CLOSE
    with pytest.raises(LinkLost):
        await link.receive()
