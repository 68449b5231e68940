"""What copying a ledger and putting one back both need: a folder, a proof, a lasting name."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ticketbot.errors import Broken


@contextlib.contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """A folder for one's own eyes beside the result, so that the last step is a rename."""
    try:
        with tempfile.TemporaryDirectory(prefix=".ticketbot-", dir=folder) as name:
            yield Path(name)
    except sqlite3.DatabaseError as error:
        raise Broken(f"the ledger could not be copied: {error}") from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise Broken(f"the disk of {folder} is full") from None


def require_whole(db: sqlite3.Connection, path: Path) -> None:
    """`Broken` when SQLite finds anything amiss in this ledger."""
    said = [str(row[0]) for row in db.execute("PRAGMA integrity_check(3)")]
    if said != ["ok"]:
        raise Broken(f"{path.name} is corrupt: {'; '.join(said)}")
    if db.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise Broken(f"{path.name} is corrupt: rows point to rows that are not there")


def sync_folder(folder: Path) -> None:
    """From now on a file's new name in this folder outlasts a loss of power."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
