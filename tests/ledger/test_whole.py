"""A ledger whose file is damaged sells nothing, and says what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ticketbot.errors import Broken
from ticketbot.ledger.store import Store, Tx, is_corrupt
from ticketbot.ledger.vault import Vault
from ticketbot.ledger.whole import require_whole, waits_for_check


@pytest.fixture
async def path(tmp_path: Path, vault: Vault) -> Path:
    """A ledger with a few pages, closed."""
    store = Store(tmp_path / "ledger.db", vault)
    store.start()
    await store.transaction(_fill)
    await store.close()
    return store.path


def _fill(tx: Tx) -> None:
    for number in range(200):
        tx.change("INSERT INTO mark VALUES (?, ?)", (f"zone {number}", "x" * 500))


def damage(path: Path) -> None:
    """Rubbish over its last quarter."""
    raw = path.read_bytes()
    kept = len(raw) * 3 // 4096 // 4 * 4096
    path.write_bytes(raw[:kept] + b"\xa5" * (len(raw) - kept))


def test_a_whole_file_passes_and_is_not_opened_for_writing(path: Path) -> None:
    path.chmod(0o400)
    require_whole(path)
    assert list(path.parent.glob("*.corrupt")) == []


def test_a_damaged_file_is_named_and_remembered_until_it_is_mended(path: Path) -> None:
    good = path.read_bytes()
    damage(path)
    with pytest.raises(Broken, match=r"ledger\.db is corrupt \(.+\), so nothing is sold") as broken:
        require_whole(path)
    assert "\n" not in str(broken.value)
    assert "`ticketbot restore --replace`" in str(broken.value)
    note = path.with_name("ledger.db.corrupt")
    assert note.exists()
    path.write_bytes(good)
    require_whole(path)
    assert not note.exists()


def test_who_is_stopped_gives_no_verdict(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ticketbot.ledger.whole.STEPS", 1)
    damage(path)
    require_whole(path, lambda: True)
    assert list(path.parent.glob("*.corrupt")) == []


def test_what_failed_before_is_checked_before_anything_is_sold(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert waits_for_check(path)
    monkeypatch.setattr("ticketbot.ledger.whole.SOON", path.stat().st_size)
    assert waits_for_check(path)
    monkeypatch.setattr("ticketbot.ledger.whole.SOON", path.stat().st_size - 1)
    assert not waits_for_check(path)
    path.with_name("ledger.db.corrupt").touch()
    assert waits_for_check(path)


def test_which_errors_speak_of_damage(path: Path) -> None:
    damage(path)
    db = sqlite3.connect(path)
    with pytest.raises(sqlite3.DatabaseError) as broken:
        db.execute("SELECT * FROM mark").fetchall()
    db.close()
    assert is_corrupt(broken.value)
    assert not is_corrupt(sqlite3.OperationalError("database or disk is full"))


def test_damage_that_is_met_while_opening_is_one_sentence(path: Path, vault: Vault) -> None:
    damage(path)
    with pytest.raises(Broken, match="ticketbot restore --replace"):
        Store(path, vault)


async def test_a_transaction_that_meets_damage_tells_the_operator(path: Path, vault: Vault) -> None:
    store = Store(path, vault)
    store.start()
    damage(path)
    with pytest.raises(Broken, match="ticketbot restore --replace"):
        await store.transaction(lambda tx: tx.rows("SELECT * FROM mark"))
    assert store.failing is not None and "corrupt" in store.failing
    await store.close()


async def test_long_reads_stand_beside_the_writer(path: Path, vault: Vault) -> None:
    store = Store(path, vault)
    store.start()
    found = await store.read(lambda tx: tx.row("SELECT count(*) FROM mark WHERE name LIKE 'zone%'"))
    assert found == (200,)
    await store.close()
