"""The API as an application of its own, which `web.app` mounts at `/api/v1`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from ticketbot.web.api import (
    events,
    openapi,
    operator,
    orders,
    organizer,
    person,
    tickets,
    validate,
)
from ticketbot.web.api.asking import add_routes
from ticketbot.web.api.auth import SIGN_IN, SignIn
from ticketbot.web.api.limits import LIMITS, Limits
from ticketbot.web.api.port import BOT, Bot
from ticketbot.web.api.problems import PREFIX, Problem, from_failure, from_http

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DOOR = f"{PREFIX}/door/"
CORS = {
    "Access-Control-Allow-Origin": "*",  # there are no cookies: who asks is in the signature
    "Access-Control-Expose-Headers": "ETag, Retry-After, WWW-Authenticate",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match",
    "Access-Control-Max-Age": "7200",
}


ROUTES = (
    *events.ROUTES,
    *orders.ROUTES,
    *tickets.ROUTES,
    *person.ROUTES,
    *validate.ROUTES,
    *organizer.ROUTES,
    *operator.ROUTES,
)


def make_api(bot: Bot, requests_per_minute: int) -> web.Application:
    """The routes over a bot."""
    app = web.Application(middlewares=[guard])
    app[BOT] = bot
    app[SIGN_IN] = SignIn(bot.now, bot.public_url, bot)
    app[LIMITS] = Limits(requests_per_minute, bot.now)
    app.on_startup.append(_begin)
    app.on_response_prepare.append(_open_to_pages)
    openapi.add_routes(app)
    orders.add_purchase(app)
    tickets.add_forms(app)
    organizer.add_table(app)
    operator.add_balance(app)
    add_routes(app, ROUTES)
    return app


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers pages that ask whether they may, counts, and makes a problem of every error."""
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(status=204, headers=PREFLIGHT)
    try:
        return await _counted(request, handler)
    except Problem as problem:
        return problem.answer()
    except web.HTTPException as error:
        return from_http(error).answer()
    except Exception as error:  # noqa: BLE001  a bug is answered in the same form as a mistake
        resource = request.match_info.route.resource
        return from_failure(error, "unknown" if resource is None else resource.canonical).answer()


async def _counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A door scans all evening from one address: there only what is turned away counts."""
    limits = request.config_dict[LIMITS]
    if not request.path.startswith(DOOR):
        limits.spend_address(request)
        return await handler(request)
    limits.check_address(request)
    try:
        return await handler(request)
    except Problem as problem:
        if problem.status in (401, 403):
            limits.spend_address(request)
        raise


async def _begin(app: web.Application) -> None:
    await app[SIGN_IN].begin()


async def _open_to_pages(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(CORS)
