"""Refunds are paid exactly once, whatever the wallet answers and whenever the bot dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.refund_desk import DAY, HOUR, OWED, Buyer, Desk, hash_of
from ticketbot import failpoints
from ticketbot.domain.refund import LONGEST_LIFE, State
from ticketbot.errors import Refused, Retry
from ticketbot.ledger import refunds
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Said

ADDRESS = "me@example.com"
PLACES = ("before-spend", "after-spend", "before-pay", "after-pay", "before-sent")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    await desk.opens()
    yield desk
    await desk.closes()


@pytest.fixture
async def by_hand(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk whose wallet was given no admin key."""
    desk = Desk(tmp_path, pays=False)
    await desk.opens()
    yield desk
    await desk.closes()


@pytest.fixture
def alice(desk: Desk) -> Buyer:
    return Buyer(desk)


# where it goes


async def test_to_an_invoice_that_the_buyer_sends(desk: Desk, alice: Buyer) -> None:
    refund = await desk.owes(alice)
    async with desk.refunding():
        answer = await alice.says(desk.wallet.foreign_invoice(OWED))
        assert answer == [Said("refund-noted", {"amount": OWED})]
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]
    assert (await alice.hears())[-1].endswith("was sent to you. Nothing is left to do.")
    assert await desk.operator_hears() == []
    told = ["refund due", "refund destination", "refund sending", "refund sent"]
    assert await desk.journal(refund) == told


async def test_to_an_address_that_the_buyer_sends(desk: Desk, alice: Buyer) -> None:
    first, second = await desk.owes(alice), await desk.owes(alice, 3_000_000)
    async with desk.refunding():
        assert await alice.says(ADDRESS) == [Said("refund-noted", {"amount": 7_000_000})]
        await desk.becomes(first, State.SENT)
        await desk.becomes(second, State.SENT)
    assert sorted(await desk.paid_out()) == [3_000_000, OWED]
    assert len(desk.services.gave[ADDRESS]) == 2


async def test_to_the_address_in_the_buyers_profile(desk: Desk, alice: Buyer) -> None:
    desk.profiles.lud16[alice.pubkey] = ADDRESS
    refund = await desk.owes(alice)
    async with desk.refunding():
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]


async def test_a_fee_is_booked_and_borne_by_the_operator(desk: Desk, alice: Buyer) -> None:
    desk.wallet.fee_msat = 1_234
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENT)
    sums = await desk.store.transaction(
        lambda tx: dict(tx.rows("SELECT account, sum(amount_msat) FROM entry GROUP BY account"))
    )
    assert sums == {"wallet": -1_234, "refunds": 0, "fees": 1_234}


# what is refused


async def test_an_invoice_of_another_amount(desk: Desk, alice: Buyer) -> None:
    await desk.owes(alice)
    with pytest.raises(Refused, match="refund-invoice-amount"):
        await alice.says(desk.wallet.foreign_invoice(OWED + 1_000))


async def test_an_invoice_of_our_own(desk: Desk, alice: Buyer) -> None:
    """The wallet would pay itself, and the order behind it would never be credited."""
    await desk.owes(alice)
    await desk.owes(alice, 5_000_000)
    own = await desk.store.transaction(
        lambda tx: tx.rows("SELECT bolt11 FROM invoice ORDER BY external_id")
    )
    with pytest.raises(Refused, match="refund-invoice-own"):
        await alice.says(own[0][0])


async def test_one_invoice_pays_one_refund(desk: Desk, alice: Buyer) -> None:
    first, second = await desk.owes(alice), await desk.owes(alice)
    bolt11 = desk.wallet.foreign_invoice(OWED)
    async with desk.refunding():
        await alice.says(bolt11)
        await desk.becomes(first, State.SENT)
        with pytest.raises(Refused, match="refund-invoice-used"):
            await alice.says(bolt11)
        assert await desk.state(second) is State.DUE
        await alice.says(desk.wallet.foreign_invoice(OWED))
        await desk.becomes(second, State.SENT)
    assert await desk.paid_out() == [OWED, OWED]


