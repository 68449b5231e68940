"""Whatever is sold, given back and paid out, in whatever order: every account adds up, and I7."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.payout_desk import DAY, OVER, PAYEE, PayoutDesk
from ticketbot.domain.command import AskPayout
from ticketbot.domain.payout import (
    Account,
    Part,
    commission_back,
    commission_of,
    most,
    payable,
    plan,
    reserve,
    spread,
)
from ticketbot.errors import Refused
from ticketbot.ledger import payouts, tickets

MSAT = st.integers(0, 10**12)


@given(st.integers(1, 10**9), st.integers(0, 10**6), st.lists(st.integers(1, 10**9), max_size=9))
def test_a_commission_goes_back_to_the_last_msat(amount: int, ppm: int, cuts: list[int]) -> None:
    commission = commission_of(amount, ppm)
    assert 0 <= commission <= amount * ppm / 10**6
    back = returned = 0
    for cut in [*cuts, amount]:
        more = min(cut, amount - back)
        step = commission_back(commission, amount, back, more)
        assert 0 <= step <= commission - returned
        back, returned = back + more, returned + step
    assert (back, returned) == (amount, commission)


@given(MSAT)
def test_a_payout_leaves_what_its_way_may_cost(balance: int) -> None:
    amount = most(balance)
    assert amount % 1000 == 0
    assert amount == 0 or amount + reserve(amount) <= balance
    assert amount + 1000 + reserve(amount + 1000) > balance


@given(st.integers(0, 10**6), st.lists(st.integers(1, 10**9), min_size=1, max_size=9))
def test_a_fee_is_spread_whole(fee: int, amounts: list[int]) -> None:
    parts = [Part(str(number), amount) for number, amount in enumerate(amounts)]
    shares = spread(fee, parts)
    assert sum(shares) == fee
    assert all(share >= 0 for share in shares)


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.booleans()), max_size=8))
def test_a_plan_never_takes_more_than_is_payable(rows: list[tuple[int, bool]]) -> None:
    accounts = [
        Account(str(n), "", "", 0, 0 if free else 10, max(0, balance), 0, max(0, -balance), 0, 0)
        for n, (balance, free) in enumerate(rows)
    ]
    parts = plan(accounts, 5)
    total = sum(part.amount_msat for part in parts)
    by_id = {one.event_id: one for one in accounts}
    assert total == 0 or total + reserve(total) <= payable(accounts, 5)
    for part in parts:
        one = by_id[part.event_id]
        assert one.is_free(5)
        assert part.amount_msat + reserve(part.amount_msat) <= one.balance


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), st.sampled_from(["lisbon", "porto"]), st.integers(1, 4)),
        st.tuples(st.just("give back"), st.integers(0, 9), st.integers(1, 3)),
        st.tuples(st.just("pay out"), st.sampled_from([(), ("lisbon",)]), st.integers(0, 5_000)),
        st.tuples(st.just("let go"), st.sampled_from(["paid", "failed"]), st.just(0)),
        st.tuples(st.just("ppm"), st.integers(0, 500_000), st.just(0)),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_any_sequence_keeps_every_account(steps: list[tuple[str, object, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(Path(folder), steps))


async def _play(folder: Path, steps: list[tuple[str, object, int]]) -> None:
    desk = PayoutDesk(folder)
    await desk.opens()
    await desk.wallet.pay_in(
        10**9
    )  # what goes back after a payout is the operator's until the next
    sold: list[str] = []
    for what, which, number in steps:
        match what:
            case "sell":
                desk.now = min(desk.now, OVER - 100 * DAY)
                sold.append(await desk.sells(str(which), number))
            case "give back" if sold:
                assert isinstance(which, int)
                await _give_back(desk, sold[which % len(sold)], number)
            case "pay out":
                assert isinstance(which, tuple)
                desk.now = OVER
                desk.wallet.fee_msat = number
                await _pay_out(desk, which)
            case "let go":
                desk.wallet.fate = str(which)  # type: ignore[assignment]
            case "ppm":
                assert isinstance(which, int)
                desk.ppm(which)
        await desk.proves()
    await desk.closes()


async def _give_back(desk: PayoutDesk, order: str, count: int) -> None:
    def alive(tx: object) -> bool:
        return any(one.state != "void" for one in tickets.of_order(tx, order))  # type: ignore[arg-type]

    if await desk.store.transaction(alive):
        await desk.gives_back(order, count)


async def _pay_out(desk: PayoutDesk, words: tuple[str, ...]) -> None:
    try:
        await desk.says(AskPayout(words, PAYEE))
    except Refused:
        return
    if desk.wallet.fate != "paid":
        return
    async with desk.paying():
        await desk.until(lambda tx: payouts.total(tx) == 0)
