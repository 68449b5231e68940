"""What the API says of itself: its OpenAPI file, and what each code of a problem means."""

from __future__ import annotations

from pathlib import Path

import orjson
from aiohttp import web

from ticketbot.domain.when import HOUR
from ticketbot.web.api.asking import show_public
from ticketbot.web.api.problems import CODES, Problem

FILE = Path(__file__).parent / "openapi.json"
KEPT = HOUR
DOCUMENT = web.AppKey("document", dict[str, object])


def add_routes(app: web.Application) -> None:
    """Read the file once."""
    app[DOCUMENT] = orjson.loads(FILE.read_bytes())
    app.router.add_get("/openapi.json", show_document)
    app.router.add_get("/problems/{code}", show_code)


async def show_document(request: web.Request) -> web.Response:
    """The OpenAPI 3.1 description of every address."""
    return show_public(request, request.config_dict[DOCUMENT], KEPT)


async def show_code(request: web.Request) -> web.Response:
    """What a code means: where the `type` of a problem points to."""
    code = request.match_info["code"]
    if code not in CODES:
        raise Problem("not-found")
    status, meaning = CODES[code]
    return show_public(request, {"code": code, "status": status, "meaning": meaning}, KEPT)
