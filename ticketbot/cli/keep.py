"""`backup` and `restore`: the ledger and the ticket key as one encrypted file, and back.

The nsec is not in it: it is what opens it, and is kept elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import sqlite3
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from ticketbot import __version__
from ticketbot.cli.archive import Contents, read_archive, write_archive
from ticketbot.cli.opening import House, open_house
from ticketbot.cli.output import Progress, at, count, show, show_json, warn
from ticketbot.domain.ticket import TicketKey
from ticketbot.errors import Broken
from ticketbot.ledger import audit, restored
from ticketbot.ledger.audit import Totals
from ticketbot.ledger.schema import migrate, require_current, version
from ticketbot.ledger.store import Tx, check_owner, connect

PAGES = 1024


def backup(args: Namespace) -> int:
    """Copy the ledger while the bot sells, prove the copy, seal it, prove that it opens."""
    house = open_house(args)
    seed = house.config.bot.ticket_key
    ledger = house.config.ledger.path
    now = int(time.time())
    target = _target(args.path, now)
    if seed is None:
        if not ledger.exists():
            raise Broken(f"there is no ledger at {ledger}: there is nothing to back up yet")
        raise Broken(
            f"there is no ticket key at {house.config.bot.ticket_key_file}: without it no "
            "ticket of this ledger could be verified after a restore"
        )
    with _workshop(target.parent) as folder, Progress() as progress:
        copy = folder / "ledger.db"
        schema, totals = _copy_ledger(house, copy, progress)
        meta = {
            "made_at": now,
            "program": __version__,
            "schema": schema,
            "pubkey": house.keys.pubkey,
            "ledger_bytes": copy.stat().st_size,
            "orders": totals.orders,
            "tickets": totals.tickets,
        }
        sealed = folder / "backup"
        write_archive(
            sealed,
            house.keys,
            Contents(meta, seed.reveal()),
            copy,
            lambda done, whole: progress.part("sealing", done, whole),
        )
        read_archive(
            sealed,
            house.keys,
            None,
            lambda done, whole: progress.part("reading it back", done, whole),
        )
        _publish(sealed, target)
    size = target.stat().st_size
    _note_backup(ledger, target, now, size)
    if args.json:
        show_json({"path": str(target), "bytes": size, **meta})
    else:
        what = f"{count(totals.orders, 'order')}, {count(totals.tickets, 'ticket')}"
        show(f"{target}: {what}, {size:,} bytes, encrypted, read back and found whole.")
        show("Only this bot's nsec opens it: keep the nsec somewhere else.")
    return 0


def restore(args: Namespace) -> int:
    """Open a backup, prove it, and only then put it where the ledger belongs."""
    from ticketbot.service import SingleInstance

    house = open_house(args)
    ledger = house.config.ledger.path
    if not args.path.is_file():
        wrong = (
            "is not a file that `ticketbot backup` made" if args.path.exists() else "does not exist"
        )
        raise Broken(f"{args.path} {wrong}")
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with SingleInstance(ledger.with_suffix(".lock")):
        here = next((path for path in (ledger, _log(ledger)) if _holds_something(path)), None)
        if here is not None and not args.replace:
            raise Broken(f"there is a ledger already ({here}): with --replace it is moved aside")
        with _workshop(ledger.parent) as folder, Progress() as progress:
            fresh = folder / "ledger.db"
            contents = read_archive(
                args.path,
                house.keys,
                fresh,
                lambda done, whole: progress.part("opening the backup", done, whole),
            )
            progress.step("checking the ledger")
            made_at = contents.meta.get("made_at")
            made = made_at if isinstance(made_at, int) else None
            totals = _prove(house, fresh, made, anyway=args.anyway)
            aside = _put_ticket_key(house, contents.ticket_key, replace=args.replace)
            aside += _put_ledger(fresh, ledger)
    if args.json:
        moved = [str(path) for path in aside]
        show_json({"ledger": str(ledger), "moved_aside": moved, "backup": contents.meta})
        return 0
    what = f"{count(totals.orders, 'order')}, {count(totals.tickets, 'ticket')}"
    show(f"{ledger}: {what}, as of {at(made)}.")
    for path in aside:
        show(f"What was here is now {path}")
    show("Next: `ticketbot run`. It catches up with what the wallet and the relays know.")
    return 0


def last_backup(ledger: Path) -> int | None:
    """When this ledger was last backed up from this machine (unix seconds)."""
    try:
        made_at = json.loads(_note_path(ledger).read_text())["made_at"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made_at if isinstance(made_at, int) else None


def _note_path(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.name}.backed-up")


def _note_backup(ledger: Path, target: Path, now: int, size: int) -> None:
    """For `doctor`. Not in the ledger: its one writer is the bot."""
    note = {"made_at": now, "path": str(target.absolute()), "bytes": size}
    try:
        _note_path(ledger).write_text(json.dumps(note) + "\n")
    except OSError as error:
        warn(f"`ticketbot doctor` will not know of this backup: {error.strerror}")


def _target(path: Path, now: int) -> Path:
    if path.is_dir():
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        path = path / f"ticketbot-{stamp}.backup"
    if path.exists():
        raise Broken(f"{path} exists already, and is left as it is")
    if not path.parent.is_dir():
        raise Broken(f"there is no folder {path.parent}")
    return path


@contextlib.contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
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


def _copy_ledger(house: House, copy: Path, progress: Progress) -> tuple[int, Totals]:
    """A snapshot by SQLite's backup API; its version and what is in it."""
    path = house.config.ledger.path
    source = connect(path, read_only=True)
    target = sqlite3.connect(copy, isolation_level=None)
    try:
        require_current(source, path)
        check_owner(source, house.vault)
        needed = path.stat().st_size * 2
        if shutil.disk_usage(copy.parent).free < needed:
            raise Broken(f"a backup needs {needed:,} bytes for a while in {copy.parent.parent}")
        # an open snapshot: else every commit of the running bot would start the copy anew
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(
            target,
            pages=PAGES,
            progress=lambda _, left, whole: progress.part(
                "copying the ledger", whole - left, whole
            ),
        )
        progress.step("checking the copy")
        target.execute("PRAGMA journal_mode=DELETE")
        _require_whole(target, copy)
        return version(target), audit.totals(Tx(target, house.vault))
    finally:
        target.close()
        source.close()


