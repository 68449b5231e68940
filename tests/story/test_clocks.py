"""A clock two days wrong: the machine's or the wallet's, from the start or all of a sudden."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.real.relays import awkward_relay
from tests.story.cast import DAY, HOUR, Organizer, Person, Stage
from tests.story.program import Program, listening
from ticketbot.domain.payment import Look
from ticketbot.ledger import marks, orders
from ticketbot.ledger.store import Tx
from ticketbot.settlement import CURSOR
from ticketbot.timekeeper import WRONG
from ticketbot.wallets.fake import FakeWallet

WRONGLY = [2 * DAY, -2 * DAY]


class FarWallet(FakeWallet):
    """Its clock is known as LNbits' is: by how far its last answer showed it from ours.

    Like LNbits it is not asked for an invoice alone where that seems to have expired.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.folder / "wallet.db", clock=stage.clock, accept_late=True)
        self._stage = stage
        self._differs = 0.0
        self.asked_alone = 0

    def ours(self) -> float:
        return self._stage.clock() + self._stage.wrong

    def now(self) -> int:
        return int(self.ours() + self._differs) if hasattr(self, "_differs") else 0

    async def look(self, payment_hash: str, expires_at: int) -> Look:
        if self.now() < expires_at - 10:
            self.asked_alone += 1
        return await super().look(payment_hash, expires_at)

    async def _answer(self) -> None:
        await super()._answer()
        self._differs = self._stage.clock() - self.ours()


class FarStage(Stage):
    """A stage whose wallet is on another machine than the bot."""

    def new_wallet(self) -> FakeWallet:
        return FarWallet(self)


@pytest.fixture
async def stage(tmp_path: Path, relay: str) -> Any:
    """The bot is opened by the test, when its clock is as wrong as it shall be."""
    stage = FarStage(tmp_path, relay)
    await stage.enters(stage.operator)
    await stage.enters(stage.organizer)
    yield stage
    await stage.ends()


async def seats(stage: Stage) -> tuple[int, int]:
    """(held, sold)"""
    row = await stage.app.store.transaction(lambda tx: tx.row("SELECT held, sold FROM seats"))
    assert row is not None
    return row[0], row[1]


async def released(stage: Stage, number: int = 1) -> None:
    async with asyncio.timeout(10):
        while (await seats(stage))[0]:
            await asyncio.sleep(0.02)
    rows = await stage.app.store.transaction(
        lambda tx: tx.rows("SELECT what FROM decision WHERE what = 'released'")
    )
    assert len(rows) == number


@pytest.mark.parametrize("wrong", WRONGLY)
async def test_a_bot_that_is_two_days_off_sells(
    stage: Stage, organizer: Organizer, alice: Person, wrong: int
) -> None:
    stage.wrong = wrong
    await stage.opens()
    await organizer.has_on_sale()
    for via in ("nip17", "nip04"):
        await alice.says("buy lisbon", via)  # type: ignore[arg-type]
        await alice.pays(await alice.gets_an_invoice())
        assert await alice.gets_a_ticket()
    assert await seats(stage) == (0, 2)


@pytest.mark.parametrize("wrong", WRONGLY)
async def test_a_bot_that_is_two_days_off_answers_programs(
    stage: Stage, organizer: Organizer, alice: Person, wrong: int
) -> None:
    stage.wrong = wrong
    await stage.opens()
    event = await organizer.has_on_sale()
    await listening(stage)
    program = Program(alice)
    assert (await program.buys(event.address(), quantity=1))["type"] == "ticket"


@pytest.mark.parametrize("wrong", WRONGLY)
async def test_a_bot_that_is_two_days_off_ends_a_hold_in_time(
    stage: Stage, organizer: Organizer, alice: Person, wrong: int
) -> None:
    stage.wrong = wrong
    await stage.opens()
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    stage.clock.forward(570)
    await asyncio.sleep(2.5)
    assert await seats(stage) == (1, 0)
    stage.clock.forward(40)
    await alice.hears("lapsed and nothing was charged")
    await released(stage)


@pytest.mark.parametrize("jump", WRONGLY)
async def test_a_clock_that_jumps_ends_no_hold_whose_invoice_lives(
    stage: Stage, organizer: Organizer, alice: Person, jump: int
) -> None:
    """The wallet's list calls an unpaid invoice pending, whether it has expired or not."""
    await stage.opens()
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    stage.wrong = jump
    await asyncio.sleep(2.5)  # every hold is looked at once a second
    assert await seats(stage) == (1, 0)
    await alice.pays(bolt11)
    assert await alice.gets_a_ticket()
    assert await seats(stage) == (0, 1)


@pytest.mark.parametrize("jump", WRONGLY)
async def test_after_a_jump_seats_come_back_in_time_and_once(
    stage: Stage, organizer: Organizer, alice: Person, jump: int
) -> None:
    await stage.opens()
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    stage.wrong = jump
    await asyncio.sleep(1.5)
    stage.clock.forward(601)
    stage.wallet.hang_up()  # it is polled anew, and tells its time
    await alice.hears("lapsed and nothing was charged")
    stage.wrong = 0
    await asyncio.sleep(2.5)
    await released(stage, 1)
    assert [one.text for one in alice.heard].count(alice.heard[-1].text) == 1


