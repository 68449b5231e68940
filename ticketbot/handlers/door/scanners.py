"""Who may scan where: the event's own organizer, staff, and whoever has a secret made for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ticketbot.domain.when import DAY
from ticketbot.errors import Refused
from ticketbot.handlers import finding
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import listings, scans, staff
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.staff import Pass
from ticketbot.ledger.store import Tx

SECRET_PREFIX = "door1"
CODES_SHOWN = 5

Tally = dict[str, Any]


class Caller(NamedTuple):
    """Who asks: a person by their key (hex), or whoever has a secret."""

    pubkey: str | None = None
    secret: str | None = None


def admit_caller(caller: Caller, event: str, tx: Tx, ctx: Context) -> tuple[Listed, Pass | None]:
    """The event, by its id or its code, and the pass by which the caller may scan there.

    The pass is None for the event's own organizer. `Refused`: unknown, or they may not.
    """
    found = named_exactly(event, tx)
    if caller.pubkey is not None and caller.pubkey == found.listing.organizer:
        return found, None
    held = staff.good(tx, _tag(caller, tx), found.listing.event_id, ctx.now)
    if held is None:
        raise Refused("not-yours", "door-not-staff", title=found.listing.title)
    return found, held


def named_exactly(event: str, tx: Tx) -> Listed:
    """The event with this id or code. `Refused`: there is none."""
    found = listings.by_id(tx, event)
    if found is not None:
        return found
    for one in listings.by_code(tx, event):
        if one.code == event.upper():
            return one
    raise Refused("unknown-event", "door-event-unknown")


def everywhere(pubkey: str, tx: Tx, ctx: Context) -> list[str]:
    """The events at which somebody may scan: their own first, then where they are staff."""
    mine = [one.listing.event_id for one in staff.organized(tx, pubkey, ctx.now - DAY)]
    return mine + staff.anywhere(tx, staff.person_tag(tx, pubkey), ctx.now)


def place(pubkey: str, of_ticket: str | None, tx: Tx, ctx: Context) -> str:
    """At which event somebody scans: the ticket's if they may, else the next one that takes place.

    `Refused`: they may scan nowhere.
    """
    mine = everywhere(pubkey, tx, ctx)
    if not mine:
        raise Refused("not-yours", "door-nowhere")
    if of_ticket in mine:
        return of_ticket
    return next((one for one in mine if _takes_place(one, tx)), mine[0])


def _takes_place(event_id: str, tx: Tx) -> bool:
    found = listings.by_id(tx, event_id)
    return found is not None and found.state == "on-sale"


def named(words: Sequence[str], request: Request, tx: Tx, ctx: Context) -> Listed:
    """The event that words name, or without any the one at which the sender scans."""
    if words:
        event_id = finding.event_in(words, tx, ctx)[0].listing.event_id
    else:
        event_id = place(request.sender, None, tx, ctx)
    return admit_caller(Caller(request.sender), event_id, tx, ctx)[0]


def tally(found: Listed, tx: Tx) -> dict[str, Tally]:
    """Who came, is inside, has left: `total`, and the same `by_tier` and `by_gate`."""
    rows = scans.counts(tx, found.listing.event_id)
    seats = listings.seats_of(tx, found.listing.event_id)
    total = _sum(rows) | {"sold": sum(one.sold for one in seats if not one.tier)}
    tiers = {one.tier for one in rows} | {one.tier for one in seats if one.tier}
    sold = {one.tier: one.sold for one in seats if one.tier}
    by_tier = {
        tier: _sum([one for one in rows if one.tier == tier])
        | ({"sold": sold[tier]} if tier in sold else {})
        for tier in sorted(tiers)
    }
    by_gate = {
        gate: _passed([one for one in rows if one.gate == gate])
        for gate in sorted({one.gate for one in rows})
    }
    return {"total": total, "by_tier": by_tier, "by_gate": by_gate}


def codes(found: Sequence[Listed]) -> str:
    """The events' codes, in a few words."""
    return ", ".join(one.code.lower() for one in found[:CODES_SHOWN])


def _sum(rows: Sequence[scans.Count]) -> Tally:
    entries, returns, exits = _totals(rows)
    return {"admitted": entries, "inside": entries + returns - exits, "left": exits - returns}


def _passed(rows: Sequence[scans.Count]) -> Tally:
    """Through one gate: who comes by it may leave by another."""
    entries, returns, exits = _totals(rows)
    return {"admitted": entries, "returned": returns, "left": exits}


def _totals(rows: Sequence[scans.Count]) -> tuple[int, int, int]:
    return (
        sum(one.entries for one in rows),
        sum(one.returns for one in rows),
        sum(one.exits for one in rows),
    )


def _tag(caller: Caller, tx: Tx) -> bytes:
    if caller.pubkey is not None:
        return staff.person_tag(tx, caller.pubkey)
    return staff.secret_tag(tx, caller.secret or "")


def facts_of(found: Listed) -> dict[str, object]:
    """How an event is named to programs."""
    return {"event_id": found.listing.event_id, "code": found.code}
