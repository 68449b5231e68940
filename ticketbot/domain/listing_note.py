"""From an organizer's note to a listing, with everything that is wrong at once.

Calendar events (NIP-52, kinds 31922 and 31923) and labelled notes (kind 1, see note.py)
become a `Listing`. Prices are tags as in NIP-99; `stock`, `sales_start`, `sales_end`,
`max_per_buyer`, `ephemeral` and those of offer.py and terms.py are ticketbot's own
(docs/protocol.md).
"""

from __future__ import annotations

from ticketbot.domain.lines import LONGEST_TIER
from ticketbot.domain.listing import LONGEST_PLACE, LONGEST_SUMMARY, LONGEST_TITLE, Listing, Offer
from ticketbot.domain.money import PriceProblem, read_price
from ticketbot.domain.naming import FieldProblem, quote, show
from ticketbot.domain.nostr import Event
from ticketbot.domain.note import (
    TEXT_NOTE,
    mentions,
    read_note,
    without_mentions,
)
from ticketbot.domain.offer import (
    EarlyBird,
    Tier,
    read_age,
    read_early_birds,
    read_questions,
    read_tiers,
)
from ticketbot.domain.sheet import Problem, Sheet, read_count
from ticketbot.domain.span import read_span
from ticketbot.domain.terms import read_terms
from ticketbot.domain.when import (
    Span,
    read_stamp,
)
from ticketbot.errors import TicketbotError

MOST_CATEGORIES = 20
LONGEST_D = 200  # bytes: an naddr holds 255, and an event_id with it stays under 300
LONGEST_URL, LONGEST_THANKS = 500, 300


class ListingProblems(TicketbotError):
    """A note that cannot be sold, with one problem for each field that is wrong."""

    def __init__(self, problems: tuple[Problem, ...], title: str | None) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.sentence}" for problem in problems))
        self.problems = problems
        self.title = title


def is_for(event: Event, bot: str) -> bool:
    """Whether the note points to the bot: by a `p` tag, or by a mention in a kind-1 note."""
    if any(row[:1] == [bot] for row in event.rows("p")):
        return True
    return event.kind == TEXT_NOTE and mentions(event.content, bot)


def says_cancelled(event: Event) -> bool:
    """Whether the note calls its event off, however much else in it may be wrong."""
    return (event.tag("status") or "").strip().lower() in ("cancelled", "canceled")


def read_listing(event: Event, bot: str) -> Listing:
    """The listing that a note of kind 31922, 31923 or 1 describes.

    ListingProblems: all that is wrong, one problem a field. Whether the author may sell
    here, and whether it is addressed to the bot (`is_for`), is not asked.
    """
    sheet, text = _sheet_of(event)

    title = _read_title(sheet)
    d = "" if event.kind == TEXT_NOTE else sheet.read("d", "", lambda: _read_d(event))
    span = read_span(sheet, event)
    tiers = read_tiers(sheet)
    price, general = _read_prices(sheet, tiers)
    early_birds = _read_early_birds(sheet, tiers, price if general else None)
    questions, age = read_questions(sheet), sheet.maybe("age", read_age)
    stock = sheet.maybe("stock", lambda text: read_count(text, 0))
    sales = _read_sales(sheet, span)
    max_per_buyer = sheet.maybe("max_per_buyer", lambda text: read_count(text, 1))
    ephemeral = _read_ephemeral(sheet)
    doors, badge = _read_doors(sheet, span), _read_badge(sheet)
    terms = read_terms(sheet, span.start if span else None)
    if sheet.problems or span is None:
        raise ListingProblems(tuple(sheet.problems.values()), title or None)

    places = sheet.texts("location") or sheet.texts("place")
    summary = (sheet.texts("summary") or [text])[0]
    return Listing(
        event_id=event.id if event.kind == TEXT_NOTE else f"{event.kind}:{event.pubkey}:{d}",
        organizer=event.pubkey,
        kind=event.kind,
        note_id=event.id,
        created_at=event.created_at,
        title=title,
        summary=show(without_mentions(summary, bot), LONGEST_SUMMARY),
        place=show(", ".join(dict.fromkeys(places)), LONGEST_PLACE),
        start=span.start,
        end=span.end,
        timezone=span.timezone,
        all_day=span.all_day,
        price_msat=price,
        stock=stock,
        tiers=tiers,
        sales_start=sales[0],
        sales_end=sales[1],
        max_per_buyer=max_per_buyer,
        ephemeral=ephemeral,
        categories=_categories(sheet),
        cancelled=says_cancelled(event),
        image=next((url for url in sheet.texts("image") if _is_image(url)), None),
        general=general,
        doors=doors,
        early_birds=early_birds,
        questions=questions,
        age=age,
        thanks=show(" ".join(sheet.texts("thanks")[:1]), LONGEST_THANKS),
        badge=badge,
        terms=terms,
    )


