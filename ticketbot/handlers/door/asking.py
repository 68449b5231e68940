"""The door by DM: tickets that are scanned, and how many are inside."""

from __future__ import annotations

from ticketbot.domain.admission import Kind, Outcome, Shown, closed
from ticketbot.domain.command import CountDoor, ScanTicket
from ticketbot.domain.scanning import Scan, read_gate, read_shown
from ticketbot.errors import Refused
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.door import admitting, scanners
from ticketbot.handlers.door.scanners import Caller, facts_of
from ticketbot.ledger import conflicts, listings, tickets
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import Reply, Report


def scan(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Somebody shows a ticket to the organizer or to staff, who pass on what they see."""
    command = request.command
    assert isinstance(command, ScanTicket)
    if not command.shown:
        raise Refused("bad-request", "scan-what")
    shown = read_shown(command.shown, ctx.signer.public)
    row = _row(shown, tx)
    event = scanners.place(request.sender, None if row is None else row.event_id, tx, ctx)
    found, held = scanners.admit_caller(Caller(request.sender), event, tx, ctx)
    nonce = command.nonce and f"{request.person.id}:{command.nonce}"
    late = request.sent_at if request.again else None
    one = Scan(command.kind, shown, read_gate(command.gate), nonce, late)
    return [admitting.decide(found, one, held, tx, ctx)]


def presented(request: Request, text: str, tx: Tx, ctx: Context) -> Reply | None:
    """A ticket without a word is a check-in where its sender has one open door; else None.

    Whoever holds the ticket asks about it, even at a door of theirs.
    """
    shown = read_shown(text, ctx.signer.public)
    row = _row(shown, tx)
    if row is not None and row.holder == request.person.id:
        return None
    mine = dict.fromkeys(scanners.everywhere(request.sender, tx, ctx))
    doors = [event_id for event_id in mine if _is_open(event_id, tx, ctx)]
    if len(doors) != 1:
        return None
    found, held = scanners.admit_caller(Caller(request.sender), doors[0], tx, ctx)
    late = request.sent_at if request.again else None
    return [admitting.decide(found, Scan(Kind.CHECK_IN, shown, device_at=late), held, tx, ctx)]


def count(request: Request, tx: Tx, ctx: Context) -> Reply:
    """How many are inside, for the organizer and for staff."""
    command = request.command
    assert isinstance(command, CountDoor)
    found = scanners.named(command.words, request, tx, ctx)
    return [counted(found, tx)]


def counted(found: Listed, tx: Tx) -> Report:
    """What came and went at an event: by tier, by gate, and in all; and what should not have."""
    facts, wrong = scanners.tally(found, tx), conflicts.found(tx, found.listing.event_id)
    values: dict[str, object] = {"title": found.listing.title, **facts["total"]}
    values |= {"n": wrong, "code": found.code.lower()}
    key = "door-counts-conflicts" if wrong else "door-counts"
    return Report("door-counts", facts_of(found) | facts | {"conflicts": wrong}, key, values)


def _row(shown: Shown | Outcome, tx: Tx) -> TicketRow | None:
    return None if isinstance(shown, Outcome) else tickets.get(tx, shown.ticket_id)


def _is_open(event_id: str, tx: Tx, ctx: Context) -> bool:
    found = listings.by_id(tx, event_id)
    return found is not None and closed(admitting.hours(found, ctx), ctx.now) is None


COMMANDS: Commands = {ScanTicket: scan, CountDoor: count}
