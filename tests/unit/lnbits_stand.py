"""A stand-in for LNbits: a server on loopback that answers whatever a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from aiohttp import web
from coincurve import PrivateKey

from ticketbot.domain.bolt11 import write_bolt11
from ticketbot.domain.payment import InvoiceAsk

KEY = "c0ffee" * 5 + "42"
WALLET = "f" * 32
ASK = InvoiceAsk("o-1", 21_000, "Lisbon meetup", 660)
Answer = tuple[int, Any]
StandT = TypeVar("StandT", bound="Stand")


def row(number: int = 1, **values: Any) -> dict[str, Any]:
    """A row of LNbits' payment table, as the API shows it."""
    payment_hash = hashlib.sha256(number.to_bytes(8)).digest()
    bolt11 = write_bolt11(
        network="bcrt",
        payment_hash=payment_hash,
        payment_secret=bytes(32),
        amount_msat=21_000,
        memo="ticket",
        created_at=int(time.time()),
        expiry_seconds=660,
        sign=PrivateKey(b"\x07" * 32).sign_recoverable,
    )
    return {
        "payment_hash": payment_hash.hex(),
        "wallet_id": WALLET,
        "amount": 21_000,
        "fee": 0,
        "bolt11": bolt11,
        "status": "pending",
        "external_id": "o-1",
        "updated_at": "2026-11-21T11:42:58.601760+00:00",
    } | values


class Stand:
    """Answers every request with `answer(request)`; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self.headers: dict[str, str] = {}
        self.answer: Callable[[web.Request], Answer] = lambda _: (200, {"balance": 0})
        self.delay = 0.0
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.bodies.append(await request.text())
        if self.delay:
            await asyncio.sleep(self.delay)
        status, body = self.answer(request)
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=self.headers)

    def says(self, status: int, body: Any) -> None:
        self.answer = lambda _: (status, body)


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@contextlib.asynccontextmanager
async def standing(stand: StandT) -> AsyncIterator[StandT]:
    """The stand, with its address in `url`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stand.handle)
    async with serving(app) as url:
        stand.url = url
        yield stand
