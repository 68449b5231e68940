"""What is to be done among ticket holders when its time has come, by the `what` of its row."""

from __future__ import annotations

from collections.abc import Callable

from ticketbot.handlers.context import Context
from ticketbot.handlers.holding import transfers
from ticketbot.handlers.rounds import announcing, changes, reminders
from ticketbot.ledger import outbox
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply

LETTERS = "letters"
"""The one errand that no transaction can do: letters that were put aside are to be heard again."""

ERRANDS: dict[str, Callable[[str, Tx, Context], Reply]] = {
    "change": changes.page,
    "reminder": reminders.page,
    "last-call": reminders.page,
    "offer": transfers.lapse,
    "announcement": announcing.page,
}


def run(key: str, tx: Tx, ctx: Context) -> Reply:
    """The next step of the errand under this key; with its last step the row is done."""
    body = outbox.body_of(tx, key)
    return [] if body is None else ERRANDS[body["what"]](key, tx, ctx)
