"""What the running bot found when it last compared its ledger with the wallet."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from ticketbot.ledger import marks
from ticketbot.ledger.store import Tx

MARK = "audit"


class Verdict(NamedTuple):
    """One look at the books, `at` unix seconds.

    `agreed_at`: since when the wallet's lists need not be looked at again, None: they never
    agreed. `silent`: why the wallet was not compared. `differences`: what each is about → what
    it says, the first of them; `total` of all.
    """

    at: int
    agreed_at: int | None
    silent: str | None
    total: int
    differences: dict[str, str]


NOTHING = Verdict(0, None, None, 0, {})


def last(tx: Tx) -> Verdict | None:
    """The last one; None before the first."""
    kept = marks.get(tx, MARK)
    return None if kept is None else Verdict(**orjson.loads(kept))


def keep(tx: Tx, verdict: Verdict) -> None:
    """Remember it."""
    marks.put(tx, MARK, orjson.dumps(verdict._asdict()).decode())
