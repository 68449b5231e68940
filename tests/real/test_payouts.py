"""An organizer is paid over a real LNbits: to their own wallet of it, exactly once."""

from __future__ import annotations

import asyncio
import json
import time
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from tests.real.lnbits import LnbitsServer, WalletKeys
from tests.real.payee import METADATA, Payee, payee
from tests.real.stagehands import PRICE, evening
from tests.real.test_refunds import Purse
from ticketbot.domain.payout import most

CONFIG = """
[lightning]
allow_private_lnurl = true

[payouts]
delay_hours = 0
minimum_sats = 1

[commission]
ppm = 20000
"""
LASTS = 12  # seconds: within them somebody buys


def gives_invoices_of(wallet: Payee, server: LnbitsServer, keys: WalletKeys) -> None:
    """Let a Lightning address lead to a wallet of this LNbits."""

    def invoice(request: web.Request) -> web.StreamResponse:
        body = {
            "out": False,
            "amount": int(request.query["amount"]) // 1000,
            "unit": "sat",
            "description_hash": sha256(METADATA.encode()).hexdigest(),
        }
        _, made = server.call("POST", "/api/v1/payments", body, keys.invoice_key)
        wallet.invoices.append(made["bolt11"])
        return web.Response(text=json.dumps({"pr": made["bolt11"], "routes": []}))

    wallet.on_invoice = invoice


async def test_an_organizer_is_paid_once_though_the_bot_dies(tmp_path: Path, relay: str) -> None:
    choices = {"spends": True, "failpoints": "spender.after-pay=kill", "more": CONFIG}
    async with payee() as wallet, evening(tmp_path, [relay], **choices) as it:
        keys = await asyncio.to_thread(it.server.new_wallet, "organizer")
        purse = Purse(it.server, keys)
        gives_invoices_of(wallet, it.server, keys)
        now = int(time.time())
        await it.on_sale(start=now + 1, end=now + LASTS)
        alice = await it.attendee("nostr-sdk")
        await alice.says("buy lisbon")
        await it.pays(await alice.gets_an_invoice())
        await alice.gets_a_ticket()
        await asyncio.sleep(now + LASTS + 1 - time.time())

        await it.organizer.says(f"payout all {wallet.address}")
        assert await it.bot.ends() == -9
        await it.bot.start()
        await it.organizer.hears("were sent to you")
        (sats,) = await purse.received()
        assert sats * 1000 == most(PRICE * 1000 - PRICE * 20)
        assert len(wallet.invoices) == 1
        shown = await it.bot.shows("payouts")
        (one,) = shown["organizers"]
        assert (one["earned_msat"], one["paid_out_msat"]) == (PRICE * 1000, sats * 1000)
        assert shown["payouts"] == []
        await it.organizer.says(f"payout all {wallet.address}")
        await it.organizer.hears("There is nothing to pay out just now")
        assert await purse.received() == [sats]
