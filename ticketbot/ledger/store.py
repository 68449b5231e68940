"""The ledger's one writer: a thread that owns the connection and commits in groups.

A transaction is a plain function `fn(tx) -> result`. It cannot wait on the network,
because it has nothing to wait with. Whatever is queued when the writer comes round
(at most `GROUP`) shares one commit. When one raises, the group is rolled back and run
again with a savepoint around each, so that it takes only itself back. Nobody is answered
before the commit is on disk.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ticketbot.errors import Broken, Retry
from ticketbot.failpoints import failpoint
from ticketbot.ledger.schema import migrate, require_current
from ticketbot.ledger.tx import GroupTx, Row, Tx
from ticketbot.ledger.vault import Vault

__all__ = ["Row", "Store", "Tx", "Work", "connect", "read_ledger"]

GROUP = 64
PATIENCE = 5000  # milliseconds for a lock
T = TypeVar("T")

Work = Callable[[Tx], Any]


class _Asked(NamedTuple):
    works: Sequence[Work]
    future: asyncio.Future[list[Any]]
    loop: asyncio.AbstractEventLoop


class Store:
    """The SQLite ledger, opened for writing. One per event loop, one process per file."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self.path = path
        self.vault = vault
        self._queue: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.failing: str | None = None
        """Why the last attempt to write failed, as long as none has succeeded since."""
        self._log_to_empty = False
        self._db = connect(path)
        try:
            migrate(self._db, path)
            check_owner(self._db, vault)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise _explain(error, path) from error
        except BaseException:
            self._db.close()
            raise

    def start(self) -> None:
        """Start the writer thread."""
        self._thread = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._thread.start()

    async def transaction(self, work: Callable[[Tx], T]) -> T:
        """Run `work` durably; its result, or what it raised. Survives a cancelled caller."""
        result = (await self._ask([work]))[0]
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]

    async def transactions(self, works: Sequence[Callable[[Tx], T]]) -> list[T | Exception]:
        """Run many, in order, in as few commits as can be; each one's result or exception."""
        return await self._ask(works) if works else []

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run a long read beside the writer, on a snapshot of its own. Cancelled, it ends soon."""
        opened: list[sqlite3.Connection] = []
        try:
            return await asyncio.to_thread(read_ledger, self.path, self.vault, work, opened.append)
        except asyncio.CancelledError:
            with suppress(sqlite3.ProgrammingError):  # it has just been closed
                for db in opened:
                    db.interrupt()
            raise

    async def empty_log(self) -> bool:
        """Bring the write-ahead log into the file and cut it to nothing; False while one reads."""
        self._log_to_empty = True
        await self.transaction(lambda tx: None)
        return not self._log_to_empty

    async def close(self) -> None:
        """Finish what is queued, then close."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        self._db.close()

    async def _ask(self, works: Sequence[Work]) -> list[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Any]] = loop.create_future()
        self._queue.put(_Asked(works, future, loop))
        return await future

    def _write(self) -> None:
        while True:
            asked = self._queue.get()
            if asked is None:
                return
            group, last = self._gather(asked)
            self._commit(group)
            if last:
                return

    def _gather(self, first: _Asked) -> tuple[list[_Asked], bool]:
        group = [first]
        size = len(first.works)
        while size < GROUP:
            try:
                asked = self._queue.get_nowait()
            except queue.Empty:
                break
            if asked is None:
                return group, True
            group.append(asked)
            size += len(asked.works)
        return group, False

    def _commit(self, group: list[_Asked]) -> None:
        db = self._db
        before = db.total_changes
        try:
            results = self._run_together(group) or self._run_apart(group)
            failpoint("ledger.before-commit")
            db.execute("COMMIT")
            failpoint("ledger.after-commit")
            if db.total_changes != before:
                self.failing = None
            if self._log_to_empty:
                self._log_to_empty = not _emptied(db)
        except Exception as error:  # noqa: BLE001  whatever it is, everybody in the group hears of it
            if db.in_transaction:
                db.execute("ROLLBACK")
            failure = _explain(error, self.path)
            self.failing = str(failure)
            results = [[failure] * len(asked.works) for asked in group]
        group[0].loop.call_soon_threadsafe(_answer, group, results)  # each call is a system call

    def _run_together(self, group: list[_Asked]) -> list[list[Any]] | None:
        """All of the group; None, and nothing done, when one of it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        tx = GroupTx(self._db, self.vault)
        try:
            results = [[work(tx) for work in asked.works] for asked in group]
            tx.finish()
        except sqlite3.OperationalError:
            raise  # disk full, I/O error: the whole group goes back
        except Exception:  # noqa: BLE001  whose it is, shows when each runs apart
            self._db.execute("ROLLBACK")
            return None
        return results

    def _run_apart(self, group: list[_Asked]) -> list[list[Any]]:
        """Each behind a savepoint of its own, so that who raises takes only itself back."""
        self._db.execute("BEGIN IMMEDIATE")
        tx = Tx(self._db, self.vault)
        return [[_attempt(self._db, tx, work) for work in asked.works] for asked in group]


def _attempt(db: sqlite3.Connection, tx: Tx, work: Work) -> Any:
    db.execute("SAVEPOINT work")
    try:
        result = work(tx)
    except Exception as error:
        if isinstance(error, sqlite3.OperationalError) or is_corrupt(error):
            raise  # disk full, I/O error: the whole group goes back
        db.execute("ROLLBACK TO work")
        result = error
    db.execute("RELEASE work")
    return result


def _emptied(db: sqlite3.Connection) -> bool:
    """Whether the log is empty now. Readers are not waited for: buyers would wait with us."""
    db.execute("PRAGMA busy_timeout=0")
    try:
        return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError:
        return False  # a full disk: what was just committed stays so
    finally:
        db.execute(f"PRAGMA busy_timeout={PATIENCE}")


def is_corrupt(error: Exception) -> bool:
    """Whether SQLite says that the file is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _explain(error: Exception, path: Path) -> Exception:
    if is_corrupt(error):
        return Broken(
            f"the ledger {path} is corrupt ({error}): "
            "restore a backup with `ticketbot restore --replace`"
        )
    if isinstance(error, sqlite3.OperationalError):
        return Retry(f"the ledger {path} could not write ({error}): free some disk space")
    return error


