"""`backup`: the ledger and the ticket key as one encrypted file.

The nsec is not in it: it is what opens it, and is kept elsewhere.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from argparse import Namespace
from pathlib import Path

from ticketbot import __version__
from ticketbot.cli.archive import Contents, read_archive, write_archive
from ticketbot.cli.opening import House, open_house
from ticketbot.cli.output import Progress, count, show, show_json, warn
from ticketbot.cli.workshop import require_whole, sync_folder, workshop
from ticketbot.errors import Broken
from ticketbot.ledger import audit
from ticketbot.ledger.audit import Totals
from ticketbot.ledger.schema import require_current, version
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
    with workshop(target.parent) as folder, Progress() as progress:
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
        require_whole(target, copy)
        return version(target), audit.totals(Tx(target, house.vault))
    finally:
        target.close()
        source.close()


def _publish(made: Path, target: Path) -> None:
    """Give the finished file its name, which nobody may have taken meanwhile."""
    try:
        os.link(made, target)
    except OSError:
        if target.exists():
            raise Broken(f"{target} exists already, and is left as it is") from None
        made.rename(target)  # a file system without links, like that of a memory stick
    sync_folder(target.parent)
