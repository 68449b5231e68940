"""What an organizer has earned, event by event, and how much of it can be paid out.

An organizer bears what the way of their payouts costs. That is known only when a payout has
arrived, so as much as it may cost stays in the account until then (docs/adr/0014).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ticketbot.domain.money import SAT
from ticketbot.domain.spending import State

PPM = 1_000_000
LEAST_RESERVE = 2 * SAT
RESERVE_PART = 100  # one hundredth: what Lightning wallets allow a payment's way to cost


class Payout(NamedTuple):
    """Money set aside for an organizer (hex key), to be sent or sent."""

    id: str
    organizer: str
    amount_msat: int
    state: State
    decided_at: int


class Account(NamedTuple):
    """An organizer's money of one event, in msat.

    `commission` is what the operator keeps, less what went back with refunds; `paid` what was
    set aside for payouts, sent or not. `free_at`: when it may be paid out (unix seconds), None
    while the event is being given back to its buyers.
    """

    event_id: str
    code: str
    title: str
    sold: int
    free_at: int | None
    gross: int
    commission: int
    refunded: int
    paid: int
    fees: int

    @property
    def balance(self) -> int:
        """What is left of it; less than none after refunds of what was paid out."""
        return self.gross - self.commission - self.refunded - self.paid - self.fees

    def is_free(self, now: int) -> bool:
        """Whether the event is over for so long that its money may be paid out."""
        return self.free_at is not None and self.free_at <= now


class Part(NamedTuple):
    """How much of a payout comes from which event."""

    event_id: str
    amount_msat: int


def commission_of(amount_msat: int, ppm: int) -> int:
    """What the operator keeps of an order: never more than the rate says."""
    return amount_msat * ppm // PPM


def commission_back(commission_msat: int, amount_msat: int, back_msat: int, more_msat: int) -> int:
    """How much of a payment's commission goes back with `more_msat` of it, after `back_msat`.

    Pro rata of all that has gone back so far, so that nothing is left when everything has.
    """
    after = commission_msat * (back_msat + more_msat) // amount_msat
    return after - commission_msat * back_msat // amount_msat


def reserve(amount_msat: int) -> int:
    """The most that the way of a payout may cost."""
    return max(LEAST_RESERVE, -(-amount_msat // RESERVE_PART))


def most(balance_msat: int) -> int:
    """The largest payout in whole sats that leaves its reserve in the account."""
    amount = min(balance_msat - LEAST_RESERVE, balance_msat * RESERVE_PART // (RESERVE_PART + 1))
    return max(0, amount // SAT * SAT)


def payable(accounts: Sequence[Account], now: int) -> int:
    """What may be paid out now: of events that are over, less what is owed back of any."""
    return sum(one.balance if one.is_free(now) else min(0, one.balance) for one in accounts)


def plan(accounts: Sequence[Account], now: int, event_id: str | None = None) -> list[Part]:
    """The largest payout of one event or of all, by events; oldest first, empty for none."""
    left = most(payable(accounts, now))
    parts = []
    for one in accounts:
        if one.is_free(now) and event_id in (None, one.event_id):
            amount = min(left, most(one.balance))
            if amount > 0:
                parts.append(Part(one.event_id, amount))
                left -= amount
    return parts


def spread(fee_msat: int, parts: Sequence[Part]) -> list[int]:
    """What each part bears of the fee: its proportion, and together all of it."""
    total, so_far, shares = sum(part.amount_msat for part in parts), 0, []
    for part in parts:
        before = fee_msat * so_far // total
        so_far += part.amount_msat
        shares.append(fee_msat * so_far // total - before)
    return shares
