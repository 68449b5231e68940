"""Money owed back to a person, and when they are reminded to say where it shall go."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.spending import State
from ticketbot.domain.when import DAY

REMINDERS = (1 * DAY, 3 * DAY, 7 * DAY)  # after the decision, and then once a month
MONTH = 30 * DAY


class Refund(NamedTuple):
    """Money owed back to a person, for one payment."""

    id: str
    order_id: str
    person: int
    payment_hash: str
    amount_msat: int
    reason: str
    state: State
    decided_at: int


def reminders_by(decided_at: int, now: int) -> int:
    """How many reminders should have gone out by now."""
    since = now - decided_at
    first = sum(since >= after for after in REMINDERS)
    return first + max(0, (since - REMINDERS[-1]) // MONTH)


def next_reminder(decided_at: int, now: int) -> int:
    """When the next one is due, unix seconds."""
    done = reminders_by(decided_at, now)
    if done < len(REMINDERS):
        return decided_at + REMINDERS[done]
    return decided_at + REMINDERS[-1] + (done - len(REMINDERS) + 1) * MONTH
