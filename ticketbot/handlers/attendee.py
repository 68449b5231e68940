"""What an attendee can ask for, one short function a command."""

from __future__ import annotations

from collections.abc import Iterator

from ticketbot.domain.command import (
    CancelOrder,
    ListEvents,
    ShowEvent,
    ShowStatus,
    Unknown,
)
from ticketbot.domain.naming import quote
from ticketbot.domain.order import OPEN
from ticketbot.errors import Refused
from ticketbot.handlers import cashier, closing, finding, issuing, viewing
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import listings, orders, tickets
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import (
    Card,
    EventsFound,
    EventShown,
    InvoiceShown,
    Reply,
    Said,
    TicketsCounted,
)

PAGE = 20
ROOM = 50_000  # bytes of one answer: NIP-44 takes 65,535


def hello(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Two lines, and what to try first."""
    on_sale = listings.upcoming(tx, ctx.now, most=1)
    example = f"buy {on_sale[0].code.lower()}" if on_sale else "help"
    return [Said("hello", {"name": ctx.settings.name, "example": example})]


def help_(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The commands."""
    return [Said("help")]


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
    return hello(request, tx, ctx)


def list_events(request: Request, tx: Tx, ctx: Context) -> Reply:
    """What is on sale, by start; words filter by title, place and category."""
    command = request.command
    assert isinstance(command, ListEvents)
    words = [word.lower() for word in command.words]
    cards: list[Card] = []
    more: str | None = None
    room = ROOM
    for found in _on_sale_after(_cursor(command.after), tx, ctx):
        if not all(word in _haystack(found) for word in words):
            continue
        room -= _weight(found)
        if len(cards) == (command.limit or PAGE) or (cards and room < 0):
            last = cards[-1].listing
            more = f"{last.start}:{last.event_id}"
            break
        cards.append(finding.card(tx, found))
    return [EventsFound(tuple(cards), more, quote(" ".join(command.words)))]


def show_event(request: Request, tx: Tx, ctx: Context) -> Reply:
    """One event in full."""
    command = request.command
    assert isinstance(command, ShowEvent)
    found, _ = finding.event_in(command.words, tx, ctx)
    return [EventShown(finding.card(tx, found))]


def show_tickets(request: Request, tx: Tx, ctx: Context) -> Reply:
    """What this person holds: to people a list, to programs the tickets again."""
    rows = tickets.of_holder(tx, request.person.id, ctx.now)
    found = [(row, viewing.listed(tx, row.event_id).listing) for row in rows]
    counted = TicketsCounted(len(rows), tuple((le, row.tier, row.id) for row, le in found))
    if request.request_id is None:
        return [counted]
    shown = [
        issuing.show(tx, ctx, row, le, request.person, everywhere=False)
        for row, le in found
        if viewing.may_show_tickets(request, le, ctx)
    ]
    return [*shown, counted]


def resend(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Every live ticket once more, in full."""
    rows = tickets.of_holder(tx, request.person.id, ctx.now)
    if not rows:
        return [TicketsCounted(0)]
    return [
        issuing.show(
            tx, ctx, row, viewing.listed(tx, row.event_id).listing, request.person, everywhere=False
        )
        for row in rows
    ]


def show_status(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The newest orders, or the one that was asked for."""
    command = request.command
    assert isinstance(command, ShowStatus)
    if command.order_id is not None:
        return [viewing.summary(tx, finding.own_order(tx, request, command.order_id))]
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


def _on_sale_after(cursor: tuple[int, str], tx: Tx, ctx: Context) -> Iterator[Listed]:
    while page := listings.upcoming(tx, ctx.now, cursor, most=100):
        yield from page
        cursor = (page[-1].listing.start, page[-1].listing.event_id)


def _weight(found: Listed) -> int:
    """About how many bytes an event takes in a machine's answer."""
    one = found.listing
    texts = (one.title, one.place, one.event_id, *(tier.name for tier in one.tiers))
    return 300 + sum(80 + len(text.encode()) for text in texts)


def _haystack(found: Listed) -> str:
    one = found.listing
    return " ".join((found.code, one.title, one.place, *one.categories)).lower()


def _cursor(after: str | None) -> tuple[int, str]:
    if not after:
        return (0, "")
    start, _, event_id = after.partition(":")
    if not (start.isascii() and start.isdigit() and len(start) <= 12):
        raise Refused("bad-request", "bad-cursor")
    return (int(start), event_id)
