"""The operator's view: how the bot is, what waits, what is stuck, what the wallet holds."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ticketbot.domain.command import ShowStatus
from ticketbot.errors import Broken, Retry
from ticketbot.web.api.asking import Route, read, show, show_facts
from ticketbot.web.api.organizer import read_no_note
from ticketbot.web.api.port import BOT
from ticketbot.web.api.problems import Problem

WALLET_ANSWERS = 10.0  # seconds


ROUTES = (
    Route("GET", "/operator/status", lambda fields: ShowStatus(), show_facts, "operator"),
    Route("PUT", "/operator/sales", "sales", show_facts, "operator"),
    Route("GET", "/operator/pending", "pending", show_facts, "operator"),
    Route("PUT", "/operator/orders/{order_id}/note", "note", show_facts, "operator"),
    Route("DELETE", "/operator/orders/{order_id}/note", read_no_note, show_facts, "operator"),
    Route("GET", "/operator/refunds", "refunds", show_facts, "operator"),
    Route("GET", "/operator/orphans", "orphans", show_facts, "operator"),
    Route("GET", "/operator/stuck", "stuck", show_facts, "operator"),
    Route("POST", "/operator/stuck/retry", "retry", show_facts, "operator"),
)


def add_balance(app: web.Application) -> None:
    """The one address that asks the wallet."""
    app.router.add_get("/operator/balance", show_balance)


async def show_balance(request: web.Request) -> web.Response:
    """What the wallet holds, in msat."""
    await read(request, "operator")
    try:
        async with asyncio.timeout(WALLET_ANSWERS):
            balance = await request.config_dict[BOT].balance()
    except (Retry, Broken, TimeoutError):
        raise Problem("try-later", "The wallet does not answer.") from None
    return show({"balance_msat": balance})
