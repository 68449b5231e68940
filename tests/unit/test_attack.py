"""What somebody would try who wants money twice: refunds."""

from __future__ import annotations

import pytest

from tests.unit.refund_desk import DAY, HOUR, OWED, Buyer, Desk, hash_of
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.domain.spending import State
from ticketbot.ledger import outbox, refunds, restored
from ticketbot.ledger.store import Tx
from ticketbot.settlement import Settlement

ADDRESS = "me@example.com"


async def restore(desk: Desk, made_at: int) -> None:
    await desk.store.transaction(lambda tx: restored.mark(tx, int(desk.now), made_at))


async def compare(desk: Desk) -> int | None:
    await Settlement(desk.store, desk.engine, desk.wallet).compare_spent()
    return await desk.store.transaction(restored.refunds_wait)


async def test_what_is_under_way_at_a_restore_is_not_paid_again(desk: Desk, alice: Buyer) -> None:
    """The lost ledger had asked the wallet to pay it, and it is stuck on its way."""
    refund = await desk.owes(alice)
    lost = desk.wallet.foreign_invoice(OWED)
    desk.wallet.fate = "pending"
    await desk.wallet.pay(lost)
    desk.wallet.fate = "paid"
    await restore(desk, int(desk.now) - HOUR)
    await compare(desk)
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.passes(300)
    desk.wallet.finish(hash_of(lost))
    assert await desk.paid_out() == [OWED]
    assert await desk.state(refund) is State.DUE


async def test_a_backup_of_a_restored_ledger_forgets_nothing(desk: Desk, alice: Buyer) -> None:
    """Refunds wait for an operator when that ledger is lost, too, and restored."""
    await desk.owes(alice)
    await desk.wallet.pay(desk.wallet.foreign_invoice(OWED))  # by a ledger that is lost
    await restore(desk, int(desk.now) - HOUR)
    assert await compare(desk) is not None
    desk.forward(5 * DAY)
    await restore(desk, int(desk.now) - HOUR)
    assert await compare(desk) is not None


async def test_while_refunds_wait_no_old_bolt11_is_paid_either(desk: Desk, alice: Buyer) -> None:
    """The lost ledger had given it up, and had paid another one."""
    refund = await desk.owes(alice)
    desk.wallet.accept_late = True  # as LNbits does for its own wallets
    desk.wallet.poor = True
    async with desk.refunding():
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENDING)
    desk.wallet.poor = False
    made_at = int(desk.now)
    desk.forward(2 * HOUR)
    await desk.wallet.pay(desk.wallet.foreign_invoice(OWED))
    await restore(desk, made_at)
    assert await compare(desk) is not None
    async with desk.refunding():
        await desk.passes(300)
    assert await desk.paid_out() == [OWED]


async def test_a_profile_that_looks_like_a_bolt11_loses_nobodys_refund(
    desk: Desk, alice: Buyer
) -> None:
    desk.profiles.lud16[alice.pubkey] = "lnbc1qqqqqqqqqqqqqqqqqqqqqqqqq@example.com"
    refund = await desk.owes(alice)
    async with desk.refunding():
        await desk.passes(120)
    assert await desk.state(refund) is State.SENT


async def test_poison_never_drops_what_is_owed(
    desk: Desk, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug that lasts for a minute must not leave a refund without its row for ever."""

    async def breaks(pubkeys: list[str]) -> None:
        raise RuntimeError("a bug")

    reach = desk.profiles.reach
    refund = await desk.owes(alice)
    monkeypatch.setattr(desk.profiles, "reach", breaks)
    async with desk.refunding():
        await desk.passes(120)
        monkeypatch.setattr(desk.profiles, "reach", reach)
        desk.profiles.lud16[alice.pubkey] = ADDRESS
        await desk.passes(DAY, HOUR)
        assert await desk.state(refund) is State.SENT


async def test_a_clock_that_was_ahead_keeps_no_refund_waiting(desk: Desk, alice: Buyer) -> None:
    refund = await desk.owes(alice)
    desk.now += 400 * DAY  # this machine's clock, wrong for a minute
    async with desk.refunding():
        await desk.settles_down()
    desk.now -= 400 * DAY
    desk.profiles.lud16[alice.pubkey] = ADDRESS

    def tidy(tx: Tx) -> None:
        outbox.pull_in(tx, int(desk.now), 900)  # what housekeeping does

    await desk.store.transaction(tidy)
    async with desk.refunding():
        await desk.passes(DAY, HOUR)
    assert await desk.state(refund) is State.SENT


async def test_every_bolt11_that_was_given_up_is_asked_about(desk: Desk, alice: Buyer) -> None:
    refund = await desk.owes(alice)
    desk.wallet.fate = "failed"
    async with desk.refunding():
        given = []
        for _ in range(4):
            given.append(desk.wallet.foreign_invoice(OWED, 600))
            await alice.says(given[-1])
            await desk.becomes(refund, State.SENDING)
            await desk.passes(1200, 60)
            assert await desk.state(refund) is State.DUE
        desk.wallet.finish(hash_of(given[0]))  # seen on LNbits: failed is not final
        desk.wallet.fate = "paid"
        await alice.says(ADDRESS)
        await desk.becomes(refund, State.SENT)
    assert await desk.paid_out() == [OWED]


async def test_the_bot_pays_no_invoice_of_its_own_wallet(desk: Desk, alice: Buyer) -> None:
    """One that a lost ledger had asked for: this one does not know its hash."""
    refund = await desk.owes(alice)
    made = await desk.wallet.create(InvoiceAsk("0123456789ab-1", OWED, "ticket", 660))
    async with desk.refunding():
        await alice.says(made.bolt11)
        await desk.settles_down()
    assert await desk.paid_out() == []
    assert await desk.store.transaction(lambda tx: refunds.destination(tx, refund)) is None