def _answer(group: Sequence[_Asked], results: Sequence[list[Any]]) -> None:
    for asked, result in zip(group, results, strict=True):
        if not asked.future.done():
            asked.future.set_result(result)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection as money wants it: WAL, FULL, foreign keys, secure delete."""
    if read_only and not path.exists():
        raise Broken(f"there is no ledger at {path}: has `ticketbot run` been started once?")
    where = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    try:
        db = sqlite3.connect(
            where, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        db.execute(f"PRAGMA busy_timeout={PATIENCE}")
        db.execute("PRAGMA trusted_schema=OFF")
        db.execute("PRAGMA foreign_keys=ON")
        if read_only:
            db.execute("PRAGMA query_only=ON")
        else:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA secure_delete=ON")
            db.execute("PRAGMA cache_size=-16000")
            db.execute("PRAGMA temp_store=MEMORY")  # savepoints and triggers write no files
        db.execute("SELECT count(*) FROM sqlite_schema")
    except sqlite3.DatabaseError as error:
        raise Broken(
            f"the ledger {path} cannot be opened ({error}): check the folder's permissions, "
            "or restore a backup with `ticketbot restore`"
        ) from None
    return db


def read_ledger(
    path: Path,
    vault: Vault,
    work: Callable[[Tx], T],
    opened: Callable[[sqlite3.Connection], None] = lambda db: None,
) -> T:
    """Run `work` on a read-only snapshot of the ledger at `path`; for other processes too."""
    db = connect(path, read_only=True)
    try:
        opened(db)
        require_current(db, path)
        check_owner(db, vault)
        db.execute("BEGIN")
        return work(Tx(db, vault))
    except sqlite3.DatabaseError as error:
        raise Broken(f"the ledger {path} cannot be read: {error}") from None
    finally:
        db.close()


def check_owner(db: sqlite3.Connection, vault: Vault) -> None:
    """`Broken` when the ledger was written with another nsec; claims a new ledger."""
    row = db.execute("SELECT value FROM mark WHERE name = 'owner'").fetchone()
    if row is not None:
        vault.open(bytes.fromhex(row[0]), b"owner")
    elif not db.execute("PRAGMA query_only").fetchone()[0]:
        db.execute(
            "INSERT INTO mark (name, value) VALUES ('owner', ?)",
            (vault.seal(b"ticketbot", b"owner").hex(),),
        )
