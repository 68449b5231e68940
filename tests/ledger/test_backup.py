"""A backup is taken while the bot sells, opens for its nsec alone, and restores whole or not."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from tests.unit.cli_house import BotHouse, Sold, one_sentence
from ticketbot.cli import backup
from ticketbot.cli.archive import HEADER_BYTES, Contents, read_archive, write_archive
from ticketbot.keys import Keys
from ticketbot.ledger import marks
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.vault import open_vault
from ticketbot.service import SingleInstance

KEYS = Keys(b"\x01" * 32)
SMALL = Contents({"made_at": 1_800_000_000}, "ab" * 32)


@pytest.fixture
def house(tmp_path: Path) -> BotHouse:
    return BotHouse(tmp_path / "bot")


@pytest.fixture
def sold(house: BotHouse) -> Sold:
    return house.sells()


@pytest.fixture
def saved(house: BotHouse, sold: Sold) -> Path:
    """A backup of a house with a history."""
    path = house.folder.parent / "saved.backup"
    assert house.calls("backup", path).code == 0
    return path


def everything(folder: Path) -> dict[str, bytes]:
    """Every file of a folder; the lock file is not counted."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


def empty(house: BotHouse, *names: str) -> None:
    for name in names:
        (house.folder / name).unlink()


# The drill.


def test_what_was_backed_up_comes_back(house: BotHouse, sold: Sold, saved: Path) -> None:
    before = [house.calls(*words).data for words in (["orders", "--json"], ["status", "--json"])]
    empty(house, "ledger.db", "ticket-key")
    ran = house.run("restore", saved)
    assert (ran.code, ran.err) == (0, "")
    assert "3 orders, 2 tickets" in ran.out
    assert [
        house.calls(*words).data for words in (["orders", "--json"], ["status", "--json"])
    ] == before
    assert house.calls("verify", sold.tokens[0]).code == 0
    assert house.run("audit").code == 0
    assert (house.folder / "ticket-key").stat().st_mode & 0o777 == 0o600
    assert (house.folder / "ledger.db").stat().st_mode & 0o077 == 0


def test_the_bot_goes_on_with_a_restored_ledger(house: BotHouse, sold: Sold, saved: Path) -> None:
    empty(house, "ledger.db")
    assert house.calls("restore", saved).code == 0
    house.pays(sold.waiting)
    house.orders(3)
    assert house.run("audit").code == 0


def test_a_backup_for_nobody_else_s_eyes(house: BotHouse, saved: Path) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600
    data = saved.read_bytes()
    for seen in (b"SQLite", b"LISBON", b"Lisbon", b"ticket-key", house.keys.pubkey.encode()):
        assert seen not in data
    assert {path.name for path in saved.parent.iterdir()} == {"bot", "saved.backup"}


def test_into_a_folder_it_finds_a_name(house: BotHouse, sold: Sold, tmp_path: Path) -> None:
    data = house.calls("backup", tmp_path, "--json").data
    (made,) = tmp_path.glob("ticketbot-*.backup")
    assert data["path"] == str(made)
    assert data["bytes"] == made.stat().st_size
    assert (data["orders"], data["tickets"]) == (3, 2)


def test_doctor_learns_of_it(house: BotHouse, saved: Path) -> None:
    made_at = backup.last_backup(house.ledger)
    assert made_at is not None
    (house.folder / "ledger.db.backed-up").write_text("rubbish")
    assert backup.last_backup(house.ledger) is None


async def test_a_backup_is_one_moment_of_a_ledger_that_is_written(tmp_path: Path) -> None:
    """Two marks always move together; the copy must not show one without the other."""
    house = BotHouse(tmp_path / "bot")
    store = Store(house.ledger, open_vault(house.keys))
    store.start()

    def step(tx: Tx) -> None:
        number = marks.number(tx, "left") + 1
        marks.put(tx, "left", str(number))
        tx.change(
            "INSERT INTO entry (ref, account, amount_msat, at) VALUES ('x', ?, 0, 0)", ("a" * 9000,)
        )
        marks.put(tx, "right", str(number))

    await store.transactions([step] * 600)  # some megabytes, so that copying takes its time
    stop = threading.Event()

    async def write() -> None:
        while not stop.is_set():
            await store.transaction(step)

    writing = asyncio.create_task(write())
    try:
        before = await store.transaction(lambda tx: marks.number(tx, "left"))
        ran = await asyncio.to_thread(house.run, "backup", tmp_path / "b")
        after = await store.transaction(lambda tx: marks.number(tx, "left"))
    finally:
        stop.set()
        await writing
        await store.close()
    assert ran.code == 0, ran
    assert after > before, "nothing was written meanwhile"
    read_archive(tmp_path / "b", house.keys, tmp_path / "copy.db")
    db = sqlite3.connect(tmp_path / "copy.db")
    copied = dict(db.execute("SELECT name, value FROM mark WHERE name IN ('left', 'right')"))
    rows = db.execute("SELECT count(*) FROM entry").fetchone()[0]
    db.close()
    assert int(copied["left"]) == int(copied["right"]) == rows
    assert before <= rows <= after


