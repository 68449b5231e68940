"""LNbits' own traps, on the real thing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import time
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.real.lnbits import LnbitsServer, funded_by, shared_server
from tests.real.wire import Wire
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.errors import Broken, Retry
from ticketbot.wallets.lnbits import LNbits

ENOUGH = 1_000_000  # requests a minute


@pytest.fixture(scope="module")
def server() -> LnbitsServer:
    return shared_server()


@pytest.fixture
async def wallet(server: LnbitsServer) -> AsyncIterator[LNbits]:
    """A bot's wallet of its own for each test."""
    keys = await asyncio.to_thread(server.new_wallet, "bot")
    wallet = LNbits(server.url, keys.invoice_key, requests_per_minute=ENOUGH)
    yield wallet
    await wallet.close()


@pytest.fixture
async def wire(server: LnbitsServer) -> AsyncIterator[Wire]:
    wire = Wire(server.port)
    await wire.open()
    yield wire
    await wire.close()


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[LnbitsServer]:
    """Just installed, nobody was there yet; answers ten requests a second."""
    limits = {"LNBITS_RATE_LIMIT_NO": "10", "LNBITS_RATE_LIMIT_UNIT": "second"}
    server = LnbitsServer(tmp_path, limits)
    server.start()
    yield server
    server.stop()


def ask(amount_msat: int = 21_000, expiry_seconds: int = 660) -> InvoiceAsk:
    return InvoiceAsk(f"o-{secrets.token_hex(8)}", amount_msat, "Lisbon meetup", expiry_seconds)


async def pay(server: LnbitsServer, bolt11: str) -> None:
    await asyncio.to_thread(server.pay, bolt11)


async def test_an_expired_invoice_stays_payable_whatever_the_bot_asked(
    server: LnbitsServer, wallet: LNbits
) -> None:
    invoice = await wallet.create(ask(expiry_seconds=3))
    before = await wallet.look(invoice.payment_hash, invoice.expires_at)
    await asyncio.sleep(max(0.0, invoice.expires_at + 0.5 - time.time()))

    after = await wallet.look(invoice.payment_hash, invoice.expires_at)
    listed = (await wallet.look_many([invoice.payment_hash]))[invoice.payment_hash]
    assert [found.payment_hash for found in await wallet.find(invoice.external_id)] == [
        invoice.payment_hash
    ]
    await wallet.settled_since(0)
    assert [look.state for look in (before, after, listed)] == ["pending"] * 3

    await pay(server, invoice.bolt11)

    late = await wallet.look(invoice.payment_hash, invoice.expires_at)
    assert (late.state, late.amount_msat) == ("settled", 21_000)
    assert [look.payment_hash for look in await wallet.settled_since(invoice.expires_at)] == [
        invoice.payment_hash
    ]


async def test_control_a_single_look_up_after_the_expiry_kills_the_invoice(
    server: LnbitsServer, wallet: LNbits
) -> None:
    """Why `look` turns into a list look-up; even a stranger's does it, without any key.

    If this fails, LNbits has become kinder.
    """
    invoice = await wallet.create(ask(expiry_seconds=1))
    await asyncio.sleep(max(0.0, invoice.expires_at + 0.5 - time.time()))
    server.call("GET", f"/api/v1/payments/{invoice.payment_hash}")

    with pytest.raises(RuntimeError, match="payment failed"):
        await pay(server, invoice.bolt11)
    assert (await wallet.look(invoice.payment_hash, invoice.expires_at)).state == "failed"


async def test_a_payment_that_nobody_hinted_at_is_found(server: LnbitsServer, wire: Wire) -> None:
    keys = await asyncio.to_thread(server.new_wallet, "bot")
    wallet = LNbits(wire.url, keys.invoice_key, requests_per_minute=ENOUGH)
    invoice = await wallet.create(ask())
    async with contextlib.aclosing(wallet.hints()) as hints:
        async with asyncio.timeout(15):
            assert await anext(hints) is None
            wire.fault = "refuse"
            wire.cut()
            await pay(server, invoice.bolt11)
            await asyncio.sleep(0.2)
            wire.fault = "none"
            assert await anext(hints) is None
            found = await wallet.settled_since(int(time.time()) - 60)
    await wallet.close()

    assert [look.payment_hash for look in found] == [invoice.payment_hash]


@pytest.mark.parametrize(
    "how",
    [pytest.param(signal.SIGTERM, marks=pytest.mark.long), signal.SIGKILL],
    ids=["term", "kill"],
)
async def test_invoices_outlive_lnbits(
    server: LnbitsServer, tmp_path: Path, how: signal.Signals
) -> None:
    """A front LNbits over a back one: the front is away while one invoice is paid."""
    node = await asyncio.to_thread(server.new_wallet, "node")
    front = LnbitsServer(tmp_path, funded_by(server, node))
    await asyncio.to_thread(front.start)
    try:
        await asyncio.to_thread(front.install)
        wallet = LNbits(front.url, front.bot.invoice_key, requests_per_minute=ENOUGH)
        paid_meanwhile, paid_later = [await wallet.create(ask()) for _ in range(2)]
        async with contextlib.aclosing(wallet.hints()) as hints:
            async with asyncio.timeout(100):
                assert await anext(hints) is None
                await asyncio.to_thread(front.stop, how)
                assert (await wallet.look(paid_later.payment_hash, 2**40)).state == "unknown"
                with pytest.raises(Retry):
                    await wallet.create(ask())
                await pay(server, paid_meanwhile.bolt11)
                await asyncio.to_thread(front.start)
                assert await anext(hints) is None
                look = await wallet.look(paid_meanwhile.payment_hash, paid_meanwhile.expires_at)
                assert look.state == "settled"
                await pay(server, paid_later.bolt11)
                hint = await anext(hints)
                while hint == paid_meanwhile.payment_hash:
                    hint = await anext(hints)
                assert hint == paid_later.payment_hash
        looks = await wallet.settled_since(int(time.time()) - 300)
        await wallet.close()
    finally:
        await asyncio.to_thread(front.stop)

    assert [look.external_id for look in looks if look.external_id is not None] == [
        paid_meanwhile.external_id,
        paid_later.external_id,
    ]


