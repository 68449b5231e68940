"""`attendees` and `find`: who holds what, for the event's own organizer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ticketbot.domain.command import Find, ListAttendees, ListEvents
from ticketbot.domain.csvtext import write_csv
from ticketbot.domain.listing import Listing
from ticketbot.domain.money import SAT
from ticketbot.domain.naming import quote
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import group_id
from ticketbot.errors import Refused
from ticketbot.handlers.attending import browsing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.desk import looking
from ticketbot.handlers.desk.orders import LETTERS, order_in
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import attendees, listings, people, questions, remarks, tickets
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import Outcome, Reply, Report, Said

PAGE = 200  # tickets in one answer
ROOM = 8_000  # characters of one message: a phone shows and copies it whole
MACHINE_ROOM = 40_000  # bytes of a program's answer: NIP-44 takes 65,535
MOST_FOUND = 8
HEADINGS = ("ticket", "holder", "tier", "state", "order", "sats", "bought", "note")
CODE_LETTERS, KEY_LETTERS = 16, 64
SHOWN_OF_KEY = 12


class Attendee(NamedTuple):
    """A live ticket as its event's organizer sees it.

    `holder` is an npub, empty for who was forgotten; `place` is the cursor of the list;
    `answers` are (question, answer) as they were given at checkout; `note` is what was noted
    about the order.
    """

    place: int
    ticket_id: str
    holder: str
    tier: str
    state: str
    order_id: str
    price_msat: int
    bought_at: int
    answers: tuple[tuple[str, str], ...] = ()
    note: str = ""


def listed(request: Request, tx: Tx, ctx: Context) -> Reply:
    """A page of the list: to people as CSV, to programs as JSON."""
    wish = request.command
    assert isinstance(wish, ListAttendees)
    found, _ = own_event(wish.words, request, tx, ctx)
    listing, code = found.listing, found.code.lower()
    count = tickets.live_of_event(tx, listing.event_id).tickets
    if not wish.goes_on:
        looking.note("attendees listed", listing.event_id, request, tx, ctx, tickets=count)
    if request.request_id is not None:
        rows = page(listing, tx, after=_place(wish.after), most=PAGE)
        return [_for_program(listing, rows, count)]
    if not count:
        return [Said("attendees-nobody", {"title": listing.title})]
    if wish.first > count:
        return [Said("attendees-none", {"title": listing.title, "n": count})]
    rows = page(listing, tx, skip=wish.first - 1, most=PAGE)
    return [*_for_people(listing, code, rows, wish.first, count)]


def found(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Who holds what, by a key, an order or a ticket's code."""
    wish = request.command
    assert isinstance(wish, Find)
    if request.request_id is None and not _organizes(request, tx):
        words = ListEvents((*wish.words, wish.wanted))
        return browsing.list_events(request._replace(command=words), tx, ctx)
    event, _ = own_event(wish.words, request, tx, ctx)
    title, rows = event.listing.title, _search(event.listing, wish.wanted, tx)
    if not rows:
        raise Refused("not-yours", "find-nothing", word=_shown(wish.wanted))
    looking.note("attendees searched", event.listing.event_id, request, tx, ctx, tickets=len(rows))
    lines = [Said("find-line", _line_values(row, event.listing)) for row in rows[:MOST_FOUND]]
    facts: dict[str, object] = {
        "event_id": event.listing.event_id,
        "attendees": [_json(row) for row in rows[:MOST_FOUND]],
    }
    values = {"title": title, "n": len(rows), "lines": tuple(lines)}
    return [Report("find", facts, "find", values)]


def page(
    listing: Listing, tx: Tx, *, after: int = 0, skip: int = 0, most: int = PAGE
) -> list[Attendee]:
    """Holders of live tickets in the order in which they were sold, past a place in the list."""
    rows = attendees.page(tx, listing.event_id, most, after=after, skip=skip)
    return [_attendee(row.ticket, tx, row.place) for row in rows]


def csv_of(rows: Sequence[Attendee], listing: Listing) -> list[str]:
    """The lines of a table, its headings first; nothing in it is computed by a spreadsheet."""
    questions = list(dict.fromkeys(name for row in rows for name, _ in row.answers))
    table: list[tuple[object, ...]] = [(*HEADINGS, *questions)]
    for row in rows:
        said = dict(row.answers)
        table.append((*_cells(row, listing), *(said.get(name, "") for name in questions)))
    return [write_csv([cells]) for cells in table]


def _organizes(request: Request, tx: Tx) -> bool:
    return bool(listings.of_organizer(tx, request.sender, (0, ""), 1))


