"""Buying: an order, its invoice, what became of it, and where owed money shall go."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from ticketbot.domain.command import ShowStatus
from ticketbot.domain.requests import read_request_id
from ticketbot.web.api.asking import (
    Route,
    ask,
    bare,
    command_of,
    read,
    show,
    show_facts,
    understood,
)
from ticketbot.web.api.port import BOT, Message
from ticketbot.web.api.problems import PREFIX, Problem

INVOICE_COMES = 2.0  # seconds that an order is held back for its invoice
LOOK_AGAIN = 1

ROUTES = (
    Route("GET", "/orders", "orders", show_facts),
    Route("GET", "/orders/{order_id}", "status", show_facts),
    Route("POST", "/orders/{order_id}/cancel", "cancel", show_facts),
)


def add_purchase(app: web.Application) -> None:
    """`POST /orders`, which is more than a row of a table: the invoice takes a moment."""
    app.router.add_post("/orders", create)


async def create(request: web.Request) -> web.Response:
    """201 with a new order, 200 with one that this request_id made before.

    202 when its invoice is not there within two seconds: it comes by itself.
    """
    asked = await read(request, "signed")
    command = command_of("buy", asked.fields)
    understood(lambda: read_request_id(asked.fields))  # a purchase must have a name
    messages = await ask(request, asked, command)
    fresh = not messages
    if fresh:  # what was done leaves as letters; asked again, the same request shows the order
        messages = await ask(request, asked, command)
    order = _order(messages)
    if order["state"] == "held":
        await request.config_dict[BOT].invoice_made(order["order_id"], INVOICE_COMES)
        order = _order(await ask(request, asked, ShowStatus(order["order_id"])))
    headers = {"Location": f"{PREFIX}/orders/{quote(order['order_id'], safe='')}"}
    if order["state"] == "held":
        return show(order, 202, headers | {"Retry-After": str(LOOK_AGAIN)})
    return show(order, 201 if fresh else 200, headers)


def _order(messages: list[Message]) -> Message:
    """The order among what was answered; what else stands in its way is the buyer's to read."""
    for message in messages:
        if message["type"] == "order":
            return bare(message)
    if messages and "message" in messages[0]:
        facts = {name: value for name, value in bare(messages[0]).items() if name != "message"}
        raise Problem("bad-request", messages[0]["message"], asks=messages[0]["type"], **facts)
    raise Problem("try-later")
