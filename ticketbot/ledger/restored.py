"""That this ledger was restored from a backup, and what follows from it for a while.

What happened between the backup and its loss is brought back by the wallet's list and by what
relays have kept. Letters sent until then may have been answered already.
"""

from __future__ import annotations

from ticketbot.domain.when import DAY
from ticketbot.ledger import marks, payouts, refunds, shares
from ticketbot.ledger.store import Tx

RESTORED = "restored"
CAUGHT_UP = "restored:caught-up"
REFUNDS_WAIT = "restored:refunds-wait"
PAYOUTS_WAIT = "restored:payouts-wait"
LASTS = 7 * DAY
"""Seconds during which relays may still bring what the lost ledger had answered."""


def mark(tx: Tx, now: int, made_at: int) -> None:
    """This ledger has just been restored from a backup that was made at `made_at`."""
    marks.put(tx, RESTORED, str(now))
    for what in (REFUNDS_WAIT, PAYOUTS_WAIT):  # in a restored ledger's backup they wait already
        marks.put(tx, what, str(min(made_at, int(marks.get(tx, what) or made_at))))
    marks.drop(tx, CAUGHT_UP)


def at(tx: Tx, now: int) -> int | None:
    """When it was restored (unix seconds), if that is not long ago."""
    when = marks.number(tx, RESTORED)
    return when if when and now - when < LASTS else None


def catching_up(tx: Tx, now: int) -> bool:
    """Whether it still has to hear what it missed."""
    return at(tx, now) is not None and marks.get(tx, CAUGHT_UP) is None


def caught_up(tx: Tx) -> None:
    """It has heard what it missed."""
    marks.put(tx, CAUGHT_UP, "1")


def refunds_wait(tx: Tx) -> int | None:
    """Since when the lost ledger may have sent refunds that this one takes for due; or None."""
    since = marks.get(tx, REFUNDS_WAIT)
    return None if since is None else int(since)


def payouts_wait(tx: Tx) -> int | None:
    """Since when the lost ledger may have paid out what this one takes for payable; or None."""
    since = marks.get(tx, PAYOUTS_WAIT)
    return None if since is None else int(since)


def refunded_by_hand(tx: Tx) -> bool:
    """Whether somebody may have paid by hand what is owed here, or will be: no list shows that."""
    closing = tx.row("SELECT 1 FROM outbox WHERE kind = 'closing'") is not None
    return closing or refunds.owed_total(tx) > 0


def refunds_go_on(tx: Tx) -> None:
    """What is due here was not sent by the ledger that is lost."""
    marks.drop(tx, REFUNDS_WAIT)


def paid_out_by_hand(tx: Tx) -> bool:
    """The same of what organizers have earned."""
    return shares.earned(tx) or payouts.total(tx) > 0


def payouts_go_on(tx: Tx) -> None:
    """What is payable here was not paid out by the ledger that is lost."""
    marks.drop(tx, PAYOUTS_WAIT)