def _sheet_of(event: Event) -> tuple[Sheet, str]:
    """The note's tags, and what it says beside them. The lines of a kind-1 note go first."""
    if event.kind != TEXT_NOTE:
        return Sheet(event.tags, event.kind), event.content
    note = read_note(event.content)
    written = {tag[0] for tag in note.tags} | {one.name for one in note.wrong}
    tags = note.tags + [tag for tag in event.tags if tag and tag[0] not in written]
    sheet = Sheet(tags, event.kind)
    for one in note.wrong:
        sheet.blame(f"{one.name} {one.which}".strip(), one.problem, like=one.name)
    return sheet, note.rest


def _read_title(sheet: Sheet) -> str:
    found = sheet.texts("title") or sheet.texts("name")  # NIP-52: deprecated, where no title is
    title = show(found[0], LONGEST_TITLE) if found else ""
    if not title:
        sheet.blame("title", FieldProblem("title-missing"))
    return title


def _read_d(event: Event) -> str:
    d = event.tag("d") or ""
    if not d.strip():
        raise FieldProblem("d-missing")
    if not d.isprintable() or len(d.encode()) > LONGEST_D:
        raise FieldProblem("d-odd", most=LONGEST_D)
    return d


def _read_price(sheet: Sheet) -> int | None:
    rows = {(number.strip(), unit.strip()) for number, unit in sheet.padded("price", 2)}
    try:
        prices = {read_price(*row) for row in rows}
    except PriceProblem:
        if len(rows) == 1:
            raise
        raise FieldProblem("given-twice") from None
    if len(prices) > 1:
        raise FieldProblem("given-twice")
    return prices.pop() if prices else None


def _read_prices(sheet: Sheet, tiers: tuple[Tier, ...]) -> tuple[int, bool]:
    """The price without a tier, and whether there is one.

    Beside tiers, a `price` that one of them has too only advertises that tier.
    """
    price = sheet.read("price", None, lambda: _read_price(sheet))
    of_tiers = [tier.price_msat for tier in tiers]
    if price is None or price in of_tiers:
        return min(of_tiers, default=0), not of_tiers
    return price, True


def _read_early_birds(
    sheet: Sheet, tiers: tuple[Tier, ...], price: int | None
) -> tuple[EarlyBird, ...]:
    """Once the prices that they undercut can be read: what follows from a mistake is none."""
    if any(field.lower().startswith(("tier", "price")) for field in sheet.problems):
        return ()
    regular = {tier.name: tier.price_msat for tier in tiers}
    return read_early_birds(sheet, regular | ({} if price is None else {"": price}), tiers)


def _read_sales(sheet: Sheet, span: Span | None) -> tuple[int | None, int | None]:
    start, end = sheet.maybe("sales_start", read_stamp), sheet.maybe("sales_end", read_stamp)
    if start is not None and end is not None and end <= start:
        sheet.blame("sales_end", FieldProblem("sales-end-early"))
    elif start is not None and span is not None and start >= span.end:
        sheet.blame("sales_start", FieldProblem("sales-start-late"))
    return start, end


def _read_doors(sheet: Sheet, span: Span | None) -> int | None:
    doors = sheet.maybe("doors", read_stamp)
    if doors is not None and span is not None and doors >= span.end:
        sheet.blame("doors", FieldProblem("doors-late"))
    return doors


def _read_ephemeral(sheet: Sheet) -> bool:
    """False where kind 24133 is forbidden; a slip in this tag must not publish anything."""
    wish = sheet.read("ephemeral", None, lambda: sheet.one("ephemeral"))
    if wish is None or wish.lower() in ("always", "when-asked"):
        return True
    if wish.lower() != "never":
        sheet.blame("ephemeral", FieldProblem("ephemeral-value", text=quote(wish)))
    return False


def _read_badge(sheet: Sheet) -> Offer:
    wish = sheet.read("badge", None, lambda: sheet.one("badge"))
    if wish is None or wish.lower() == "asked":
        return "asked"
    if wish.lower() in ("yes", "offered"):
        return "offered"
    if wish.lower() != "never":
        sheet.blame("badge", FieldProblem("badge-value", text=quote(wish)))
    return "never"


def _categories(sheet: Sheet) -> tuple[str, ...]:
    names = (show(text.strip().lstrip("#"), LONGEST_TIER).lower() for text in sheet.texts("t"))
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_CATEGORIES]


def _is_image(url: str) -> bool:
    return url.startswith("https://") and url.isprintable() and len(url) <= LONGEST_URL
