"""The one writer: durable, grouped, unharmed by who raises or goes away."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from ticketbot import failpoints
from ticketbot.errors import Broken, Refused, Retry
from ticketbot.ledger import journal, marks, outbox, schema
from ticketbot.ledger.store import Store, Tx, read_ledger
from ticketbot.ledger.vault import Vault


async def test_many_writers_lose_nothing(store: Store) -> None:
    def count(tx: Tx) -> None:
        marks.put(tx, "n", str(marks.number(tx, "n") + 1))

    await asyncio.gather(*(store.transaction(count) for _ in range(500)))
    assert await store.transaction(lambda tx: marks.number(tx, "n")) == 500


async def test_one_who_raises_takes_only_itself_back(store: Store) -> None:
    def good(tx: Tx) -> str:
        marks.put(tx, "good", "1")
        return "done"

    def bad(tx: Tx) -> str:
        marks.put(tx, "bad", "1")
        raise ValueError("no")

    results = await store.transactions([good, bad, good])
    assert [results[0], results[2]] == ["done", "done"]
    assert isinstance(results[1], ValueError)
    assert await store.transaction(lambda tx: marks.get(tx, "bad")) is None


async def test_what_waits_to_be_written_is_seen_by_whoever_asks(store: Store) -> None:
    def note(tx: Tx) -> None:
        journal.note(tx, 1, "order", "placed")
        assert [one.what for one in journal.of(tx, "order")] == ["placed"]
        journal.note(tx, 2, "order", "paid")

    def read(tx: Tx) -> list[str]:
        return [one.what for one in journal.of(tx, "order")]

    results = await store.transactions([note, read])
    assert results[1] == ["placed", "paid"]
    assert await store.transaction(read) == ["placed", "paid"]


@pytest.mark.parametrize("writes", [True, False])
async def test_a_refusal_takes_its_own_block_back_and_nothing_else(
    store: Store, *, writes: bool
) -> None:
    def refused(tx: Tx) -> str:
        journal.note(tx, 1, "order", "before")
        try:
            with tx.savepoint():
                journal.note(tx, 2, "order", "begun")
                if writes:
                    marks.put(tx, "begun", "1")
                raise Refused("sold-out", "sold-out")
        except Refused:
            journal.note(tx, 3, "order", "refused")
        return "said"

    def other(tx: Tx) -> None:
        journal.note(tx, 4, "order", "other")
        with tx.savepoint():
            marks.put(tx, "other", "1")

    assert await store.transactions([other, refused, other]) == [None, "said", None]
    said = await store.transaction(lambda tx: journal.of(tx, "order"))
    assert [one.what for one in said] == ["other", "before", "refused", "other"]
    assert await store.transaction(lambda tx: marks.get(tx, "begun")) is None
    assert await store.transaction(lambda tx: marks.get(tx, "other")) == "1"


async def test_a_row_that_may_not_be_written_is_only_its_writers_trouble(store: Store) -> None:
    def bad(tx: Tx) -> None:
        journal.note(tx, "noon", "order", "placed")  # type: ignore[arg-type]

    def good(tx: Tx) -> None:
        outbox.put(tx, "good", "message", 0, {})

    results = await store.transactions([good, bad, good])
    assert [results[0], results[2]] == [None, None]
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert await store.transaction(outbox.pending) == 1


async def test_a_caller_who_goes_away_does_not_undo_the_work(store: Store) -> None:
    task = asyncio.create_task(store.transaction(lambda tx: marks.put(tx, "kept", "1")))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await store.transaction(lambda tx: marks.get(tx, "kept")) == "1"


async def test_a_failed_commit_is_everybodys_and_nothing_is_kept(store: Store) -> None:
    failpoints.arm("ledger.before-commit=raise")
    try:
        results = await store.transactions([lambda tx: marks.put(tx, "a", "1")] * 2)
    finally:
        failpoints.arm("")
    assert all(isinstance(result, failpoints.Injected) for result in results)
    assert await store.transaction(lambda tx: marks.get(tx, "a")) is None


async def test_a_full_disk_is_a_retry_and_the_ledger_goes_on(store: Store) -> None:
    def limit(tx: Tx, pages: int) -> None:
        tx.rows(f"PRAGMA max_page_count={pages}")

    await store.transaction(lambda tx: limit(tx, 1))
    with pytest.raises(Retry, match="free some disk space"):
        await store.transaction(lambda tx: marks.put(tx, "big", "x" * 200_000))
    await store.transaction(lambda tx: limit(tx, 1_000_000))
    await store.transaction(lambda tx: marks.put(tx, "big", "x" * 200_000))
    assert len(await store.transaction(lambda tx: marks.get(tx, "big") or "")) == 200_000


async def test_the_journal_is_a_wal_that_is_synced(store: Store) -> None:
    def settings(tx: Tx) -> tuple[object, ...]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "temp_store")
        return tuple(tx.rows(f"PRAGMA {name}")[0][0] for name in names)

    assert await store.transaction(settings) == ("wal", 2, 1, 1, 2)


async def test_readers_see_a_snapshot_and_cannot_write(store: Store, vault: Vault) -> None:
    await store.transaction(lambda tx: marks.put(tx, "seen", "1"))
    assert read_ledger(store.path, vault, lambda tx: marks.get(tx, "seen")) == "1"
    with pytest.raises(Broken, match="readonly"):
        read_ledger(store.path, vault, lambda tx: marks.put(tx, "seen", "2"))


async def test_another_nsec_cannot_open_the_ledger(store: Store) -> None:
    with pytest.raises(Broken, match="another nsec"):
        Store(store.path, Vault(b"x" * 32, b"y" * 32))


def test_a_ledger_newer_than_the_program_is_refused(tmp_path: Path, vault: Vault) -> None:
    path = tmp_path / "ledger.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=9999")
    db.close()
    with pytest.raises(Broken, match="newer than this program"):
        Store(path, vault)


def test_rubbish_in_place_of_a_ledger_is_one_sentence(tmp_path: Path, vault: Vault) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(Broken, match="cannot be opened"):
        Store(path, vault)


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [number for number, _ in schema.steps()] == list(range(1, len(schema.steps()) + 1))


async def test_entries_cannot_be_changed(store: Store) -> None:
    def write(tx: Tx) -> None:
        tx.change("INSERT INTO entry (ref, account, amount_msat, at) VALUES ('r', 'a', 1, 1)")

    await store.transaction(write)
    for sql in ("UPDATE entry SET amount_msat = 2", "DELETE FROM entry"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            await store.transaction(lambda tx, sql=sql: tx.change(sql))