def _attendee(row: TicketRow, tx: Tx, place: int = 0) -> Attendee:
    holder, remark = people.person(tx, row.holder), remarks.of(tx, row.order_id)
    return Attendee(
        place=place,
        ticket_id=row.id,
        holder=npub_encode(holder.pubkey) if holder.pubkey else "",
        tier=row.tier,
        state=row.state,
        order_id=row.order_id,
        price_msat=row.price_msat,
        bought_at=row.issued_at,
        answers=questions.answers(tx, row.order_id),
        note="" if remark is None else remark.said,
    )


def _for_people(
    listing: Listing, code: str, rows: Sequence[Attendee], first: int, count: int
) -> list[Outcome]:
    head, *lines = csv_of(rows, listing)
    said: list[Outcome] = []
    while lines:
        taken = [head]
        while lines and sum(map(len, taken)) + len(taken) + len(lines[0]) < ROOM:
            taken.append(lines.pop(0))
        last = first + len(taken) - 2
        values = {
            "title": listing.title,
            "first": first,
            "last": last,
            "n": count,
            "table": "\n".join(taken),
        }
        said.append(Said("attendees", values))
        first = last + 1
    if first <= count:
        said.append(Said("attendees-more", {"code": code, "next": first}))
    return said


def _for_program(listing: Listing, rows: Sequence[Attendee], count: int) -> Report:
    shown: list[dict[str, object]] = []
    room = MACHINE_ROOM
    for row in rows:
        texts = [row.note, *(text for pair in row.answers for text in pair)]
        room -= 400 + 6 * sum(map(len, texts))
        if shown and room < 0:
            break
        shown.append(_json(row))
    more = len(shown) < len(rows) or len(rows) == PAGE
    facts: dict[str, object] = {
        "event_id": listing.event_id,
        "count": count,
        "attendees": shown,
        "next": str(rows[len(shown) - 1].place) if more else None,
    }
    return Report("attendees", facts, "attendees-counted", {"title": listing.title, "n": count})


def _json(row: Attendee) -> dict[str, object]:
    return {
        "ticket_id": row.ticket_id,
        "holder": row.holder,
        "tier": row.tier,
        "state": row.state,
        "order_id": row.order_id,
        "price_msat": row.price_msat,
        "bought_at": row.bought_at,
        "answers": [{"question": name, "answer": text} for name, text in row.answers],
        "note": row.note,
    }


def _cells(row: Attendee, listing: Listing) -> tuple[object, ...]:
    code, order, sats = group_id(row.ticket_id), row.order_id[-4:].upper(), row.price_msat // SAT
    who = (code, row.holder, row.tier, row.state)
    return (*who, order, sats, _when(row, listing), row.note)


def _line_values(row: Attendee, listing: Listing) -> dict[str, object]:
    return {
        "code": group_id(row.ticket_id),
        "tier": f" · {row.tier}" if row.tier else "",
        "state": Said(f"holder-{row.state}"),
        "order": row.order_id[-4:].upper(),
        "holder": row.holder or "-",
        "when": _when(row, listing),
    }


def _when(row: Attendee, listing: Listing) -> str:
    zone = UTC if listing.all_day else ZoneInfo(listing.timezone)
    return f"{datetime.fromtimestamp(row.bought_at, zone):%Y-%m-%d %H:%M}"


def _search(listing: Listing, wanted: str, tx: Tx) -> list[Attendee]:
    if len(wanted) == KEY_LETTERS:
        person = people.known(tx, wanted)
        held = (
            attendees.of_person(tx, listing.event_id, person.id, MOST_FOUND + 1) if person else []
        )
    elif len(wanted) == CODE_LETTERS:
        one = tickets.get(tx, wanted)
        held = [one] if one is not None and one.event_id == listing.event_id else []
    else:
        held = _by_letters(listing, wanted, tx)
    return [_attendee(row, tx) for row in held]


def _by_letters(listing: Listing, wanted: str, tx: Tx) -> list[TicketRow]:
    """The tickets of an order, by its id or the end of it; and those whose own code ends so."""
    if len(wanted) < LETTERS:
        return []
    held = attendees.tickets_ending(tx, listing.event_id, wanted, MOST_FOUND + 1)
    if held and not attendees.orders_ending(tx, listing.event_id, wanted):
        return held
    try:
        of_order = tickets.of_order(tx, order_in(listing, wanted, tx).id)
    except Refused as refused:
        if refused.sentence == "event-order-unknown":
            return []
        raise
    return list(dict.fromkeys([*of_order, *held]))


def _shown(wanted: str) -> str:
    if len(wanted) == KEY_LETTERS:
        return f"{npub_encode(wanted)[:SHOWN_OF_KEY]}…"
    return group_id(wanted) if len(wanted) == CODE_LETTERS else quote(wanted)


def _place(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= 15):
        raise Refused("bad-request", "bad-cursor")
    return int(after)


COMMANDS: Commands = {
    ListAttendees: listed,
    Find: found,
}
