"""`tickets` and `resend`: what somebody holds, counted or once more in full."""

from __future__ import annotations

from ticketbot.domain.command import Resend, ShowTickets
from ticketbot.domain.naming import quote
from ticketbot.errors import Refused
from ticketbot.handlers import finding, issuing, viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.ledger import tickets
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import Reply, Said, TicketsCounted, TicketShown

MOST_TICKETS = 50  # in one answer: each is a message


def show_tickets(request: Request, tx: Tx, ctx: Context) -> Reply:
    """What this person holds: to people a list, to programs the tickets again."""
    command = request.command
    assert isinstance(command, ShowTickets)
    if command.ticket_id is not None or command.order_id is not None:
        return _named_tickets(request, command, tx, ctx)
    if request.request_id is not None:
        return _tickets_again(request, finding.read_cursor(command.after), tx, ctx)
    count, first, rows = _page_of_tickets(request, command.first, tx, ctx)
    found = [(viewing.listed(tx, row.event_id).listing, row.tier, row.id) for row in rows]
    return [TicketsCounted(count, tuple(found), first)]


def resend(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Every live ticket once more, in full; a page of them at a time."""
    command = request.command
    assert isinstance(command, Resend)
    count, first, rows = _page_of_tickets(request, command.first, tx, ctx)
    if not rows:
        return [TicketsCounted(0)]
    last = first + len(rows) - 1
    rest: dict[str, object] = {"first": first, "last": last, "n": count, "next": last + 1}
    return [
        *(_again(request, row, tx, ctx) for row in rows),
        *([Said("resend-more", rest)] if last < count else []),
    ]


def _page_of_tickets(
    request: Request, wanted: int, tx: Tx, ctx: Context
) -> tuple[int, int, list[TicketRow]]:
    """How many tickets they hold, the number of the page's first, and the page."""
    count = tickets.count_of_holder(tx, request.person.id, ctx.now)
    first = wanted if wanted <= count else 1
    rows = tickets.of_holder(tx, request.person.id, ctx.now, MOST_TICKETS, skip=first - 1)
    return count, first, rows


def _tickets_again(request: Request, cursor: tuple[int, str], tx: Tx, ctx: Context) -> Reply:
    """A page of tickets for a program; where they may not go this way they are only counted."""
    person, most = request.person.id, MOST_TICKETS
    rows = tickets.of_holder(tx, person, ctx.now, most + 1, after=cursor)
    last = rows[most - 1] if len(rows) > most else None
    after = None if last is None else finding.cursor_of(last.issued_at, last.id)
    shown = [
        _again(request, row, tx, ctx)
        for row in rows[:most]
        if viewing.may_show_tickets(request, viewing.listed(tx, row.event_id).listing, ctx)
    ]
    return [*shown, TicketsCounted(tickets.count_of_holder(tx, person, ctx.now), after=after)]


def _named_tickets(request: Request, command: ShowTickets, tx: Tx, ctx: Context) -> Reply:
    """One ticket of this person, or those of one of their orders that they still hold."""
    if command.ticket_id is not None:
        found = tickets.get(tx, command.ticket_id)
        rows = [] if found is None else [found]
    else:
        rows = tickets.of_order(tx, finding.own_order(tx, request, command.order_id or "").id)
    mine = [row for row in rows if row.holder == request.person.id and row.state != "void"]
    if command.ticket_id is not None and not mine:
        raise Refused("not-yours", "ticket-unknown-here", word=quote(command.ticket_id))
    shown = [
        _again(request, row, tx, ctx)
        for row in mine
        if viewing.may_show_tickets(request, viewing.listed(tx, row.event_id).listing, ctx)
    ]
    return [*shown, TicketsCounted(len(mine))]


def _again(request: Request, row: TicketRow, tx: Tx, ctx: Context) -> TicketShown:
    listing = viewing.listed(tx, row.event_id).listing
    return issuing.show(tx, ctx, row, listing, request.person, everywhere=False)


COMMANDS: Commands = {ShowTickets: show_tickets, Resend: resend}
