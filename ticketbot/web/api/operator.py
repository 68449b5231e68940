"""The operator's view: how the bot is, what waits, what is stuck, what the wallet holds."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ticketbot.domain.command import (
    Command,
    ListOrphans,
    ListPending,
    ListRefunds,
    ListStuck,
    ResumeSales,
    RetryStuck,
    ShowStatus,
    StopSales,
)
from ticketbot.errors import Broken, Refused, Retry
from ticketbot.web.api.asking import Fields, Route, read, show, show_facts
from ticketbot.web.api.port import BOT
from ticketbot.web.api.problems import Problem

WALLET_ANSWERS = 10.0  # seconds


def _sales(fields: Fields) -> Command:
    if type(is_open := fields.get("open")) is not bool:
        raise Refused("bad-request", "field-flag", field="open")
    return ResumeSales() if is_open else StopSales()


def _pending(fields: Fields) -> Command:
    limit, after = fields.get("limit", 50), fields.get("after")
    if type(limit) is not int or not 1 <= limit <= 200:
        raise Refused("bad-request", "field-number", field="limit", most=200)
    return ListPending(limit, after)


def _retry(fields: Fields) -> Command:
    name = fields.get("name")
    if name is not None and not (isinstance(name, str) and len(name) <= 100):
        raise Refused("bad-request", "field-text", field="name", most=100)
    return RetryStuck(name)


ROUTES = (
    Route("GET", "/operator/status", lambda f: ShowStatus(), show_facts, "operator"),
    Route("PUT", "/operator/sales", _sales, show_facts, "operator"),
    Route("GET", "/operator/pending", _pending, show_facts, "operator"),
    Route("GET", "/operator/refunds", lambda f: ListRefunds(), show_facts, "operator"),
    Route("GET", "/operator/orphans", lambda f: ListOrphans(), show_facts, "operator"),
    Route("GET", "/operator/stuck", lambda f: ListStuck(), show_facts, "operator"),
    Route("POST", "/operator/stuck/retry", _retry, show_facts, "operator"),
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
