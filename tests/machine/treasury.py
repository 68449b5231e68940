"""Where the money is, at every moment: the wallet's own books against the ledger's.

What the wallet did may be missing in the ledger until the bot has seen it; nothing else may differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.machine.people import Person
from tests.machine.town import Town
from ticketbot.ledger.store import Tx

PAID_OUT = "were sent to you"


class Spending(NamedTuple):
    """A bolt11 in the ledger that money leaves by. Amounts in msat."""

    payment_hash: str
    purpose: str
    ref: str
    amount_msat: int
    fee_msat: int | None
    state: str


def at_every_moment(town: Town) -> Iterator[str]:
    """I4 as far as it can hold at any moment, at most one payment of each debt, and all of I7."""
    tx = town.tx()
    came = {one.payment_hash: one.credited_msat or 0 for one in town.wallet.bills()}
    credits = dict(tx.rows("SELECT payment_hash, amount_msat FROM payment"))
    for payment_hash, amount in credits.items():
        if came.get(payment_hash) != amount:
            yield f"I4: {payment_hash}: {amount} msat are credited, {came.get(payment_hash)} came"
    yield from _leaves_once(town, tx)
    yield from _is_no_more_than_its_rate(tx)
    unseen = sum(amount for one, amount in came.items() if one not in credits)
    yield from _is_all_there(town, tx, unseen)


def is_paid_early(town: Town, before: Mapping[str, int], known: set[str]) -> Iterator[str]:
    """Payouts that were not `known` yet, of events that were not over when they were decided.

    `before`: when the money of each event was free (unix seconds), one step ago.
    """
    free, tx = free_at(town), town.tx()
    for payout, event_id, at in tx.rows(
        "SELECT payout_id, event_id, decided_at FROM payout JOIN payout_part ON payout_id = id"
        " WHERE NOT EXISTS"
        " (SELECT 1 FROM entry WHERE account = 'by hand' AND ref = 'paid:' || payout_id)"
    ):
        earliest = min(free[event_id], before.get(event_id, free[event_id]))
        if payout not in known and at < earliest:
            yield f"payout {payout} of {event_id} was decided {earliest - at} s too early"


def free_at(town: Town) -> dict[str, int]:
    """When the money of each event may be paid out (unix seconds)."""
    delay = town.payout_delay
    rows = town.tx().rows("SELECT event_id, max(share.ends, listing.ends) FROM share"
                          " JOIN listing USING (event_id)")  # fmt: skip
    return {event_id: ends + delay for event_id, ends in rows}


def payouts(town: Town) -> set[str]:
    """The names of all that were ever decided."""
    return {row[0] for row in town.tx().rows("SELECT id FROM payout")}


def organizer_knows(town: Town, organizer: Person) -> Iterator[str]:
    """Every payout that arrived was told, and once."""
    sent = Counter(row[0] for row in town.tx().rows("SELECT id FROM payout WHERE state = 'sent'"))
    said = [one for one in organizer.said(PAID_OUT) if one.protocol != "24133"]
    told = Counter(name for one in said for name in sent if f"(payout {name})" in one.text)
    if told != sent:
        yield f"payouts {sorted(sent)} were sent, the organizer heard of {dict(told)}"


def _leaves_once(town: Town, tx: Tx) -> Iterator[str]:
    """The ledger knows every bolt11 before the wallet does, and one at most of each debt goes."""
    rows = "SELECT payment_hash, purpose, ref, amount_msat, fee_msat, state FROM spend"
    known = {row[0]: Spending(*row) for row in tx.rows(rows)}
    went = town.wallet.went()
    for payment_hash in went.keys() - known.keys():
        yield f"the wallet was asked to pay {payment_hash}, of which the ledger knows nothing"
    for one in known.values():
        state, *sums = went.get(one.payment_hash, ("absent", 0, 0))
        if one.state == "paid" and (state, *sums) != ("paid", one.amount_msat, one.fee_msat):
            yield f"I4: {one} is called paid, the wallet calls it {state} with {sums}"
        if one.state == "failed" and state in ("paid", "pending"):
            yield f"{one} was given up, and the wallet calls it {state}"
    under_way = [one for one in known.values() if _may_arrive(went, one)]
    for debt, number in Counter((one.purpose, one.ref) for one in under_way).items():
        if number > 1:
            yield f"{debt} is paid {number} times"


def _is_no_more_than_its_rate(tx: Tx) -> Iterator[str]:
    """Of each payment's commission as much went back as of the payment, to the msat."""
    yield from (
        f"{payment_hash}: {back} of {amount} msat went back, and {returned} of {kept} of commission"
        for payment_hash, amount, kept, back, returned in tx.rows(
            "SELECT payment_hash, amount_msat, commission_msat, back_msat, returned_msat"
            " FROM payment WHERE returned_msat <> commission_msat * back_msat / amount_msat"
        )
    )


def _is_all_there(town: Town, tx: Tx, unseen: int) -> Iterator[str]:
    """I7, to the last msat: what the wallet holds is what is owed, kept or somebody else's."""
    went = town.wallet.went()
    booked = {row[0] for row in tx.rows("SELECT payment_hash FROM spend WHERE state = 'paid'")}
    gone = sum(
        sum(row[1:]) for one, row in went.items() if row[0] != "failed" and one not in booked
    )
    row = tx.row("SELECT coalesce(-sum(amount_msat), 0) FROM entry WHERE account <> 'wallet'")
    assert row is not None
    holds, books = town.wallet.holds() - town.wallet.others(), f"{row[0]} + {unseen} - {gone}"
    if holds != row[0] + unseen - gone:
        yield f"I7: the wallet holds {holds} msat of ours, the book says {books}"


def _may_arrive(went: Mapping[str, tuple[str, int, int]], one: Spending) -> bool:
    return went.get(one.payment_hash, ("absent",))[0] in ("paid", "pending")
