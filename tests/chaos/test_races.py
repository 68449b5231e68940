"""Races, each with its control: with the lock off the same race breaks, with it on it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chaos.daemon import Daemon
from tests.story.cast import Person, Stage
from ticketbot.demo.stage import run_relay
from ticketbot.keys import Keys
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.vault import Vault

SEATS, BUYERS = 3, 30
TABLE = "CREATE TABLE race (capacity INTEGER NOT NULL, held INTEGER NOT NULL) STRICT"


def _free(tx: Tx) -> bool:
    row = tx.row("SELECT held < capacity FROM race")
    return bool(row and row[0])


def _take(tx: Tx) -> int:
    return tx.change("UPDATE race SET held = held + 1")


def _take_if_free(tx: Tx) -> int:
    return tx.change("UPDATE race SET held = held + 1 WHERE held < capacity")


async def test_control_looking_and_taking_apart_oversells(tmp_path: Path) -> None:
    store = await _race_track(tmp_path)

    async def buyer() -> None:
        if await store.transaction(_free):
            await store.transaction(_take)

    await asyncio.gather(*(buyer() for _ in range(BUYERS)))
    assert await _held(store) > SEATS
    await store.close()


async def test_looking_and_taking_at_once_does_not(tmp_path: Path) -> None:
    store = await _race_track(tmp_path)
    taken = await asyncio.gather(*(store.transaction(_take_if_free) for _ in range(BUYERS)))
    assert sum(taken) == await _held(store) == SEATS
    await store.close()


async def test_many_buyers_for_few_seats(tmp_path: Path) -> None:
    """Exactly as many invoices as seats, and everybody is answered."""
    async with run_relay(0) as relay:
        stage = Stage(tmp_path, relay)
        await stage.enters(stage.organizer)
        await stage.opens()
        await stage.organizer.has_on_sale(stock=SEATS)
        buyers = [await stage.enters() for _ in range(BUYERS)]
        await asyncio.gather(*(one.says("buy lisbon") for one in buyers))
        answers = await asyncio.gather(*(_answer(one) for one in buyers))
        invoices = [text for text in answers if text.startswith("lnbc")]
        assert len(invoices) == SEATS
        assert len([text for text in answers if text.startswith("Sold out")]) == BUYERS - SEATS
        await asyncio.gather(*(stage.wallet.receive(invoice) for invoice in invoices))
        winners = [one for one, text in zip(buyers, answers, strict=True) if text in invoices]
        tokens = await asyncio.gather(*(one.gets_a_ticket() for one in winners))
        assert len(set(tokens)) == SEATS
        await stage.ends()


async def test_two_bots_on_one_ledger(tmp_path: Path) -> None:
    async with run_relay(0) as relay:
        first = Daemon(tmp_path, [relay], Keys(b"\1" * 32).pubkey)
        await first.start()
        second = Daemon.beside(first)
        await second.start(ready=False)
        assert await second.dies() == 1
        last = second.tail().splitlines()[-1]
        assert last.startswith("ticketbot: another ticketbot (process ")
        assert first.alive
        assert await first.stop() == 0


async def _answer(buyer: Person) -> str:
    text = await buyer.hears()
    return await buyer.gets_an_invoice() if text.startswith("Order") else text


async def _race_track(folder: Path) -> Store:
    store = Store(folder / "race.db", Vault(b"f" * 32, b"l" * 32))
    store.start()
    await store.transaction(lambda tx: tx.change(TABLE))
    await store.transaction(lambda tx: tx.change("INSERT INTO race VALUES (?, 0)", (SEATS,)))
    return store


async def _held(store: Store) -> int:
    row = await store.transaction(lambda tx: tx.row("SELECT held FROM race"))
    assert row is not None
    return int(row[0])