async def test_what_a_clock_put_off_leaves_when_it_is_put_back(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """Rows that were postponed, and a hold that began, two days in the future."""
    await stage.opens()
    await organizer.has_on_sale()
    stage.wallet.down = True
    stage.wrong = 2 * DAY
    await alice.says("buy lisbon")
    await alice.hears("the wallet is slow just now")
    stage.wrong = 0
    stage.wallet.down = False
    await stage.app.look_around()
    longest = int(stage.clock()) + 600

    def latest(tx: Tx) -> int:
        row = tx.row("SELECT max(hold_until) FROM orders")
        assert row is not None
        return int(row[0])

    assert await stage.app.store.transaction(latest) <= longest + 60
    stage.app.engine.wake_invoicer()
    await alice.pays(await alice.gets_an_invoice())
    assert await alice.gets_a_ticket()


async def test_operators_are_told_once_by_how_much_and_once_that_it_is_over(stage: Stage) -> None:
    stage.wrong = 2 * DAY
    await stage.opens()
    for _ in range(3):
        await stage.app.look_around()
        stage.clock.forward(31)
    told = await stage.operator.hears("clock")
    assert told.startswith("Alert: this machine's clock is 2 days ahead of that of wallet.")
    await stage.closes()
    await stage.opens()  # a restart tells nothing anew
    await listening(stage)
    await stage.app.look_around()
    assert stage.app._housekeeper.beat()["troubles"] == ["clock"]
    stage.wrong = 0
    await stage.wallet.probe()
    for _ in range(4):
        await stage.app.look_around()
        stage.clock.forward(31)
    assert await stage.operator.hears("clock") == "The clocks agree again."
    assert await stage.operator.hears_nothing()


async def test_two_who_agree_put_the_clock_right(tmp_path: Path) -> None:
    """A relay that tells the time, and the wallet: events are dated right, and taken."""
    async with awkward_relay() as relay:
        stage = FarStage(tmp_path, relay.url)
        now = int(stage.clock())
        relay.refuse = lambda event: (
            "invalid: created_at too late" if event["created_at"] > now + HOUR else None
        )
        stage.wrong = 2 * DAY
        await stage.enters(stage.operator)
        await stage.enters(stage.organizer)
        await stage.opens()
        await listening(stage)
        await stage.app.look_around()
        assert abs(stage.app.clock() - stage.clock()) < 5
        await stage.organizer.has_on_sale()
        alice = await stage.enters()
        assert await alice.buys("lisbon")
        assert max(event["created_at"] for event in relay.stored.values()) < now + HOUR
        await stage.ends()


async def test_the_first_cursor_is_the_wallets_time(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """A bot two days ahead looked for money from the day after tomorrow on, and found none."""
    stage.wrong = 2 * DAY
    await stage.opens()
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    stage.clock.forward(700)
    await alice.hears("lapsed and nothing was charged")
    stage.wallet.deaf = True  # no hint: only the poll can find it
    await alice.pays(bolt11)
    stage.wallet.hang_up()
    assert await alice.gets_a_ticket()


async def test_a_wallet_whose_clock_was_ahead_hides_no_payment(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await stage.opens()
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    await alice.says("cancel")
    await alice.hears("is cancelled")
    ahead = int(stage.clock()) + 2 * DAY
    await stage.app.store.transaction(lambda tx: marks.put(tx, CURSOR, str(ahead)))
    stage.wallet.deaf = True
    await alice.pays(bolt11)
    stage.wallet.hang_up()
    assert await alice.gets_a_ticket()
    cursor = await stage.app.store.transaction(lambda tx: marks.number(tx, CURSOR))
    assert cursor <= stage.clock() + WRONG


async def test_a_hold_without_an_invoice_ends_by_our_clock(stage: Stage) -> None:
    await stage.opens()

    def lapsed(tx: Tx, now: int, at_wallet: int) -> list[str]:
        return [one.id for one in orders.lapsed(tx, now, (0, ""), at_wallet)]

    def work(tx: Tx) -> tuple[list[str], list[str]]:
        person = tx.insert(
            "INSERT INTO person (lookup, sealed, via) VALUES (x'00', x'00', 'nip17')"
        )
        tx.change("INSERT INTO listing VALUES ('e', 'E', 'o', 'n', 0, 1, 2, 'on-sale', '{}')")
        for name, state in (("held", "held"), ("shown", "invoiced")):
            tx.change(
                "INSERT INTO orders VALUES (?, ?, 'e', '', 1, 0, 0, ?, 'nip17', NULL, 0, 1000)",
                (name, person, state),
            )
        found = lapsed(tx, 1000, 999), lapsed(tx, 999, 1000)
        tx.change("DELETE FROM orders")
        return found

    assert await stage.app.store.transaction(work) == (["held"], ["shown"])
