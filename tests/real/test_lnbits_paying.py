"""LNbits' own traps in paying, on the real thing: two of them, one the other's node."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio

from tests.real.lnbits import LnbitsServer, WalletKeys, funded_by, shared_server
from tests.real.wire import Wire
from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.errors import Broken, Retry
from ticketbot.wallets.lnbits import LNbits

ENOUGH = 1_000_000  # requests a minute


class Chain:
    """The bot's LNbits `front`, whose node is a wallet at `back`, with a wire between them."""

    def __init__(self, back: LnbitsServer, front: LnbitsServer, node: WalletKeys) -> None:
        self.back, self.front, self.node = back, front, node
        self.bot = front.new_wallet("bot")
        self.payee = back.new_wallet("payee")
        front.fund(self.bot, 500_000)

    def wallet(self) -> LNbits:
        return LNbits(
            self.front.url, self.bot.invoice_key, self.bot.admin_key, requests_per_minute=ENOUGH
        )

    def invoice(self, sats: int = 1_000) -> str:
        """Of somebody who is outside of the bot's LNbits."""
        body = {"out": False, "amount": sats, "memo": "elsewhere", "expiry": 600}
        _, made = self.back.call("POST", "/api/v1/payments", body, self.payee.invoice_key)
        return str(made["bolt11"])

    def received(self) -> int:
        _, wallet = self.back.call("GET", "/api/v1/wallet", None, self.payee.invoice_key)
        return int(wallet["balance"])


pytestmark = pytest.mark.asyncio(loop_scope="module")


class Fronted(NamedTuple):
    """What all tests here share: it takes a while to start."""

    back: LnbitsServer
    wire: Wire
    node: WalletKeys
    front: LnbitsServer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fronted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fronted]:
    back = await asyncio.to_thread(shared_server)
    wire = Wire(back.port)
    await wire.open()
    node = await asyncio.to_thread(back.new_wallet, "node")
    await asyncio.to_thread(back.fund, node, 100_000)
    settings = funded_by(back, node) | {"LNBITS_ENDPOINT": wire.url}
    front = LnbitsServer(tmp_path_factory.mktemp("front"), settings)
    try:
        await asyncio.to_thread(front.start)
        await asyncio.to_thread(front.install)
        yield Fronted(back, wire, node, front)
    finally:
        await asyncio.to_thread(front.stop, signal.SIGKILL)
        await wire.close()


@pytest_asyncio.fixture(loop_scope="module")
async def chain(fronted: Fronted) -> AsyncIterator[Chain]:
    yield await asyncio.to_thread(Chain, fronted.back, fronted.front, fronted.node)
    fronted.wire.fault = "none"
    fronted.wire.cut()


@pytest.fixture
def wire(fronted: Fronted) -> Wire:
    return fronted.wire


@pytest_asyncio.fixture(loop_scope="module")
async def wallet(chain: Chain) -> AsyncIterator[LNbits]:
    wallet = chain.wallet()
    yield wallet
    await wallet.close()


