"""`events` and `event`: what is on sale."""

from __future__ import annotations

from collections.abc import Iterator

from ticketbot.domain.command import ListEvents, ShowEvent
from ticketbot.domain.naming import quote
from ticketbot.handlers import finding
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.ledger import listings
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Card, EventsFound, EventShown, Reply

PAGE = 20
ROOM = 50_000  # bytes of one answer: NIP-44 takes 65,535


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
            more = finding.cursor_of(last.start, last.event_id)
            break
        cards.append(finding.card(tx, found, ctx.now))
    return [EventsFound(tuple(cards), more, quote(" ".join(command.words)))]


def show_event(request: Request, tx: Tx, ctx: Context) -> Reply:
    """One event in full."""
    command = request.command
    assert isinstance(command, ShowEvent)
    found, _ = finding.event_in(command.words, tx, ctx)
    return [EventShown(finding.card(tx, found, ctx.now))]


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


COMMANDS: Commands = {ListEvents: list_events, ShowEvent: show_event}
