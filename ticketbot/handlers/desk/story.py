"""What was decided about an order and what its tickets met at the door, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import dropwhile
from zoneinfo import ZoneInfo

from ticketbot.domain.listing import Listing
from ticketbot.domain.money import Sum
from ticketbot.domain.order import Order
from ticketbot.domain.ticket import group_id
from ticketbot.ledger import journal
from ticketbot.ledger.journal import Decision, Detail
from ticketbot.ledger.scans import ScanRow
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Said
from ticketbot.texts import has

OF_EVENT = "event: "
FOR_PROGRAMS = frozenset({"event", "msat", "payment", "spend", "note", "place", "message"}) | {
    *("percent", "most", "until")
}
"""Details that people are not told: ids and hashes, a code's terms, what is said elsewhere."""
WORDS = frozenset({"fate", "why", "by", "kind", "how"})
"""Details whose values are words of ours."""


def decisions_of(tx: Tx, order: Order) -> list[Decision]:
    """The order's own, and what was decided about its event meanwhile."""
    both = journal.of(tx, order.id, order.event_id)
    since = dropwhile(lambda one: one.subject != order.id, both)
    return [
        one if one.subject == order.id else one._replace(what=f"{OF_EVENT}{one.what}")
        for one in since
    ]


def amount_of(one: Decision) -> int | None:
    """The msat that a decision was about, or None."""
    msat = one.detail.get("msat")
    return None if msat is None else int(msat)


def details_of(one: Decision) -> str:
    """The rest of what a decision says, as it stands in the journal."""
    rest = {name: value for name, value in one.detail.items() if name not in ("msat", "event")}
    return ", ".join(f"{name} {value}" for name, value in rest.items() if value not in ("", None))


def decided(one: Decision, listing: Listing) -> Said:
    """A decision as a line, in the words of whoever reads it."""
    word = one.what.removeprefix(OF_EVENT)
    key = f"did-{_slug(word)}"
    what: Said | str = Said(key) if has(key) else word  # an older bot may have written it
    if one.what.startswith(OF_EVENT):
        what = Said("story-event", {"what": what})
    amount = amount_of(one)
    rest = (*([Sum(amount)] if amount else []), *_details(one))
    return _line(one.at, what, rest, listing)


def scanned(one: ScanRow, listing: Listing, *, alone: bool) -> Said:
    """A scan as a line; of an order that is one ticket `alone`, which one needs not be said."""
    rest: list[object] = []
    if one.gate:
        rest.append(Said("detail-gate", {"value": one.gate}))
    if one.ticket is not None and not alone:
        rest.append(group_id(one.ticket))
    return _line(one.happened, Said(f"scanned-{one.outcome}"), tuple(rest), listing)


def scan_json(one: ScanRow) -> dict[str, object]:
    """A scan as programs read it; `pass` is the number of who scanned, None for the organizer."""
    return {
        "at": one.happened,
        "told_at": one.at,
        "ticket_id": one.ticket,
        "kind": str(one.kind),
        "outcome": str(one.outcome),
        "gate": one.gate,
        "pass": one.by,
    }


def moment(at: int, listing: Listing) -> datetime:
    """A time as its organizer thinks of it."""
    return datetime.fromtimestamp(at, UTC if listing.all_day else ZoneInfo(listing.timezone))


def _line(at: int, what: object, rest: tuple[object, ...], listing: Listing) -> Said:
    return Said("story-line", {"when": moment(at, listing), "what": what, "rest": rest})


def _details(one: Decision) -> Iterator[Said]:
    for name, value in one.detail.items():
        shown = None if name in FOR_PROGRAMS or value in ("", None) else _shown(name, value)
        if shown is not None:
            yield Said(f"detail-{name}", {"value": shown})


def _shown(name: str, value: Detail) -> object:
    """None where there are no words for it: an error's own name."""
    if name == "fee_msat":
        return Sum(int(value or 0))
    text = str(value)
    if name == "ticket":
        return group_id(text)
    if name not in WORDS:
        return text
    if text.startswith("operator "):
        return Said("noted-one-operator", {"who": text.removeprefix("operator ")})
    key = f"noted-{_slug(text)}"
    return Said(key) if has(key) else None


def _slug(words: str) -> str:
    return words.lower().replace(",", "").replace(" ", "-")
