"""`calendar` and `pdf`: what a holder keeps outside of the conversation.

An address is given only to who asks for one: clients and media proxies fetch what they see.
"""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.domain.command import ShowCalendar, ShowPdf
from ticketbot.domain.listing import Listing
from ticketbot.domain.ticket import group_id
from ticketbot.handlers import finding, issuing, viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.ledger import tickets
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.calendar_file import calendar_file
from ticketbot.replies.dm import event_link
from ticketbot.replies.outcome import Reply, Report, TicketShown
from ticketbot.replies.saying import Manner

MOST = 50  # tickets that are looked at
PAGE, PAGE_OF_PROGRAMS = 5, 50  # a file's line is long, and a message is short
MOST_FILES = 10  # calendar files in one answer to a program
SHORT_TITLE = 40


def show_calendar(request: Request, tx: Tx, ctx: Context) -> Reply:
    """A file for each event of which they hold a ticket; in words where there are no addresses."""
    command = request.command
    assert isinstance(command, ShowCalendar)
    shown = {one.listing.event_id: one for one in _held(command.words, 1, MOST, request, tx, ctx)}
    if not shown:
        return [Report("calendar", {"files": []}, "tickets-none")]
    files = [_event_file(one, ctx) for one in list(shown.values())[:MOST_FILES]]
    listings = tuple(one.listing for one in list(shown.values())[:PAGE])
    if ctx.settings.public_url is None:
        return [Report("calendar", {"files": files}, "calendar-by-hand", {"held": listings})]
    links = tuple((file["title"], file["url"]) for file in files[:PAGE])
    return [Report("calendar", {"files": files}, "calendar", {"links": links})]


def show_pdf(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Where each of their tickets is found as a page to print."""
    command = request.command
    assert isinstance(command, ShowPdf)
    page = PAGE if request.request_id is None else PAGE_OF_PROGRAMS
    held = _held(command.words, command.first, page + 1, request, tx, ctx)
    if not held:
        return [Report("pdf", {"files": []}, "tickets-none")]
    if ctx.settings.public_url is None:
        return [Report("pdf", {"files": []}, "pdf-by-hand")]
    files: list[dict[str, object]] = [
        {
            "ticket_id": one.ticket_id,
            "event_id": one.listing.event_id,
            "url": f"{ctx.settings.public_url}/tickets/{one.capability}.pdf",
        }
        for one in held[:page]
    ]
    named = (f"{_short(one.listing)} · {group_id(one.ticket_id)}" for one in held)
    links = tuple((name, file["url"]) for name, file in zip(named, files, strict=False))
    values: dict[str, object] = {"links": links, "next": command.first + page}
    return [Report("pdf", {"files": files}, "pdf-more" if len(held) > page else "pdf", values)]


def _held(
    words: Sequence[str], first: int, most: int, request: Request, tx: Tx, ctx: Context
) -> list[TicketShown]:
    """The tickets that may be shown on this way, from the n-th on, of the event that is named."""
    only = finding.event_in(words, tx, ctx)[0].listing.event_id if words else None
    person = request.person.id
    rows = tickets.of_holder(tx, person, ctx.now, MOST if only else most, skip=first - 1)
    shown = [_show(row, request, tx, ctx) for row in rows if only is None or row.event_id == only]
    return [one for one in shown if viewing.may_show_tickets(request, one.listing, ctx)][:most]


def _show(row: TicketRow, request: Request, tx: Tx, ctx: Context) -> TicketShown:
    listing = viewing.listed(tx, row.event_id).listing
    return issuing.show(tx, ctx, row, listing, request.person, everywhere=False)


def _event_file(one: TicketShown, ctx: Context) -> dict[str, object]:
    url = ctx.settings.public_url
    link = event_link(one.listing, Manner(url, ctx.settings.relays))
    return {
        "event_id": one.listing.event_id,
        "title": _short(one.listing),
        "url": None if url is None else f"{url}/tickets/{one.calendar}.ics",
        "ics": calendar_file(one.listing, link).decode(),
    }


def _short(listing: Listing) -> str:
    title = listing.title
    return title if len(title) <= SHORT_TITLE else f"{title[: SHORT_TITLE - 1]}…"


COMMANDS: Commands = {
    ShowCalendar: show_calendar,
    ShowPdf: show_pdf,
}
