"""`pause` and `resume`: one event's sales, by its organizer; `stop sales` is the operator's."""

from __future__ import annotations

from ticketbot.domain.command import PauseEvent, ResumeEvent
from ticketbot.errors import Refused
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import journal, listings, orders
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report, Said


def pause(request: Request, tx: Tx, ctx: Context) -> Reply:
    """No new orders, through every edit of the note; open ones can still be paid."""
    wish = request.command
    assert isinstance(wish, PauseEvent)
    found = _on_sale(request, wish.words, tx, ctx)
    event_id = found.listing.event_id
    values: dict[str, object] = {"title": found.listing.title, "code": found.code.lower()}
    facts: dict[str, object] = {"event_id": event_id, "paused": True}
    if listings.paused(tx, event_id):
        return [Report("pause", facts, "paused-already", values)]
    listings.pause(tx, event_id, ctx.now)
    waiting = len(orders.open_of_event(tx, event_id))
    journal.note(tx, ctx.now, event_id, "sales paused", open=waiting)
    said = "paused" if waiting else "paused-quietly"
    return [Report("pause", facts | {"open": waiting}, said, values | {"n": waiting})]


def resume(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Sold again, as the note says now."""
    wish = request.command
    assert isinstance(wish, ResumeEvent)
    if not wish.words and request.sender in ctx.settings.operators:  # they mean everybody's
        return [Said("did-you-mean", {"guess": "resume sales"})]
    found = _on_sale(request, wish.words, tx, ctx)
    event_id = found.listing.event_id
    values: dict[str, object] = {"title": found.listing.title, "code": found.code.lower()}
    facts: dict[str, object] = {"event_id": event_id, "paused": False}
    if not listings.paused(tx, event_id):
        return [Report("resume", facts, "resumed-already", values)]
    listings.resume(tx, event_id)
    journal.note(tx, ctx.now, event_id, "sales resumed")
    return [Report("resume", facts, "resumed", values)]


def _on_sale(request: Request, words: tuple[str, ...], tx: Tx, ctx: Context) -> Listed:
    found, _ = own_event(words, request, tx, ctx)
    if found.state != "on-sale" or ctx.now >= found.listing.end:
        raise Refused("not-on-sale", "desk-not-on-sale", title=found.listing.title)
    return found


COMMANDS: Commands = {
    PauseEvent: pause,
    ResumeEvent: resume,
}
