"""What organizers have earned is paid out exactly once, and never more than it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.payout_desk import DAY, HOUR, OVER, PAYEE, PRICE, PayoutDesk
from tests.unit.refund_desk import hash_of
from ticketbot import failpoints
from ticketbot.domain.command import (
    AskPayout,
    PayoutDone,
    PayOutTo,
    ResumePayouts,
    ShowBalance,
    ShowStatement,
)
from ticketbot.domain.money import Sum
from ticketbot.domain.payout import reserve
from ticketbot.domain.spending import State
from ticketbot.errors import Refused
from ticketbot.ledger import listings, payouts, restored
from ticketbot.metrics import metrics
from ticketbot.replies.outcome import Said
from ticketbot.settlement import Settlement

PLACES = ("before-spend", "after-spend", "before-pay", "after-pay", "before-sent")
KEPT = PRICE * 2 // 100


@pytest.fixture
def kind_of_desk() -> type[PayoutDesk]:
    return PayoutDesk


async def earns(desk: PayoutDesk, orders: int = 10) -> None:
    for _ in range(orders):
        await desk.sells()
    desk.now = OVER


async def turned_away(desk: PayoutDesk) -> Refused:
    with pytest.raises(Refused) as refused:
        await desk.says(AskPayout((), PAYEE))
    return refused.value


async def test_an_organizer_is_paid_what_is_payable_less_what_its_way_may_cost(
    desk: PayoutDesk,
) -> None:
    await earns(desk)
    desk.wallet.fee_msat = 1_234
    earned = 10 * (PRICE - KEPT)
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        payout = await desk.is_paid()
    assert payout.amount_msat % 1000 == 0
    assert payout.amount_msat + reserve(payout.amount_msat) <= earned
    assert payout.amount_msat + 1000 + reserve(payout.amount_msat + 1000) > earned
    assert await desk.paid_out() == [payout.amount_msat]
    account = await desk.account()
    assert (account.commission, account.fees) == (10 * KEPT, 1_234)
    assert account.balance == earned - payout.amount_msat - 1_234
    assert any("were sent to you" in text for text in await desk.organizer_hears())


async def test_commission_is_that_of_the_sale_whatever_is_configured_later(
    desk: PayoutDesk,
) -> None:
    order = await desk.sells(quantity=3)
    desk.ppm(500_000)
    assert (await desk.account()).commission == 3 * KEPT
    await desk.gives_back(order)
    assert (await desk.account()).commission == 2 * KEPT
    await desk.gives_back(order, 2)
    account = await desk.account()
    assert (account.commission, account.balance) == (0, 0)


@pytest.mark.parametrize("ppm", [1, 7, 333_333, 499_999])
async def test_no_msat_of_a_commission_is_left_when_everything_went_back(
    tmp_path: Path, ppm: int
) -> None:
    desk = PayoutDesk(tmp_path, ppm=ppm)
    await desk.opens()
    order = await desk.sells(quantity=7)
    for _ in range(7):
        await desk.gives_back(order)
        await desk.proves()
    account = await desk.account()
    assert (account.commission, account.balance) == (0, 0)
    await desk.closes()


@pytest.mark.parametrize(
    ("delay", "when"),
    [(DAY, Said("payout-after", {"hours": 24})), (0, Said("payout-at-once"))],
)
async def test_who_asks_when_all_is_on_its_way_or_gone_hears_so(
    desk: PayoutDesk, delay: int, when: Said
) -> None:
    desk.delay(delay)
    desk.ppm(500_000)  # the wallet keeps enough to give a ticket's price back
    order = await desk.sells()
    await earns(desk)
    await desk.says(AskPayout((), PAYEE))
    (payout,) = await desk.payouts()
    await desk.gives_back(order)  # what was left for its way is gone, too
    refused = await turned_away(desk)
    assert refused.sentence == "payout-under-way"
    assert refused.values["under_way"] == Sum(payout.amount_msat)
    async with desk.paying():
        await desk.is_paid()
    refused = await turned_away(desk)
    assert (refused.sentence, refused.values["after"]) == ("payout-none", when)


async def test_nothing_is_paid_out_before_the_delay_is_over(desk: PayoutDesk) -> None:
    await desk.sells()
    for moment in (desk.now, OVER - 2 * DAY + 1, OVER - DAY - 1):
        desk.now = moment
        with pytest.raises(Refused) as refused:
            await desk.says(AskPayout((), PAYEE))
        assert refused.value.sentence == "payout-waits"
        assert refused.value.values["at"] == OVER - DAY
    desk.now = OVER - DAY
    await desk.says(AskPayout((), PAYEE))
    assert len(await desk.payouts()) == 1


async def test_who_moves_the_end_of_an_event_forward_is_not_paid_earlier(desk: PayoutDesk) -> None:
    await desk.sells()
    (found,) = await desk.store.transaction(lambda tx: listings.by_code(tx, "LISBON"))
    early = replace(found.listing, start=int(desk.now) - 2 * HOUR, end=int(desk.now) + 1)
    await desk.store.transaction(lambda tx: listings.save(tx, early, "LISBON"))
    desk.forward(2 * DAY)
    with pytest.raises(Refused):
        await desk.says(AskPayout((), PAYEE))


async def test_two_requests_pay_once(desk: PayoutDesk) -> None:
    await earns(desk)
    await desk.says(AskPayout((), PAYEE))
    with pytest.raises(Refused):
        await desk.says(AskPayout((), PAYEE))
    with pytest.raises(Refused):
        await desk.says(AskPayout(("lisbon",), PAYEE))
    async with desk.paying(payers=3):
        await desk.is_paid()
        await desk.passes(600)
    assert len(await desk.paid_out()) == 1


async def test_the_same_letter_makes_the_same_payout(desk: PayoutDesk) -> None:
    await earns(desk)
    first = await desk.says(AskPayout((), PAYEE), key=b"letter")
    again = await desk.says(AskPayout((), PAYEE), key=b"letter")
    assert first[0].facts["payout_id"] == again[0].facts["payout_id"]
    assert len(await desk.payouts()) == 1


async def test_what_goes_back_after_a_payout_is_taken_from_the_next_one(desk: PayoutDesk) -> None:
    orders = [await desk.sells() for _ in range(4)]
    desk.now = OVER
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        first = await desk.is_paid()
    await desk.gives_back(orders[0])
    await desk.gives_back(orders[1])
    lisbon = await desk.account()
    assert lisbon.balance == 2 * (PRICE - KEPT) - first.amount_msat < 0
    (shown,) = await desk.says(ShowBalance())
    assert shown.sentence == "payout-balance-owes"
    desk.now = OVER - 10 * DAY
    for _ in range(4):
        await desk.sells("porto")
    desk.now = OVER + HOUR
    (shown,) = await desk.says(ShowBalance())
    assert shown.facts["payable_msat"] == lisbon.balance + 4 * (PRICE - KEPT)
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        await desk.until(lambda tx: payouts.total(tx) == 0)
    newest = max(await desk.payouts(), key=lambda one: one.decided_at)
    assert newest.amount_msat < lisbon.balance + 4 * (PRICE - KEPT)
    assert sum(one.balance for one in await desk.accounts()) >= 0
    desk.wallet.ahead = 0


@pytest.mark.parametrize("place", PLACES)
async def test_a_failure_anywhere_pays_once(desk: PayoutDesk, place: str) -> None:
    await earns(desk)
    await desk.says(AskPayout((), PAYEE))
    failpoints.arm(f"spender.{place}=raise")
    try:
        async with desk.paying():
            await desk.settles_down()
            await desk.passes(60, 10)
    finally:
        failpoints.arm("")
    async with desk.paying():
        await desk.passes(1200, 60)
        await desk.is_paid()
    assert len(await desk.paid_out()) == 1


async def test_the_answer_is_lost_and_it_is_paid_once(desk: PayoutDesk) -> None:
    await earns(desk)
    desk.wallet.lose_payments = 1
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        await desk.is_paid()
    assert len(await desk.paid_out()) == len(desk.services.gave[PAYEE]) == 1


async def test_too_little_in_the_wallet_waits_and_operators_know(desk: PayoutDesk) -> None:
    await earns(desk)
    await desk.wallet.pay(desk.wallet.foreign_invoice(45_000_000))  # an operator's other business
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        await desk.passes(2 * HOUR, 60)
        assert await desk.paid_out() == [45_000_000]
        told = await desk.operator_hears()
        assert [text for text in told if "too little for the payouts" in text]
        await desk.wallet.pay_in(45_000_000)
        await desk.passes(2 * HOUR, 60)
        await desk.is_paid()
    assert len(await desk.paid_out()) == 2


async def test_without_an_admin_key_operators_pay_by_hand(by_hand: PayoutDesk) -> None:
    desk = by_hand
    await earns(desk)
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        await desk.passes(HOUR, 600)
    (payout,) = await desk.payouts()
    assert payout.state is State.DUE
    assert any(payout.id in text for text in await desk.operator_hears())
    await desk.says(PayoutDone(payout.id[-5:]), desk.operator)
    (payout,) = await desk.payouts()
    assert payout.state is State.SENT
    assert any("were sent to you" in text for text in await desk.organizer_hears())
    with pytest.raises(Refused):
        await desk.says(PayoutDone(payout.id), desk.operator)


async def test_a_share_that_was_paid_by_hand_is_booked(by_hand: PayoutDesk) -> None:
    desk = by_hand
    await earns(desk)
    before = await desk.account()
    await desk.says(PayoutDone("lisbon", 40_000), desk.operator, key=b"one")
    await desk.says(PayoutDone("lisbon", 40_000), desk.operator, key=b"one")
    after = await desk.account()
    assert after.balance == before.balance - 40_000_000
    with pytest.raises(Refused) as refused:
        await desk.says(PayoutDone("lisbon", 40_000), desk.operator, key=b"two")
    assert refused.value.sentence == "operator-payout-much"
    with pytest.raises(Refused):
        await desk.says(PayoutDone("lisbon", 1))  # the organizer is no operator


@pytest.mark.parametrize(("schedule", "turns"), [("daily", 3), ("weekly", 1)])
async def test_by_the_clock_once_a_turn(desk: PayoutDesk, schedule: str, turns: int) -> None:
    await desk.sells()
    await desk.says(PayOutTo(PAYEE))
    payer = desk.payer(schedule)  # type: ignore[arg-type]
    await payer.pay_by_the_clock()
    assert await desk.payouts() == []
    desk.now = OVER // (7 * DAY) * 7 * DAY + 11 * DAY + HOUR  # a Monday
    for day in range(3):
        desk.now += DAY if day else 0
        for _ in range(2):
            await desk.payer(schedule).pay_by_the_clock()  # type: ignore[arg-type]
        back = desk.now
        desk.now = OVER - 200 * DAY
        await desk.sells()
        desk.now = back
    assert len(await desk.payouts()) == turns


async def test_after_a_restore_payouts_wait_for_an_operator(desk: PayoutDesk) -> None:
    await earns(desk)
    await desk.store.transaction(lambda tx: restored.mark(tx, int(desk.now), int(desk.now) - DAY))
    await Settlement(desk.store, desk.engine, desk.wallet).compare_spent()
    assert await desk.store.transaction(restored.refunds_wait) is None
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        await desk.passes(HOUR, 60)
        assert await desk.paid_out() == []
        await desk.says(ResumePayouts(), desk.operator)
        await desk.passes(120)
        await desk.is_paid()


def counted() -> list[float]:
    """How many attempts at payouts were sent, and failed."""
    found = [
        metrics().registry.get_sample_value(
            "ticketbot_spends_total", {"purpose": "payout", "result": result}
        )
        for result in ("sent", "failed")
    ]
    return [one or 0 for one in found]


async def test_a_failed_bolt11_is_followed_by_another_when_it_has_expired(desk: PayoutDesk) -> None:
    await earns(desk)
    desk.wallet.fate = "failed"
    before = counted()
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        (payout,) = await desk.payouts()
        waits = await desk.store.transaction(payouts.waiting)
        assert (waits.due + waits.sending, waits.msat) == (1, payout.amount_msat)
        await desk.passes(1200, 60)
        assert (await desk.store.transaction(payouts.waiting)).failed == 1
        desk.wallet.fate = "paid"
        await desk.passes(2 * HOUR, 60)
        await desk.is_paid()
    assert await desk.store.transaction(payouts.waiting) == payouts.Waiting()
    sent, failed = (now - then for now, then in zip(counted(), before, strict=True))
    assert sent == 1 <= failed
    assert len(await desk.paid_out()) == 1
    hashes = [hash_of(one) for one in desk.services.gave[PAYEE]]
    assert len(set(hashes)) == len(hashes) >= 2


async def test_a_statement_adds_up_to_the_account(desk: PayoutDesk) -> None:
    for code in ("lisbon", "porto", "lisbon"):
        await desk.sells(code, 2)
    desk.now = OVER
    desk.wallet.fee_msat = 777
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        await desk.is_paid()
    (said,) = await desk.says(ShowStatement())
    balances = [event["balance_msat"] for event in said.facts["events"]]
    booked = await desk.store.transaction(
        lambda tx: tx.row(
            "SELECT -sum(amount_msat) FROM entry WHERE account = ?",
            (f"organizer:{desk.organizer}",),
        )
    )
    assert booked == (sum(balances),)
    assert sum(event["fees_msat"] for event in said.facts["events"]) == 777
    assert said.facts["csv"].splitlines()[0].startswith("code,title,sold,gross_msat")


async def test_who_has_sold_nothing_is_told_so(desk: PayoutDesk) -> None:
    for command in (ShowBalance(), AskPayout(), ShowStatement(), PayOutTo(PAYEE)):
        with pytest.raises(Refused) as refused:
            await desk.says(command, "ab" * 32)
        assert refused.value.sentence == "payout-nothing-sold"
