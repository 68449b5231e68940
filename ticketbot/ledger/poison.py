"""What was put aside because it failed three times: seen by operators, and tried once more."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from ticketbot.ledger import outbox
from ticketbot.ledger.store import Tx

MONEY = frozenset({"refund", "payout", "closing"})
"""What money hangs on is put aside for operators to see, and stays in the outbox as well."""
_KINDS = MONEY | {"invoice"}
_OWN_NOTE = "own"


class Poison(NamedTuple):
    """One job of the outbox, or one letter, since when (unix seconds)."""

    id: int
    at: int
    room: str
    key: str


def put_aside(tx: Tx, most: int = 100) -> list[Poison]:
    """Jobs of the outbox that failed three times, oldest first."""
    rows = tx.rows(
        "SELECT id, at, room, key FROM quarantine WHERE room = 'outbox' ORDER BY id LIMIT ?",
        (most,),
    )
    return [Poison._make(row) for row in rows]


def money_stuck(tx: Tx) -> int:
    """How many jobs that move money were put aside, and have not gone through since."""
    row = tx.row(
        "SELECT count(DISTINCT quarantine.key) FROM quarantine CROSS JOIN outbox"
        " ON outbox.key = quarantine.key WHERE room = 'outbox'"
        " AND kind IN (SELECT value FROM json_each(?))",
        (orjson.dumps(sorted(MONEY)).decode(),),
    )
    return int(row[0]) if row else 0


def put_back(tx: Tx, one: Poison, now: int) -> None:
    """Let it be tried again, at once, as if it had never failed."""
    row = tx.row("SELECT body FROM quarantine WHERE id = ?", (one.id,))
    if row is not None:
        body = orjson.loads(tx.vault.open(row[0], b"quarantine"))
        outbox.hasten(tx, one.key, _kind(one.key), now, body)
        tx.change("DELETE FROM quarantine WHERE id = ?", (one.id,))


def _kind(key: str) -> str:
    """Messages begin with whom or what they are about, everything else with its kind."""
    first = key.partition(":")[0]
    return "note" if first == _OWN_NOTE else first if first in _KINDS else "message"
