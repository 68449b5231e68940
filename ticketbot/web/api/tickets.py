"""The caller's own tickets: as token, as JWT, as picture."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ticketbot import qr
from ticketbot.web.api.asking import Route, ask, bare, command_of, read, show
from ticketbot.web.api.port import BOT, Message

JWT = "application/jwt"


def show_list(request: web.Request, messages: list[Message]) -> web.Response:
    """A page of tickets; how many there are in all, and the cursor of the next page."""
    *tickets, counted = messages
    page = {"tickets": [_with_jwt(request, one) for one in tickets], "count": counted["count"]}
    return show(page | {"next": counted.get("next")})


def show_one(request: web.Request, messages: list[Message]) -> web.Response:
    """One ticket."""
    return show(_with_jwt(request, messages[0]))


ROUTES = (
    Route("GET", "/tickets", "tickets", show_list),
    Route("GET", "/tickets/{ticket_id}", "tickets", show_one),
    Route("GET", "/orders/{order_id}/tickets", "tickets", show_list),
)


def add_forms(app: web.Application) -> None:
    """The other forms of one ticket."""
    app.router.add_get("/tickets/{ticket_id}/jwt", show_jwt)
    app.router.add_get("/tickets/{ticket_id}/qr.png", show_picture)


async def show_jwt(request: web.Request) -> web.Response:
    """The ticket as a JWT alone."""
    ticket = await _one(request)
    return web.Response(text=request.config_dict[BOT].jwt_of(ticket["token"]), content_type=JWT)


async def show_picture(request: web.Request) -> web.Response:
    """The ticket as a QR code."""
    ticket = await _one(request)
    picture = await asyncio.to_thread(qr.png, ticket["token"])
    return web.Response(body=picture, content_type="image/png")


async def _one(request: web.Request) -> Message:
    asked = await read(request, "signed")
    return (await ask(request, asked, command_of("tickets", asked.fields)))[0]


def _with_jwt(request: web.Request, ticket: Message) -> Message:
    return bare(ticket) | {"jwt": request.config_dict[BOT].jwt_of(ticket["token"])}
