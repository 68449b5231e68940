"""A small internet on loopback: names, one web server outside, and one inside on the same port."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

INSIDE, OUTSIDE = "127.0.0.1", "127.0.0.2"
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Names:
    """Name servers: each name's addresses, one list for each look-up, the last one for ever."""

    def __init__(self) -> None:
        self.known: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def getaddrinfo(self, host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        self.asked.append(host)
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        lists = self.known[host]
        found = lists.pop(0) if len(lists) > 1 else lists[0]
        return [_entry(one, port) for one in found]


def _entry(address: str, port: int) -> Any:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)


class Servers:
    """One web server that is reached from outside, and one that is inside, on one port."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.reached_inside: list[str] = []
        self.answer: Serve = self._fine

    async def _fine(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="fine")

    async def outside(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        return await self.answer(request)

    async def inside(self, request: web.Request) -> web.StreamResponse:
        self.reached_inside.append(request.path_qs)
        return web.Response(text="a secret")

    @property
    def url(self) -> str:
        return f"https://pay.example.com:{self.port}/offer"


@contextlib.asynccontextmanager
async def listening(host: str, port: int, serve: Serve, tls: ssl.SSLContext) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=tls).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
