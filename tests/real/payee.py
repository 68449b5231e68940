"""Somebody with a Lightning address: an LNURL server on loopback that a test can spoil.

async with payee() as bob:
    bob.address, bob.lnurl, bob.spoil_offer["maxSendable"] = 1
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import Any

from aiohttp import web
from bech32 import bech32_encode, convertbits
from coincurve import PrivateKey

from ticketbot.domain.bolt11 import write_bolt11

METADATA = '[["text/plain","Money for Bob ☕"],["text/identifier","bob@example.com"]]'
Habit = Callable[[web.Request], web.StreamResponse]


class Payee:
    """Gives an invoice for whatever it is asked, of `network` (the fake wallet's).

    `spoil_offer` and `spoil_invoice` replace what the two answers say, None leaves it out;
    `spoil_bolt11` replaces what the invoice says; `on_offer` and `on_invoice` answer instead.
    """

    def __init__(self, network: str = "bcrt") -> None:
        self.network = network
        self.host = ""
        self.port = 0
        self.scheme = "http"
        self.spoil_offer: dict[str, Any] = {}
        self.spoil_invoice: dict[str, Any] = {}
        self.spoil_bolt11: dict[str, Any] = {}
        self.on_offer: Habit | None = None
        self.on_invoice: Habit | None = None
        self.clock: Callable[[], float] = time.time
        self.asked: list[str] = []
        self.invoices: list[str] = []

    @property
    def address(self) -> str:
        return f"bob@{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def lnurl(self) -> str:
        return lnurl_of(f"{self.url}/.well-known/lnurlp/bob")

    async def offer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if self.on_offer is not None:
            return self.on_offer(request)
        said = {
            "tag": "payRequest",
            "callback": f"{self.url}/callback?for=bob",
            "minSendable": 1_000,
            "maxSendable": 10_000_000_000,
            "metadata": METADATA,
            "commentAllowed": 0,
        }
        return _json(said | self.spoil_offer)

    async def invoice(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if self.on_invoice is not None:
            return self.on_invoice(request)
        bolt11 = self.sign(int(request.query["amount"]))
        self.invoices.append(bolt11)
        return _json({"pr": bolt11, "routes": []} | self.spoil_invoice)

    def sign(self, amount_msat: int) -> str:
        said: dict[str, Any] = {
            "network": self.network,
            "payment_hash": os.urandom(32),
            "payment_secret": os.urandom(32),
            "amount_msat": amount_msat,
            "memo": sha256(METADATA.encode()).digest(),
            "created_at": int(self.clock()),
            "expiry_seconds": 600,
        }
        return write_bolt11(**said | self.spoil_bolt11, sign=PrivateKey().sign_recoverable)


@contextlib.asynccontextmanager
async def payee(
    network: str = "bcrt",
    *,
    host: str = "127.0.0.1",
    name: str = "",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Payee]:
    """A Payee that listens at `host`, and is called `name` if that is another."""
    one = Payee(network)
    app = web.Application()
    app.add_routes(
        [web.get("/.well-known/lnurlp/bob", one.offer), web.get("/callback", one.invoice)]
    )
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=tls).start()
    one.host, one.port = name or host, runner.addresses[0][1]
    one.scheme = "http" if tls is None else "https"
    try:
        yield one
    finally:
        await runner.cleanup()


def lnurl_of(url: str) -> str:
    """`lnurl1…` (LUD-01)."""
    bits = convertbits(url.encode(), 8, 5)
    assert bits is not None
    return bech32_encode("lnurl", bits)


def _json(said: dict[str, Any]) -> web.Response:
    given = {key: value for key, value in said.items() if value is not None}
    return web.Response(text=json.dumps(given), content_type="application/json")
