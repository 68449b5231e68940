"""Money goes back over a real LNbits: to another wallet of it, exactly once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.real.lnbits import LnbitsServer, WalletKeys
from tests.real.stagehands import PRICE, Evening, evening


class Purse:
    """The buyer's own wallet: what it asked for, and what came."""

    def __init__(self, server: LnbitsServer, keys: WalletKeys) -> None:
        self._server = server
        self._keys = keys

    @classmethod
    async def of(cls, it: Evening) -> Purse:
        return cls(it.server, await asyncio.to_thread(it.server.new_wallet, "alice"))

    async def invoice(self, sats: int) -> str:
        body = {"out": False, "amount": sats, "unit": "sat", "memo": "my money"}
        key = self._keys.invoice_key
        _, made = await asyncio.to_thread(self._server.call, "POST", "/api/v1/payments", body, key)
        return str(made["bolt11"])

    async def received(self) -> list[int]:
        """Every payment that came in, in sats."""
        path = "/api/v1/payments/paginated?status[eq]=success&amount[gt]=0&limit=1000"
        _, page = await asyncio.to_thread(
            self._server.call, "GET", path, None, self._keys.invoice_key
        )
        return [row["amount"] // 1000 for row in page["data"]]


@pytest.mark.parametrize("place", ["before-pay", "after-pay", "before-sent"])
async def test_a_late_payment_goes_back_once(tmp_path: Path, relay: str, place: str) -> None:
    """The bot dies around the payment, so that whatever LNbits answers is lost."""
    failpoints = f"spender.{place}=kill"
    choices = {"hold": 2, "spends": True, "failpoints": failpoints}
    async with evening(tmp_path, [relay], **choices) as it:
        await it.on_sale(stock=1)
        alice, bob = await it.attendee(), await it.attendee()
        purse = await Purse.of(it)
        await alice.says("buy lisbon")
        late = await alice.gets_an_invoice()
        await alice.hears("lapsed and nothing was charged")
        await bob.says("buy lisbon")
        await it.pays(await bob.gets_an_invoice())
        await bob.gets_a_ticket()
        await it.pays(late)
        await alice.hears("goes back to you")

        await alice.says(f"refund {await purse.invoice(PRICE + 1)}")
        await alice.hears(f"Make one of exactly {PRICE} sats")
        await alice.says(f"refund {await purse.invoice(PRICE)}")
        assert await it.bot.ends() == -9
        await it.bot.start()
        await alice.hears("was sent to you")
        assert await purse.received() == [PRICE]
        assert await it.bot.shows("orders", "--refunds") == []
        await alice.says("refund me@wallet.example")
        await alice.hears("Nothing is owed to you.")
        assert await purse.received() == [PRICE]
