"""The operator's way into the running bot: a Unix socket beside the ledger.

Only the running bot writes the ledger, so the command line asks it to. One verb: POST a line
of operator's text, as a DM would carry it, and get the answer's sentences as text.

    200  done                         400  refused, and why
    503  the ledger cannot write now

Whoever may open the socket (mode 0600: the bot's own user, and root) is an operator.
"""

from __future__ import annotations

import contextlib
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from aiohttp import web

from ticketbot.engine import Engine
from ticketbot.errors import Retry

MOST_BYTES = 16 * 1024
STOP_SECONDS = 1.0
TOO_LONG = "its path is longer than a Unix socket's may be: keep the ledger in a shorter folder"

log = structlog.get_logger()


@asynccontextmanager
async def serve(engine: Engine, path: Path | None) -> AsyncIterator[None]:
    """Listen at `path` while the block runs. A place that cannot be had costs one log line.

    None is a path that is too long. What lies there is of a bot that was killed: the ledger's
    lock says that no other one runs.
    """
    runner = web.AppRunner(
        _make_app(engine), access_log=None, handle_signals=False, shutdown_timeout=STOP_SECONDS
    )
    await runner.setup()
    try:
        if path is None:
            log.warning("control.closed", error=TOO_LONG)
        else:
            await _listen(runner, path)
        yield
    finally:
        await runner.cleanup()
        if path is not None:
            _remove(path)


async def _listen(runner: web.AppRunner, path: Path) -> None:
    try:
        _remove(path)
        door = _bind(path)
    except OSError as error:
        log.warning("control.closed", error=f"{path}: {error.strerror}")
        return
    await web.SockSite(runner, door).start()


def _bind(path: Path) -> socket.socket:
    """A socket that listens only later: nobody comes in before its mode is right."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        door.bind(str(path))
        path.chmod(0o600)
    except OSError:
        door.close()
        raise
    return door


def _remove(path: Path) -> None:
    """Take a socket away, and nothing else that may have this name."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()


def _make_app(engine: Engine) -> web.Application:
    async def command(request: web.Request) -> web.Response:
        try:
            spoken = await engine.command(await request.text())
        except UnicodeDecodeError:
            return web.Response(status=400, text="That is not UTF-8.")
        except Retry as error:
            return web.Response(status=503, text=str(error))
        return web.Response(status=200 if spoken.good else 400, text=spoken.text)

    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_post("/", command)
    return app
