"""Tickets that people hold: which one they mean, and whether it can still be given away."""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.domain.naming import quote
from ticketbot.domain.ticket import group_id
from ticketbot.errors import Refused
from ticketbot.handlers import finding
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import tickets
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow

MOST = 500  # tickets of one person that are looked through
WHOLE = 16  # letters of a ticket's code
SHOWN = 6  # codes in a sentence


def named(words: Sequence[str], request: Request, tx: Tx, ctx: Context) -> list[TicketRow]:
    """The sender's tickets that the words mean; without words all that they hold.

    By a ticket's code or its last four letters, an order, or an event. `Refused`: none of theirs.
    """
    mine = tickets.of_holder(tx, request.person.id, ctx.now, MOST)
    letters = "".join(words).lower().replace("-", "")
    if not letters:
        return mine
    if len(letters) >= finding.LETTERS:
        as_code = letters.replace("0", "o").replace("8", "b")
        if found := [row for row in mine if row.id.endswith(as_code)]:
            return found
        if found := [row for row in mine if row.order_id.endswith(letters)]:
            return found
        whole = tickets.get(tx, as_code) if len(as_code) == WHOLE else None
        if whole is not None and whole.holder == request.person.id:
            return [whole]
    return [row for row in mine if row.event_id == _event(words, tx, ctx)] or _none(words)


def one(words: Sequence[str], request: Request, tx: Tx, ctx: Context) -> TicketRow:
    """The one ticket of the sender's that the words mean; `Refused` where they hold several."""
    found = named(words, request, tx, ctx) or _none(words)
    if len(found) > 1:
        codes = ", ".join(group_id(row.id) for row in found[:SHOWN])
        raise Refused("bad-request", "ticket-which", codes=codes)
    return found[0]


def require_unused(row: TicketRow, listed: Listed, ctx: Context) -> None:
    """Refused for a ticket that is void, was used, or is for what is over or cancelled."""
    title = listed.listing.title
    if row.state == "void":
        raise Refused("bad-request", "ticket-void", title=title)
    if listed.state != "on-sale":
        raise Refused("bad-request", "ticket-event-off", title=title)
    if ctx.now >= listed.listing.end:
        raise Refused("bad-request", "ticket-event-over", title=title)
    if row.state != "valid":
        raise Refused("bad-request", "ticket-used", title=title)


def _event(words: Sequence[str], tx: Tx, ctx: Context) -> str:
    try:
        return finding.event_in(words, tx, ctx)[0].listing.event_id
    except Refused:
        return ""


def _none(words: Sequence[str]) -> list[TicketRow]:
    if words:
        raise Refused("not-yours", "ticket-unknown", word=quote(" ".join(words)))
    raise Refused("not-yours", "ticket-none")
