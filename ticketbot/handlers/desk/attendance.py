"""`attendance <code>`: how an event was visited, for its organizer, if the operator allows it."""

from __future__ import annotations

from ticketbot.domain.attendance import Attendance, Visit, reckon, visit
from ticketbot.domain.command import ShowAttendance
from ticketbot.domain.ticket import group_id
from ticketbot.domain.when import Clock
from ticketbot.errors import Refused
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import attendance
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report

PAGE, PAGE_OF_PROGRAMS = 15, 400  # visits in one answer


def show(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Figures; with `list` and in mode `full` also each visit, by ticket and never by name."""
    command = request.command
    assert isinstance(command, ShowAttendance)
    found, _ = own_event(command.words, request, tx, ctx)
    mode = ctx.settings.attendance
    if mode == "off":
        raise Refused("bad-request", "attendance-off")
    if command.listed and mode != "full":
        raise Refused("bad-request", "attendance-anonymous", code=found.code.lower())
    event_id = found.listing.event_id
    held, told = attendance.holding(tx, event_id), attendance.stories(tx, event_id)
    figures = reckon(*held, list(told.values()), shy=mode == "anonymous")
    if command.listed:
        visits = sorted((one, number) for number, moves in told.items() if (one := visit(moves)))
        return [_list(found, visits, command.first, request)]
    return [_figures(found, figures, ctx)]


def _figures(found: Listed, figures: Attendance, ctx: Context) -> Report:
    over = ctx.now >= found.listing.end
    until = "" if over else "-so-far"
    more = "-few" if figures.peak is None else "" if figures.stay is None else "-stay"
    key = f"attendance{until}{more}" if figures.came else "attendance-none"
    values: dict[str, object] = {
        "title": found.listing.title,
        "came": figures.came,
        "tickets": figures.tickets,
        "away": figures.away,
        "inside": figures.inside,
        "peak": figures.peak,
        "clock": None if figures.peak_at is None else _clock(figures.peak_at, found),
        "span": figures.stay,
    }
    facts: dict[str, object] = {"event_id": found.listing.event_id, **figures._asdict()}
    return Report("attendance", facts | {"over": over}, key, values)


def _clock(at: int, found: Listed) -> Clock:
    """With its day, where that is not the first."""
    return Clock(at, found.listing.timezone, found.listing.start)


def _row(one: Visit, number: str, found: Listed) -> tuple[object, ...]:
    left = None if one.left is None else _clock(one.left, found)
    return (group_id(number), _clock(one.joined, found), left, one.seconds)


def _list(found: Listed, visits: list[tuple[Visit, str]], first: int, request: Request) -> Report:
    page = PAGE if request.request_id is None else PAGE_OF_PROGRAMS
    shown = visits[first - 1 : first - 1 + page]
    rows = [{"ticket_id": number, **one._asdict()} for one, number in shown]
    facts: dict[str, object] = {"event_id": found.listing.event_id, "visits": rows}
    after = first + len(shown)
    more = after <= len(visits)
    facts["next"] = after if more else None
    values: dict[str, object] = {
        "title": found.listing.title,
        "code": found.code.lower(),
        "visits": tuple(_row(one, number, found) for one, number in shown),
        "next": after,
    }
    key = "attendance-more" if more else "attendance-list"
    return Report("attendance", facts, key if shown else "attendance-none", values)


COMMANDS: Commands = {
    ShowAttendance: show,
}
