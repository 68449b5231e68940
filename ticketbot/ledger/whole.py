"""Is the ledger's file whole? From one that is not, nothing may be sold."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from ticketbot.errors import Broken
from ticketbot.ledger.store import connect, is_corrupt

STEPS = 100_000  # of SQLite's machine, some milliseconds
SOON = 64 * 2**20
"""Bytes that are checked in less than half a second: a larger file is checked beside the sales."""


def waits_for_check(path: Path) -> bool:
    """Whether nothing may be sold before the check: it is quick, or has failed before."""
    return path.stat().st_size <= SOON or _note(path).exists()


def require_whole(path: Path, stopped: Callable[[], bool] = lambda: False) -> None:
    """`Broken` when SQLite finds that the file is corrupt (PRAGMA quick_check).

    Gives up, without a verdict, as soon as it is `stopped`.
    """
    db = connect(path, read_only=True)
    db.set_progress_handler(stopped, STEPS)
    try:
        said = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if stopped():
            return
        if not is_corrupt(error):
            raise Broken(f"the ledger {path} cannot be read: {error}") from None
        said = str(error)
    finally:
        db.close()
    if said != "ok":
        _note(path).touch()
        words = " ".join(said.split())
        raise Broken(
            f"the ledger {path} is corrupt ({words}), so nothing is sold from it: "
            "restore a backup with `ticketbot restore --replace`"
        )
    _note(path).unlink(missing_ok=True)


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.corrupt")
