"""What every wallet promises of paying, asked of the fake one and of a real LNbits alike."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.real.wallet_worlds import World, living_in
from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.domain.payment import InvoiceAsk, Spent
from ticketbot.errors import Broken, Retry


@pytest.fixture(params=["fake", "lnbits"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with living_in(request.param, tmp_path) as world:
        yield world


@pytest.fixture
async def rich(world: World) -> World:
    """The wallet has received 100 sats."""
    await world.pay_in(100_000)
    return world


def absent(payment_hash: str) -> Spent:
    return Spent(payment_hash, "absent", 0, 0, None)


async def invoice_elsewhere(world: World, amount_msat: int = 21_000) -> tuple[str, str]:
    """A foreign bolt11 and its payment hash."""
    bolt11 = await world.foreign_invoice(amount_msat)
    return bolt11, read_bolt11(bolt11).payment_hash


async def test_what_is_paid_is_gone_and_is_found(rich: World) -> None:
    bolt11, payment_hash = await invoice_elsewhere(rich)
    assert await rich.wallet.spent(payment_hash) == absent(payment_hash)
    before = int(time.time()) - 5

    await rich.wallet.pay(bolt11.upper())

    spent = await rich.wallet.spent(payment_hash)
    assert spent[:3] == (payment_hash, "paid", 21_000)
    assert spent.fee_msat >= 0
    assert spent.at is not None
    assert before <= spent.at <= time.time() + 5
    assert await rich.wallet.balance() == 100_000 - 21_000 - spent.fee_msat
    assert await rich.wallet.spent_since(before) == [spent]
    assert await rich.wallet.spent_since(int(time.time()) + 600) == []


async def test_paying_again_pays_nothing(rich: World) -> None:
    bolt11, payment_hash = await invoice_elsewhere(rich)
    await rich.wallet.pay(bolt11)
    first = await rich.wallet.spent(payment_hash)

    for _ in range(3):
        await attempt(rich, bolt11)

    assert await rich.wallet.spent(payment_hash) == first
    assert await rich.wallet.spent_since(0) == [first]
    assert await rich.wallet.balance() == 100_000 - 21_000 - first.fee_msat


async def test_twenty_at_once_pay_once(rich: World) -> None:
    bolt11, payment_hash = await invoice_elsewhere(rich)

    await asyncio.gather(*(attempt(rich, bolt11) for _ in range(20)))

    spent = await rich.wallet.spent(payment_hash)
    assert spent.state == "paid"
    assert await rich.wallet.spent_since(0) == [spent]
    assert await rich.wallet.balance() == 100_000 - 21_000 - spent.fee_msat


async def test_what_went_out_oldest_first(rich: World) -> None:
    paid = []
    for amount_msat in (3_000, 1_000, 2_000):
        bolt11, payment_hash = await invoice_elsewhere(rich, amount_msat)
        await rich.wallet.pay(bolt11)
        paid.append((payment_hash, "paid", amount_msat))

    assert [spent[:3] for spent in await rich.wallet.spent_since(0)] == paid
    assert await rich.wallet.under_way() == []
    assert [look.amount_msat for look in await rich.wallet.settled_since(0)] == [100_000]


async def test_without_enough_money_nothing_begins(rich: World) -> None:
    bolt11, payment_hash = await invoice_elsewhere(rich, 101_000)

    with pytest.raises(Retry, match=r"(?i)insufficient balance"):
        await rich.wallet.pay(bolt11)

    assert await rich.wallet.spent(payment_hash) == absent(payment_hash)
    assert await rich.wallet.balance() == 100_000
    await rich.pay_in(50_000)
    await rich.wallet.pay(bolt11)
    assert (await rich.wallet.spent(payment_hash)).state == "paid"


async def test_an_empty_wallet_pays_nothing(world: World) -> None:
    bolt11, payment_hash = await invoice_elsewhere(world)

    with pytest.raises(Retry):
        await world.wallet.pay(bolt11)

    assert await world.wallet.spent(payment_hash) == absent(payment_hash)


async def test_of_an_expired_invoice_the_money_says_what_became(rich: World) -> None:
    """LNbits pays it within itself, a node would not: whoever asks must look at the expiry."""
    bolt11 = await rich.foreign_invoice(21_000, 1)
    read = read_bolt11(bolt11)
    await asyncio.sleep(max(0.0, read.expires_at + 1.1 - time.time()))

    await attempt(rich, bolt11)

    spent = await rich.wallet.spent(read.payment_hash)
    gone = 21_000 + spent.fee_msat if spent.state == "paid" else 0
    assert spent.state in ("paid", "failed", "absent")
    assert await rich.wallet.balance() == 100_000 - gone


async def test_an_invoice_of_its_own_is_paid_by_itself(rich: World) -> None:
    """Why our own hashes are refused before it comes to this."""
    own = await rich.wallet.create(InvoiceAsk(f"o-{secrets.token_hex(6)}", 21_000, "own", 660))

    await rich.wallet.pay(own.bolt11)

    spent = await rich.wallet.spent(own.payment_hash)
    look = (await rich.wallet.look_many([own.payment_hash]))[own.payment_hash]
    assert (spent.state, spent.amount_msat) == ("paid", 21_000)
    assert (look.state, look.amount_msat) == ("settled", 21_000)
    assert await rich.wallet.balance() == 100_000 - spent.fee_msat


async def test_what_came_in_is_not_what_went_out(rich: World) -> None:
    own = await rich.wallet.create(InvoiceAsk(f"o-{secrets.token_hex(6)}", 21_000, "own", 660))
    assert await rich.wallet.spent(own.payment_hash) == absent(own.payment_hash)
    await rich.pay(own)

    assert await rich.wallet.spent(own.payment_hash) == absent(own.payment_hash)
    assert await rich.wallet.spent_since(0) == []


@pytest.mark.parametrize(
    "rubbish",
    [
        "lnbc1garbage",
        "hello",
        "",
        # BOLT-11's own example without an amount
        "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcy"
        "q5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkx"
        "aq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t"
        "7mlcwspyetp5h2tztugp9lfyql",
    ],
    ids=["garbage", "words", "nothing", "amountless"],
)
async def test_what_cannot_be_paid_is_not(rich: World, rubbish: str) -> None:
    with pytest.raises(Retry):
        await rich.wallet.pay(rubbish)

    assert await rich.wallet.spent_since(0) == []
    assert await rich.wallet.balance() == 100_000


async def test_a_payment_whose_answer_was_lost_is_found(rich: World) -> None:
    bolt11, payment_hash = await invoice_elsewhere(rich)
    await rich.wallet.probe()
    rich.lose_answers(True)
    with pytest.raises(Retry) as raised:
        await rich.wallet.pay(bolt11)
    rich.lose_answers(False)

    assert bolt11[:20] not in str(raised.value)
    await settled_somehow(rich, payment_hash)
    assert len(await rich.wallet.spent_since(0)) in (0, 1)
    await attempt(rich, bolt11)
    spent = await rich.wallet.spent(payment_hash)
    assert spent.state == "paid"
    assert await rich.wallet.balance() == 100_000 - 21_000 - spent.fee_msat


async def test_of_a_wallet_that_is_down_nothing_is_known(rich: World) -> None:
    bolt11, payment_hash = await invoice_elsewhere(rich)
    rich.go_down(True)

    with pytest.raises(Retry):
        await rich.wallet.pay(bolt11)
    assert await rich.wallet.spent(payment_hash) == Spent(payment_hash, "unknown", 0, 0, None)
    with pytest.raises(Retry):
        await rich.wallet.spent_since(0)
    rich.go_down(False)

    assert await rich.wallet.spent(payment_hash) == absent(payment_hash)


async def test_a_wrong_key_is_the_operators_business(world: World) -> None:
    wallet = world.with_wrong_key()
    bolt11, payment_hash = await invoice_elsewhere(world)

    for question in (wallet.pay(bolt11), wallet.spent(payment_hash), wallet.spent_since(0)):
        with pytest.raises(Broken, match="key") as raised:
            await question
        assert bolt11[:20] not in str(raised.value)


async def test_without_an_admin_key_it_looks_and_does_not_pay(rich: World) -> None:
    bolt11, payment_hash = await invoice_elsewhere(rich)
    wallet = rich.without_admin_key()
    assert (wallet.can_pay, rich.wallet.can_pay) == (False, True)

    with pytest.raises(Broken, match="admin"):
        await wallet.pay(bolt11)

    assert await wallet.spent(payment_hash) == absent(payment_hash)
    await rich.wallet.pay(bolt11)
    assert (await wallet.spent(payment_hash)).state == "paid"


async def test_the_wallets_clock(world: World) -> None:
    await world.wallet.probe()

    assert -3 <= world.wallet.now() - time.time() <= 1


async def attempt(world: World, bolt11: str) -> None:
    """Pays, whatever the wallet says to it: that decides nothing."""
    with contextlib.suppress(Retry):
        await world.wallet.pay(bolt11)


async def settled_somehow(world: World, payment_hash: str) -> None:
    """What was asked for before the wire broke may still be on its way."""
    async with asyncio.timeout(10):
        while (await world.wallet.spent(payment_hash)).state == "pending":
            await asyncio.sleep(0.1)