async def test_two_invoices_before_anything_is_paid_are_for_two_refunds(
    desk: Desk, alice: Buyer
) -> None:
    first, second = await desk.owes(alice), await desk.owes(alice)
    await alice.says(desk.wallet.foreign_invoice(OWED))
    await alice.says(desk.wallet.foreign_invoice(OWED))
    async with desk.refunding():
        await desk.becomes(first, State.SENT)
        await desk.becomes(second, State.SENT)
    assert await desk.paid_out() == [OWED, OWED]


async def test_one_invoice_that_two_people_send_is_paid_once(desk: Desk, alice: Buyer) -> None:
    bob = Buyer(desk)
    both = [await desk.owes(alice), await desk.owes(bob)]
    bolt11 = desk.wallet.foreign_invoice(OWED)
    await alice.says(bolt11)
    await bob.says(bolt11)
    async with desk.refunding():
        await desk.until(lambda tx: len(refunds.owed(tx)) == 1)
        await desk.settles_down()
    assert await desk.paid_out() == [OWED]
    assert sorted([await desk.state(one) for one in both]) == [State.DUE, State.SENT]
    heard = [*await alice.hears(), *await bob.hears()]
    assert sum("That invoice was used already" in text for text in heard) == 1


async def test_an_invoice_that_expires_while_the_bot_is_down(desk: Desk, alice: Buyer) -> None:
    refund = await desk.owes(alice)
    await alice.says(desk.wallet.foreign_invoice(OWED, 600))
    desk.forward(HOUR)
    async with desk.refunding():
        await desk.settles_down()
    assert await desk.state(refund) is State.DUE
    assert await desk.paid_out() == []
    assert "has expired, or is about to" in (await alice.hears())[-1]


async def test_an_address_that_cannot_give_an_invoice(desk: Desk, alice: Buyer) -> None:
    """Its owner is told once; the same one in the profile is not tried again."""
    desk.services.refuses.add(ADDRESS)
    desk.profiles.lud16[alice.pubkey] = ADDRESS
    refund = await desk.owes(alice)
    async with desk.refunding():
        await desk.settles_down()
        await desk.passes(HOUR, 600)
        assert await desk.state(refund) is State.DUE
        told = [text for text in await alice.hears() if "Send another address" in text]
        assert len(told) == 1
        await alice.says("other@example.com")
        await desk.becomes(refund, State.SENT)


async def test_an_address_that_asks_for_another_amount(desk: Desk, alice: Buyer) -> None:
    desk.services.factor = 2
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.settles_down()
    assert await desk.state(refund) is State.DUE
    assert await desk.paid_out() == []
    assert "gave me an invoice that I cannot pay" in (await alice.hears())[-1]


async def test_an_invoice_for_ever_is_refused(desk: Desk, alice: Buyer) -> None:
    await desk.owes(alice)
    with pytest.raises(Refused, match="refund-invoice-long"):
        await alice.says(desk.wallet.foreign_invoice(OWED, LONGEST_LIFE + 60))


async def test_what_is_on_its_way_cannot_go_elsewhere(desk: Desk, alice: Buyer) -> None:
    desk.wallet.fate = "pending"
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENDING)
        assert await alice.says("thief@example.com") == [Said("refund-under-way", {"amount": OWED})]
        await desk.settles_down()
        desk.wallet.finish(hash_of(desk.services.gave[ADDRESS][0]))
        desk.forward(300)
        await desk.becomes(refund, State.SENT)
    assert desk.services.gave.keys() == {ADDRESS}


async def test_two_messages_at_once(desk: Desk, alice: Buyer) -> None:
    refund = await desk.owes(alice)
    async with desk.refunding():
        await asyncio.gather(alice.says("one@example.com"), alice.says("two@example.com"))
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]


async def test_nothing_is_owed(desk: Desk, alice: Buyer) -> None:
    assert await alice.says(ADDRESS) == [Said("refund-none")]


