"""Who has looked at people's data: a line in the journal for each request, which names nobody."""

from __future__ import annotations

from ticketbot.domain.decision import What
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import journal
from ticketbot.ledger.journal import Detail
from ticketbot.ledger.store import Tx

WAYS = {"api": "API", "24133": "program"}


def note(
    what: What, event_id: str, request: Request, tx: Tx, ctx: Context, **found: Detail
) -> None:
    """Write down that it was looked at; `found` says how much of it was shown."""
    way = WAYS.get(request.via, "DM")
    journal.note(tx, ctx.now, subject(event_id), what, **found, by="organizer", way=way)


def subject(event_id: str) -> str:
    """What such lines stand under: apart from what was decided about the event."""
    return f"looks:{event_id}"
