"""What somebody would try who wants money: cancelled events, the drill, undecidable payments."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from tests.story.cast import DAY, HOUR, Organizer, Person, Stage
from tests.story.test_closing import LISBON, cancels, owed
from tests.story.test_restore import back_up, caught_up, lose_the_ledger
from ticketbot.engine import Engine
from ticketbot.handlers.events import closing
from ticketbot.handlers.money import cashier
from ticketbot.handlers.money import refunds as refund_handler
from ticketbot.ledger import listings, orphans, refunds, stuck
from ticketbot.ledger.store import Tx
from ticketbot.texts import say


async def state_of(stage: Stage, event_id: str) -> str:
    found = await stage.app.store.transaction(lambda tx: listings.by_id(tx, event_id))
    assert found is not None
    return found.state


async def test_put_back_while_the_bot_was_down(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """The note lies at the relays: it is heard before anything is closed."""
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    await cancels(organizer)
    await stage.closes()
    await organizer.announces(at=int(stage.clock()) + 4)
    stage.clock.forward(DAY + HOUR)
    await stage.opens()
    await asyncio.sleep(2)
    assert await state_of(stage, event.address()) == "on-sale"
    assert await owed(stage) == []


async def test_put_back_after_the_backup(stage: Stage, organizer: Organizer, alice: Person) -> None:
    """Restored from the day when it was cancelled: it had been sold again since."""
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    await cancels(organizer)
    made_at = back_up(stage)
    await organizer.announces(at=int(stage.clock()) + 4)
    await organizer.hears("Get a ticket")
    stage.clock.forward(2 * DAY)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    await asyncio.sleep(1.5)
    assert await state_of(stage, event.address()) == "on-sale"
    assert await owed(stage) == []


async def test_a_jump_of_the_clock_closes_nothing(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    await cancels(organizer)
    stage.wrong = 2.0 * DAY
    await asyncio.sleep(2.5)
    assert await owed(stage) == []
    stage.wrong = 0.0


async def test_a_row_that_was_taken_back_closes_nothing(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """Put back and cancelled anew, while the closer had the first row in hand."""
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    await cancels(organizer)
    key = closing.job(event.address())

    def number(tx: Tx) -> int:
        row = tx.row("SELECT id FROM outbox WHERE key = ?", (key,))
        assert row is not None
        return int(row[0])

    first = await stage.app.store.transaction(number)
    await organizer.announces(at=int(stage.clock()) + 4)
    await organizer.hears("Get a ticket")
    await cancels(organizer, later=6)
    await stage.app.engine.decide(partial(closing.page, event.address(), first), key)
    assert await owed(stage) == []


async def test_an_old_yes_is_none_to_a_new_question(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """`cancel lisbon` was said before the note; after a restore the notes are heard first."""
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    made_at = back_up(stage)
    await organizer.says("cancel lisbon")
    assert await organizer.hears() == say("closing-note-first", title=LISBON)
    await cancels(organizer)
    stage.clock.forward(HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    await asyncio.sleep(1.5)
    assert await owed(stage) == []


async def test_an_orphan_that_was_seen_to_is_not_credited_too(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its money went back by hand; then the letter that ordered it comes after all."""
    await organizer.has_on_sale()
    made_at = back_up(stage)
    token = await alice.buys("lisbon")
    stage.clock.forward(HOUR)
    letters: list[Any] = []
    await lose_the_ledger(stage, made_at)

    async def without_letters(self: Any, events: Any, caught: Any) -> None:
        letters.extend(one for one in events if one.kind == 1059)
        await original(self, [one for one in events if one.kind != 1059], caught)

    original = Engine.receive
    with monkeypatch.context() as deaf:
        deaf.setattr(Engine, "receive", without_letters)
        await stage.opens()
        await caught_up(stage)
        async with asyncio.timeout(10):
            while not (waits := await stage.app.store.transaction(orphans.unclaimed)):
                await asyncio.sleep(0.02)
    await stage.operator.says(f"orphans done {waits[0].order_id[-4:]}")
    await stage.operator.hears("you have seen to")
    await stage.app.engine.receive(letters, {})  # a relay that was down brings them
    await alice.hears("late")
    await stage.closes()
    await stage.opens()
    await asyncio.sleep(0.5)
    live = await stage.app.store.transaction(lambda tx: tx.rows("SELECT state FROM ticket"))
    assert live == [], token


@pytest.mark.choices(pays=True)
async def test_paid_by_hand_at_the_console_before_the_restore(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """No relay keeps what was typed on the bot's own machine."""
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    await alice.pays(await alice.gets_an_invoice(), 4_999_000)
    await alice.hears("goes back to you")
    (due,) = await stage.app.store.transaction(refunds.owed)
    made_at = back_up(stage)
    spoken = await stage.app.engine.command(f"refund {due.order_id[-4:]} sent")
    assert spoken.good
    await alice.hears("was sent to you")
    stage.clock.forward(HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    await alice.says(f"refund {stage.wallet.foreign_invoice(4_999_000)}")
    await alice.hears("Noted")
    await asyncio.sleep(1.5)
    assert await stage.wallet.spent_since(0) == []
    for _ in range(3):
        await stage.app.look_around()
        stage.clock.forward(11)
    await stage.operator.hears("some of it may have been sent before the restore")


async def test_a_payment_that_nobody_can_decide_keeps_no_hold_from_its_end(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await organizer.has_on_sale(stock=2)
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    stage.clock.forward(5)
    await bob.says("buy lisbon")
    await bob.gets_an_invoice()
    settled = cashier.settled

    def breaks(credit: Any, tx: Tx, ctx: Any) -> Any:
        raise LookupError("a row that nobody expected")

    monkeypatch.setattr(cashier, "settled", breaks)
    await alice.pays(bolt11)
    stage.clock.forward(605)
    try:
        await bob.hears("lapsed and nothing was charged")
        await stage.operator.hears("a payment could not be decided")
    finally:
        monkeypatch.setattr(cashier, "settled", settled)
        stage.wallet.hang_up()
        await alice.gets_a_ticket()


@pytest.mark.choices(pays=True)
async def test_a_refund_that_fails_for_a_reason_of_its_own_is_told_and_put_back(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await organizer.has_on_sale()

    def breaks(*args: Any) -> Any:
        raise LookupError("a row that nobody expected")

    with monkeypatch.context() as patch:
        patch.setattr(refund_handler, "remind", breaks)
        await alice.says("buy lisbon")
        await alice.pays(await alice.gets_an_invoice(), 4_999_000)
        await alice.hears("goes back to you")
        async with asyncio.timeout(20):
            while not await stage.app.store.transaction(stuck.failing):
                stage.clock.forward(11)
                stage.app._refunder.claims.stirred.set()
                await asyncio.sleep(0.05)
        for _ in range(3):
            await stage.app.look_around()
            stage.clock.forward(11)
        await stage.operator.hears("1 of what moves money has failed three times")
        await stage.operator.says("retry")
        assert ": refund:" in await stage.operator.hears("Put aside, or tried in vain")
    await stage.operator.says("retry all")
    await stage.operator.hears("Tried again now: 1")
    await stage.operator.says("retry")
    await stage.operator.hears("Nothing was put aside")
    await alice.says(f"refund {stage.wallet.foreign_invoice(4_999_000)}")
    await alice.hears("was sent to you")
    for _ in range(3):
        await stage.app.look_around()
        stage.clock.forward(11)
    await stage.operator.hears("Every job that moves money has gone through")
