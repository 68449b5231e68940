"""Counts that go on: who watches a door is told whenever somebody comes or leaves."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web
from aiohttp.client_exceptions import ClientConnectionResetError

from ticketbot.errors import Refused
from ticketbot.handlers.door.scanners import Caller
from ticketbot.web.api.door.port import DOOR, Json

MOST_WATCHERS = 500
LOOK = 0.5  # seconds between looks at the counts
HEARTBEAT = 15.0
SLOW = 10.0  # seconds in which who watches must take what they are sent

CLOSING = web.AppKey("closing", asyncio.Event)
WATCHERS = web.AppKey("watchers", set[object])


def prepare(app: web.Application) -> None:
    """Room for those who watch, until the server stops."""
    app[CLOSING] = asyncio.Event()
    app[WATCHERS] = set()
    app.on_shutdown.append(_close)


async def show_live(request: web.Request, caller: Caller) -> web.StreamResponse:
    """The counts as server-sent events: at once, and whenever they change, until one side ends."""
    counts = await request.app[DOOR].counts(caller, request.match_info["event"])
    watchers, me = request.app[WATCHERS], object()
    if len(watchers) >= MOST_WATCHERS:
        raise Refused("try-later", "door-watched")
    headers = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    watchers.add(me)
    try:
        await response.prepare(request)
        await _stream(request, response, caller, counts)
    except (TimeoutError, ConnectionError, ClientConnectionResetError):
        pass  # whoever watched is gone, or does not listen
    finally:
        watchers.discard(me)
    return response


async def _stream(
    request: web.Request, response: web.StreamResponse, caller: Caller, counts: Json
) -> None:
    door, closing = request.app[DOOR], request.app[CLOSING]
    loop, event_id = asyncio.get_running_loop(), counts["event_id"]
    shown = orjson.dumps(counts)
    await _send(response, b"retry: 2000\nevent: counts\ndata: " + shown + b"\n\n")
    said = checked = loop.time()
    while not await _closes(closing, LOOK):
        if loop.time() - checked >= HEARTBEAT:
            checked = loop.time()
            try:
                await door.counts(caller, event_id)
            except Refused:
                return  # their time at the door is over
        now = orjson.dumps(await door.latest(caller, event_id))
        if now != shown:
            shown, said = now, loop.time()
            await _send(response, b"event: counts\ndata: " + now + b"\n\n")
        elif loop.time() - said >= HEARTBEAT:
            said = loop.time()
            await _send(response, b": still here\n\n")


async def _send(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(SLOW):
        await response.write(data)


async def _closes(closing: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until the server stops; whether it does."""
    try:
        async with asyncio.timeout(seconds):
            await closing.wait()
    except TimeoutError:
        return False
    return True


async def _close(app: web.Application) -> None:
    app[CLOSING].set()