def _require_whole(db: sqlite3.Connection, path: Path) -> None:
    said = [str(row[0]) for row in db.execute("PRAGMA integrity_check(3)")]
    if said != ["ok"]:
        raise Broken(f"{path.name} is corrupt: {'; '.join(said)}")
    if db.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise Broken(f"{path.name} is corrupt: rows point to rows that are not there")


def _publish(made: Path, target: Path) -> None:
    """Give the finished file its name, which nobody may have taken meanwhile."""
    try:
        os.link(made, target)
    except OSError:
        if target.exists():
            raise Broken(f"{target} exists already, and is left as it is") from None
        made.rename(target)  # a file system without links, like that of a memory stick
    _sync_folder(target.parent)


def _prove(house: House, fresh: Path, made_at: int | None, *, anyway: bool) -> Totals:
    """Bring the backup's ledger up to date and check it as `audit` does."""
    db = connect(fresh)
    try:
        _require_whole(db, fresh)
        migrate(db, fresh)
        check_owner(db, house.vault)
        tx = Tx(db, house.vault)
        restored.mark(tx, int(time.time()), made_at or 0)
        broken = [one for one in audit.check_ledger(tx) if not one.kept]
        for finding in broken:
            warn(f"{finding.name} does not hold ({finding.says}): {'; '.join(finding.broken[:3])}")
        if broken and not anyway:
            raise Broken("this backup's books do not add up: take another one, or say --anyway")
        totals = audit.totals(tx)
        db.execute("PRAGMA journal_mode=DELETE")  # one file alone, to be renamed
        return totals
    finally:
        db.close()


def _put_ticket_key(house: House, text: str, *, replace: bool) -> list[Path]:
    """The backup's ticket key beside its ledger; which file made room for it."""
    from ticketbot.config import write_secret

    if not re.fullmatch("[0-9a-f]{64}", text):
        raise Broken("this backup holds no ticket key: take another backup")
    here, path = house.config.bot.ticket_key, house.config.bot.ticket_key_file
    if here is None:
        write_secret(path, text)
        return []
    if here.reveal() == text:
        return []
    public = TicketKey.from_bytes(bytes.fromhex(text)).public.hex()
    if not path.exists():
        raise Broken(
            "the credential ticket_key is not the key of this backup's tickets, "
            f"whose public key is {public}: put the right one there first"
        )
    if not replace:
        raise Broken(
            f"{path} is not the key of this backup's tickets, whose public key is {public}: "
            "with --replace it is moved aside"
        )
    aside = _aside(path)
    path.rename(aside)
    write_secret(path, text)
    return [aside]


def _put_ledger(fresh: Path, ledger: Path) -> list[Path]:
    """Move the old ledger aside, the new one into its place; what the old one is called now.

    A log that is left of another ledger would be played into the new one, so it goes first.
    """
    aside = _aside(ledger)
    moved = [(_log(ledger), _log(aside)), (ledger, aside)]
    moved = [(old, new) for old, new in moved if _holds_something(old)]
    for old, new in moved:
        old.rename(new)
    fresh.rename(ledger)
    _sync_folder(ledger.parent)
    return [new for _, new in moved]


def _log(ledger: Path) -> Path:
    """SQLite's write-ahead log: transactions that are not in the file itself yet."""
    return ledger.with_name(f"{ledger.name}-wal")


def _holds_something(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _aside(path: Path) -> Path:
    """A name beside `path` that nothing has yet."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    found = path.with_name(f"{path.name}.replaced-{stamp}")
    while found.exists() or _log(found).exists():
        found = found.with_name(f"{found.name}.")
    return found


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
