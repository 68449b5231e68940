"""Refunds are paid exactly once, whatever the wallet answers and whenever the bot dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from tests.unit.refund_desk import DAY, HOUR, OWED, Buyer, Desk, hash_of
from ticketbot import failpoints
from ticketbot.domain.spending import State
from ticketbot.errors import Retry
from ticketbot.handlers.money import refunds as handler
from ticketbot.ledger import outbox, refunds, spends
from ticketbot.ledger.spends import Spend
from ticketbot.ledger.store import Tx
from ticketbot.outbox import spender
from ticketbot.outbox.refunder import Refunder
from ticketbot.outbox.standing import Standing
from ticketbot.relay.directory import Reach
from ticketbot.replies.outcome import Reply, Said

ADDRESS = "me@example.com"
PLACES = ("before-spend", "after-spend", "before-pay", "after-pay", "before-sent")


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
        await desk.settles_down()
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


async def test_without_the_admin_key_a_payment_is_followed_to_its_expiry(
    desk: Desk, alice: Buyer
) -> None:
    """The key was taken away while a bolt11 was under way: it may still be paid until then."""
    desk.wallet.fate = "failed"
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENDING)
        await desk.settles_down()
    desk.wallet.can_pay = False
    async with desk.refunding():
        await desk.passes(500)
        assert await desk.state(refund) is State.SENDING
        await desk.passes(600)
        assert await desk.state(refund) is State.DUE


async def test_a_refund_whose_row_was_put_aside_is_taken_up_again(desk: Desk, alice: Buyer) -> None:
    refund = await desk.owes(alice)
    await alice.says(ADDRESS)
    await desk.store.transaction(lambda tx: outbox.drop(tx, f"refund:{refund}"))
    async with desk.refunding():
        await desk.becomes(refund, State.SENT)


# crashes and races


async def test_a_word_that_comes_while_the_refund_is_in_hand_counts(
    desk: Desk, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was known of a destination when it was looked for; now there is one."""
    refund, reach = await desk.owes(alice), desk.profiles.reach

    async def look(pubkeys: list[str]) -> dict[str, Reach]:
        found = await reach(pubkeys)
        await alice.says(ADDRESS)
        return found

    monkeypatch.setattr(desk.profiles, "reach", look)
    async with desk.refunding():
        await desk.becomes(refund, State.SENT)


async def test_what_was_chosen_first_is_paid_and_nothing_else(desk: Desk, alice: Buyer) -> None:
    refund = await desk.owes(alice)
    await alice.says(ADDRESS)
    bolt11s = [desk.wallet.foreign_invoice(OWED) for _ in range(3)]
    ctx, now = desk.engine.context(), int(desk.now)

    def choose(bolt11: str, seen: str = ADDRESS) -> Callable[[Tx], Reply]:
        return lambda tx: handler.chosen(refund, seen, bolt11, now, tx, ctx)

    changed = await desk.store.transaction(choose(bolt11s[0], "old@example.com"))
    assert (changed, await desk.state(refund)) == ([], State.DUE)
    for bolt11 in bolt11s[1:]:
        assert await desk.store.transaction(choose(bolt11)) == []
    (spend,) = await desk.store.transaction(lambda tx: spends.of(tx, "refund", refund))
    assert spend.bolt11 == bolt11s[1]


@pytest.mark.parametrize("place", PLACES)
async def test_a_failure_anywhere_pays_once(desk: Desk, alice: Buyer, place: str) -> None:
    refund = await desk.owes(alice)
    await alice.says(ADDRESS)
    failpoints.arm(f"spender.{place}=raise")
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


@pytest.mark.parametrize("planted", [True, False])
async def test_resolving_anew_while_in_doubt_pays_twice(
    desk: Desk, alice: Buyer, monkeypatch: pytest.MonkeyPatch, planted: bool
) -> None:
    """The planted fault: a payment whose outcome is not known yet is taken for one that failed."""

    async def gives_up(self: Refunder, spend: Spend, standing: Standing) -> int:
        spent = await self._ask(spend.payment_hash)
        if spent.state == "paid":
            return await self._is_paid(standing, spent)
        failed = partial(handler.failed, standing.ref, spend.payment_hash)
        await self._engine.decide(failed, spend.payment_hash)
        return 0

    if planted:
        monkeypatch.setattr(spender, "LOOKED_BACK", -DAY)
        monkeypatch.setattr(Refunder, "_follow", gives_up)
    desk.wallet.fate = "pending"
    refund = await desk.owes(alice)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.until(lambda tx: bool(tx.row("SELECT 1 FROM spend")))
        first = hash_of(desk.services.gave[ADDRESS][0])
        async with asyncio.timeout(10):
            while (await desk.wallet.spent(first)).state != "pending":
                await asyncio.sleep(0.01)
        desk.wallet.fate = "paid"
        await desk.passes(120, 10)
        desk.wallet.finish(hash_of(desk.services.gave[ADDRESS][0]))
        await desk.passes(HOUR, 60)
        if not planted:
            await desk.becomes(refund, State.SENT)
    paid = await desk.paid_out()
    assert (len(paid) > 1) is planted


def _was_tried(tx: Tx, refund: str) -> bool:
    row = tx.row("SELECT attempts FROM outbox WHERE key = ?", (f"refund:{refund}",))
    return row is None or row[0] > 0
