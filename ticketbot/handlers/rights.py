"""Whose event it is: what only its own organizer may see and do."""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.errors import Refused
from ticketbot.handlers import finding
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import listings
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx

SHOWN = 5  # codes of an organizer's events, to choose from


def own_event(
    words: Sequence[str], request: Request, tx: Tx, ctx: Context
) -> tuple[Listed, tuple[str, ...]]:
    """The sender's own event that one of the words names, and the words that are left.

    Without words the only one is meant that is not over, if there is only one. `Refused`:
    unknown, or somebody else's. Whoever asks on the bot's own machine may do what each
    organizer may.
    """
    if not words and not request.console:
        return _only_own(request, tx, ctx), ()
    found, left = finding.event_in(words, tx, ctx)
    if not (request.console or found.listing.organizer == request.sender):
        raise Refused("not-yours", "event-not-yours", title=found.listing.title)
    return found, left


def _only_own(request: Request, tx: Tx, ctx: Context) -> Listed:
    mine = listings.coming_of(tx, request.sender, ctx.now)
    if len(mine) == 1:
        return mine[0]
    if mine:
        codes = ", ".join(one.code.lower() for one in mine[:SHOWN])
        raise Refused("bad-request", "own-event-needed", codes=codes)
    raise Refused("not-yours", "own-event-none")
