"""Who was let in without a network and should not have been, for those who can go and look."""

from __future__ import annotations

from ticketbot.domain.admission import Outcome
from ticketbot.domain.command import ListConflicts
from ticketbot.domain.ticket import group_id
from ticketbot.domain.when import MINUTE, Clock
from ticketbot.handlers import viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.door import scanners
from ticketbot.handlers.door.scanners import Caller, facts_of
from ticketbot.handlers.door.staffing import name_of
from ticketbot.ledger import conflicts, staff
from ticketbot.ledger.conflicts import Conflict, Entry
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Addressee, Reply, Report, Said, Told

PAGE = 5  # as many as fit in one message
PAGE_FOR_PROGRAMS = 100
QUIET = 5 * MINUTE  # between two messages about one door
WHY = {
    Outcome.ALREADY_USED: "door-conflict-twice",
    Outcome.VOID: "door-conflict-void",
    Outcome.REPLACED: "door-conflict-replaced",
}


def listed(request: Request, tx: Tx, ctx: Context) -> Reply:
    """For the organizer and for staff, as the counts are."""
    wish = request.command
    assert isinstance(wish, ListConflicts)
    found = scanners.named(wish.words, request, tx, ctx)
    most = PAGE if request.request_id is None else PAGE_FOR_PROGRAMS
    return [page(found, Caller(request.sender), wish.first, most, tx, ctx)]


def page(found: Listed, caller: Caller, first: int, most: int, tx: Tx, ctx: Context) -> Report:
    """Some of them, newest first. Whose key let somebody in is told to the organizer only."""
    event_id = found.listing.event_id
    rows, known = conflicts.of_event(tx, event_id, first, most), conflicts.found(tx, event_id)
    more = first + most if first + most <= known else None
    facts = facts_of(found) | {"conflicts": [_facts(one) for one in rows], "next": more}
    values: dict[str, object] = {
        "title": found.listing.title,
        "code": found.code.lower(),
        "n": known,
        "next": more,
        "lines": tuple(
            _line(one, found, caller.pubkey == found.listing.organizer, tx, ctx)
            for one in rows[:PAGE]
        ),
    }
    key = "door-conflicts-none" if not rows else "door-conflicts"
    return Report("door-conflicts", facts, key if more is None else "door-conflicts-more", values)


def tell(event_id: str, tx: Tx, ctx: Context) -> Reply:
    """One word to the organizer for all that scanners have told meanwhile."""
    found = viewing.listed(tx, event_id)
    fresh, known = conflicts.tell(tx, event_id, ctx.now)
    values = {"title": found.listing.title, "code": found.code.lower(), "n": fresh}
    organizer = Addressee(found.listing.organizer, "auto")
    return [Told(organizer, Said("door-conflicts-new", values), f"conflicts:{event_id}:{known}")]


def _facts(one: Conflict) -> dict[str, object]:
    return {
        "ticket_id": one.ticket_id,
        "outcome": str(one.outcome),
        **one.entry._asdict(),
        "other": None if one.other is None else one.other._asdict(),
    }


def _line(one: Conflict, found: Listed, named: bool, tx: Tx, ctx: Context) -> Said:
    other = None if one.other is None else _entry(one.other, found, named, tx, ctx)
    values: dict[str, object] = {
        "ticket": "?" if one.ticket_id is None else group_id(one.ticket_id),
        "entry": _entry(one.entry, found, named, tx, ctx),
        "other": other or "?",
    }
    return Said(WHY.get(one.outcome, "door-conflict-other"), values)


def _entry(entry: Entry, found: Listed, named: bool, tx: Tx, ctx: Context) -> Said:
    values: dict[str, object] = {
        "when": Clock(entry.at, found.listing.timezone, ctx.now),
        "gate": entry.gate,
        "who": _who(entry.by, named, tx),
    }
    return Said("door-entry-gate" if entry.gate else "door-entry", values)


def _who(number: int | None, named: bool, tx: Tx) -> Said | str:
    """As `door list` names them."""
    held = None if number is None else staff.numbered(tx, number)
    if held is None:
        return Said("door-entry-organizer")
    return name_of(held) if named else f"#{held.id}"


COMMANDS: Commands = {ListConflicts: listed}
