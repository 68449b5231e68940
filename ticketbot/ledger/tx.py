"""What a transaction may do, run alone or together with the others of its group."""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ticketbot.ledger.vault import Vault

Row = tuple[Any, ...]
Params = Sequence[Any]

_names_late = functools.lru_cache(512)(re.compile(r"\b(decision|entry|outbox|ticket)\b").search)
"""Does a statement read or change a table whose new rows may still wait?"""


class Tx:
    """Runs SQL, and reaches the vault."""

    __slots__ = ("_db", "vault")

    def __init__(self, db: sqlite3.Connection, vault: Vault) -> None:
        self._db = db
        self.vault = vault

    def row(self, sql: str, params: Params = ()) -> Row | None:
        """The first row, or None."""
        found: Row | None = self._run(sql, params).fetchone()
        return found

    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        """All rows."""
        return self._run(sql, params).fetchall()

    def change(self, sql: str, params: Params = ()) -> int:
        """Run a statement that writes; how many rows it touched."""
        return self._run(sql, params).rowcount

    def insert(self, sql: str, params: Params = ()) -> int:
        """Run an INSERT; the new row's number."""
        return self._run(sql, params).lastrowid or 0

    def add(self, sql: str, params: Params) -> None:
        """Run an INSERT into decision, entry, outbox or ticket, of which nothing need be known."""
        self._run(sql, params)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All of the block, or nothing of it."""
        self._db.execute("SAVEPOINT inner_step")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO inner_step")
            self._db.execute("RELEASE inner_step")
            raise
        self._db.execute("RELEASE inner_step")

    def _run(self, sql: str, params: Params) -> sqlite3.Cursor:
        return self._db.execute(sql, params)


class RunApart(Exception):
    """What a block has changed must be taken back, and only who runs apart can do that."""


class GroupTx(Tx):
    """As `Tx`, for all transactions of a group, one after the other, which stand or fall together.

    Rows that are added wait for those of their kind, until any statement names their table, or
    the group is `finish`ed. Nobody needs a savepoint who has changed nothing yet; where there is
    something to take back, `RunApart` asks for the whole group to be run again, each by itself.
    """

    __slots__ = ("_late",)

    def __init__(self, db: sqlite3.Connection, vault: Vault) -> None:
        super().__init__(db, vault)
        self._late: dict[str, list[Params]] = {}

    def add(self, sql: str, params: Params) -> None:
        """Leave an INSERT for later."""
        self._late.setdefault(sql, []).append(params)

    def finish(self) -> None:
        """Write all that waits."""
        late, self._late = self._late, {}
        for sql, rows in late.items():
            self._db.executemany(sql, rows)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All of the block, or nothing of it, or `RunApart`."""
        changes, late = self._db.total_changes, {sql: len(rows) for sql, rows in self._late.items()}
        try:
            yield
        except Exception as error:
            if self._db.total_changes != changes:
                raise RunApart from error
            self._late = {sql: self._late[sql][:number] for sql, number in late.items()}
            raise

    def _run(self, sql: str, params: Params) -> sqlite3.Cursor:
        if self._late and _names_late(sql):
            self.finish()
        return self._db.execute(sql, params)
