"""An organizer's own events, over and cancelled ones too, with how their seats stand."""

from __future__ import annotations

from typing import cast

from ticketbot.domain.command import ListOwnEvents
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.finding import cursor_of, read_cursor
from ticketbot.ledger import listings
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report


def list_own_events(request: Request, tx: Tx, ctx: Context) -> Reply:
    """A page of them, by start."""
    wish = cast(ListOwnEvents, request.command)
    page = listings.of_organizer(tx, request.sender, read_cursor(wish.after), wish.limit)
    last = page[-1].listing if len(page) == wish.limit else None
    facts: dict[str, object] = {
        "events": [_row(found, tx) for found in page],
        "next": None if last is None else cursor_of(last.start, last.event_id),
    }
    return [Report("own-events", facts, "own-events", {"n": len(page)})]


def _row(found: Listed, tx: Tx) -> dict[str, object]:
    one = found.listing
    return {
        "event_id": one.event_id,
        "code": found.code,
        "title": one.title,
        "start": one.start,
        "end": one.end,
        "state": found.state,
        "seats": [seats._asdict() for seats in listings.seats_of(tx, one.event_id)],
    }


COMMANDS: Commands = {
    ListOwnEvents: list_own_events,
}
