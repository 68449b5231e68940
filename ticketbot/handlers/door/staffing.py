"""`door add`, `list`, `remove` and `token`: who may scan at an event."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from ticketbot.domain.command import AddStaff, ListStaff, MakeToken, RemoveStaff
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.scanning import read_gate
from ticketbot.domain.when import DAY, HOUR, Clock
from ticketbot.errors import Refused
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.door import admitting, scanners
from ticketbot.handlers.door.scanners import facts_of
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import journal, staff
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.staff import Pass
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Addressee, Reply, Report, Said, Told

AFTERWARDS = DAY  # what was scanned without a network is told when there is one again
MOST_PASSES = 100
SECRET_BYTES = 20
SHOWN_OF_KEY = 12  # letters of an npub that tell people apart in a list


def add(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Somebody may scan at the sender's event from now on, and hears so."""
    command = request.command
    assert isinstance(command, AddStaff)
    found = _own(command.words, request, tx, ctx)
    if command.pubkey is None:
        raise Refused("bad-request", "door-who", code=found.code.lower())
    until = _until(found, command.hours, ctx)
    _make_room(found, tx, ctx)
    number = staff.give(tx, found.listing.event_id, command.pubkey, ctx.now, until)
    journal.note(tx, ctx.now, found.listing.event_id, "door staff added", number=number)
    values = _values(found, command.pubkey, until, ctx)
    facts = facts_of(found) | {"number": number, "pubkey": command.pubkey, "until": until}
    told = _tell(command.pubkey, Said("door-staff-welcome", values), number, request)
    return [Report("door-pass", facts, "door-staff-added", values), told]


def remove(request: Request, tx: Tx, ctx: Context) -> Reply:
    """They may not any more: a person hears so, a token just ends."""
    command = request.command
    assert isinstance(command, RemoveStaff)
    found = _own(command.words, request, tx, ctx)
    held = [
        one
        for one in staff.of_event(tx, found.listing.event_id, ctx.now)
        if command.who in (one.id, one.pubkey) and command.who is not None
    ]
    if not held:
        raise Refused("bad-request", "door-nobody", code=found.code.lower())
    gone = held[0]
    staff.take(tx, found.listing.event_id, gone.id, ctx.now)
    journal.note(tx, ctx.now, found.listing.event_id, "door pass ended", number=gone.id)
    values = _values(found, gone.pubkey, gone.expires_at, ctx) | {"number": gone.id}
    facts = facts_of(found) | {"number": gone.id, "pubkey": gone.pubkey, "until": ctx.now}
    if gone.pubkey is None:
        return [Report("door-pass", facts, "door-token-ended", values)]
    told = _tell(gone.pubkey, Said("door-staff-goodbye", values), gone.id, request)
    return [Report("door-pass", facts, "door-staff-removed", values), told]


def list_staff(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Who may scan at the sender's event, and until when."""
    command = request.command
    assert isinstance(command, ListStaff)
    found = _own(command.words, request, tx, ctx)
    held = staff.of_event(tx, found.listing.event_id, ctx.now)
    zone = found.listing.timezone
    rows = tuple((name_of(one), one.gate, Clock(one.expires_at, zone, ctx.now)) for one in held)
    shown = [
        {"number": one.id, "pubkey": one.pubkey, "gate": one.gate, "until": one.expires_at}
        for one in held
    ]
    key = "door-staff-list" if held else "door-staff-none"
    values = _values(found, None, 0, ctx) | {"passes": rows, "n": len(held)}
    return [Report("door-staff", facts_of(found) | {"passes": shown}, key, values)]


def make_token(request: Request, tx: Tx, ctx: Context) -> Reply:
    """A secret for a scanner: shown once, and kept only as a hash."""
    command = request.command
    assert isinstance(command, MakeToken)
    found = _own(command.words, request, tx, ctx)
    until, gate = _until(found, command.hours, ctx), read_gate(command.gate)
    _make_room(found, tx, ctx)
    letters = base64.b32encode(ctx.dice(SECRET_BYTES)).decode().lower()
    secret = f"{scanners.SECRET_PREFIX}{letters}"
    number = staff.give_secret(tx, found.listing.event_id, secret, gate, ctx.now, until)
    journal.note(tx, ctx.now, found.listing.event_id, "door token made", number=number)
    facts = facts_of(found) | {"number": number, "gate": gate, "until": until, "token": secret}
    values = _values(found, None, until, ctx) | {"number": number, "token": secret}
    return [Report("door-token", facts, "door-token-made", values)]


def _own(words: Sequence[str], request: Request, tx: Tx, ctx: Context) -> Listed:
    """The sender's own event that is meant; without words the only one they have."""
    if not words:
        mine = staff.organized(tx, request.sender, ctx.now - DAY)
        if len(mine) == 1:
            return mine[0]
        if mine:
            raise Refused("bad-request", "door-which", codes=scanners.codes(mine))
    return own_event(words, request, tx, ctx)[0]


def _until(found: Listed, hours: int | None, ctx: Context) -> int:
    """Until when a pass is good; hours count from when the doors open. Refused: it is over."""
    last = found.listing.end + AFTERWARDS
    if ctx.now >= last:
        raise Refused("not-on-sale", "door-over", title=found.listing.title)
    if hours is None:
        return last
    return max(ctx.now, admitting.hours(found, ctx).opens) + hours * HOUR


def _make_room(found: Listed, tx: Tx, ctx: Context) -> None:
    if len(staff.of_event(tx, found.listing.event_id, ctx.now)) >= MOST_PASSES:
        raise Refused("too-many", "door-full", most=MOST_PASSES)


def _values(found: Listed, pubkey: str | None, until: int, ctx: Context) -> dict[str, object]:
    return {
        "title": found.listing.title,
        "code": found.code.lower(),
        "who": "" if pubkey is None else npub_encode(pubkey)[:SHOWN_OF_KEY] + "…",
        "until": Clock(until, found.listing.timezone, ctx.now),
    }


def name_of(held: Pass) -> str:
    """How organizers are shown a pass: by its number, or the first letters of its npub."""
    return f"#{held.id}" if held.pubkey is None else npub_encode(held.pubkey)[:SHOWN_OF_KEY] + "…"


def _tell(pubkey: str, said: Said, number: int, request: Request) -> Told:
    return Told(Addressee(pubkey, "auto"), said, f"door:{number}:{request.key.hex()[:16]}")


COMMANDS: Commands = {
    AddStaff: add,
    RemoveStaff: remove,
    ListStaff: list_staff,
    MakeToken: make_token,
}
