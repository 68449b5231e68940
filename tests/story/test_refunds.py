"""Money that is owed: named by its buyer or their profile, paid once, told; or paid by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.real.payee import Payee, payee
from tests.story.cast import Organizer, Person, Stage
from tests.story.program import Program, listening
from ticketbot.ledger import journal, refunds, spends
from ticketbot.ledger.store import Tx
from ticketbot.texts import say

pays = pytest.mark.choices(pays=True)


@pytest.fixture
async def bob_pays() -> AsyncIterator[Payee]:
    """A Lightning address on loopback."""
    async with payee() as one:
        yield one


async def is_owed(stage: Stage, organizer: Organizer, person: Person) -> str:
    """Somebody pays 4,999 sats instead of 5,000; the order's last letters."""
    await organizer.has_on_sale()
    await person.says("buy lisbon")
    shown = await person.hears("pay by")
    await person.pays(await person.gets_an_invoice(), 4_999_000)
    await person.hears("goes back to you")
    return shown.split()[1]


async def spent(stage: Stage) -> list[int]:
    """What left the wallet, in sats."""
    return [one.amount_msat // 1000 for one in await stage.wallet.spent_since(0)]


@pays
async def test_to_an_invoice(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await stage.wallet.pay_in(1_000_000)
    order = await is_owed(stage, organizer, alice)
    await alice.says(f"refund {stage.wallet.foreign_invoice(4_999_000)}")
    assert await alice.hears() == say("refund-noted", amount="4,999 sats")
    assert await alice.hears() == say("refund-sent", amount="4,999 sats", order=order)
    assert await spent(stage) == [4999]
    await alice.says("status")
    assert (await alice.hears()).endswith(say("order-refund-sent", amount="4,999 sats"))
    await alice.says("refund me@example.com")
    assert await alice.hears() == say("refund-none")
    assert stage.operator.unread == 0


@pays
async def test_to_an_address(
    stage: Stage, organizer: Organizer, alice: Person, bob_pays: Payee
) -> None:
    await is_owed(stage, organizer, alice)
    await alice.says(f"refund {bob_pays.address}")
    await alice.hears("was sent to you")
    assert await spent(stage) == [4999]
    assert len(bob_pays.invoices) == 1


@pays
async def test_to_an_lnurl(
    stage: Stage, organizer: Organizer, alice: Person, bob_pays: Payee
) -> None:
    await is_owed(stage, organizer, alice)
    await alice.says(f"refund {bob_pays.lnurl.upper()}")
    await alice.hears("was sent to you")
    assert await spent(stage) == [4999]


@pays
async def test_to_the_profiles_address(
    stage: Stage, organizer: Organizer, alice: Person, bob_pays: Payee
) -> None:
    await alice.publish(0, [], f'{{"name":"alice","lud16":"{bob_pays.address}"}}')
    await is_owed(stage, organizer, alice)
    await alice.hears("was sent to you")
    assert await spent(stage) == [4999]


@pays
async def test_an_address_that_is_none(
    stage: Stage, organizer: Organizer, alice: Person, bob_pays: Payee
) -> None:
    bob_pays.spoil_offer = {"status": "ERROR", "reason": "no such user"}
    await is_owed(stage, organizer, alice)
    await alice.says(f"refund {bob_pays.address}")
    told = await alice.hears("no such user")
    assert "send refund and your Lightning address" in told
    bob_pays.spoil_offer = {}
    await alice.says(f"refund {bob_pays.address}")
    await alice.hears("was sent to you")


@pays
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "refund-where"),
        ("@me", "refund-where"),
        ("lnbcrt49990n1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "refund-broken"),
        ("lnbc1foo", "refund-broken"),
        ("LNURL1foo", "refund-broken"),
    ],
)
async def test_what_is_no_place(
    stage: Stage, organizer: Organizer, alice: Person, text: str, sentence: str
) -> None:
    await is_owed(stage, organizer, alice)
    await alice.says(f"refund {text}")
    assert await alice.hears() == say(sentence)


