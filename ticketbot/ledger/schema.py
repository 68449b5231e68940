"""Numbered migrations: plain SQL files, applied in order, each in one transaction."""

from __future__ import annotations

import sqlite3
from importlib import resources
from pathlib import Path

from ticketbot.errors import Broken


def steps() -> list[tuple[int, str]]:
    """(number, SQL) of every migration, in order."""
    folder = resources.files("ticketbot.ledger") / "migrations"
    files = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text("utf-8")) for name in files]


def version(db: sqlite3.Connection) -> int:
    """How many migrations this ledger has seen."""
    number: int = db.execute("PRAGMA user_version").fetchone()[0]
    return number


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the ledger up to date; `Broken` when it is newer than the program."""
    known = steps()
    _refuse_newer(db, path, known[-1][0])
    for number, sql in known:
        if number > version(db):
            db.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version={number};\nCOMMIT;")


def require_current(db: sqlite3.Connection, path: Path) -> None:
    """`Broken` unless a reader of this program understands the ledger."""
    newest = steps()[-1][0]
    _refuse_newer(db, path, newest)
    if version(db) < newest:
        raise Broken(f"the ledger {path} is older than this program: start `ticketbot run` once")


def _refuse_newer(db: sqlite3.Connection, path: Path, newest: int) -> None:
    if version(db) > newest:
        raise Broken(
            f"the ledger {path} is of version {version(db)}, newer than this program "
            f"(version {newest}): install the newer ticketbot, or restore an older backup"
        )
