"""What organizers got, held against what was theirs: the checker's third part.

It shares no code with the program. What is theirs it reckons from the payments and refunds of each
event, not from the accounts that the program keeps.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tests.chaos.checker import Given

PPM = 1_000_000
LEAST = 3_000  # msat that stay of each event: two sats for the way, and what is no whole sat
_SENT = re.compile(r"^([0-9,]+) sats? were sent to you \(payout (\w+)\)")


class Earner(NamedTuple):
    """An organizer (hex key): what their own wallet lists as received, and all they were told.

    `received` in msat, None where nobody can look into that wallet.
    """

    pubkey: str
    received: Sequence[int] | None
    told: Iterable[str]


class Rows(NamedTuple):
    """The ledger's rows that organizers' money hangs on. Amounts in msat."""

    payouts: dict[str, tuple[str, int, str]]  # id → organizer, amount, state
    parts: list[tuple[str, str, int, int]]  # payout, event, amount, fee
    spends: list[tuple[str, str, str]]  # payment hash, payout, state
    payments: list[tuple[str, int, int]]  # event, amount, how much of it goes back
    jobs: list[str]  # what the outbox has still to do about payouts, or has put aside


def check_payouts(
    ledger: Path, given: Sequence[Given], earners: Sequence[Earner], ppm: int = 0
) -> list[str]:
    """Everything that is wrong once all has been paid out. `given`: what left the wallet."""
    rows = _read(ledger)
    went = {one.payment_hash for one in given}
    return [
        *_leave_once(rows, went),
        *_are_theirs(rows, ppm),
        *_arrive(rows, earners),
        *_are_told(rows, earners),
    ]


def _read(ledger: Path) -> Rows:
    with closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)) as db:

        def rows(sql: str) -> list[Any]:
            return db.execute(sql).fetchall()

        return Rows(
            {
                i: (o, m, s)
                for i, o, m, s in rows("SELECT id, organizer, amount_msat, state FROM payout")
            },
            rows("SELECT payout_id, event_id, amount_msat, coalesce(fee_msat, 0) FROM payout_part"),
            rows("SELECT payment_hash, ref, state FROM spend WHERE purpose = 'payout'"),
            rows(
                "SELECT event_id, payment.amount_msat, (SELECT coalesce(sum(amount_msat), 0)"
                " FROM refund WHERE refund.payment_hash = payment.payment_hash)"
                " FROM payment JOIN orders ON orders.id = payment.order_id"
            ),
            [
                row[0]
                for row in rows(
                    "SELECT key FROM outbox WHERE kind = 'payout'"
                    " UNION ALL SELECT key FROM quarantine"
                )
            ],
        )


def _leave_once(rows: Rows, went: set[str]) -> Iterator[str]:
    """Each payout is sent, by one payment that left the wallet; nothing is left to do."""
    paid: Counter[str] = Counter(ref for one, ref, _ in rows.spends if one in went)
    for name, (_, msat, state) in rows.payouts.items():
        if state != "sent":
            yield f"payout {name} of {msat} msat is stuck: it is {state}"
        if paid[name] != (state == "sent"):
            yield f"payout {name} is {state}, and left the wallet {paid[name]} times"
    for one, ref, state in rows.spends:
        if state == "open" or (state == "paid") != (one in went):
            yield f"a bolt11 of payout {ref} is called {state}; it left the wallet: {one in went}"
    yield from (f"{job} is stuck" for job in rows.jobs)


def _are_theirs(rows: Rows, ppm: int) -> Iterator[str]:
    """Of each event all that is its organizer's was paid out, and no more."""
    left: dict[str, int] = defaultdict(int)
    for event, msat, back in rows.payments:
        kept = msat * ppm // PPM
        left[event] += msat - back - (kept - kept * back // msat)
    made: dict[str, int] = defaultdict(int)
    for payout, event, msat, fee in rows.parts:
        left[event] -= msat + fee
        made[payout] += msat
    for event, msat in left.items():
        if not 0 <= msat < LEAST:
            yield f"{msat} msat of what {event} brought its organizer are left, of 0 to {LEAST}"
    for name, (_, msat, _) in rows.payouts.items():
        if made[name] != msat:
            yield f"payout {name} of {msat} msat is made of {made[name]}"


def _arrive(rows: Rows, earners: Sequence[Earner]) -> Iterator[str]:
    """What left for an organizer is what their own wallet lists."""
    for one in earners:
        if one.received is None:
            continue
        meant = Counter(msat for owner, msat, _ in rows.payouts.values() if owner == one.pubkey)
        for msat, times in (meant - Counter(one.received)).items():
            yield f"{one.pubkey[:8]} was to get {msat} msat {times} times more"
        for msat, times in (Counter(one.received) - meant).items():
            yield f"{one.pubkey[:8]} got {msat} msat {times} times more than was meant for them"


def _are_told(rows: Rows, earners: Sequence[Earner]) -> Iterator[str]:
    """Each organizer hears of each payout of theirs, once, and of nobody else's."""
    for one in earners:
        heard = Counter(found.groups() for text in one.told if (found := _SENT.match(text)))
        mine = Counter(
            (f"{msat // 1000:,}", name)
            for name, (owner, msat, _) in rows.payouts.items()
            if owner == one.pubkey
        )
        for what in heard | mine:
            if (times := heard[what]) != mine[what]:
                yield f"{one.pubkey[:8]} was told {times} times of {what[0]} sats, payout {what[1]}"