# What a backup refuses.


def test_it_never_overwrites(house: BotHouse, sold: Sold, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    one_sentence(house.run("backup", there), 1, "exists already")
    assert there.read_text() == "mine"


def test_it_needs_a_ledger_a_key_and_a_folder(house: BotHouse, sold: Sold, tmp_path: Path) -> None:
    one_sentence(house.calls("backup", tmp_path / "no" / "b"), 1, "there is no folder")
    (house.folder / "ticket-key").rename(tmp_path / "key")
    one_sentence(house.calls("backup", tmp_path / "b"), 1, "there is no ticket key")
    empty(house, "ledger.db")
    one_sentence(house.calls("backup", tmp_path / "b"), 1, "nothing to back up")
    (tmp_path / "key").rename(house.folder / "ticket-key")
    one_sentence(house.calls("backup", tmp_path / "b"), 1, "there is no ledger")
    assert not (tmp_path / "b").exists()


def test_a_corrupt_ledger_is_not_called_a_backup(house: BotHouse, sold: Sold) -> None:
    db = sqlite3.connect(house.ledger)
    db.execute("PRAGMA journal_mode=DELETE")
    (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'orders'").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    with house.ledger.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(os.urandom(size))
    ran = house.run("backup", house.folder / "b")
    one_sentence(ran, 1, "ledger")
    assert not (house.folder / "b").exists()
    assert not list(house.folder.glob(".ticketbot-*"))


# What a restore refuses, and that it then changes nothing.


def refuses(house: BotHouse, saved: Path, *parts: str, extra: tuple[str, ...] = ()) -> None:
    before = everything(house.folder)
    one_sentence(house.calls("restore", saved, *extra), 1, *parts)
    assert everything(house.folder) == before


def test_another_nsec(house: BotHouse, saved: Path) -> None:
    empty(house, "ledger.db")
    house.write("nsec", os.urandom(32).hex())
    refuses(house, saved, "made with another nsec")


def test_a_file_that_was_cut_short(house: BotHouse, saved: Path) -> None:
    empty(house, "ledger.db")
    whole = saved.read_bytes()
    for size in (0, 1, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 16, len(whole) - 1):
        saved.write_bytes(whole[:size])
        refuses(house, saved, "cut short")


def test_a_file_with_something_behind_it(house: BotHouse, saved: Path) -> None:
    empty(house, "ledger.db")
    saved.write_bytes(saved.read_bytes() + b"\0")
    refuses(house, saved, "damaged")


def test_a_file_of_another_kind(house: BotHouse, saved: Path) -> None:
    empty(house, "ledger.db")
    refuses(house, house.folder / "config.toml", "no backup of ticketbot")
    refuses(house, house.folder / "nothing", "does not exist")
    newer = bytearray(saved.read_bytes())
    newer[16] = 2
    saved.write_bytes(newer)
    refuses(house, saved, "format 2")


def test_a_ledger_that_is_here(house: BotHouse, saved: Path) -> None:
    refuses(house, saved, "there is a ledger already", "--replace")


def test_a_bot_that_runs(house: BotHouse, saved: Path) -> None:
    with SingleInstance(house.ledger.with_suffix(".lock")):
        ran = house.run("restore", saved, "--replace")
        one_sentence(ran, 1, "another ticketbot")
        assert house.calls("status").code == 0
        assert house.calls("backup", house.folder / "b").code == 0


def test_books_that_do_not_add_up(house: BotHouse, saved: Path, tmp_path: Path) -> None:
    db = sqlite3.connect(house.ledger)
    db.execute("UPDATE ticket SET state = 'void'")
    db.commit()
    db.close()
    assert house.calls("backup", tmp_path / "odd").code == 0
    empty(house, "ledger.db")
    before = everything(house.folder)
    ran = house.run("restore", tmp_path / "odd")
    assert ran.code == 1
    assert "ticketbot: I1 does not hold" in ran.err
    assert ran.err.splitlines()[-1] == (
        "ticketbot: this backup's books do not add up: take another one, or say --anyway"
    )
    assert everything(house.folder) == before
    assert house.run("restore", tmp_path / "odd", "--anyway").code == 0


def test_a_ledger_newer_than_the_program(house: BotHouse, saved: Path, tmp_path: Path) -> None:
    read_archive(saved, house.keys, tmp_path / "newer.db")
    db = sqlite3.connect(tmp_path / "newer.db")
    db.execute("PRAGMA user_version = 9999")
    db.close()
    write_archive(tmp_path / "newer", house.keys, SMALL, tmp_path / "newer.db")
    empty(house, "ledger.db")
    refuses(house, tmp_path / "newer", "newer than this program")


def test_the_ledger_of_another_bot_in_this_bot_s_envelope(
    house: BotHouse, saved: Path, tmp_path: Path
) -> None:
    other = BotHouse(tmp_path / "other")
    other.lists()
    write_archive(tmp_path / "mixed", house.keys, SMALL, other.ledger)
    empty(house, "ledger.db")
    refuses(house, tmp_path / "mixed", "another nsec")


# Replacing.


def test_what_was_here_is_moved_aside_and_still_opens(
    house: BotHouse, sold: Sold, saved: Path
) -> None:
    house.orders(1)
    data = house.calls("restore", saved, "--replace", "--json").data
    (aside,) = [Path(path) for path in data["moved_aside"]]
    assert len(house.calls("orders", "--json").data) == 3
    house.configure("[lightning]", f'[ledger]\nurl = "sqlite:///{aside.name}"\n[lightning]')
    assert len(house.calls("orders", "--json").data) == 4


def test_the_log_goes_with_the_ledger_it_belongs_to(
    house: BotHouse, saved: Path, tmp_path: Path
) -> None:
    db = sqlite3.connect(house.ledger, isolation_level=None)
    db.execute("INSERT INTO mark VALUES ('only in the log', '1')")
    shutil.copytree(house.folder, tmp_path / "crashed")
    db.close()
    house.folder = tmp_path / "crashed"
    moved = house.calls("restore", saved, "--replace", "--json").data["moved_aside"]
    aside = next(Path(path) for path in moved if not path.endswith("-wal"))
    db = sqlite3.connect(aside)
    assert db.execute("SELECT count(*) FROM mark WHERE name LIKE 'only%'").fetchone() == (1,)
    db.close()


def test_twice_in_a_second(house: BotHouse, saved: Path) -> None:
    for _ in range(3):
        assert house.calls("restore", saved, "--replace").code == 0
    assert len(list(house.folder.glob("ledger.db.replaced-*"))) == 3


def test_a_log_of_a_ledger_that_is_gone_is_not_played_into_the_new_one(
    house: BotHouse, sold: Sold, saved: Path, tmp_path: Path
) -> None:
    crashed = tmp_path / "crashed"
    db = sqlite3.connect(house.ledger, isolation_level=None)
    db.execute("UPDATE orders SET tier = 'wrong'")
    shutil.copytree(house.folder, crashed)  # as a power cut leaves it, its log not merged
    db.close()
    assert (crashed / "ledger.db-wal").stat().st_size > 0
    (crashed / "ledger.db").unlink()
    house.folder = crashed
    refuses(house, saved, "there is a ledger already", "ledger.db-wal")
    assert house.calls("restore", saved, "--replace").code == 0
    assert {order["tier"] for order in house.calls("orders", "--json").data} == {""}


def test_another_ticket_key_is_here(house: BotHouse, sold: Sold, saved: Path) -> None:
    empty(house, "ledger.db")
    other = house.write("ticket-key", os.urandom(32).hex()).read_bytes()
    refuses(house, saved, "ticket-key is not the key of this backup's tickets", "--replace")
    assert house.calls("restore", saved, "--replace").code == 0
    (aside,) = house.folder.glob("ticket-key.replaced-*")
    assert aside.read_bytes() == other
    assert house.calls("verify", sold.tokens[0]).code == 0


def test_a_credential_is_not_replaced(house: BotHouse, saved: Path, tmp_path: Path) -> None:
    empty(house, "ledger.db", "ticket-key")
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "ticket_key").write_text(os.urandom(32).hex())
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    ran = house.run("restore", saved, "--replace", env=env)
    one_sentence(ran, 1, "the credential ticket_key is not the key")
    assert not house.ledger.exists()


# The file itself.
