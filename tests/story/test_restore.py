"""The drill: yesterday's backup, the wallet's list, and what relays have kept."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.program import Program, listening
from ticketbot.domain.order import asked_at, order_id, tag_of
from ticketbot.ledger import orphans, restored
from ticketbot.ledger.store import Tx, connect
from ticketbot.ledger.vault import open_vault
from ticketbot.texts import say

SIDE_FILES = ("ledger.db-wal", "ledger.db-shm", "ledger.db")


def back_up(stage: Stage) -> int:
    """What `ticketbot backup` copies; when."""
    here = sqlite3.connect(stage.folder / "ledger.db")
    there = sqlite3.connect(stage.folder / "backup.db")
    here.backup(there)
    there.close()
    here.close()
    return int(stage.clock())


async def lose_the_ledger(stage: Stage, made_at: int) -> None:
    """The disk dies, and `ticketbot restore` puts the backup in place."""
    if stage._running is not None:
        await stage.crashes()
    for name in SIDE_FILES:
        (stage.folder / name).unlink(missing_ok=True)
    (stage.folder / "backup.db").rename(stage.folder / "ledger.db")
    db = connect(stage.folder / "ledger.db")
    restored.mark(Tx(db, open_vault(stage.keys)), int(stage.clock()), made_at)
    db.close()


async def caught_up(stage: Stage) -> None:
    async with asyncio.timeout(20):
        while stage.app.engine.reception.catching_up or await stage.app.store.transaction(
            lambda tx: restored.catching_up(tx, int(stage.clock()))
        ):
            await asyncio.sleep(0.02)
    assert stage.app.engine.paused is None


@pytest.fixture
async def people(stage: Stage) -> list[Person]:
    return [await stage.enters() for _ in range(6)]


async def all_rows(stage: Stage, sql: str) -> list[Any]:
    return await stage.app.store.transaction(lambda tx: tx.rows(sql))


async def test_every_paid_buyer_holds_the_very_same_ticket(
    stage: Stage, organizer: Organizer, people: list[Person]
) -> None:
    anna, bob, carol, dave, erin, frank = people
    event = await organizer.has_on_sale(stock=6)
    first = await anna.buys("lisbon")
    await frank.says("buy lisbon")
    franks = await frank.gets_an_invoice()
    made_at = back_up(stage)

    # what the backup does not know
    bobs = {await bob.buys("lisbon 2"), await bob.gets_a_ticket()}
    await frank.pays(franks)
    franks = await frank.gets_a_ticket()
    await listening(stage)
    program = Program(carol)
    carols = await program.buys(event.address(), quantity=1, request_id="carols")
    await dave.says("buy lisbon")
    daves = await dave.gets_an_invoice()
    await organizer.has_on_sale("Porto Picnic", price=None, stock=1)
    await erin.says("buy porto")
    erins = await erin.gets_a_ticket()
    await erin.says("help")
    await erin.hears("events [words]")

    stage.clock.forward(HOUR + 60)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert {await bob.gets_a_ticket(), await bob.gets_a_ticket()} == bobs
    assert await frank.gets_a_ticket() == franks
    assert await erin.gets_a_ticket() == erins
    assert await dave.hears() == say("stale")
    seats = await all_rows(stage, "SELECT held, sold FROM seats ORDER BY sold")
    assert seats == [(0, 1), (0, 4)]

    # a program asks again, as programs do that were not answered
    (waits,) = await stage.app.store.transaction(orphans.unclaimed)
    assert waits.order_id == carols["order_id"]
    await listening(stage)
    again = await program.asks("buy", event_id=event.address(), quantity=1, request_id="carols")
    assert again["token"] == carols["token"]
    # and whoever was shown an invoice may still pay it
    await dave.pays(daves)
    stage.wallet.hang_up()  # of this hash the ledger knows nothing: the poll finds it
    assert await dave.gets_a_ticket()

    assert await stage.app.store.transaction(orphans.unclaimed) == []
    await anna.says("resend")
    assert await anna.gets_a_ticket() == first
    assert [one.text for one in erin.heard].count(say("help")) == 1  # said and done
    await stage.audit()


async def test_nothing_new_is_sold_before_it_is_known_what_was(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=1)
    made_at = back_up(stage)
    alices = await alice.buys("lisbon")
    stage.clock.forward(HOUR)
    await lose_the_ledger(stage, made_at)
    stage.clock.forward(5)
    await bob.says("buy lisbon")  # the last seat, which the restored ledger takes for free
    await stage.opens()
    assert stage.app.engine.paused == "catching-up"
    await caught_up(stage)
    assert await alice.gets_a_ticket() == alices
    assert await bob.hears() == say("sold-out", wish="lisbon 1")


async def test_who_wrote_while_there_was_no_ledger_is_answered(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    made_at = back_up(stage)
    await alice.says("thanks")
    await alice.hears("You are welcome")
    stage.clock.forward(2 * HOUR)
    await stage.crashes()
    await bob.says("events")  # nobody is there to hear it
    stage.clock.forward(HOUR / 2)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    await bob.hears("lisbon ·")
    assert await alice.hears_nothing()


async def test_what_operators_said_since_the_backup_holds(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    made_at = back_up(stage)
    await stage.operator.says("stop sales")
    await stage.operator.hears("Sales are stopped")
    stage.clock.forward(3 * HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    await alice.says("buy lisbon")
    assert await alice.hears() == say("sales-stopped")


async def test_money_that_nobody_claims_is_told_listed_and_can_be_closed(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    made_at = back_up(stage)
    await listening(stage)
    ticket = await Program(alice).buys(event.address(), quantity=1)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    for _ in range(4):
        await stage.app.look_around()
        stage.clock.forward(120)
    assert "1 payments, 5,000 sats" in await stage.operator.hears("Alert: money came for orders")
    await stage.operator.says("status")
    assert "orphans" in await stage.operator.hears("Trouble just now")
    await stage.operator.says("orphans")
    assert ticket["order_id"] in await stage.operator.hears("for orders that I do not know")
    with pytest.raises(AssertionError, match="the ledger has nothing"):
        await stage.audit()
    await stage.operator.says(f"orphans done {ticket['order_id'][-4:]}")
    assert ticket["order_id"] in await stage.operator.hears("you have seen to")
    for _ in range(4):
        await stage.app.look_around()
        stage.clock.forward(120)
    assert await stage.operator.hears("No payment waits")
    await stage.audit()


async def test_a_price_that_has_changed_since_is_not_held_against_who_paid(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    start = int(stage.clock()) + 86_400
    times = {"start": start, "end": start + 3_600}
    await organizer.has_on_sale(**times)
    made_at = back_up(stage)
    token = await alice.buys("lisbon")
    await organizer.announces(price=["7000", "SAT"], at=int(stage.clock()) + 2, **times)
    await organizer.hears("Get a ticket")
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    assert await alice.gets_a_ticket() == token
    assert await all_rows(stage, "SELECT amount_msat, state FROM orders") == [(5_000_000, "paid")]


async def test_a_late_relay_brings_what_was_missed(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """Once it has caught up, a letter from before the restore is answered as it comes."""
    await organizer.has_on_sale()
    made_at = back_up(stage)
    token = await alice.buys("lisbon")
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert await alice.gets_a_ticket() == token
    await stage.closes()
    await stage.opens()
    assert not stage.app.engine.reception.catching_up  # it does so once
    assert await alice.hears_nothing()


async def test_without_the_wallet_seats_wait_for_those_who_paid(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketbot.intake.WALLET_TELLS", 0.5)
    await organizer.has_on_sale()
    made_at = back_up(stage)
    token = await alice.buys("lisbon")
    await lose_the_ledger(stage, made_at)
    new_wallet = stage.new_wallet

    def down() -> Any:
        wallet = new_wallet()
        wallet.down = True
        return wallet

    monkeypatch.setattr(stage, "new_wallet", down)
    await stage.opens()
    await caught_up(stage)
    assert await alice.hears("late") == say("stale")
    stage.wallet.down = False
    stage.wallet.hang_up()
    assert await alice.gets_a_ticket() == token


@pytest.mark.choices(pays=True)
@pytest.mark.parametrize("sent", [False, True])
async def test_refunds_wait_for_an_operator_after_a_restore(
    stage: Stage, organizer: Organizer, alice: Person, sent: bool
) -> None:
    """What the wallet sent it lists; what was paid by hand nobody knows but who did it."""
    await organizer.has_on_sale(stock=1)
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    await alice.pays(bolt11, 4_000_000)
    await alice.hears("goes back to you")
    made_at = back_up(stage)
    if sent:
        await alice.says(f"refund {stage.wallet.foreign_invoice(4_000_000)}")
        await alice.hears("was sent to you")
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert await stage.app.store.transaction(restored.refunds_wait) is not None
    await alice.says(f"refund {stage.wallet.foreign_invoice(4_000_000)}")
    await asyncio.sleep(1.5)
    assert len(await stage.wallet.spent_since(0)) == sent
    for _ in range(3):
        await stage.app.look_around()
        stage.clock.forward(11)
    await stage.operator.hears("some of it may have been sent before the restore")
    if sent:
        order = (await all_rows(stage, "SELECT id FROM orders"))[0][0]
        await stage.operator.says(f"refund {order} sent")
        await stage.operator.hears("was paid by you")
    await stage.operator.says("resume refunds")
    await stage.operator.hears("Refunds are sent again")
    assert await stage.app.store.transaction(restored.refunds_wait) is None
    if not sent:
        stage.clock.forward(60)
    await alice.hears("was sent to you")
    assert len(await stage.wallet.spent_since(0)) == 1


@pytest.mark.choices(pays=True)
async def test_where_nothing_is_owed_refunds_do_not_wait_after_a_restore(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(stock=1)
    made_at = back_up(stage)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert await stage.app.store.transaction(restored.refunds_wait) is None


def test_an_order_id_tells_its_time_and_nothing_of_whose_it_is() -> None:
    name = order_id(1_800_000_000, b"\x12\x34\x56\x78\x9a")
    assert (len(name), asked_at(name), tag_of(name)) == (12, 1_800_000_000, "1234567")
    assert sorted([name, order_id(1_800_000_001, b"\x00" * 4)])[0] == name


async def test_the_same_letter_makes_the_same_order(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    made_at = back_up(stage)
    await alice.buys("lisbon")
    before = await all_rows(stage, "SELECT id FROM orders")
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await alice.gets_a_ticket()
    assert await all_rows(stage, "SELECT id FROM orders") == before
