"""The caller's own tickets: as token, as JWT, as picture."""

from __future__ import annotations

import asyncio
from typing import Literal

from aiohttp import web

from ticketbot import qr
from ticketbot.domain.command import Command
from ticketbot.domain.naming import quote
from ticketbot.domain.requests import read_request
from ticketbot.errors import Refused
from ticketbot.web.api.asking import Fields, Route, ask, bare, command_of, read, show, show_facts
from ticketbot.web.api.auth import signed_by
from ticketbot.web.api.port import BOT, Message
from ticketbot.web.api.returns import read_destination, read_return

JWT = "application/jwt"


def show_list(request: web.Request, messages: list[Message]) -> web.Response:
    """A page of tickets; how many there are in all, and the cursor of the next page."""
    *tickets, counted = messages
    page = {"tickets": [_with_jwt(request, one) for one in tickets], "count": counted["count"]}
    return show(page | {"next": counted.get("next")})


def show_one(request: web.Request, messages: list[Message]) -> web.Response:
    """One ticket."""
    return show(_with_jwt(request, messages[0]))


def _take_back(fields: Fields) -> Command:
    return read_request("transfer", fields | {"cancel": True})


ROUTES = (
    Route("GET", "/tickets", "tickets", show_list),
    Route("GET", "/tickets/{ticket_id}", "tickets", show_one),
    Route("GET", "/orders/{order_id}/tickets", "tickets", show_list),
    Route("POST", "/tickets/{ticket_id}/transfer", "transfer", show_facts),
    Route("DELETE", "/tickets/{ticket_id}/transfer", _take_back, show_facts),
    Route("POST", "/transfers/{code}/accept", "accept", show_facts),
    Route("POST", "/transfers/{code}/decline", "decline", show_facts),
    Route("POST", "/tickets/{ticket_id}/return", read_return, show_facts),
    Route("POST", "/orders/{order_id}/return", read_return, show_facts),
    Route("POST", "/tickets/{ticket_id}/refund", read_destination, show_facts),
    Route("POST", "/orders/{order_id}/refund", read_destination, show_facts),
)


def add_forms(app: web.Application) -> None:
    """The other forms of one ticket."""
    app.router.add_get("/tickets/{ticket_id}/jwt", show_jwt)
    app.router.add_get("/tickets/{ticket_id}/qr.png", show_picture)
    app.router.add_get("/tickets/{ticket_id}/ticket.pdf", show_page)
    app.router.add_get("/tickets/{ticket_id}/event.ics", show_calendar)


async def show_jwt(request: web.Request) -> web.Response:
    """The ticket as a JWT alone."""
    ticket = await _one(request)
    return web.Response(text=request.config_dict[BOT].jwt_of(ticket["token"]), content_type=JWT)


async def show_picture(request: web.Request) -> web.Response:
    """The ticket as a QR code."""
    ticket = await _one(request)
    picture = await asyncio.to_thread(qr.png, ticket["token"])
    return web.Response(body=picture, content_type="image/png")


async def show_page(request: web.Request) -> web.Response:
    """The ticket as a page to print."""
    return await _file(request, "pdf", "application/pdf", "ticket.pdf")


async def show_calendar(request: web.Request) -> web.Response:
    """The ticket's event as a calendar file."""
    return await _file(request, "ics", "text/calendar", "event.ics")


async def _file(
    request: web.Request, form: Literal["pdf", "ics"], content_type: str, name: str
) -> web.Response:
    pubkey = await signed_by(request)
    ticket_id = request.match_info["ticket_id"]
    body = await request.config_dict[BOT].ticket_file(pubkey, ticket_id, form)
    if body is None:
        raise Refused("not-yours", "ticket-unknown", word=quote(ticket_id))
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return web.Response(body=body, content_type=content_type, headers=headers)


async def _one(request: web.Request) -> Message:
    asked = await read(request, "signed")
    return (await ask(request, asked, command_of("tickets", asked.fields)))[0]


def _with_jwt(request: web.Request, ticket: Message) -> Message:
    return bare(ticket) | {"jwt": request.config_dict[BOT].jwt_of(ticket["token"])}