async def test_a_client_that_dies_while_asking_leaves_at_most_one_invoice(
    server: LnbitsServer, wire: Wire
) -> None:
    keys = await asyncio.to_thread(server.new_wallet, "bot")
    wallet = LNbits(wire.url, keys.invoice_key, requests_per_minute=ENOUGH)
    asks = [ask() for _ in range(10)]
    wire.fault = "cut-after-request"
    for one in asks:
        with pytest.raises(Retry):
            await wallet.create(one)
    wire.fault = "none"
    await asyncio.sleep(1)

    invoices = []
    for one in asks:
        found = await wallet.find(one.external_id)
        assert len(found) <= 1
        invoices.append(found[0] if found else await wallet.create(one))
    for one, invoice in zip(asks, invoices, strict=True):
        assert await wallet.find(one.external_id) == [invoice]
    await wallet.close()


async def test_a_forged_push_is_only_a_hint(server: LnbitsServer) -> None:
    keys = await asyncio.to_thread(server.new_wallet, "bot")
    wallet = LNbits(server.url, keys.invoice_key, requests_per_minute=ENOUGH)
    invoice = await wallet.create(ask())
    payment = {"payment_hash": invoice.payment_hash, "amount": 21_000, "status": "success"}
    lies = [
        "no json",
        "[]",
        json.dumps({"payment": payment | {"payment_hash": "0" * 63}}),
        json.dumps({"payment": payment | {"amount": -21_000}}),
        json.dumps({"payment": payment}),
    ]
    async with contextlib.aclosing(wallet.hints()) as hints:
        async with asyncio.timeout(10):
            assert await anext(hints) is None
            for lie in lies:
                path = f"/api/v1/ws/{keys.invoice_key}?data={urllib.parse.quote(lie)}"
                status, answer = await asyncio.to_thread(server.call, "POST", path)
                assert (status, answer["sent"]) == (200, True)
            hint = await anext(hints)
    look = await wallet.look(invoice.payment_hash, invoice.expires_at)
    settled = await wallet.settled_since(0)
    await wallet.close()

    assert hint == invoice.payment_hash
    assert (look.state, settled) == ("pending", [])


async def test_an_outgoing_payment_of_the_same_hash_does_not_hide_the_incoming_one(
    server: LnbitsServer,
) -> None:
    keys = await asyncio.to_thread(server.new_wallet, "bot")
    await asyncio.to_thread(server.fund, keys, 1_000)
    wallet = LNbits(server.url, keys.invoice_key, requests_per_minute=ENOUGH)
    invoice = await wallet.create(ask())
    body = {"out": True, "bolt11": invoice.bolt11}
    server.call("POST", "/api/v1/payments", body, keys.admin_key)

    look = await wallet.look(invoice.payment_hash, invoice.expires_at)
    listed = await wallet.look_many([invoice.payment_hash])
    await wallet.close()

    assert (look.state, look.amount_msat) == ("settled", 21_000)
    assert listed == {invoice.payment_hash: look}


async def test_a_long_history_is_walked_page_by_page(server: LnbitsServer) -> None:
    keys = await asyncio.to_thread(server.new_wallet, "bot")
    wallet = LNbits(server.url, keys.invoice_key, requests_per_minute=ENOUGH)
    for sats in range(1, 106):
        await asyncio.to_thread(server.fund, keys, sats)

    everything = await wallet.settled_since(0)
    middle = everything[60].settled_at
    assert middle is not None
    newer = await wallet.settled_since(middle)
    await wallet.close()

    assert [look.amount_msat for look in everything] == [n * 1_000 for n in range(1, 106)]
    assert newer == [look for look in everything if (look.settled_at or 0) >= middle]
    assert 45 <= len(newer) < 105


async def test_a_new_lnbits_wants_to_be_set_up_and_then_not_to_be_hurried(
    fresh_server: LnbitsServer,
) -> None:
    early = LNbits(fresh_server.url, "0" * 32, requests_per_minute=ENOUGH)
    with pytest.raises(Broken, match="LNbits has not been set up yet"):
        await early.create(ask())
    await early.close()

    await asyncio.sleep(1.1)
    await asyncio.to_thread(fresh_server.install)
    await asyncio.sleep(1.1)
    key = fresh_server.bot.invoice_key
    hasty = LNbits(fresh_server.url, key, requests_per_minute=ENOUGH)
    invoice = await hasty.create(ask())
    async with asyncio.timeout(30):  # it has to wait until LNbits has calmed down
        looks = await asyncio.gather(
            *(hasty.look(invoice.payment_hash, invoice.expires_at) for _ in range(40))
        )
        second = await hasty.create(ask())
    await hasty.close()
    states = [look.state for look in looks]

    assert set(states) == {"pending", "unknown"}
    assert states.count("unknown") <= 16  # those under way; the others waited
    assert fresh_server.log().count(" 429") >= states.count("unknown")
    assert second.payment_hash != invoice.payment_hash
