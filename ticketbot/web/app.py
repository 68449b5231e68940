"""The bot's HTTP: is it well, what does it count, a ticket's picture, and two quiet pages."""

from __future__ import annotations

import asyncio
import errno
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from ticketbot import drawing, qr
from ticketbot.domain.jwt_ticket import jwk
from ticketbot.errors import Broken
from ticketbot.metrics import CONTENT_TYPE, Metrics, metrics
from ticketbot.replies import calendar_file, pdf
from ticketbot.web.api.problems import PREFIX
from ticketbot.web.desk import Desk
from ticketbot.web.headers import add_headers, wished_language
from ticketbot.web.pages import Page, read_pages

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DESK = web.AppKey("desk", Desk)
COUNTS = web.AppKey("counts", Metrics)
PAGES = web.AppKey("pages", dict[str, dict[str, Page]])
EASEL = web.AppKey("easel", asyncio.Semaphore)

MOST_BODY_BYTES = 16 * 1024
MOST_LINE_BYTES = 2 * 1024
MOST_HEADER_BYTES = 4 * 1024
STOP_SECONDS = 5.0
CAPABILITY = re.compile(r"[A-Za-z0-9_-]{22,64}")
NO_FILE = (
    "There is nothing here, or not any more. For links that work, send the bot: pdf, or: calendar\n"
)
PROBES = ("/health", "/metrics")

log = structlog.get_logger()


def make_app(
    desk: Desk, counts: Metrics | None = None, api: web.Application | None = None
) -> web.Application:
    """The routes over a desk, and the API's; `counts` only where a test wants its own set."""
    app = web.Application(middlewares=[note_access], client_max_size=MOST_BODY_BYTES)
    app[DESK] = desk
    app[COUNTS] = counts or metrics()
    app[PAGES] = read_pages(desk)
    app[EASEL] = asyncio.Semaphore(1)  # one picture at a time, whoever asks
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/health", show_health)
    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/tickets/{capability}.png", show_picture)
    app.router.add_get("/stats/{capability}", show_sales)
    app.router.add_get("/tickets/{capability}.pdf", show_ticket_page)
    app.router.add_get("/tickets/{capability}.ics", show_calendar_file)
    app.router.add_get("/.well-known/jwks.json", show_keys)
    for path in app[PAGES]:
        app.router.add_get(path, show_page)
    if api is not None:
        app.add_subapp(PREFIX, api)
    return app


@asynccontextmanager
async def serve(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Listen while the block runs and give the port (of use for port 0).

    On the way out no new request is taken and those in hand get 5 s. `Broken` when the
    address cannot be had.
    """
    runner = web.AppRunner(
        app,
        access_log=None,  # it would write capabilities down
        handle_signals=False,
        shutdown_timeout=STOP_SECONDS,
        max_line_size=MOST_LINE_BYTES,
        max_field_size=MOST_HEADER_BYTES,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise Broken(_taken(host, port, error)) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _taken(host: str, port: int, error: OSError) -> str:
    """Why nothing can listen there. What asyncio says of it begins with `[Errno 98]`."""
    if error.errno == errno.EADDRINUSE:
        todo = "another program listens there; end it, or write another port into `web.listen`"
    elif error.errno == errno.EADDRNOTAVAIL:
        todo = "this machine has no such address; write 127.0.0.1 into `web.listen`, or one it has"
    elif error.errno == errno.EACCES:
        todo = "ports below 1024 are root's; write a higher one into `web.listen`"
    else:
        todo = str(error)
    return f"{host}:{port} cannot be used: {todo}"


async def show_health(request: web.Request) -> web.Response:
    """200 when all is well, else 503; the JSON says which."""
    good, details = await request.app[DESK].health()
    return web.json_response({"ok": good, **details}, status=200 if good else 503)


async def show_metrics(request: web.Request) -> web.Response:
    """Everything that is counted, in Prometheus' text format."""
    return web.Response(body=request.app[COUNTS].text(), headers={"Content-Type": CONTENT_TYPE})


async def show_picture(request: web.Request) -> web.Response:
    """The QR code behind a capability; whoever has none learns nothing, not even why."""
    capability = request.match_info["capability"]
    token = None
    if CAPABILITY.fullmatch(capability):
        token = await request.app[DESK].ticket_token(capability)
    if token is None:
        raise web.HTTPNotFound
    headers = {"Cross-Origin-Resource-Policy": "cross-origin", "X-Robots-Tag": "noindex"}
    return web.Response(body=qr.png(token), content_type="image/png", headers=headers)


async def show_sales(request: web.Request) -> web.Response:
    """An event's sales as a picture, drawn now, for whom its organizer gave the address to."""
    capability = request.match_info["capability"]
    picture = None
    if CAPABILITY.fullmatch(capability):
        picture = await request.app[DESK].sales_picture(capability)
    if picture is None:
        raise web.HTTPNotFound
    async with request.app[EASEL]:
        body = await asyncio.to_thread(drawing.png, picture)
    return web.Response(body=body, content_type="image/png", headers={"X-Robots-Tag": "noindex"})


async def show_ticket_page(request: web.Request) -> web.Response:
    """The ticket as a PDF."""
    found = await _behind(request, request.app[DESK].ticket_page)
    return _file(found, pdf.CONTENT_TYPE, "ticket.pdf")


async def show_calendar_file(request: web.Request) -> web.Response:
    """The event of a ticket for a calendar; nobody is let in by it."""
    found = await _behind(request, request.app[DESK].calendar_file)
    return _file(found, calendar_file.CONTENT_TYPE, "event.ics")


async def _behind(
    request: web.Request, find: Callable[[str], Awaitable[bytes | None]]
) -> bytes | None:
    capability = request.match_info["capability"]
    return await find(capability) if CAPABILITY.fullmatch(capability) else None


def _file(body: bytes | None, content_type: str, name: str) -> web.Response:
    if body is None:
        raise web.HTTPNotFound(text=NO_FILE)
    headers = {
        "Content-Disposition": f'inline; filename="{name}"',
        "Content-Type": content_type,
        "X-Robots-Tag": "noindex",
    }
    return web.Response(body=body, headers=headers)


async def show_keys(request: web.Request) -> web.Response:
    """The key that verifies tickets in the form of JWTs (RFC 7517)."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": "public, max-age=3600",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    keys = {"keys": [jwk(request.app[DESK].ticket_public_key)]}
    return web.json_response(keys, headers=headers)


async def show_page(request: web.Request) -> web.Response:
    """One of the files in memory, in the language that the browser asks for."""
    pages = request.app[PAGES][request.path]
    language = wished_language(request.headers.get("Accept-Language", ""), pages)
    return pages[language].answer(request)


@web.middleware
async def note_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One log line a request, with the route's pattern in place of what was asked for."""
    began = time.monotonic()
    status = 500
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        resource = request.match_info.route.resource
        route = "unknown" if resource is None else resource.canonical
        milliseconds = round((time.monotonic() - began) * 1000, 1)
        say = log.debug if route in PROBES and status < 400 else log.info
        say("http", method=request.method, route=route, status=status, ms=milliseconds)
    return response
