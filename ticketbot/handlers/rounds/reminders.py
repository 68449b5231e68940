"""Word before an event: to everybody who holds a ticket, and once more to who was not reached.

Each is a round through the holders; its row in the outbox carries how far it has come, and is
gone when everybody was told. So nobody is reminded twice of the same date.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ticketbot.domain.listing import Listing
from ticketbot.domain.when import HOUR
from ticketbot.handlers import issuing, viewing
from ticketbot.handlers.context import Context
from ticketbot.handlers.telling import tell_person
from ticketbot.ledger import outbox, people, tickets
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import Addressee, Reply, Report, Told, Via

PAGE = 50  # holders in one transaction


def arm(listing: Listing, tx: Tx, ctx: Context) -> None:
    """A note is in force: its reminders are due so long before the start that it names now.

    One whose time has passed already is left out: who buys so late remembers. But who was still to
    be reminded when the start was moved so near hears of it: once they have had some time to read
    that it was moved.
    """
    ahead = {"reminder": ctx.settings.remind_hours, "last-call": ctx.settings.last_call_hours}
    quiet = {"reminder": ctx.settings.quiet_hours * HOUR, "last-call": 0}
    for what, hours in ahead.items():
        key, due = f"{what}:{listing.event_id}", listing.start - hours * HOUR
        waiting = outbox.body_of(tx, key)
        if waiting is not None and (waiting["due"] == due or _is_noted(waiting, listing, due, ctx)):
            continue
        if waiting is not None:
            due = max(due, ctx.now + quiet[what])
        if hours and ctx.now <= due < listing.start:
            body = {"what": what, "event": listing.event_id, "due": due, "after": 0}
            outbox.arm(tx, key, "errand", due, body | {"start": listing.start})
        elif waiting is not None:
            outbox.drop(tx, key)


def _is_noted(waiting: dict[str, Any], listing: Listing, due: int, ctx: Context) -> bool:
    """Whether the same start was moved so near before, and its reminder waits for that."""
    return due <= ctx.now and waiting.get("start") == listing.start


def page(key: str, tx: Tx, ctx: Context) -> Reply:
    """The next holders are told."""
    body = outbox.body_of(tx, key)
    if body is None:
        return []
    if ctx.now < body["due"]:  # a clock that was ahead has been put back
        outbox.arm(tx, key, "errand", body["due"], body)
        return []
    found, last_call = viewing.listed(tx, body["event"]), body["what"] == "last-call"
    late = body["due"] - ctx.settings.quiet_hours * HOUR
    ordered_by = ctx.now if last_call else late
    holders = tickets.holders_of(tx, body["event"], body["after"], ordered_by, PAGE)
    if not holders or found.state != "on-sale" or ctx.now >= found.listing.start:
        outbox.drop(tx, key)
        return []
    outbox.amend(tx, key, after=holders[-1])
    tell = _send_again if last_call else _remind
    return [
        told for holder in holders for told in tell(holder, body["due"], found.listing, tx, ctx)
    ]


def _remind(holder: int, due: int, listing: Listing, tx: Tx, ctx: Context) -> Reply:
    rows = _valid(holder, listing, tx)
    if not rows:
        return []
    facts: dict[str, object] = {
        "event_id": listing.event_id,
        "title": listing.title,
        "start": listing.start,
        "place": listing.place,
        "tickets": len(rows),
    }
    values: dict[str, object] = {"title": listing.title, "now": listing, "n": len(rows)}
    said = Report("reminder", facts, "reminder", values)
    return tell_person(tx, holder, f"reminder:{listing.note_id[:16]}:{due}:{holder}", said)


def _send_again(holder: int, due: int, listing: Listing, tx: Tx, ctx: Context) -> Reply:
    """Tickets that no relay has taken for their holder yet go out by the other kind of DM, too."""
    someone = people.person(tx, holder)
    other: Via = "nip17" if someone.via == "nip04" else "nip04"
    to = Addressee(someone.pubkey, other, None, someone.id)
    return [
        Told(
            to,
            issuing.show(tx, ctx, row, listing, someone, everywhere=False),
            f"again:{row.order_id}:{row.id}:{due}",
        )
        for row in _valid(holder, listing, tx)
        if outbox.has_under(tx, issuing.delivery(row))
    ]


def _valid(holder: int, listing: Listing, tx: Tx) -> Sequence[TicketRow]:
    rows = tickets.of_holder_at(tx, holder, listing.event_id)
    return [row for row in rows if row.state == "valid"]
