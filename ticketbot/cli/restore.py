"""`restore`: a backup is opened, proven, and only then put where the ledger belongs."""

from __future__ import annotations

import re
import time
from argparse import Namespace
from pathlib import Path

from ticketbot.cli.archive import read_archive
from ticketbot.cli.opening import House, open_house
from ticketbot.cli.output import Progress, at, count, show, show_json, warn
from ticketbot.cli.workshop import require_whole, sync_folder, workshop
from ticketbot.domain.ticket import TicketKey
from ticketbot.errors import Broken
from ticketbot.ledger import audit, restored
from ticketbot.ledger.audit import Totals
from ticketbot.ledger.schema import migrate
from ticketbot.ledger.store import Tx, check_owner, connect


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
        with workshop(ledger.parent) as folder, Progress() as progress:
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


def _prove(house: House, fresh: Path, made_at: int | None, *, anyway: bool) -> Totals:
    """Bring the backup's ledger up to date and check it as `audit` does."""
    db = connect(fresh)
    try:
        require_whole(db, fresh)
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
    sync_folder(ledger.parent)
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
