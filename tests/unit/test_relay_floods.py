"""Relays that send too much at once, or too little for ever: neither costs memory or the others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from websockets.http11 import Request
from websockets.server import ServerProtocol

from tests.real.relays import PATIENT, awkward_relay, raw, running, until, wrap

MIB = 2**20
MOST_GROWTH = 50 * MIB
FRAME = 100 * MIB
MAX_FRAME = 256 * 1024
TEXT, CONTINUATION, LAST = 0x01, 0x00, 0x80

Habit = Callable[[asyncio.StreamWriter], Awaitable[None]]


def resident() -> int:
    """Bytes of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Memory:
    """The most that was resident, above what was at the beginning."""

    def __init__(self) -> None:
        self._before = self._most = resident()

    def look(self) -> None:
        self._most = max(self._most, resident())

    @property
    def growth(self) -> int:
        return self._most - self._before


@contextlib.asynccontextmanager
async def bad_relay(habit: Habit, greeting: Habit | None = None) -> AsyncIterator[str]:
    """A URL behind which a handshake is followed by this habit, on every connection.

    `greeting` is done instead of the handshake.
    """
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if greeting is not None:
                await greeting(writer)
            await shake_hands(reader, writer)
            await habit(writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(talk(reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0)  # the transports close in the next turn of the loop


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    protocol = ServerProtocol()
    while not (events := protocol.events_received()):
        data = await reader.read(4096)
        if not data:
            raise ConnectionResetError
        protocol.receive_data(data)
    (request,) = events
    assert isinstance(request, Request)
    protocol.send_response(protocol.accept(request))
    writer.write(b"".join(protocol.data_to_send()))
    await writer.drain()


def head(opcode: int, size: int) -> bytes:
    """The beginning of a frame of so many bytes (RFC 6455)."""
    return bytes([opcode, 127]) + struct.pack("!Q", size)


async def test_a_frame_of_a_hundred_megabytes_is_not_read() -> None:
    memory, sent = Memory(), 0

    async def shout(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head(TEXT | LAST, FRAME))
        for _ in range(FRAME // MIB):
            writer.write(b"x" * MIB)
            await writer.drain()
            sent += 1
            memory.look()

    async with bad_relay(shout) as url, awkward_relay() as good:
        async with running(url, good.url, max_frame=MAX_FRAME) as rig:
            counts = rig.pool.status()[url].counts
            await until(lambda: counts.oversized >= 3)
            await until(lambda: rig.pool.status()[good.url].live)
            await good.broadcast(raw(wrap(1)))
            assert (await rig.events(1))[0].content == "letter 1"
    connections = counts.connects
    assert sent <= connections * 8  # what fits into the sockets' own buffers
    assert memory.growth < MOST_GROWTH


async def test_a_message_without_end_in_small_pieces_is_given_up() -> None:
    memory, sent = Memory(), 0

    async def mutter(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head(TEXT, 1000) + b"x" * 1000)
        while True:
            writer.write((head(CONTINUATION, 1000) + b"x" * 1000) * 100)
            await writer.drain()
            sent += 100_000
            memory.look()

    async with bad_relay(mutter) as url:
        async with running(url, max_frame=MAX_FRAME) as rig:
            counts = rig.pool.status()[url].counts
            await until(lambda: counts.oversized >= 3)
    assert sent < FRAME
    assert memory.growth < MOST_GROWTH


async def test_a_relay_that_drips_is_not_counted_on_and_disturbs_nobody() -> None:
    dripped = 0

    async def drip(writer: asyncio.StreamWriter) -> None:
        nonlocal dripped
        writer.write(head(TEXT | LAST, 100_000))
        while True:
            writer.write(b"x")
            await writer.drain()
            dripped += 1
            await asyncio.sleep(0.01)

    timing = replace(PATIENT, eose_patience=0.3, ping_every=0.5, ping_patience=0.4)
    async with bad_relay(drip) as url, awkward_relay() as good:
        async with running(url, good.url, timing=timing) as rig:
            await until(lambda: rig.pool.status()[good.url].live)
            for number in range(20):
                await good.broadcast(raw(wrap(number)))
                assert (await rig.events(1))[0].content == f"letter {number}"
                await asyncio.sleep(0.05)
            assert not rig.pool.deaf
            assert not rig.pool.status()[url].live
            assert rig.pool.status()[url].last_error
        async with running(url, timing=timing) as rig:
            await until(lambda: rig.pool.status()[url].last_error != "")
            assert rig.pool.deaf
    assert dripped > 20


async def test_a_handshake_that_drips_is_given_up() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nX-Wait: ")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def nothing(writer: asyncio.StreamWriter) -> None:
        return

    timing = replace(PATIENT, dial=0.3)
    async with bad_relay(nothing, greeting=drip) as url, running(url, timing=timing) as rig:
        await until(lambda: "no answer within" in rig.pool.status()[url].last_error)
        assert not rig.pool.status()[url].connected
