"""What every wallet promises, asked of the fake one and of a real LNbits alike."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import bolt11
import pytest

from tests.real.wallet_worlds import World, living_in
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.errors import Broken, Retry
from ticketbot.lightning import Wallet
from ticketbot.wallets.fake import FakeWallet
from ticketbot.wallets.lnbits import LNbits

_numbers = itertools.count(1)
_run = secrets.token_hex(4)


@pytest.fixture(params=["fake", "lnbits"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with living_in(request.param, tmp_path) as world:
        yield world


def ask(amount_msat: int = 21_000, expiry_seconds: int = 660) -> InvoiceAsk:
    external_id = f"o{_run}-{next(_numbers)}"
    return InvoiceAsk(external_id, amount_msat, "2 × Lisbon meetup", expiry_seconds)


async def test_an_invoice_is_what_was_asked_for(world: World) -> None:
    wanted = ask()

    invoice = await world.wallet.create(wanted)

    read = bolt11.decode(invoice.bolt11)
    assert invoice.external_id == wanted.external_id
    assert invoice.amount_msat == read.amount_msat == wanted.amount_msat
    assert invoice.payment_hash == read.payment_hash
    assert invoice.expires_at == read.date + read.expiry
    assert abs(invoice.expires_at - time.time() - wanted.expiry_seconds) < 30
    assert read.description == wanted.memo


async def test_pending_until_paid_then_settled(world: World) -> None:
    before = int(time.time()) - 5
    balance = await world.wallet.balance()
    invoice = await world.wallet.create(ask())
    pending = await world.wallet.look(invoice.payment_hash, invoice.expires_at)

    await world.pay(invoice)

    settled = await world.wallet.look(invoice.payment_hash, invoice.expires_at)
    assert pending == (invoice.payment_hash, "pending", 21_000, invoice.external_id, None)
    assert settled[:4] == (invoice.payment_hash, "settled", 21_000, invoice.external_id)
    assert settled.settled_at is not None
    assert before <= settled.settled_at <= time.time() + 5
    assert await world.wallet.look_many([invoice.payment_hash]) == {settled.payment_hash: settled}
    assert await world.wallet.balance() == balance + 21_000


async def test_one_external_id_may_have_several_invoices(world: World) -> None:
    wanted = ask()
    first = await world.wallet.create(wanted)
    second = await world.wallet.create(wanted)
    await world.wallet.create(ask())

    assert await world.wallet.find(wanted.external_id) == [first, second]


async def test_nothing_is_found_under_an_unused_external_id(world: World) -> None:
    await world.wallet.create(ask())

    assert await world.wallet.find(ask().external_id) == []


async def test_an_invoice_whose_answer_was_lost_is_found(world: World) -> None:
    wanted = ask()
    world.lose_answers(True)
    with pytest.raises(Retry):
        await world.wallet.create(wanted)
    world.lose_answers(False)

    [adopted] = await world.wallet.find(wanted.external_id)

    assert adopted.amount_msat == wanted.amount_msat
    await world.pay(adopted)
    look = await world.wallet.look(adopted.payment_hash, adopted.expires_at)
    assert look.state == "settled"


async def test_a_hash_that_the_wallet_never_saw(world: World) -> None:
    stranger = secrets.token_hex(32)

    look = await world.wallet.look(stranger, int(time.time()) + 600)

    assert look == (stranger, "unknown", 0, None, None)
    assert await world.wallet.look_many([stranger]) == {}


async def test_many_hashes_in_one_look(world: World) -> None:
    made = [await world.wallet.create(ask()) for _ in range(3)]
    await world.pay(made[1])
    strangers = [secrets.token_hex(32) for _ in range(297)]
    hashes = [strangers[0], made[0].payment_hash, *strangers[1:150]]
    hashes += [made[1].payment_hash, *strangers[150:], made[2].payment_hash]

    looks = await world.wallet.look_many(hashes)

    states = {payment_hash: look.state for payment_hash, look in looks.items()}
    assert len(hashes) == 300
    assert states == dict(
        zip((i.payment_hash for i in made), ("pending", "settled", "pending"), strict=True)
    )


async def test_settlements_since_a_moment_with_foreign_ones_among_them(world: World) -> None:
    paid = [await world.wallet.create(ask()) for _ in range(3)]
    unpaid = await world.wallet.create(ask())
    await world.pay(paid[2])
    await world.pay(paid[0])
    foreign = await world.pay_in(5_000)
    await world.pay(paid[1])

    looks = await world.wallet.settled_since(int(time.time()) - 600)

    ours = (paid[2], paid[0], paid[1])
    assert [look.payment_hash for look in looks] == [
        paid[2].payment_hash,
        paid[0].payment_hash,
        foreign,
        paid[1].payment_hash,
    ]
    assert [look.external_id for look in looks if look.payment_hash != foreign] == [
        invoice.external_id for invoice in ours
    ]
    assert [(look.external_id, look.amount_msat) for look in looks if look[0] == foreign] == [
        (None, 5_000)
    ]
    assert unpaid.payment_hash not in {look.payment_hash for look in looks}
    assert await world.wallet.settled_since(int(time.time()) + 600) == []


async def test_an_invoice_from_before_the_cursor_counts_when_it_is_paid(world: World) -> None:
    early = await world.wallet.create(ask())
    await asyncio.sleep(1.1)
    cursor = int(time.time())
    await world.pay(early)

    looks = await world.wallet.settled_since(cursor)

    assert [look.payment_hash for look in looks] == [early.payment_hash]


async def test_hints_begin_with_reconcile_and_follow_payments(world: World) -> None:
    invoice = await world.wallet.create(ask())
    async with contextlib.aclosing(world.wallet.hints()) as hints:
        async with asyncio.timeout(10):
            first = await anext(hints)
            await world.pay(invoice)
            second = await anext(hints)

    assert (first, second) == (None, invoice.payment_hash)


async def test_a_broken_hint_connection_comes_back_with_reconcile(world: World) -> None:
    invoice = await world.wallet.create(ask())
    async with contextlib.aclosing(world.wallet.hints()) as hints:
        async with asyncio.timeout(10):
            first = await anext(hints)
            world.hang_up()
            again = await anext(hints)
            await world.pay(invoice)
            hint = await anext(hints)

    assert (first, again, hint) == (None, None, invoice.payment_hash)


async def test_a_wallet_that_is_down_knows_nothing(world: World) -> None:
    invoice = await world.wallet.create(ask())
    assert world.wallet.health().good
    world.go_down(True)

    look = await world.wallet.look(invoice.payment_hash, invoice.expires_at)

    assert look == (invoice.payment_hash, "unknown", 0, None, None)
    for question in (
        world.wallet.create(ask()),
        world.wallet.find(invoice.external_id),
        world.wallet.look_many([invoice.payment_hash]),
        world.wallet.settled_since(0),
        world.wallet.balance(),
    ):
        with pytest.raises(Retry):
            await question
    await world.wallet.probe()
    assert not world.wallet.health().good
    world.go_down(False)
    await world.wallet.probe()
    assert world.wallet.health().good


async def test_a_wrong_key_is_the_operators_business(world: World) -> None:
    wallet = world.with_wrong_key()
    invoice = await world.wallet.create(ask())

    for question in (
        wallet.create(ask()),
        wallet.find(invoice.external_id),
        wallet.look(invoice.payment_hash, invoice.expires_at),
        wallet.look_many([invoice.payment_hash]),
        wallet.settled_since(0),
        wallet.balance(),
    ):
        with pytest.raises(Broken, match="key"):
            await question
    await wallet.probe()
    assert not wallet.health().good
    assert "key" in wallet.health().text


@pytest.mark.parametrize(
    "wrong",
    [
        InvoiceAsk("o-1", 1_500, "half a sat", 600),
        InvoiceAsk("o-1", 0, "nothing", 600),
        InvoiceAsk("o-1", -1_000, "less", 600),
        InvoiceAsk("o-1", 1_000, "dead at birth", 0),
        InvoiceAsk("O 1", 1_000, "an id that LNbits refuses", 600),
        InvoiceAsk("<b>", 1_000, "an id with markup", 600),
        InvoiceAsk("", 1_000, "no id", 600),
    ],
    ids=lambda wrong: wrong.memo,
)
async def test_what_would_be_made_differently_is_refused(world: World, wrong: InvoiceAsk) -> None:
    with pytest.raises(Broken):
        await world.wallet.create(wrong)

    assert await world.wallet.settled_since(0) == []
    assert await world.wallet.balance() == 0


@pytest.mark.parametrize(
    "memo",
    ["", "<b>bold</b> & \"quoted\" 'words'", "é" * 639, "🎟" * 200, "two\nlines\0", "a" * 2_000],
    ids=["empty", "markup", "accents", "emoji", "control", "long"],
)
async def test_any_memo_makes_an_invoice(world: World, memo: str) -> None:
    invoice = await world.wallet.create(ask()._replace(memo=memo))

    description = bolt11.decode(invoice.bolt11).description
    assert description
    assert len(description.encode()) <= 639
    assert not set(description) & set("<>\n\0")
    assert "�" not in description


async def test_health_is_not_asked_anew(world: World) -> None:
    assert world.wallet.health().at is None
    await world.wallet.probe()
    world.go_down(True)

    health = world.wallet.health()

    assert health.good
    assert health.at is not None
    assert abs(health.at - time.time()) < 30


def test_both_are_wallets() -> None:
    def one(wallet: Wallet) -> str:
        return wallet.name

    assert one(FakeWallet()) == "fake"
    assert one(LNbits("http://127.0.0.1:9", "0" * 32)) == "lnbits"
