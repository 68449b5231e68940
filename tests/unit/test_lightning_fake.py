"""The fake wallet's own abilities; what it shares with others is in the contract tests."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bolt11
import pytest

from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.errors import Retry
from ticketbot.wallets.fake import FakeWallet, PaymentFailed

ASK = InvoiceAsk("o-1", 21_000, "Lisbon meetup", 600)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wallet(clock: Clock) -> Iterator[FakeWallet]:
    wallet = FakeWallet(clock=clock)
    yield wallet
    asyncio.run(wallet.close())


async def test_its_invoices_are_signed_and_for_no_real_network(wallet: FakeWallet) -> None:
    first, second = await wallet.create(ASK), await wallet.create(ASK)

    read = [bolt11.decode(invoice.bolt11) for invoice in (first, second)]
    signatures = [one.signature for one in read]
    assert [one.currency for one in read] == ["bcrt", "bcrt"]
    assert first.payment_hash != second.payment_hash
    keys = {signature.recover_public_key() for signature in signatures if signature is not None}
    assert len(keys) == 1


async def test_paying_twice_or_at_random_fails(wallet: FakeWallet) -> None:
    invoice = await wallet.create(ASK)
    await wallet.receive(invoice.bolt11.upper())

    with pytest.raises(PaymentFailed, match="already paid"):
        await wallet.receive(invoice.bolt11)
    with pytest.raises(PaymentFailed, match="no such invoice"):
        await wallet.receive("lnbcrt1")
    assert await wallet.balance() == 21_000


async def test_an_expired_invoice_is_refused_unless_late_money_is_wanted(
    wallet: FakeWallet, clock: Clock
) -> None:
    invoice = await wallet.create(ASK)
    clock.now = invoice.expires_at
    with pytest.raises(PaymentFailed, match="expired"):
        await wallet.receive(invoice.bolt11)

    wallet.give_up(invoice.payment_hash)
    failed = await wallet.look(invoice.payment_hash, invoice.expires_at)
    wallet.accept_late = True
    await wallet.receive(invoice.bolt11)

    settled = await wallet.look(invoice.payment_hash, invoice.expires_at)
    assert (failed.state, settled.state) == ("failed", "settled")
    assert settled.settled_at == invoice.expires_at


async def test_a_wrong_amount_is_credited_as_it_came(wallet: FakeWallet) -> None:
    invoice = await wallet.create(ASK)

    await wallet.receive(invoice.bolt11, amount_msat=20_000)

    look = await wallet.look(invoice.payment_hash, invoice.expires_at)
    assert (look.state, look.amount_msat) == ("settled", 20_000)
    assert await wallet.find("o-1") == [invoice]
    assert await wallet.balance() == 20_000


async def test_a_lost_answer_is_lost_only_so_often(wallet: FakeWallet) -> None:
    wallet.lose_answers = 1
    with pytest.raises(Retry):
        await wallet.create(ASK)
    assert not wallet.health().good
    second = await wallet.create(ASK)

    found = await wallet.find("o-1")
    assert len(found) == 2
    assert found[1] == second


async def test_slow_is_slow(wallet: FakeWallet) -> None:
    wallet.slow = 60
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await wallet.create(ASK)
    wallet.slow = 0

    assert await wallet.find("o-1") == []


async def test_deaf_means_no_hint_but_the_money_is_there(wallet: FakeWallet) -> None:
    unheard, heard = await wallet.create(ASK), await wallet.create(ASK)
    async with contextlib.aclosing(wallet.hints()) as hints:
        assert await anext(hints) is None
        wallet.deaf = True
        await wallet.receive(unheard.bolt11)
        wallet.deaf = False
        await wallet.receive(heard.bolt11)
        assert await anext(hints) == heard.payment_hash

    assert len(await wallet.settled_since(0)) == 2


async def test_every_listener_hears(wallet: FakeWallet) -> None:
    invoice = await wallet.create(ASK)
    async with (
        contextlib.aclosing(wallet.hints()) as one,
        contextlib.aclosing(wallet.hints()) as other,
    ):
        assert [await anext(one), await anext(other)] == [None, None]
        await wallet.receive(invoice.bolt11)
        assert [await anext(one), await anext(other)] == [invoice.payment_hash] * 2


async def test_stock_is_handed_out_first(wallet: FakeWallet, clock: Clock) -> None:
    wallet.stock(2, 21_000, expiry_seconds=9_000)
    stocked = [await wallet.create(ASK), await wallet.create(ASK)]
    fresh = await wallet.create(ASK)
    other = await wallet.create(ASK._replace(amount_msat=5_000))

    assert [invoice.expires_at - int(clock.now) for invoice in stocked] == [9_000, 9_000]
    assert [invoice.expires_at - int(clock.now) for invoice in (fresh, other)] == [600, 600]
    assert (await wallet.find("o-1"))[:2] == stocked
    await wallet.receive(stocked[0].bolt11)
    look = await wallet.look(stocked[0].payment_hash, stocked[0].expires_at)
    assert (look.state, look.external_id) == ("settled", "o-1")


async def test_another_process_pays_and_the_store_outlives_both(tmp_path: Path) -> None:
    path = tmp_path / "wallet.db"
    wallet = FakeWallet(path)
    invoice = await wallet.create(ASK)
    script = (
        "import asyncio, sys; from ticketbot.wallets.fake import FakeWallet;"
        "asyncio.run(FakeWallet(sys.argv[1]).receive(sys.argv[2]))"
    )
    async with contextlib.aclosing(wallet.hints()) as hints:
        assert await anext(hints) is None
        command = [sys.executable, "-c", script, str(path), invoice.bolt11]
        await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
        async with asyncio.timeout(10):
            assert await anext(hints) == invoice.payment_hash
    await wallet.close()

    later = FakeWallet(path)
    [look] = await later.settled_since(0)
    again = await later.create(ASK)
    await later.close()
    assert (look.payment_hash, look.state) == (invoice.payment_hash, "settled")
    keys = set()
    for made in (invoice, again):
        signature = bolt11.decode(made.bolt11).signature
        assert signature is not None
        keys.add(signature.recover_public_key())
    assert len(keys) == 1


async def test_what_was_paid_before_is_no_hint(tmp_path: Path) -> None:
    one, other = FakeWallet(tmp_path / "wallet.db"), FakeWallet(tmp_path / "wallet.db")
    before, after = await one.create(ASK), await one.create(ASK)
    await other.receive(before.bolt11)
    async with contextlib.aclosing(one.hints()) as hints:
        assert await anext(hints) is None
        await other.receive(after.bolt11)
        async with asyncio.timeout(10):
            assert await anext(hints) == after.payment_hash
    await one.close()
    await other.close()


async def test_two_processes_do_not_both_settle(tmp_path: Path) -> None:
    one, other = FakeWallet(tmp_path / "wallet.db"), FakeWallet(tmp_path / "wallet.db")
    invoice = await one.create(ASK)
    await other.receive(invoice.bolt11)

    with pytest.raises(PaymentFailed, match="already paid"):
        await one.receive(invoice.bolt11)
    assert await one.balance() == 21_000
    await one.close()
    await other.close()


async def test_a_payment_may_wait_and_fail_and_go_after_all(tmp_path: Path, clock: Clock) -> None:
    wallet = FakeWallet(tmp_path / "wallet.db", clock=clock)
    await wallet.pay_in(100_000)
    bolt11 = wallet.foreign_invoice(21_000)
    payment_hash = read_bolt11(bolt11).payment_hash
    wallet.fate, wallet.fee_msat = "pending", 1_000
    began = int(clock.now)

    await wallet.pay(bolt11)
    assert await wallet.spent(payment_hash) == (payment_hash, "pending", 21_000, 0, began)
    assert await wallet.balance() == 100_000 - 22_000, "it is reserved"
    wallet.fate = "paid"
    await wallet.pay(bolt11)
    assert (await wallet.spent(payment_hash)).state == "pending"
    assert await wallet.spent_since(0) == []
    await wallet.close()

    later = FakeWallet(tmp_path / "wallet.db", clock=clock)
    clock.now += 60
    later.finish(payment_hash, "failed")
    assert await later.spent(payment_hash) == (payment_hash, "failed", 21_000, 0, began + 60)
    assert await later.balance() == 100_000
    await later.pay(bolt11)
    assert (await later.spent(payment_hash)).state == "failed", "LNbits does not try again"
    clock.now += 60
    later.finish(payment_hash)
    paid = await later.spent(payment_hash)
    assert paid == (payment_hash, "paid", 21_000, 1_000, began + 120)
    assert await later.spent_since(began + 120) == [paid]
    assert await later.spent_since(began + 121) == []
    assert await later.balance() == 100_000 - 22_000
    await later.close()


async def test_a_payment_fails_or_its_answer_is_lost(wallet: FakeWallet) -> None:
    await wallet.pay_in(100_000)
    lost, failed = wallet.foreign_invoice(1_000), wallet.foreign_invoice(2_000)
    wallet.lose_payments = 1
    with pytest.raises(Retry, match="lost"):
        await wallet.pay(lost)
    wallet.fate = "failed"
    await wallet.pay(failed)

    assert (await wallet.spent(read_bolt11(lost).payment_hash)).state == "paid"
    assert (await wallet.spent(read_bolt11(failed).payment_hash)).state == "failed"
    assert await wallet.balance() == 99_000


async def test_a_poor_wallet_pays_nothing(wallet: FakeWallet) -> None:
    await wallet.pay_in(100_000)
    bolt11 = wallet.foreign_invoice(1_000)
    wallet.poor = True
    with pytest.raises(Retry, match="insufficient"):
        await wallet.pay(bolt11)

    assert (await wallet.spent(read_bolt11(bolt11).payment_hash)).state == "absent"


async def test_an_expired_foreign_invoice_fails(wallet: FakeWallet, clock: Clock) -> None:
    await wallet.pay_in(100_000)
    bolt11 = wallet.foreign_invoice(1_000, 60)
    clock.now += 60
    await wallet.pay(bolt11)

    assert (await wallet.spent(read_bolt11(bolt11).payment_hash)).state == "failed"
    assert await wallet.balance() == 100_000


async def test_its_clock_may_be_another(wallet: FakeWallet, clock: Clock) -> None:
    wallet.ahead = 172_800
    invoice = await wallet.create(ASK)

    assert wallet.now() == clock.now + 172_800
    assert invoice.expires_at == clock.now + 172_800 + 600
    assert wallet.health().at == clock.now