@pays
async def test_invoices_that_cannot_be_paid(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await is_owed(stage, organizer, alice)
    own = await stage.app.store.transaction(lambda tx: tx.row("SELECT bolt11 FROM invoice"))
    assert own is not None
    owed = {"amount": "4,999 sats"}
    for bolt11, sentence in (
        (own[0], "refund-invoice-own"),
        (stage.wallet.foreign_invoice(5_000_000), "refund-invoice-amount"),
        (stage.wallet.foreign_invoice(4_999_000, 30), "refund-invoice-expired"),
        (stage.wallet.foreign_invoice(4_999_000, 10 * 86_400), "refund-invoice-long"),
    ):
        await alice.says(f"refund {bolt11}")
        assert await alice.hears() == say(sentence, **owed)
    assert await spent(stage) == []


@pays
async def test_a_program_sends_its_invoice_and_sees_it_paid(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await listening(stage)
    event = await organizer.has_on_sale()
    program = Program(alice)
    invoice = await program.asks("buy", event_id=event.address())
    await program.pays(invoice, 4_999_000)
    await program.hears(type="refund-due")
    order_id = invoice["order_id"]
    wrong = await program.asks("refund", order_id=order_id, to=stage.wallet.foreign_invoice(1000))
    assert (wrong["type"], wrong["code"]) == ("error", "bad-request")
    bolt11 = stage.wallet.foreign_invoice(4_999_000)
    answer = await program.asks("refund", request_id="r1", order_id=order_id, to=bolt11)
    assert answer["refunds"] == [{"amount_msat": 4_999_000, "state": "due"}]
    sent = await program.hears(type="order", refunds=[{"amount_msat": 4_999_000, "state": "sent"}])
    assert sent["order_id"] == order_id
    assert await spent(stage) == [4999]


@pays
async def test_a_refund_survives_a_crash_and_a_lost_answer(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await stage.wallet.pay_in(1_000_000)
    await is_owed(stage, organizer, alice)
    stage.wallet.lose_payments = 1
    stage.wallet.fate = "pending"
    bolt11 = stage.wallet.foreign_invoice(4_999_000)
    await alice.says(f"refund {bolt11}")
    await alice.hears("Noted")

    def sending(tx: Tx) -> bool:
        return [str(one.state) for one in refunds.owed(tx)] == ["sending"]

    async with asyncio.timeout(10):
        while not await stage.app.store.transaction(sending):
            await asyncio.sleep(0.02)
    await stage.crashes()
    await stage.opens()
    (known,) = await stage.app.store.transaction(lambda tx: refunds.owed(tx))
    (spend,) = await stage.app.store.transaction(lambda tx: spends.of(tx, "refund", known.id))
    assert spend.bolt11 == bolt11
    stage.wallet.finish(spend.payment_hash)
    await alice.hears("was sent to you")
    assert await spent(stage) == [4999]


async def test_paid_by_hand(stage: Stage, organizer: Organizer, alice: Person) -> None:
    """Without an admin key: the operator hears of it, pays, and says so; the buyer is told."""
    operator = stage.operator
    order = await is_owed(stage, organizer, alice)
    assert "must go back to its buyer" in await operator.hears()
    await alice.says("refund me@example.com")
    assert await alice.hears() == say("refund-noted-by-hand", amount="4,999 sats")
    assert "says where the 4,999 sats shall go" in await operator.hears()
    await operator.says("refunds")
    assert order.lower() in await operator.hears()
    await operator.says(f"refund {order} sent")
    assert await operator.hears() == say("operator-refund-sent", order=order, amount="4,999 sats")
    assert await alice.hears() == say("refund-sent", amount="4,999 sats", order=order)
    await operator.says(f"refund {order} sent")
    assert await operator.hears() == say("operator-refund-unknown", order=order)

    def noted(tx: Tx) -> journal.Decision:
        row = tx.row("SELECT order_id FROM refund")
        assert row is not None
        return journal.of(tx, row[0])[-1]

    decision = await stage.app.store.transaction(noted)
    assert decision.what == "refund paid by hand"
    assert decision.detail["by"] == f"operator {operator.pubkey[:8]}"


async def test_what_only_operators_may_say(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    order = await is_owed(stage, organizer, alice)
    for words in (f"refund {order} sent", f"refund {order} me@example.com"):
        await bob.says(words)
        assert await bob.hears() == say("order-unknown", order=order)
    await alice.says(f"refund {order} sent")
    assert await alice.hears() == say("refund-where")
    assert [one.state for one in await stage.app.store.transaction(refunds.owed)] == ["due"]


async def test_an_address_that_is_noted_is_not_asked_for_again(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await is_owed(stage, organizer, alice)
    await alice.says("status")
    assert (await alice.hears()).endswith(say("order-refund-due", amount="4,999 sats"))
    await alice.says("refund me@example.com")
    await alice.hears()
    await alice.says("status")
    assert (await alice.hears()).endswith(say("order-refund-placed", amount="4,999 sats"))


@pays
async def test_an_operator_says_where_it_goes(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    operator = stage.operator
    order = await is_owed(stage, organizer, alice)
    await operator.says(f"refund {order}")
    assert await operator.hears() == say("operator-refund-how", order=order)
    await operator.says(f"refund {order} to nonsense")
    assert await operator.hears() == say("operator-refund-where", order=order, text="nonsense")
    stage.wallet.fate = "pending"
    bolt11 = stage.wallet.foreign_invoice(4_999_000)
    await operator.says(f"refund {order} to {bolt11}")
    assert await operator.hears() == say("operator-refund-goes", order=order, amount="4,999 sats")

    def under_way(tx: Tx) -> str | None:
        found = [one for one in refunds.owed(tx) if one.state == "sending"]
        return spends.of(tx, "refund", found[0].id)[0].payment_hash if found else None

    async with asyncio.timeout(10):
        while (payment_hash := await stage.app.store.transaction(under_way)) is None:
            await asyncio.sleep(0.02)
    await operator.says(f"refund {order} sent")
    assert await operator.hears() == say("operator-refund-under-way", order=order)
    stage.wallet.finish(payment_hash)
    await alice.hears("was sent to you")
    assert await spent(stage) == [4999]


async def test_operators_are_owed_money_as_everybody_is(stage: Stage, organizer: Organizer) -> None:
    operator = stage.operator
    await is_owed(stage, organizer, operator)
    await operator.says("refund me@example.com")
    assert await operator.hears("Noted") == say("refund-noted-by-hand", amount="4,999 sats")