async def test_nowhere_to_send_it(desk: Desk, alice: Buyer) -> None:
    await desk.owes(alice)
    with pytest.raises(Refused, match="refund-where"):
        await alice.says()


# what the wallet may answer


async def test_the_answer_is_lost_and_it_is_paid_once(desk: Desk, alice: Buyer) -> None:
    desk.wallet.lose_payments = 1
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]
    assert len(desk.services.gave[ADDRESS]) == 1


async def test_a_payment_under_way_is_waited_for_however_long(desk: Desk, alice: Buyer) -> None:
    """Long after the bolt11 has expired: the money may be stuck on its way for days."""
    desk.wallet.fate = "pending"
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENDING)
        await desk.passes(2 * DAY, 6 * HOUR)
        assert await desk.state(refund) is State.SENDING
        told = [text for text in await desk.operator_hears() if "on its way back" in text]
        assert 1 <= len(told) <= 3
        desk.wallet.finish(hash_of(desk.services.gave[ADDRESS][0]))
        desk.forward(300)
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]
    assert len(desk.services.gave[ADDRESS]) == 1


async def test_a_payment_under_way_that_fails_is_followed_by_another(
    desk: Desk, alice: Buyer
) -> None:
    desk.wallet.fate = "pending"
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENDING)
        await desk.settles_down()
        desk.wallet.finish(hash_of(desk.services.gave[ADDRESS][0]), "failed")
        desk.wallet.fate = "paid"
        await desk.passes(540)
        assert len(desk.services.gave[ADDRESS]) == 1  # as long as it has not expired
        await desk.passes(HOUR, 60)
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]
    assert len(desk.services.gave[ADDRESS]) == 2


async def test_a_typed_invoice_that_fails_is_given_up_and_its_owner_asked(
    desk: Desk, alice: Buyer
) -> None:
    desk.wallet.fate = "failed"
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(desk.wallet.foreign_invoice(OWED))
        await desk.becomes(refund, State.SENDING)
        await desk.passes(1200, 60)
        assert await desk.state(refund) is State.DUE
        told = [text for text in await alice.hears() if "could not be paid to your invoice" in text]
        assert len(told) == 1
        desk.wallet.fate = "paid"
        await alice.says(desk.wallet.foreign_invoice(OWED))
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]


async def test_nothing_is_given_up_while_the_wallet_is_silent(desk: Desk, alice: Buyer) -> None:
    desk.wallet.fate = "pending"
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENDING)
        await desk.settles_down()
        desk.wallet.finish(hash_of(desk.services.gave[ADDRESS][0]))
        desk.wallet.down = True
        await desk.passes(DAY, 2 * HOUR)
        assert await desk.state(refund) is State.SENDING
        assert await desk.operator_hears() == []  # the wallet's silence has an alert of its own
        desk.wallet.down = False
        desk.forward(300)
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]


async def test_our_clock_is_two_days_ahead_of_the_wallets(desk: Desk, alice: Buyer) -> None:
    """What has expired by our clock alone is not given up."""
    desk.wallet.fate = "failed"
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENDING)
        desk.wallet.ahead = -2 * DAY
        await desk.passes(2 * DAY, 6 * HOUR)
        assert await desk.state(refund) is State.SENDING
        assert len(desk.services.gave[ADDRESS]) == 1
        desk.wallet.ahead = 0


async def test_what_was_given_up_and_went_through_after_all(desk: Desk, alice: Buyer) -> None:
    """`failed` is not final: it is asked about once more before another bolt11 is paid."""
    desk.wallet.fate = "failed"
    refund = await desk.owes(alice)
    first = desk.wallet.foreign_invoice(OWED)
    async with desk.refunding():
        await alice.says(first)
        await desk.becomes(refund, State.SENDING)
        await desk.passes(1200, 60)
        assert await desk.state(refund) is State.DUE
        desk.wallet.finish(hash_of(first))
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]
    assert ADDRESS not in desk.services.gave


