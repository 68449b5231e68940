"""What has been tried in vain, or was put aside as poison: for the operator to see and to retry."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from ticketbot.ledger import outbox
from ticketbot.ledger.store import Tx

INBOX = "inbox"
NEVER_DROPPED = frozenset({"refund", "payout", "closing", "errand"})
"""What money or tickets hang on is put aside to be seen, and stays in the outbox as well."""
SOME_TRIES = 5  # a row of the outbox that failed so often has waited for a minute at least


class Stuck(NamedTuple):
    """One of them. `name` is `inbox:3`, `put-aside:4` or `waiting:17`; `since` unix seconds.

    `key` is that of the outbox, and names nobody; `attempts` and `due` are of a row that waits.
    """

    name: str
    kind: str
    key: str
    since: int
    attempts: int = 0
    due: int | None = None


def found(tx: Tx, most: int) -> list[Stuck]:
    """The oldest of what was put aside, then of what waits."""
    aside = tx.rows("SELECT id, room, key, at FROM quarantine ORDER BY id LIMIT ?", (most,))
    waiting = tx.rows(
        "SELECT id, kind, key, put_at, attempts, due FROM outbox WHERE attempts >= ?"
        " ORDER BY id LIMIT ?",
        (SOME_TRIES, most - len(aside)),
    )
    return [
        *(Stuck(_name(room, number), room, key, at) for number, room, key, at in aside),
        *(Stuck(f"waiting:{number}", *rest) for number, *rest in waiting),
    ]


def failing(tx: Tx) -> int:
    """How much of what is never dropped was put aside, and has not gone through since."""
    row = tx.row(
        "SELECT count(*) FROM quarantine CROSS JOIN outbox ON outbox.key = quarantine.key"
        " WHERE room = kind AND room IN (SELECT value FROM json_each(?))",
        (orjson.dumps(sorted(NEVER_DROPPED)).decode(),),
    )
    return int(row[0]) if row else 0


def hasten(tx: Tx, one: Stuck, now: int) -> bool:
    """Try it again now; False for what it is not the outbox's to try: a letter, or what is gone."""
    number = int(one.name.partition(":")[2])
    if one.name.startswith("waiting:"):
        sql = "UPDATE outbox SET due = ?, attempts = 0 WHERE id = ?"
        return tx.change(sql, (now, number)) == 1
    if one.kind == INBOX:
        return False
    row = tx.row("DELETE FROM quarantine WHERE id = ? RETURNING body", (number,))
    if row is None:
        return False
    outbox.hasten(tx, one.key, one.kind, now, orjson.loads(tx.vault.open(row[0], b"quarantine")))
    return True


def take_letters(tx: Tx, name: str | None, most: int) -> list[bytes]:
    """Letters that were put aside, as JSON, to be heard again: they are put aside no more."""
    rows = tx.rows("SELECT id, body FROM quarantine WHERE room = ? ORDER BY id", (INBOX,))
    meant = [row for row in rows if name in (None, _name(INBOX, row[0]))][:most]
    for number, _ in meant:
        tx.change("DELETE FROM quarantine WHERE id = ?", (number,))
    return [tx.vault.open(body, b"quarantine") for _, body in meant]


def _name(room: str, number: int) -> str:
    return f"{INBOX if room == INBOX else 'put-aside'}:{number}"
