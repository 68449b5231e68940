"""Hours without a wallet, without relays, without space: told once, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.real.relays import awkward_relay
from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.program import listening
from ticketbot.errors import Broken, Retry
from ticketbot.ledger import orders
from ticketbot.ledger import store as ledger
from ticketbot.ledger.whole import SOON
from ticketbot.relays import RelayPool
from ticketbot.texts import say

FIRST = 61  # seconds after which a wallet that does not answer is told


async def rounds(stage: Stage, number: int, each: float = 31.0) -> None:
    """The bot looks around, and time passes."""
    for _ in range(number):
        await stage.app.look_around()
        stage.clock.forward(each)


async def until(happened: Callable[[], bool], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not happened():
            await asyncio.sleep(0.02)


def alerts(stage: Stage) -> Counter[str]:
    """How often operators were told what, by the first words."""
    return Counter(one.text[:30] for one in stage.operator.heard if one.protocol != "24133")


async def health(stage: Stage) -> tuple[int, dict[str, Any]]:
    await stage.wallet.probe()
    url = f"http://127.0.0.1:{stage.app.web_port}/health"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, json.loads(await answer.text())


WALLET, BACK = say("alert-wallet", why="")[:30], say("alert-wallet-back")[:30]


async def wallet_is_down_for_hours(stage: Stage) -> None:
    """Told once, also across a restart; seen in `status` and in /health."""
    stage.wallet.down = True
    await stage.wallet.probe()
    await rounds(stage, 4)
    await stage.operator.hears("the wallet does not answer")
    assert stage.app._housekeeper.beat()["troubles"] == ["wallet"]
    status, details = await health(stage)
    assert status == 503
    assert (details["ok"], details["troubles"]) == (False, ["wallet"])
    await rounds(stage, 20, 600)


async def wallet_is_back(stage: Stage) -> None:
    stage.wallet.down = False
    stage.wallet.hang_up()
    await stage.wallet.probe()
    await rounds(stage, 4)
    await stage.operator.hears(BACK)
    await rounds(stage, 4)
    assert alerts(stage)[WALLET] == 1
    assert alerts(stage)[BACK] == 1


async def test_no_wallet_when_the_order_comes(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=1)
    stage.wallet.down = True
    await alice.says("buy lisbon")
    await alice.hears("the wallet is slow just now")
    await wallet_is_down_for_hours(stage)
    await alice.hears("lapsed and nothing was charged")
    await wallet_is_back(stage)
    assert await bob.buys("lisbon")


async def test_the_wallets_answer_is_lost_for_hours(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=1)
    stage.wallet.lose_answers = 1
    await alice.says("buy lisbon")
    await alice.hears("the wallet is slow just now")
    await wallet_is_down_for_hours(stage)
    await alice.hears("lapsed and nothing was charged")
    await wallet_is_back(stage)
    assert await bob.buys("lisbon")


async def test_paid_while_the_wallet_cannot_be_asked(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    stage.wallet.down = True
    await alice.pays(bolt11)
    await wallet_is_down_for_hours(stage)
    assert not [one for one in alice.heard if "lapsed" in one.text]
    await wallet_is_back(stage)
    assert await alice.gets_a_ticket()


async def test_unpaid_while_the_wallet_cannot_be_asked(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=1)
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    await wallet_is_down_for_hours(stage)
    await bob.says("buy lisbon")
    assert await bob.hears() == say("sold-out", wish="lisbon 1")  # who may have paid keeps the seat
    await wallet_is_back(stage)
    await alice.hears("lapsed and nothing was charged")
    assert await bob.buys("lisbon")


async def test_a_start_without_a_wallet(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    await alice.pays(bolt11)
    await stage.crashes()
    new_wallet = stage.new_wallet

    def down() -> Any:
        wallet = new_wallet()
        wallet.down = True
        return wallet

    monkeypatch.setattr(stage, "new_wallet", down)
    await stage.opens()
    await listening(stage)
    await wallet_is_down_for_hours(stage)
    await stage.closes()
    await stage.opens()  # it is told that already
    await stage.wallet.probe()
    await rounds(stage, 4)
    assert alerts(stage)[WALLET] == 1
    await wallet_is_back(stage)
    assert await alice.gets_a_ticket()


# --- relays ---


class Island(NamedTuple):
    """A stage whose one relay can go away."""

    stage: Stage
    relay: Any
    alice: Person


@pytest.fixture
async def island(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Island]:
    monkeypatch.setattr(RelayPool, "clocks", lambda pool: {})  # the story's time is not the relay's
    async with awkward_relay() as relay:
        stage = Stage(tmp_path, relay.url)
        await stage.enters(stage.operator)
        await stage.enters(stage.organizer)
        await stage.opens()
        await listening(stage)
        yield Island(stage, relay, await stage.enters())
        await stage.ends()


async def relays_are_back(island: Island, *people: Person) -> None:
    await island.relay.start()
    for person in people:
        await person.disconnect()
        await person.connect(island.relay.url)
    await listening(island.stage)


async def test_hours_without_a_relay_lose_no_ticket_no_alert_and_no_seat(island: Island) -> None:
    stage, alice = island.stage, island.alice
    bob = await stage.enters()
    await stage.organizer.has_on_sale(stock=2)
    await alice.says("buy lisbon")
    paid = await alice.gets_an_invoice()
    await bob.says("buy lisbon")
    unpaid = await bob.gets_an_invoice()
    await island.relay.stop()
    await until(lambda: stage.app.pool.deaf)
    await alice.pays(paid)
    for _ in range(20):
        await rounds(stage, 1, 600)
    assert "relays" in stage.app._housekeeper.beat()["troubles"]
    status, details = await health(stage)
    assert (status, details["ok"], details["troubles"]) == (200, True, ["outbox", "relays"])

    def states(tx: ledger.Tx) -> list[str]:
        return [row[0] for row in tx.rows("SELECT state FROM orders ORDER BY state")]

    # whoever has paid has a ticket, and nobody's hold ends while nobody is heard
    assert await stage.app.store.transaction(states) == ["invoiced", "paid"]
    await relays_are_back(island, alice, bob, stage.operator, stage.organizer)
    stage.app.engine.wake()
    stage.clock.forward(HOUR)
    assert await alice.gets_a_ticket()
    await bob.hears("lapsed and nothing was charged")
    await rounds(stage, 10)
    keys = ("alert-deaf", "alert-deaf-over", "alert-outbox", "alert-outbox-over")
    told = {say(key, n=2)[:30] for key in keys}
    await until(lambda: alerts(stage).keys() >= told)
    assert alerts(stage) == dict.fromkeys(told, 1)
    assert unpaid


async def test_while_all_relays_are_deaf_no_hold_ends(island: Island) -> None:
    stage, alice = island.stage, island.alice
    await stage.organizer.has_on_sale(stock=1)
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    island.relay.refuse_query = lambda filters: "error: I do not serve just now"
    island.relay.cut()
    await until(lambda: stage.app.pool.deaf)
    stage.clock.forward(2 * HOUR)
    await asyncio.sleep(2.5)

    def held(tx: ledger.Tx) -> int:
        row = tx.row("SELECT held FROM seats")
        assert row is not None
        return int(row[0])

    assert await stage.app.store.transaction(held) == 1
    island.relay.refuse_query = lambda filters: None
    await listening(stage)
    async with asyncio.timeout(10):
        while await stage.app.store.transaction(held):
            await asyncio.sleep(0.05)


async def test_a_hold_whose_invoice_the_wallet_does_not_know_is_told(island: Island) -> None:
    stage, alice = island.stage, island.alice
    await stage.organizer.has_on_sale(stock=1)
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    stage.wallet._books._db.execute("DELETE FROM payment")
    stage.clock.forward(HOUR + 700)
    await rounds(stage, 8, 20)
    told = say("alert-holds", n=1)[:30]
    await until(lambda: alerts(stage).get(told) == 1)
    assert await stage.app.store.transaction(lambda tx: orders.stuck(tx, int(stage.clock()))) == 1


# --- the disk ---


class Usage(NamedTuple):
    free: int


async def test_little_space_stops_sales_and_is_told_once(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda path: Usage(150 * 2**20))
        await rounds(stage, 3)
        await stage.operator.hears("150 MB are free")
        await bob.says("buy lisbon")
        assert await bob.hears() == say("disk-full")
        await alice.pays(bolt11)
        assert await alice.gets_a_ticket()
        status, details = await health(stage)
        assert (status, details["paused"], details["troubles"]) == (200, "disk-full", ["disk"])
        await stage.closes()
        await stage.opens()
        assert stage.app.engine.paused == "disk-full"  # before anybody is heard
        await rounds(stage, 3)
    await rounds(stage, 3)
    await stage.operator.hears("There is space")
    assert set(alerts(stage).values()) == {1}
    assert await bob.buys("lisbon")


async def test_a_ledger_that_could_not_be_written_is_told_afterwards(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = stage.app._housekeeper

    def full(failpoint: str) -> None:
        if failpoint == "ledger.before-commit":
            raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr(ledger, "failpoint", full)
        with pytest.raises(Retry):
            await keeper.tidy()
        stage.app.engine.notes_seen.set()
        await until(lambda: keeper._mute_since is not None)
        status, details = await health(stage)
        assert (status, details["ledger"]) == (503, "cannot be written")
        stage.clock.forward(2 * HOUR)
    stage.app.engine.notes_seen.set()
    assert "for 2 h the ledger could not be written" in await stage.operator.hears("Alert")
    status, details = await health(stage)
    assert (status, details["ledger"]) == (200, "ok")


# --- the ledger's file ---


def damage(path: Path) -> None:
    """Overwrite a page in the middle, as a dying disk does."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=DELETE")
    (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'orders'").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


@pytest.mark.parametrize("large", [False, True])
async def test_a_corrupt_ledger_sells_nothing(
    stage: Stage, organizer: Organizer, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    await organizer.has_on_sale()
    await stage.closes()
    path = stage.folder / "ledger.db"
    shutil.copy(path, stage.folder / "good")
    damage(path)
    monkeypatch.setattr("ticketbot.ledger.whole.SOON", 0 if large else SOON)
    assert "is corrupt" in await downfall(stage)
    with pytest.raises(Broken, match="restore a backup with `ticketbot restore --replace`"):
        await stage.opens()  # and whatever its size: it has failed once
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (stage.folder / name).unlink(missing_ok=True)
    shutil.copy(stage.folder / "good", path)
    await stage.opens()
    assert not path.with_name("ledger.db.corrupt").exists()


async def downfall(stage: Stage) -> str:
    """Why the bot does not start, or stops by itself."""
    try:
        await stage.opens()
        assert stage._running is not None
        await stage._running
    except (Broken, BaseExceptionGroup) as error:
        return " ".join(map(str, causes(error)))
    return ""


def causes(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [cause for one in error.exceptions for cause in causes(one)]
    return [error]
