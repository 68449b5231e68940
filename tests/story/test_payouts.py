"""Organizers are paid what they have earned: after the event, once, and never more than it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.real.payee import Payee, payee
from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from tests.story.test_restore import back_up, caught_up, lose_the_ledger
from ticketbot.config.values import Payouts
from ticketbot.ledger import payouts
from ticketbot.metrics import metrics

SOLD, KEPT = 5_000_000, 100_000
OVER = WEEK + 3 * HOUR + DAY + HOUR
LESS = 4_851_000  # of 4,900 sats: a hundredth stays for its way
PAYS = {"pays": True, "ppm": 20_000, "per_minute": 1_000}


@pytest.fixture
async def wallet(stage: Stage) -> AsyncIterator[Payee]:
    """The organizer's own wallet, with a Lightning address."""
    async with payee() as one:
        one.clock = stage.clock
        yield one


async def left(stage: Stage) -> list[int]:
    return [one.amount_msat for one in await stage.wallet.spent_since(0)]


async def account(organizer: Organizer, **request: Any) -> dict[str, Any]:
    await organizer.asks(type="balance", request_id=str(request))
    return await organizer.is_told("balance")


@pytest.mark.choices(**PAYS)
async def test_an_organizer_is_paid_after_the_event(
    stage: Stage, organizer: Organizer, alice: Person, wallet: Payee
) -> None:
    await organizer.has_on_sale()
    await organizer.says("balance")
    await organizer.hears("Nothing was paid for an event of yours yet")
    await alice.buys("lisbon")
    await organizer.says("payout all")
    waits = "nothing to pay out yet: 4,900 sats wait for their events, the first until "
    assert waits in await organizer.hears()
    await organizer.says("balance")
    assert "Nothing can be paid out yet: " in await organizer.hears("Earned 5,000 sats")
    await organizer.says(f"payout to {wallet.address}")
    await organizer.hears("from now on your payouts go to bob@")
    stage.clock.forward(OVER)
    await organizer.says("balance")
    said = await organizer.hears("Earned 5,000 sats")
    assert "commission 100 sats" in said
    assert "4,900 sats can be paid out now" in said
    await organizer.says("payout all")
    await organizer.hears("4,851 sats are on their way to you")
    await organizer.hears("4,851 sats were sent to you")
    assert await left(stage) == [LESS]
    await organizer.says("statement lisbon")
    await organizer.hears(
        "lisbon · Lisbon Meetup · 1 sold: gross 5,000 sats, commission -100 sats,"
        " paid out -4,851 sats = 49 sats"
    )
    await organizer.says("statement csv")
    table = await organizer.hears("code,title,sold")
    assert "lisbon,Lisbon Meetup,1,5000000,100000,0,4851000,0,49000" in table
    await alice.says("payout all me@example.com")
    await alice.hears("Nothing was paid for an event of yours yet")
    await stage.operator.says("payouts")
    await stage.operator.hears("Nothing is on its way to organizers")