async def test_an_empty_wallet_is_told_of_once_and_tried_on(desk: Desk, alice: Buyer) -> None:
    refund = await desk.owes(alice)
    balance = await desk.wallet.balance()
    await desk.wallet.pay(desk.wallet.foreign_invoice(balance - 1_000_000))
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENDING)
        await desk.passes(500)
        told = await desk.operator_hears()
        assert told == [
            "Alert: the wallet holds too little for the refunds, 4,000 sats in all. "
            "Put sats into it; the bot goes on by itself."
        ]
        await desk.wallet.pay_in(10_000_000)
        await desk.passes(HOUR, 60)
        await desk.becomes(refund, State.SENT)
    assert (await desk.paid_out())[1:] == [OWED]


async def test_an_address_that_does_not_answer_is_asked_again(desk: Desk, alice: Buyer) -> None:
    desk.services.down = True
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.passes(DAY + HOUR, HOUR)
        assert await desk.state(refund) is State.DUE
        reminded = [text for text in await alice.hears() if "is still owed to you" in text]
        assert len(reminded) == 1
        desk.services.down = False
        await desk.passes(600, 300)
        await desk.becomes(refund, State.SENT)


# people who are slow


async def test_reminders_are_few_and_each_is_sent_once(desk: Desk, alice: Buyer) -> None:
    refund = await desk.owes(alice)
    for days in (1, 2, 3, 7, 20, 37, 67):
        desk.now = 1_800_000_000 + days * DAY + 60
        for _ in range(2):  # a restart in between changes nothing
            async with desk.refunding():
                await desk.settles_down()
    told = [text for text in await alice.hears() if "is still owed to you" in text]
    assert len(told) == 5
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENT)


async def test_without_an_admin_key_refunds_wait_and_operators_know(by_hand: Desk) -> None:
    alice = Buyer(by_hand)
    refund = await by_hand.owes(alice)
    by_hand.profiles.lud16[alice.pubkey] = ADDRESS
    async with by_hand.refunding():
        await by_hand.settles_down()
        await by_hand.passes(DAY, 6 * HOUR)
    assert await by_hand.state(refund) is State.DUE
    where = await by_hand.store.transaction(lambda tx: refunds.destination(tx, refund))
    assert where == ADDRESS
    assert by_hand.services.gave == {}
    (alert,) = await by_hand.operator_hears()
    assert "must go back to its buyer" in alert
    noted = await alice.says("me2@example.com")
    assert noted[0] == Said("refund-noted-by-hand", {"amount": OWED})


# crashes and races


@pytest.mark.parametrize("place", PLACES)
async def test_a_failure_anywhere_pays_once(desk: Desk, alice: Buyer, place: str) -> None:
    refund = await desk.owes(alice)
    await alice.says(ADDRESS)
    failpoints.arm(f"refunder.{place}=raise")
    try:
        async with desk.refunding():
            await desk.until(lambda tx: _was_tried(tx, refund))
            await asyncio.sleep(0.1)
    finally:
        failpoints.arm("")
    async with desk.refunding():
        await desk.passes(120)
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]


async def test_two_refunders_at_once_pay_once(desk: Desk, alice: Buyer) -> None:
    both = [await desk.owes(alice) for _ in range(5)]
    async with desk.refunding(refunders=3):
        await alice.says(ADDRESS)
        for refund in both:
            await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED] * 5


async def test_control_paying_before_the_ledger_knows_pays_twice(desk: Desk) -> None:
    """What the committed bolt11 is for: without it a lost answer is paid a second time."""

    async def refund_carelessly() -> None:
        bolt11 = await desk.services.resolve(ADDRESS, OWED)
        await desk.wallet.pay(bolt11)

    desk.wallet.lose_payments = 1
    with pytest.raises(Retry):
        await refund_carelessly()
    await refund_carelessly()
    assert await desk.paid_out() == [OWED, OWED]


def _was_tried(tx: Tx, refund: str) -> bool:
    row = tx.row("SELECT attempts FROM outbox WHERE key = ?", (f"refund:{refund}",))
    return row is None or row[0] > 0
