"""Bad days: a full disk, a bad row, an undecidable payment, a long absence, a wrong clock."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence

import pytest
from structlog.testing import capture_logs

from tests.story.cast import DAY, HOUR, Organizer, Person, Stage
from ticketbot.domain.payment import Invoice, InvoiceAsk, Look
from ticketbot.errors import Broken, Retry
from ticketbot.intake import Interests
from ticketbot.ledger import invoices, marks, orders, outbox, people
from ticketbot.ledger import store as ledger
from ticketbot.ledger.store import Tx
from ticketbot.wallets.fake import FakeWallet

LATE_EVENING = 1_800_000_000
AHEAD = 3 * DAY


class Disk:
    """A disk that can be full: then no commit succeeds, in the words of SQLite."""

    def __init__(self) -> None:
        self.full = False

    def pass_by(self, failpoint: str) -> None:
        if self.full and failpoint == "ledger.before-commit":
            raise sqlite3.OperationalError("database or disk is full")


@pytest.fixture
def disk(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk()
    monkeypatch.setattr(ledger, "failpoint", disk.pass_by)
    yield disk
    disk.full = False


async def until(happened: Callable[[], bool], within: float = 10.0) -> None:
    """Wait for what comes by itself."""
    async with asyncio.timeout(within):
        while not happened():
            await asyncio.sleep(0.02)


async def test_a_full_disk_ends_no_loop(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, disk: Disk
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    await bob.says("buy lisbon 2")
    await bob.gets_an_invoice()
    with capture_logs() as logs:
        disk.full = True
        await alice.pays(bolt11)
        await until(lambda: any(line["event"] == "wallet.unknown" for line in logs))  # its hint
        await bob.says("thanks")
        stage.clock.forward(601)

        def everybody_met_it() -> bool:
            stage.wallet.hang_up()
            stage.app.engine.notes_seen.set()
            stage.app.engine.wake()
            met = {(line["event"], line.get("kind")) for line in logs}
            return met >= {
                ("ledger.cannot_write", None),
                ("wallet.unknown", None),
                ("hold.kept", None),
                ("outbox.waits", "invoice"),
                ("outbox.waits", "message"),
                ("outbox.waits", "note"),
            }

        await until(everybody_met_it)
    disk.full = False
    assert await alice.gets_a_ticket()
    assert await bob.hears("You are welcome")
    assert await bob.hears("lapsed and nothing was charged")


async def test_an_alarm_that_meets_a_full_disk_is_raised_later(stage: Stage, disk: Disk) -> None:
    stage.wallet.down = True
    await stage.wallet.probe()
    await stage.app.look_around()
    stage.clock.forward(61)
    disk.full = True
    with pytest.raises(Retry):
        await stage.app.look_around()
    disk.full = False
    await stage.app.look_around()
    assert await stage.operator.hears("the wallet does not answer")


@pytest.mark.choices(per_minute=1)
async def test_a_letter_that_waits_for_the_disk_spends_once(alice: Person, disk: Disk) -> None:
    with capture_logs() as logs:
        disk.full = True
        await alice.says("thanks")
        await until(lambda: sum(line["event"] == "ledger.cannot_write" for line in logs) > 3)
    disk.full = False
    assert await alice.hears() == "You are welcome. Enjoy!"


async def test_an_invoice_that_met_a_full_disk_is_not_made_twice(
    stage: Stage,
    organizer: Organizer,
    alice: Person,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await organizer.has_on_sale()
    create, made = stage.wallet.create, list[Invoice]()

    async def make_and_fill(ask: InvoiceAsk) -> Invoice:
        made.append(await create(ask))
        disk.full = True
        return made[-1]

    monkeypatch.setattr(stage.wallet, "create", make_and_fill)
    await alice.says("buy lisbon")
    await until(lambda: bool(made))
    await asyncio.sleep(0.3)
    disk.full = False
    assert await alice.gets_an_invoice() == made[0].bolt11
    assert await stage.wallet.find(made[0].external_id) == made


async def test_one_bad_row_is_put_aside_and_the_others_leave(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    now = int(stage.clock())
    good = {"to": alice.pubkey, "via": "nip17", "at": now, "text": "good", "until": now + DAY}
    good["mould"] = (bytes(32).hex(), now)
    bad = good | {"via": "24133", "text": "no JSON", "draw": True}

    def queue(tx: Tx) -> None:
        for key, body in (("good", good), ("bad", bad), ("better", good | {"text": "better"})):
            outbox.put(tx, key, "message", 1, body)

    await stage.app.store.transaction(queue)
    stage.app.engine.wake()
    assert {await alice.hears(), await alice.hears()} == {"good", "better"}

    def seen(tx: Tx) -> list[tuple[str, str]]:
        return tx.rows("SELECT room, key FROM quarantine")

    async with asyncio.timeout(10):
        while not (aside := await stage.app.store.transaction(seen)):
            stage.clock.forward(5)
            stage.app.engine.wake()
            await asyncio.sleep(0.05)
    assert aside == [("message", "bad")]
    assert await stage.app.store.transaction(outbox.pending) == 0


async def test_an_undecidable_payment_keeps_nobody_else_from_a_ticket(
    stage: Stage,
    organizer: Organizer,
    alice: Person,
    bob: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    odd = await alice.gets_an_invoice()
    await bob.says("buy lisbon 2")
    even = await bob.gets_an_invoice()
    look_many, settled_since = FakeWallet.look_many, FakeWallet.settled_since

    def as_odd(look: Look) -> Look:
        return look._replace(amount_msat=0) if look.amount_msat == 5_000_000 else look

    async def look_oddly(
        wallet: FakeWallet, hashes: Sequence[str], *, urgent: bool = False
    ) -> dict[str, Look]:
        looks = await look_many(wallet, hashes, urgent=urgent)
        return {one: as_odd(look) for one, look in looks.items()}

    async def list_oddly(wallet: FakeWallet, updated_at: int) -> list[Look]:
        return [as_odd(look) for look in await settled_since(wallet, updated_at)]

    with monkeypatch.context() as odd_wallet, capture_logs() as logs:
        odd_wallet.setattr(FakeWallet, "look_many", look_oddly)
        odd_wallet.setattr(FakeWallet, "settled_since", list_oddly)
        await alice.pays(odd)
        await until(lambda: any(line["event"] == "payment.undecided" for line in logs))
        await bob.pays(even)
        assert await bob.gets_a_ticket()
        await stage.closes()
        await stage.opens()  # it does not keep the bot from starting either
    stage.wallet.hang_up()
    assert await alice.gets_a_ticket()


async def test_the_very_first_payment_may_come_late_and_while_the_bot_is_away(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await stage.closes()
    wallet = FakeWallet(stage.folder / "wallet.db", clock=stage.clock, accept_late=True)
    await wallet.receive(bolt11)
    await wallet.close()
    stage.clock.forward(2 * DAY + HOUR)
    await stage.opens()
    assert await alice.gets_a_ticket()


@pytest.mark.choices(per_minute=4)
async def test_letters_that_relays_bring_again_spend_nothing(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    for _ in range(3):
        for _ in range(4):
            await alice.says("thanks", "nip04")
            await alice.hears("You are welcome")
        stage.clock.forward(61)
    await stage.closes()
    await alice.says("buy lisbon", "nip04", ago=1800)  # relays bring the newest first
    await stage.opens()
    assert await alice.gets_an_invoice()


async def test_a_clock_that_was_ahead_leaves_nobody_deaf(stage: Stage, alice: Person) -> None:
    stage.clock.forward(AHEAD)
    await stage.closes()
    await stage.opens()
    await alice.says("thanks")
    await alice.hears("You are welcome")

    async def mark() -> int:
        return await stage.app.store.transaction(
            lambda tx: marks.number(tx, f"relay:{stage.relay}")
        )

    async with asyncio.timeout(10):
        while await mark() < stage.clock() - HOUR:
            await asyncio.sleep(0.02)
    stage.clock.forward(-AHEAD)
    await stage.closes()
    await stage.opens()
    carol = await stage.enters()
    await carol.says("thanks")
    assert await carol.hears() == "You are welcome. Enjoy!"


def test_no_subscription_starts_in_the_future() -> None:
    filters = Interests("b" * 64, lambda: LATE_EVENING).filters(LATE_EVENING + AHEAD)
    stamps = [one["since"] for one in filters if "since" in one]
    assert stamps
    assert max(stamps) < LATE_EVENING


async def test_a_clock_that_was_ahead_dates_no_later_message(stage: Stage, alice: Person) -> None:
    now = int(stage.clock())

    def stamp(tx: Tx) -> int:
        person = people.meet(tx, alice.pubkey, "nip17").id
        people.next_stamp(tx, person, now + AHEAD)
        return people.next_stamp(tx, person, now)

    farthest = now + 15 * 60  # relays refuse what lies further ahead
    assert await stage.app.store.transaction(stamp) <= farthest


async def test_a_hold_that_the_wallet_knows_nothing_of_keeps_no_later_one(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await organizer.has_on_sale()
    monkeypatch.setattr(orders, "PAGE", 1)
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    unknown = (await stage.app.store.transaction(invoices.watched))[0][0]
    look = stage.wallet.look

    async def look_in_vain(payment_hash: str, expires_at: int) -> Look:
        if payment_hash == unknown:
            return Look(payment_hash, "unknown", 0, None, None)
        return await look(payment_hash, expires_at)

    monkeypatch.setattr(stage.wallet, "look", look_in_vain)
    stage.clock.forward(5)
    await bob.says("buy lisbon")
    await bob.gets_an_invoice()
    stage.clock.forward(601)
    assert await bob.hears("lapsed and nothing was charged")


async def test_another_ticket_key_is_refused_before_anybody_gets_a_useless_ticket(
    stage: Stage,
) -> None:
    await stage.closes()
    key = stage.folder / "ticket-key"
    mine = key.read_text()
    key.write_text("ab" * 32)
    with pytest.raises(Broken, match="another key than the one that signed"):
        await stage.opens()
    key.write_text(mine)
    await stage.opens()
