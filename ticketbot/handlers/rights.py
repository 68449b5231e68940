"""Whose event it is: what only its own organizer may see and do."""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.errors import Refused
from ticketbot.handlers import finding
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import listings
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx


def own_event(
    words: Sequence[str], request: Request, tx: Tx, ctx: Context
) -> tuple[Listed, tuple[str, ...]]:
    """The sender's own event that one of the words names, and the words that are left.

    Without words the only one is meant that is not over, if there is only one. `Refused`:
    unknown, or somebody else's. Whoever asks on the bot's own machine may do what each
    organizer may.
    """
    if not words and len(mine := listings.coming_of(tx, request.sender, ctx.now)) == 1:
        return mine[0], ()
    found, left = finding.event_in(words, tx, ctx)
    if not (request.console or found.listing.organizer == request.sender):
        raise Refused("not-yours", "event-not-yours", title=found.listing.title)
    return found, left
