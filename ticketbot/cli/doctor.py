"""`doctor`: everything that must be right for an evening, looked at one by one."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from ticketbot.cli.backup import last_backup
from ticketbot.cli.books import is_running
from ticketbot.cli.checks import FAIL, OK, WARN, Check, outside
from ticketbot.cli.opening import House, open_house, quiet_logs
from ticketbot.cli.output import Progress, at, count, pairs, show, show_json, span, table, warn
from ticketbot.domain.when import DAY
from ticketbot.errors import Broken
from ticketbot.ledger import audit, marks
from ticketbot.ledger.store import Tx, connect

FREE_DISK = 200 * 2**20
BACKUP_LASTS = 7 * DAY


def doctor(args: Namespace) -> int:
    """Exit code 1 when anything FAILs; a configuration that cannot be read is 78, as always."""
    house = open_house(args)
    quiet_logs(house.config)
    now = int(time.time())
    with Progress() as progress:
        progress.step("looking around here")
        found = list(inside(house, now))
        runs = any(check.name == "bot" and check.verdict == OK for check in found)
        found += asyncio.run(outside(house, runs, progress))
    failed = sum(check.verdict == FAIL for check in found)
    if args.json:
        show_json({"ok": not failed, "checks": [check._asdict() for check in found]})
    else:
        rows = [(check.name, check.verdict, check.says) for check in found]
        show(table(("what", "", "found"), rows))
        todo = [(check.name, check.todo) for check in found if check.todo]
        if todo:
            show(f"\nWhat to do:\n{pairs(todo)}")
    if failed:
        warn(f"{count(failed, 'check')} failed")
    return 1 if failed else 0


def inside(house: House, now: int) -> Iterator[Check]:
    """What this machine alone can say."""
    config = house.config
    yield Check("configuration", OK, f"{config.file}")
    for warning in config.warnings:
        yield Check("configuration", WARN, warning)
    yield _check_ticket_key(house)
    yield from _check_ledger(house, now)
    yield _check_disk(house)
    yield _check_backup(house, now)


def _check_ticket_key(house: House) -> Check:
    bot = house.config.bot
    if bot.ticket_key is not None:
        return Check("keys", OK, "nsec and ticket key are there, and others cannot reach them")
    if house.config.ledger.path.exists():
        says = f"there is a ledger, but its ticket key is not at {bot.ticket_key_file}"
        return Check("keys", FAIL, says, "put it back, or `ticketbot restore` a backup")
    return Check("keys", WARN, f"no ticket key yet: the first `run` makes {bot.ticket_key_file}")


def _check_ledger(house: House, now: int) -> Iterator[Check]:
    path = house.config.ledger.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.write(b"x")
    except OSError as error:
        says = f"nothing can be written into {path.parent} ({error.strerror})"
        yield Check("ledger", FAIL, says, "give the folder to the user that runs the bot")
        return
    if not path.exists():
        yield Check("ledger", OK, f"there is none yet: the first `run` makes {path}")
        yield Check("bot", WARN, "not started yet")
        return
    try:
        beat, totals, broken = house.look(_read_ledger)
        said = _quick_check(house)
    except Broken as error:
        yield Check("ledger", FAIL, str(error))
        return
    if not os.access(path, os.W_OK):
        yield Check("ledger", FAIL, f"{path} cannot be written", "chown it to the bot's user")
    elif said != "ok":
        yield Check("ledger", FAIL, f"{path} is corrupt: {said}", "`ticketbot restore` a backup")
    elif broken:
        yield Check("ledger", FAIL, f"broken: {', '.join(broken)}", "see `ticketbot audit`")
    else:
        what = f"{count(totals.orders, 'order')}, {count(totals.tickets, 'ticket')}"
        yield Check("ledger", OK, f"{path}: {what}, every invariant holds")
    if not beat:
        yield Check("bot", WARN, "not started yet")
    elif is_running(beat, now):
        yield Check("bot", OK, f"running for {span(now - beat['started'])}")
    else:
        yield Check("bot", WARN, f"not running, last seen {at(beat['at'])}")


def _read_ledger(tx: Tx) -> tuple[dict[str, Any], audit.Totals, list[str]]:
    broken = [one.name for one in audit.check_ledger(tx) if not one.kept]
    return marks.heartbeat(tx) or {}, audit.totals(tx), broken


def _quick_check(house: House) -> str:
    """SQLite's own opinion of the file."""
    db = connect(house.config.ledger.path, read_only=True)
    try:
        return str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        db.close()


def _check_disk(house: House) -> Check:
    folder = house.config.ledger.path.parent
    if not folder.is_dir():
        return Check("disk", FAIL, f"there is no folder {folder}", "make it")
    free = shutil.disk_usage(folder).free
    says = f"{free // 2**20:,} MB free"
    if free < FREE_DISK:
        return Check("disk", FAIL, says, "free some: below 200 MB the bot sells nothing")
    return Check("disk", OK, says)


def _check_backup(house: House, now: int) -> Check:
    ledger = house.config.ledger.path
    if not ledger.exists():
        return Check("backup", OK, "nothing to back up yet")
    made_at = last_backup(ledger)
    if made_at is None:
        return Check("backup", WARN, "none was ever made here", "`ticketbot backup PATH`, daily")
    age = now - made_at
    if age > BACKUP_LASTS:
        return Check("backup", WARN, f"{span(age)} old", "`ticketbot backup PATH`, daily")
    return Check("backup", OK, f"{span(age)} old")
