"""A backup as one encrypted file, which only the bot's nsec opens.

    offset  size  what
         0    16  "ticketbot-backup"
        16     1  format, 1
        17    16  salt, fresh for every file
        33    16  check = HKDF(nsec, "ticketbot backup check" ‖ salt)
        49        segments, each up to 1 MiB of plain text and 16 bytes of tag

Each segment is sealed by AES-256-GCM under the key HKDF(nsec, "ticketbot backup key" ‖ salt),
with the first 49 bytes as additional data. Its nonce is its number (11 bytes, big-endian) and
one byte that is 1 in the last segment only: a file that was cut short, or whose segments were
moved, does not open. HKDF is RFC 5869 with SHA-256 and no salt of its own. The plain text is
a tar archive (POSIX.1-2001) of `meta.json`, `ticket-key` and `ledger.db`, in this order.
"""

from __future__ import annotations

import hmac
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ticketbot.errors import Broken
from ticketbot.keys import Keys

MAGIC = b"ticketbot-backup"
FORMAT = 1
SALT_BYTES = CHECK_BYTES = TAG_BYTES = 16
HEADER_BYTES = len(MAGIC) + 1 + SALT_BYTES + CHECK_BYTES
SEGMENT = 2**20
COPY = 2**18
LONGEST_SMALL = 65_536

META, TICKET_KEY, LEDGER = "meta.json", "ticket-key", "ledger.db"

Told = Callable[[int, int], None]
"""Called with how many bytes are done, and how many there are."""


class Contents(NamedTuple):
    """What a backup holds besides the ledger. `ticket_key` is 64 hex digits."""

    meta: dict[str, Any]
    ticket_key: str


def write_archive(
    path: Path, keys: Keys, contents: Contents, ledger: Path, told: Told = lambda done, whole: None
) -> None:
    """Make the file at `path` (mode 0600), on disk when this returns; Broken when there is one."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Broken(f"{path} exists already, and is left as it is") from None
    with os.fdopen(number, "wb") as file:
        sealer = _Sealer(file, keys)
        with tarfile.open(fileobj=sealer, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, META, json.dumps(contents.meta, indent=2).encode())
            _add(tar, TICKET_KEY, f"{contents.ticket_key}\n".encode())
            _add_file(tar, LEDGER, ledger, told)
        sealer.finish()
        file.flush()
        os.fsync(file.fileno())


def read_archive(
    path: Path, keys: Keys, ledger: Path | None, told: Told = lambda done, whole: None
) -> Contents:
    """Open a backup whole, its ledger into a new file (or nowhere, to prove that it opens).

    Broken when it is no backup, was made with another nsec, or is damaged.
    """
    whole = path.stat().st_size
    with path.open("rb") as file:
        opener = _Opener(file, keys, path)
        small: dict[str, bytes] = {}
        seen = False
        try:
            with tarfile.open(fileobj=opener, mode="r|") as tar:
                for member in tar:
                    source = tar.extractfile(member)
                    if member.name == LEDGER and source is not None:
                        seen = True
                        _copy(source, ledger, lambda _: told(file.tell(), whole))
                    elif member.name in (META, TICKET_KEY) and source is not None:
                        small[member.name] = source.read(LONGEST_SMALL)
            while opener.read(COPY):
                pass  # the last segment proves that nothing is missing
            meta = json.loads(small[META])
            ticket_key = small[TICKET_KEY].decode().strip()
        except (tarfile.TarError, KeyError, ValueError):
            raise _damaged(path) from None
    if not seen or not isinstance(meta, dict):
        raise _damaged(path)
    return Contents(meta, ticket_key)


class _Sealer(io.RawIOBase):
    """A file to write plain text into."""

    def __init__(self, file: BinaryIO, keys: Keys) -> None:
        salt = os.urandom(SALT_BYTES)
        self._header = MAGIC + bytes([FORMAT]) + salt + _check(keys, salt)
        self._aead = _aead(keys, salt)
        self._file = file
        self._plain = bytearray()
        self._number = 0
        file.write(self._header)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._plain += data
        while len(self._plain) > SEGMENT:
            self._seal(bytes(self._plain[:SEGMENT]), last=False)
            del self._plain[:SEGMENT]
        return len(data)

    def finish(self) -> None:
        """Write the last segment."""
        self._seal(bytes(self._plain), last=True)

    def _seal(self, plain: bytes, *, last: bool) -> None:
        nonce = _nonce(self._number, last=last)
        self._file.write(self._aead.encrypt(nonce, plain, self._header))
        self._number += 1


class _Opener(io.RawIOBase):
    """A file to read plain text from; Broken as soon as something is not as it was sealed."""

    def __init__(self, file: BinaryIO, keys: Keys, path: Path) -> None:
        self._file = file
        self._path = path
        self._header = file.read(HEADER_BYTES)
        if not self._header.startswith(MAGIC) or len(self._header) < HEADER_BYTES:
            raise Broken(f"{path} is no backup of ticketbot, or was cut short")
        version = self._header[len(MAGIC)]
        if version != FORMAT:
            raise Broken(f"{path} is a backup of format {version}: use a newer ticketbot")
        salt, check = self._header[-32:-16], self._header[-16:]
        if not hmac.compare_digest(check, _check(keys, salt)):
            raise Broken(f"{path} was made with another nsec: use the nsec of the bot that made it")
        self._aead = _aead(keys, salt)
        self._plain = b""
        self._number = 0
        self._next = file.read(SEGMENT + TAG_BYTES)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while self._next and (size < 0 or len(self._plain) < size):
            self._plain += self._open()
        if size < 0:
            size = len(self._plain)
        found, self._plain = self._plain[:size], self._plain[size:]
        return found

    def _open(self) -> bytes:
        sealed, self._next = self._next, self._file.read(SEGMENT + TAG_BYTES)
        nonce = _nonce(self._number, last=not self._next)
        self._number += 1
        try:
            return self._aead.decrypt(nonce, sealed, self._header)
        except InvalidTag:
            raise _damaged(self._path) from None


def _damaged(path: Path) -> Broken:
    return Broken(f"{path} is damaged or was cut short: take another backup")


def _aead(keys: Keys, salt: bytes) -> AESGCM:
    return AESGCM(keys.derive(b"ticketbot backup key" + salt))


def _check(keys: Keys, salt: bytes) -> bytes:
    return keys.derive(b"ticketbot backup check" + salt, CHECK_BYTES)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _add_file(tar: tarfile.TarFile, name: str, source: Path, told: Told) -> None:
    member = tarfile.TarInfo(name)
    member.size = source.stat().st_size
    with source.open("rb") as file:
        tar.addfile(member, _Watched(file, lambda done: told(done, member.size)))


class _Watched(io.RawIOBase):
    """A file that says how far it was read."""

    def __init__(self, file: BinaryIO, told: Callable[[int], None]) -> None:
        self._file = file
        self._told = told

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._told(self._file.tell())
        return data


def _copy(source: Any, target: Path | None, told: Callable[[int], None]) -> None:
    number = os.open(target or os.devnull, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(number, "wb") as file:
        while data := source.read(COPY):
            file.write(data)
            told(len(data))
        file.flush()
        if target is not None:
            os.fsync(file.fileno())
