"""Where payouts go: only to who said so, only to a good invoice, and each invoice once."""

from __future__ import annotations

import pytest

from tests.unit.payout_desk import DAY, HOUR, OVER, PAYEE, PayoutDesk
from tests.unit.test_payouts import earns
from ticketbot.domain.command import AskPayout, PayOutTo
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.domain.spending import State
from ticketbot.errors import Refused
from ticketbot.ledger import payouts


@pytest.fixture
def kind_of_desk() -> type[PayoutDesk]:
    return PayoutDesk


async def test_a_profile_is_used_only_when_the_organizer_says_so(desk: PayoutDesk) -> None:
    await earns(desk)
    desk.profiles.lud16[desk.organizer] = "profile@example.com"
    async with desk.paying():
        await desk.says(AskPayout())
        await desk.passes(DAY, HOUR)
        assert await desk.paid_out() == []
        offers = [one for one in await desk.organizer_hears() if "profile@example.com" in one]
        assert len(offers) == 1
        await desk.says(PayOutTo("profile@example.com"))
        await desk.is_paid()


async def test_an_address_that_gives_nothing_is_forgotten_and_another_asked_for(
    desk: PayoutDesk,
) -> None:
    await earns(desk)
    desk.services.refuses.add(PAYEE)
    async with desk.paying():
        await desk.says(PayOutTo(PAYEE))
        await desk.says(AskPayout())
        await desk.passes(120)
        told = await desk.organizer_hears()
        assert [text for text in told if "gives me no invoice" in text]
        assert await desk.store.transaction(lambda tx: payouts.payee(tx, desk.organizer)) is None
        await desk.says(PayOutTo("other@example.com"))
        await desk.is_paid()
    assert len(await desk.paid_out()) == 1


@pytest.mark.parametrize("where", ["", "nobody", "=cmd", "<script>@x", "me@", "x" * 5000])
async def test_a_place_that_is_none_is_refused(desk: PayoutDesk, where: str) -> None:
    await desk.sells()
    with pytest.raises(Refused):
        await desk.says(PayOutTo(where))
    with pytest.raises(Refused) as refused:
        await desk.says(PayOutTo(desk.wallet.foreign_invoice(1_000_000)))
    assert refused.value.sentence == "payout-no-invoice"


async def test_an_address_that_gives_another_amount_is_not_paid(desk: PayoutDesk) -> None:
    await earns(desk)
    desk.services.factor = 2
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        await desk.passes(120)
    assert await desk.paid_out() == []
    assert any("gives me no invoice" in text for text in await desk.organizer_hears())


async def test_an_address_that_gives_an_invoice_of_ours_is_not_paid(
    desk: PayoutDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await earns(desk)

    async def resolve(where: str, amount_msat: int) -> str:
        ask = InvoiceAsk(f"mine-{amount_msat}", amount_msat, "?", 600)
        return (await desk.wallet.create(ask)).bolt11

    monkeypatch.setattr(desk.services, "resolve", resolve)
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        await desk.passes(120)
    assert await desk.paid_out() == []


async def test_a_bolt11_is_good_for_one_refund_or_payout(
    desk: PayoutDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is given again, for another payout of the same amount."""
    await desk.sells()
    await desk.sells("porto")
    desk.now = OVER
    given = desk.wallet.foreign_invoice(4_851_000, 5 * DAY)

    async def resolve(where: str, amount_msat: int) -> str:
        assert amount_msat == 4_851_000
        return given

    monkeypatch.setattr(desk.services, "resolve", resolve)
    async with desk.paying():
        for code in ("lisbon", "porto"):
            await desk.says(AskPayout((code,), PAYEE))
            await desk.passes(120)
    assert await desk.paid_out() == [4_851_000]
    assert sorted(one.state for one in await desk.payouts()) == [State.DUE, State.SENT]


async def test_an_address_that_does_not_answer_is_tried_on_and_told_once(desk: PayoutDesk) -> None:
    await earns(desk)
    desk.services.down = True
    async with desk.paying():
        await desk.says(AskPayout((), PAYEE))
        await desk.passes(6 * HOUR, 600)
        told = [text for text in await desk.organizer_hears() if "does not answer" in text]
        assert len(told) == 1
        desk.services.down = False
        await desk.passes(HOUR, 300)
        await desk.is_paid()


async def test_a_program_that_asks_again_is_answered_with_the_same_payout(
    desk: PayoutDesk,
) -> None:
    await earns(desk)
    first = await desk.says(AskPayout((), PAYEE), request_id="p1")
    async with desk.paying():
        await desk.is_paid()
    again = await desk.says(AskPayout((), PAYEE), request_id="p1")
    assert first[0].facts | {"state": "sent"} == again[0].facts
    assert len(await desk.payouts()) == 1
