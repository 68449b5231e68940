"""Where refunds go: an invoice, an address, a profile; and what is refused, with a reason."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.refund_desk import HOUR, OWED, Buyer, Desk, hash_of
from ticketbot.domain.spending import LONGEST_LIFE, State
from ticketbot.errors import Refused
from ticketbot.ledger import refunds
from ticketbot.replies.outcome import Said

ADDRESS = "me@example.com"
PLACES = ("before-spend", "after-spend", "before-pay", "after-pay", "before-sent")


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