async def test_a_payment_whose_fate_lnbits_does_not_know(
    chain: Chain, wallet: LNbits, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its node paid, and it was not told: it asks again half an hour later, or when told to."""
    await wallet.probe()
    bolt11 = await asyncio.to_thread(chain.invoice)
    payment_hash = read_bolt11(bolt11).payment_hash
    wire.fault = "lose-answers"
    await wallet.pay(bolt11)
    wire.fault = "none"
    wire.cut()

    assert (await wallet.spent(payment_hash))[1:4] == ("pending", 1_000_000, 0)
    assert await wallet.balance() < 500_000_000 - 1_000_000, "the fee is reserved"
    assert await asyncio.to_thread(chain.received) == 1_000_000
    with pytest.raises(Retry, match="pending"):
        await wallet.pay(bolt11)
    assert (await wallet.spent(payment_hash)).state == "pending"

    monkeypatch.setattr("ticketbot.wallets.lnbits._ASK_NODE_AFTER", -10)
    paid = await wallet.spent(payment_hash)
    assert paid[1:4] == ("paid", 1_000_000, 0)
    assert await wallet.spent_since(0) == [paid]
    with pytest.raises(Retry, match="already paid"):
        await wallet.pay(bolt11)
    assert await asyncio.to_thread(chain.received) == 1_000_000


async def test_failed_is_not_final(chain: Chain, wallet: LNbits) -> None:
    """It fails, and a second attempt pays nothing; but it finds what was paid after all."""
    bolt11 = await asyncio.to_thread(chain.invoice, 200_000)
    payment_hash = read_bolt11(bolt11).payment_hash
    with pytest.raises(Retry, match="Insufficient balance"):
        await wallet.pay(bolt11)
    assert (await wallet.spent(payment_hash))[1:4] == ("failed", 200_000_000, 0)
    assert await wallet.balance() == 500_000_000

    await asyncio.to_thread(chain.back.fund, chain.node, 500_000)
    await wallet.pay(bolt11)  # answered with 201, in which it says `failed`
    assert (await wallet.spent(payment_hash)).state == "failed"
    assert await asyncio.to_thread(chain.received) == 0

    body = {"out": True, "bolt11": bolt11}  # somebody retries it at the node itself
    pay = chain.back.call, "POST", "/api/v1/payments", body, chain.node.admin_key
    await asyncio.to_thread(*pay)
    assert (await wallet.spent(payment_hash)).state == "failed"
    with pytest.raises(Retry, match="already paid"):
        await wallet.pay(bolt11)
    assert (await wallet.spent(payment_hash)).state == "paid"
    assert await asyncio.to_thread(chain.received) == 200_000_000


async def test_what_lnbits_died_of_is_not_absent(chain: Chain, wallet: LNbits, wire: Wire) -> None:
    """Its row is written before its node is asked, so it is pending, and not paid again."""
    await wallet.probe()
    bolt11 = await asyncio.to_thread(chain.invoice)
    payment_hash = read_bolt11(bolt11).payment_hash
    wire.fault = "freeze"
    paying = asyncio.create_task(wallet.pay(bolt11))
    await asyncio.sleep(1)
    assert not paying.done()
    await asyncio.to_thread(chain.front.stop, signal.SIGKILL)
    with pytest.raises(Retry):
        await paying
    assert (await wallet.spent(payment_hash)).state == "unknown"
    wire.fault = "none"
    wire.cut()
    await asyncio.to_thread(chain.front.start)

    assert (await wallet.spent(payment_hash)).state == "pending"
    with pytest.raises(Retry, match="pending"):
        await wallet.pay(bolt11)
    assert (await wallet.spent(payment_hash)).state == "pending"
    assert await asyncio.to_thread(chain.received) == 0


async def test_the_admin_key_of_another_wallet_pays_nothing() -> None:
    """It would pay from there, and no look-up here would ever see it."""
    server = await asyncio.to_thread(shared_server)
    mine, other = [await asyncio.to_thread(server.new_wallet, name) for name in ("a", "b")]
    for keys in (mine, other):
        await asyncio.to_thread(server.fund, keys, 1_000)
    made = server.call(
        "POST",
        "/api/v1/payments",
        {"out": False, "amount": 21, "memo": "x"},
        server.buyer.invoice_key,
    )[1]
    for admin_key, words in (
        (other.admin_key, "of another wallet"),
        (mine.invoice_key, "is an invoice key"),
        ("0" * 32, "admin_key_file"),
    ):
        wallet = LNbits(server.url, mine.invoice_key, admin_key, requests_per_minute=ENOUGH)
        with pytest.raises(Broken, match=words):
            await wallet.pay(made["bolt11"])
        assert (await wallet.spent(made["payment_hash"])).state == "absent"
        await wallet.close()
    assert server.call("GET", "/api/v1/wallet", None, other.invoice_key)[1]["balance"] == 1_000_000