@pytest.mark.choices(**PAYS)
async def test_asking_twice_and_by_two_ways_pays_once(
    stage: Stage, organizer: Organizer, alice: Person, wallet: Payee
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.clock.forward(OVER)
    await asyncio.gather(
        organizer.says(f"payout all {wallet.address}"),
        organizer.says(f"payout lisbon {wallet.address}", "nip04"),
        organizer.asks(type="payout", request_id="p1", to=wallet.address),
    )
    await organizer.hears("were sent to you")
    await asyncio.sleep(1)
    assert await left(stage) == [LESS]
    assert (await account(organizer))["paid_out_msat"] == LESS


@pytest.mark.choices(**PAYS)
@pytest.mark.parametrize("pays", [False, True])
async def test_a_crash_between_paying_and_its_answer(
    stage: Stage, organizer: Organizer, alice: Person, wallet: Payee, pays: bool
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.clock.forward(OVER)
    pay, asked = stage.wallet.pay, asyncio.Event()

    async def never_answers(bolt11: str) -> None:
        if pays:
            await pay(bolt11)
        asked.set()
        await asyncio.Event().wait()

    stage.wallet.pay = never_answers  # type: ignore[method-assign]
    await organizer.says(f"payout all {wallet.address}")
    await organizer.hears("are on their way to you")
    await asked.wait()
    await stage.crashes()
    await stage.opens()
    await organizer.hears("were sent to you")
    assert await left(stage) == [LESS]
    assert len(wallet.invoices) == 1


@pytest.mark.choices(**PAYS)
async def test_what_was_paid_out_before_a_restore_is_not_paid_again(
    stage: Stage, organizer: Organizer, alice: Person, wallet: Payee
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.clock.forward(OVER)
    made_at = back_up(stage)
    await organizer.says(f"payout all {wallet.address}")
    await organizer.hears("were sent to you")
    stage.clock.forward(HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    (again,) = await stage.app.store.transaction(payouts.open_all)  # its letter was heard again
    await asyncio.sleep(1.5)
    assert await left(stage) == [LESS]
    for _ in range(3):
        await stage.app.look_around()
        stage.clock.forward(11)
    await stage.operator.hears("some of it may have been paid before the restore")
    await stage.operator.says(f"payouts done {again.id}")
    await stage.operator.hears("were paid by you")
    await stage.operator.says("resume payouts")
    await stage.operator.hears("Payouts are sent again")
    await asyncio.sleep(1)
    assert await left(stage) == [LESS]
    assert (await account(organizer))["balance_msat"] == SOLD - KEPT - LESS


@pytest.mark.choices(**PAYS)
async def test_an_empty_wallet_pays_when_it_is_filled(
    stage: Stage, organizer: Organizer, alice: Person, wallet: Payee
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    await stage.wallet.pay(stage.wallet.foreign_invoice(4_000_000))
    stage.clock.forward(OVER)
    await organizer.says(f"payout all {wallet.address}")
    await organizer.hears("are on their way to you")
    for _ in range(4):
        stage.clock.forward(100)
        stage.app._payer.claims.stirred.set()
        await asyncio.sleep(0.2)
    await stage.operator.hears("the wallet holds too little for the payouts, 4,851 sats")
    await stage.operator.says("status")
    assert "4,851 sats to pay out" in await stage.operator.hears("Sales open")
    await stage.app.look_around()
    known = metrics().registry.get_sample_value
    waits = [known("ticketbot_payouts_sats", {"state": state}) for state in ("due", "sending")]
    assert sorted(waits) == [0, 4_851]  # type: ignore[type-var]
    await stage.wallet.pay_in(4_000_000)
    for _ in range(8):
        stage.clock.forward(100)
        stage.app._payer.claims.stirred.set()
        await asyncio.sleep(0.2)
    await organizer.hears("were sent to you")
    assert sorted(await left(stage)) == [4_000_000, LESS]


@pytest.mark.choices(**PAYS, payouts=Payouts(schedule="daily"))
async def test_by_the_clock_it_comes_by_itself(
    stage: Stage, organizer: Organizer, alice: Person, wallet: Payee
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    await organizer.says(f"payout to {wallet.address}")
    await organizer.hears("from now on your payouts go to")
    await stage.app._payer.pay_by_the_clock()
    stage.clock.forward(OVER + DAY)
    await stage.app._payer.pay_by_the_clock()
    await organizer.hears("4,851 sats were sent to you")
    await stage.app._payer.pay_by_the_clock()
    assert await left(stage) == [LESS]


@pytest.mark.choices(**PAYS | {"pays": False})
async def test_without_an_admin_key_the_operator_pays(
    stage: Stage, organizer: Organizer, alice: Person, wallet: Payee
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.clock.forward(OVER)
    await organizer.says(f"payout all {wallet.address}")
    await organizer.hears("The operator sends them")
    said = await stage.operator.hears("Alert: 4,851 sats are to be paid to an organizer")
    name = said.partition("payout ")[2][:12]
    await stage.operator.says(f"payouts done {name}")
    await stage.operator.hears("were paid by you")
    await organizer.hears("4,851 sats were sent to you")
    spoken = await stage.app.engine.command("payouts done lisbon 49")
    assert spoken.good, spoken.text
    await organizer.hears("49 sats were sent to you")
    assert (await account(organizer))["balance_msat"] == 0
    spoken = await stage.app.engine.command("payouts done lisbon 1")
    assert "There are 0 sats in the account" in spoken.text
    stage.wallet.can_pay = True  # and so they did
    await stage.wallet.pay(stage.wallet.foreign_invoice(LESS + 49_000))


@pytest.mark.choices(**PAYS)
async def test_bad_requests_lose_nothing(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    stage.clock.forward(OVER)
    for words, answer in {
        "payout to nobody": "is no Lightning address",
        "payout to <script>@x": "is no Lightning address",
        "payout to": "Lightning address",
        f"payout to {stage.wallet.foreign_invoice(1_000_000)}": "Payouts go to a Lightning address",
        "payout porto me@example.com": "porto",
        "statement porto": "porto",
        "payouts": "operator",
        "payouts done lisbon 10": "operator",
        "resume payouts": "operator",
    }.items():
        await organizer.says(words)
        assert answer in await organizer.hears(), words
    await bob.says("statement lisbon")
    await bob.hears("somebody else's event")
    await bob.says("payout lisbon bob@example.com")
    await bob.hears("Nothing was paid for an event of yours yet")
    for words in ("payouts done", "payouts done zz", "payouts done lisbon 999999999"):
        await stage.operator.says(words)
        await stage.operator.hears()
    assert await stage.app.store.transaction(payouts.open_all) == []
