"""The journal: every decision about money and entry, in the order in which it was taken.

Append-only, written in the transaction that decides. It names nobody: subjects are the ids of
orders, events and tickets, details are amounts, states and reasons.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson

from ticketbot.domain.decision import What
from ticketbot.ledger.store import Tx

Detail = str | int | bool | None
TAKEN_UP: Final = "taken up again"  # an order of a ledger that is lost


class Decision(NamedTuple):
    """What was decided, when (unix seconds), about which order, event or ticket."""

    at: int
    subject: str
    what: str
    detail: dict[str, Detail]


def note(tx: Tx, at: int, subject: str, what: What, **detail: Detail) -> None:
    """Write a decision down. `detail` holds nothing personal."""
    tx.add(
        "INSERT INTO decision (at, subject, what, detail) VALUES (?, ?, ?, ?)",
        (at, subject, what, orjson.dumps(detail).decode()),
    )


def of(tx: Tx, *subjects: str) -> list[Decision]:
    """Everything that was decided about these subjects, in the order in which it was."""
    some = ", ".join("?" * len(subjects))
    rows = tx.rows(
        f"SELECT at, subject, what, detail FROM decision WHERE subject IN ({some}) ORDER BY id",
        subjects,
    )
    return [Decision(at, about, what, orjson.loads(detail)) for at, about, what, detail in rows]


def why_released(tx: Tx, order_id: str) -> str | None:
    """Why the hold of an order is over, or None where it is not."""
    found = [one for one in of(tx, order_id) if one.what == "released"]
    return str(found[-1].detail["why"]) if found else None
