"""What an attendee can ask for, one short function a command."""

from __future__ import annotations

from collections.abc import Iterator

from ticketbot.domain.command import (
    CancelOrder,
    Help,
    ListEvents,
    Resend,
    ShowEvent,
    ShowStatus,
    ShowTickets,
    Unknown,
)
from ticketbot.domain.naming import quote
from ticketbot.domain.order import OPEN
from ticketbot.errors import Refused
from ticketbot.handlers import finding, issuing, viewing
from ticketbot.handlers.context import Context, Request
from ticketbot.handlers.events import closing
from ticketbot.handlers.money import cashier
from ticketbot.ledger import listings, orders, tickets
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import (
    Card,
    EventsFound,
    EventShown,
    InvoiceShown,
    Reply,
    Said,
    TicketsCounted,
    TicketShown,
)

HELP = {"organizer": "help-organizer", "door": "help-door", "operator": "help-operator"}
PAGE = 20
MOST_TICKETS = 50  # in one answer: each is a message
ROOM = 50_000  # bytes of one answer: NIP-44 takes 65,535


def hello(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Two lines, and what to try first."""
    return [Said("hello", {"name": ctx.settings.name, "example": _example(tx, ctx)})]


def help_(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The commands: everybody's, or those of a role; operators see theirs, too."""
    command = request.command
    assert isinstance(command, Help)
    is_operator = request.sender in ctx.settings.operators
    if command.topic == "operator" and not is_operator:
        raise Refused("not-yours", "operators-only")
    if command.topic:
        return [Said(HELP[command.topic])]
    return [Said("help"), *([Said(HELP["operator"])] if is_operator else [])]


def thanks(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Manners."""
    return [Said("welcome")]


def unknown(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Not understood: the nearest thing, or three examples."""
    command = request.command
    assert isinstance(command, Unknown)
    stranger = request.sender not in ctx.settings.operators
    if command.guesses and not (stranger and command.guesses[0].endswith(" sales")):
        return [Said("did-you-mean", {"guess": command.guesses[0]})]
    return [Said("not-understood", {"example": _example(tx, ctx)})]


def _example(tx: Tx, ctx: Context) -> str:
    on_sale = listings.upcoming(tx, ctx.now, most=1)
    return f"buy {on_sale[0].code.lower()}" if on_sale else "status"


def list_events(request: Request, tx: Tx, ctx: Context) -> Reply:
    """What is on sale, by start; words filter by title, place and category."""
    command = request.command
    assert isinstance(command, ListEvents)
    cards: list[Card] = []
    more: str | None = None
    room = ROOM
    first = max(finding.read_cursor(command.after), (command.starts_from or 0, ""))
    for found in _on_sale_after(first, tx, ctx):
        if command.starts_to is not None and found.listing.start > command.starts_to:
            break
        if not _is_wanted(found, command):
            continue
        room -= _weight(found)
        if len(cards) == (command.limit or PAGE) or (cards and room < 0):
            last = cards[-1].listing
            more = f"{last.start}:{last.event_id}"
            break
        cards.append(finding.card(tx, found, ctx.now))
    return [EventsFound(tuple(cards), more, quote(" ".join(command.words)))]


def show_event(request: Request, tx: Tx, ctx: Context) -> Reply:
    """One event in full."""
    command = request.command
    assert isinstance(command, ShowEvent)
    found, _ = finding.event_in(command.words, tx, ctx)
    return [EventShown(finding.card(tx, found, ctx.now))]


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


def show_status(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The newest orders, or the one that was asked for."""
    command = request.command
    assert isinstance(command, ShowStatus)
    if command.order_id is not None:
        return [viewing.summary(tx, finding.own_order(tx, request, command.order_id), request)]
    mine = orders.latest_of(tx, request.person.id)
    if not mine:
        return [Said("status-none")]
    return [viewing.summary(tx, order) for order in mine[:3]]


def cancel(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Give the held seats of an unpaid order back; organizers confirm a cancelled event."""
    command = request.command
    assert isinstance(command, CancelOrder)
    if command.order_id is not None:
        if request.request_id is None:
            closed = closing.confirm(request, command.order_id, tx, ctx)
            if closed is not None:
                return closed
            if len(command.order_id) < finding.LETTERS:
                return [Said("did-you-mean", {"guess": "cancel"})]
        order = finding.own_order(tx, request, command.order_id)
    else:
        waiting = orders.open_of(tx, request.person.id)
        if not waiting:
            return [Said("cancel-none")]
        order = waiting[0]
    if order.state not in OPEN:
        return [viewing.summary(tx, order)]
    cashier.released(order.id, "order-cancelled", tx, ctx)
    if request.request_id is None:
        return [Said("order-cancelled", {"order": order.short})]
    return [viewing.summary(tx, finding.own_order(tx, request, order.id))]


def link(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The open invoice as a `lightning:` link, for clients that want one."""
    for order in orders.open_of(tx, request.person.id):
        if made := orders.invoice_for(tx, order.id):
            shown = viewing.invoice_shown(order, viewing.listed(tx, order.event_id).listing, made)
            return [
                InvoiceShown(
                    order,
                    shown.listing,
                    shown.bolt11,
                    shown.payment_hash,
                    shown.expires_at,
                    link_only=True,
                )
            ]
    return [Said("link-none")]


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
    after = f"{rows[most - 1].issued_at}:{rows[most - 1].id}" if len(rows) > most else None
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


def _on_sale_after(cursor: tuple[int, str], tx: Tx, ctx: Context) -> Iterator[Listed]:
    while page := listings.upcoming(tx, ctx.now, cursor, most=100):
        yield from page
        cursor = (page[-1].listing.start, page[-1].listing.event_id)


def _weight(found: Listed) -> int:
    """About how many bytes an event takes in a machine's answer."""
    one = found.listing
    texts = [one.title, one.place, one.event_id, *(tier.name for tier in one.tiers)]
    for question in one.questions:
        texts += [question.text, *question.choices]
    return 500 + 150 * len(one.tiers) + sum(80 + len(text.encode()) for text in texts)


def _is_wanted(found: Listed, wish: ListEvents) -> bool:
    """Whether an event has every word, is of the category, and has a ticket at such a price."""
    one, text = found.listing, _haystack(found)
    if not all(word.lower() in text for word in wish.words):
        return False
    kinds = {category.casefold() for category in one.categories}
    if wish.category is not None and wish.category.casefold() not in kinds:
        return False
    least, most = wish.price_from or 0, wish.price_to
    return any(price >= least and (most is None or price <= most) for price in one.prices)


def _haystack(found: Listed) -> str:
    one = found.listing
    return " ".join((found.code, one.title, one.place, *one.categories)).lower()
