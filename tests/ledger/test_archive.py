"""The sealed file of a backup: every size, every change noticed, nothing in common."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli_house import BotHouse, Ran, Sold
from ticketbot.cli import backup
from ticketbot.cli.archive import HEADER_BYTES, SEGMENT, Contents, read_archive, write_archive
from ticketbot.errors import Broken
from ticketbot.keys import Keys

KEYS = Keys(b"\x01" * 32)
SMALL = Contents({"made_at": 1_800_000_000}, "ab" * 32)


@pytest.fixture
def house(tmp_path: Path) -> BotHouse:
    return BotHouse(tmp_path / "bot")


@pytest.fixture
def sold(house: BotHouse) -> Sold:
    return house.sells()


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Two full segments and a rest."""
    path = tmp_path / "big"
    path.write_bytes(os.urandom(2 * SEGMENT + 12_345))
    return path


def sealed(path: Path, source: Path) -> bytearray:
    write_archive(path, KEYS, SMALL, source)
    return bytearray(path.read_bytes())


@pytest.mark.parametrize("size", [0, 1, SEGMENT - 4096, SEGMENT, 3 * SEGMENT])
def test_every_size_comes_back(size: int, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(data := os.urandom(size))
    sealed(tmp_path / "b", tmp_path / "in")
    assert read_archive(tmp_path / "b", KEYS, tmp_path / "out") == SMALL
    assert (tmp_path / "out").read_bytes() == data
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_two_backups_of_the_same_have_nothing_in_common(tmp_path: Path, big: Path) -> None:
    one, two = (sealed(tmp_path / name, big) for name in "ab")
    assert one[17:] != two[17:]
    assert one[HEADER_BYTES : HEADER_BYTES + 64] != two[HEADER_BYTES : HEADER_BYTES + 64]


def _flip(at: int) -> Callable[[bytearray], bytearray]:
    def change(data: bytearray) -> bytearray:
        data[at] ^= 1
        return data

    return change


def _swap(data: bytearray) -> bytearray:
    size = SEGMENT + 16
    first, second = data[HEADER_BYTES:][:size], data[HEADER_BYTES + size :][:size]
    return data[:HEADER_BYTES] + second + first + data[HEADER_BYTES + 2 * size :]


@pytest.mark.parametrize(
    "change",
    [
        *(_flip(at) for at in (17, 33, 48, HEADER_BYTES, HEADER_BYTES + SEGMENT + 20, -1)),
        _swap,
        lambda data: data[: HEADER_BYTES + SEGMENT + 16],
        lambda data: data[: HEADER_BYTES + 2 * (SEGMENT + 16)],
        lambda data: data[:HEADER_BYTES] + data[HEADER_BYTES + SEGMENT + 16 :],
    ],
)
def test_any_change_is_noticed(
    change: Callable[[bytearray], bytearray], tmp_path: Path, big: Path
) -> None:
    data = change(sealed(tmp_path / "b", big))
    (tmp_path / "b").write_bytes(data)
    with pytest.raises(Broken, match=r"damaged|another nsec"):
        read_archive(tmp_path / "b", KEYS, None)


def test_what_only_fills_the_file_up_is_proven_too(tmp_path: Path) -> None:
    """The tar ends one block before a segment does, so that nobody needs the next one."""
    (tmp_path / "in").write_bytes(bytes(5 * SEGMENT - 6 * 512))
    data = _flip(-1)(sealed(tmp_path / "b", tmp_path / "in"))
    assert len(data) > HEADER_BYTES + 5 * (SEGMENT + 16)
    (tmp_path / "b").write_bytes(data)
    with pytest.raises(Broken, match="damaged"):
        read_archive(tmp_path / "b", KEYS, None)


def test_the_key_is_another_s(tmp_path: Path, big: Path) -> None:
    sealed(tmp_path / "b", big)
    with pytest.raises(Broken, match="made with another nsec"):
        read_archive(tmp_path / "b", Keys(b"\x02" * 32), None)


def test_the_format_is_as_it_is_written_down(tmp_path: Path) -> None:
    """Opened by the words at the head of archive.py, with nothing of its code."""
    import io
    import tarfile

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    (tmp_path / "in").write_bytes(b"ledger")
    data = bytes(sealed(tmp_path / "b", tmp_path / "in"))
    assert data[:17] == b"ticketbot-backup\x01"
    salt, check = data[17:33], data[33:49]
    secret = b"\x01" * 32
    assert HKDF(SHA256(), 16, None, b"ticketbot backup check" + salt).derive(secret) == check
    key = HKDF(SHA256(), 32, None, b"ticketbot backup key" + salt).derive(secret)
    plain = AESGCM(key).decrypt(bytes(11) + b"\x01", data[49:], data[:49])
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        assert tar.getnames() == ["meta.json", "ticket-key", "ledger.db"]
        files = [tar.extractfile(name) for name in tar.getnames()]
        meta, key_text, ledger = [file.read() for file in files if file is not None]
    assert json.loads(meta) == SMALL.meta
    assert (key_text, ledger) == (b"ab" * 32 + b"\n", b"ledger")


def test_progress_is_told_and_ends(tmp_path: Path, big: Path) -> None:
    told: list[tuple[int, int]] = []
    write_archive(tmp_path / "b", KEYS, SMALL, big, lambda *part: told.append(part))
    assert told[-1] == (big.stat().st_size, big.stat().st_size)
    told.clear()
    read_archive(tmp_path / "b", KEYS, None, lambda *part: told.append(part))
    assert told == sorted(told)
    assert told[-1][0] == (tmp_path / "b").stat().st_size


def test_a_killed_backup_leaves_nothing_that_looks_like_one(
    house: BotHouse, sold: Sold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backup, "read_archive", dies)
    ran: Ran = house.calls("backup", tmp_path / "b")
    assert ran.code == 1
    assert not (tmp_path / "b").exists()
