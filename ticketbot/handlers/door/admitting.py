"""One scan: what comes of a ticket that is shown at a door, decided and written down."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain import admission
from ticketbot.domain.admission import (
    Facts,
    Hours,
    Kind,
    Move,
    Outcome,
    Shown,
    Standing,
    State,
    happening,
    light,
    standing,
)
from ticketbot.domain.scanning import Scan, objection
from ticketbot.domain.ticket import token_hash
from ticketbot.domain.when import FIRST_DAY_LEAD, HOUR, Clock
from ticketbot.errors import Refused
from ticketbot.handlers.context import Context
from ticketbot.handlers.door import scanners
from ticketbot.handlers.door.scanners import Caller
from ticketbot.ledger import conflicts, listings, orders, scans, tickets
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.scans import ScanRow
from ticketbot.ledger.staff import Pass
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.metrics import metrics
from ticketbot.replies.outcome import Report

UNDO = {Outcome.ENTRY_UNDONE, Outcome.RETURN_UNDONE, Outcome.EXIT_UNDONE}


class Judged(NamedTuple):
    """What came of a scan: its outcome, where the ticket stands now, and its record so far."""

    outcome: Outcome
    state: State
    known: Standing


def hours(event: Listed, ctx: Context) -> Hours:
    """When an event lets people in."""
    listing = event.listing
    lead = ctx.settings.doors_open_hours * HOUR + (FIRST_DAY_LEAD if listing.all_day else 0)
    opens = listing.start - lead if listing.doors is None else listing.doors
    return Hours(opens, listing.end, event.state != "on-sale")


def attempt(caller: Caller, event: str, scan: Scan, tx: Tx, ctx: Context) -> Report | Refused:
    """What comes of a scan at an event; a refusal is a value, for nothing was written by then."""
    try:
        found, held = scanners.admit_caller(caller, event, tx, ctx)
        return decide(found, scan, held, tx, ctx)
    except Refused as refused:
        return refused


def decide(
    event: Listed, scan: Scan, held: Pass | None, tx: Tx, ctx: Context, *, counted: bool = True
) -> Report:
    """Judge a scan, move the ticket, write it down; told again under its nonce, say it again.

    `held` is the pass it was made with, None for the organizer; a scan that is not `counted` is
    in no metric. `Refused`: the nonce was used for another scan.
    """
    event_id = event.listing.event_id
    nonce = None if scan.nonce is None else scans.nonce_tag(tx, event_id, scan.nonce)
    scan, row = _looked_up(scan, tx, ctx)
    told = None if nonce is None else scans.told(tx, nonce)
    if told is not None:
        return _say_again(event, scan, told, row, tx, ctx)
    at = ctx.now if scan.device_at is None else min(scan.device_at, ctx.now)
    judged = _judge(event, scan, row, at, tx, ctx)
    # An entry that happened without us belongs to the story, though it moved nothing.
    happened = judged.outcome is Outcome.ALREADY_USED and scan.device_at is not None
    written = ScanRow(
        event_id,
        None if row is None else row.id,
        scan.kind,
        judged.outcome,
        judged.outcome in admission.GREEN or happened,
        ctx.now,
        None if scan.device_at is None else at,
        scan.gate or (held.gate if held else ""),
        held.id if held else None,
    )
    if judged.outcome in admission.GREEN and row is not None:
        _move(row, judged, written, tx)
    scans.write(tx, written, nonce)
    if admission.is_conflict(scan.kind, judged.outcome, told_late=scan.device_at is not None):
        conflicts.note(tx, event_id)
    if counted:
        metrics().checkins.labels(judged.outcome).inc()
    return _report(event, written, row, judged, tx, ctx)


def _looked_up(scan: Scan, tx: Tx, ctx: Context) -> tuple[Scan, TicketRow | None]:
    """The ticket that is shown; a forgery is nobody's, whatever its letters say."""
    if not isinstance(scan.shown, Shown):
        return scan, None
    shown, row = scan.shown, tickets.get(tx, scan.shown.ticket_id)
    wrong = objection(shown, row and row.token_hash, ctx.signer.public)
    if wrong is not None:
        return scan._replace(shown=wrong), None
    if shown.claims is not None:  # of this version, and yet perhaps another ledger's
        shown = shown._replace(token_hash=token_hash(ctx.signer.sign(shown.claims)))
    return scan._replace(shown=shown), row


def _judge(
    event: Listed, scan: Scan, row: TicketRow | None, at: int, tx: Tx, ctx: Context
) -> Judged:
    """The outcome, without doing anything."""
    if isinstance(scan.shown, Outcome):
        return Judged(scan.shown, State.VALID, Standing())
    facts = _facts(row)
    wrong = admission.mismatch(scan.shown, facts, event.listing.event_id, scan.kind)
    if wrong is not None or facts is None or row is None:
        state = State.VALID if facts is None else facts.state
        return Judged(wrong or Outcome.UNKNOWN, state, Standing())
    known = standing(scans.story(tx, row.id))
    first = scan.kind is Kind.CHECK_IN and facts.state is State.VALID and scan.device_at is None
    shut = admission.closed(hours(event, ctx), ctx.now) if first else None
    if shut is not None:
        return Judged(shut, facts.state, known)
    what = happening(scan.kind, known, at, told_late=scan.device_at is not None)
    after, outcome = admission.step(facts.state, what)
    return Judged(outcome, after, known)


def _move(row: TicketRow, judged: Judged, done: ScanRow, tx: Tx) -> None:
    undone = judged.known.moves[-1] if judged.outcome in UNDO and judged.known.moves else None
    scans.move(tx, row.id, State(row.state), judged.state)
    if judged.outcome not in UNDO or undone is not None:
        scans.count(tx, row.event_id, row.tier, undone, _as_move(done))


def _say_again(
    event: Listed, scan: Scan, told: ScanRow, row: TicketRow | None, tx: Tx, ctx: Context
) -> Report:
    if (told.kind, told.ticket) != (scan.kind, None if row is None else row.id):
        raise Refused("bad-request", "scan-nonce-used")
    known = Standing() if row is None else standing(scans.story(tx, row.id))
    state = State.VALID if row is None else State(row.state)
    return _report(event, told, row, Judged(told.outcome, state, known), tx, ctx)


def _report(
    event: Listed, scan: ScanRow, row: TicketRow | None, judged: Judged, tx: Tx, ctx: Context
) -> Report:
    """What whoever scans may know of a ticket: its tier, its order, of how many. Nobody's name."""
    here = row is not None and row.event_id == scan.event_id
    order = orders.get(tx, row.order_id) if row is not None and here else None
    entered = _record(scan, judged)
    facts: dict[str, object] = {
        "outcome": str(judged.outcome),
        "light": light(judged.outcome),
        "kind": str(scan.kind),
        "event_id": scan.event_id,
        "ticket_id": scan.ticket,
        "state": str(judged.state) if here else None,
        "tier": row.tier if row is not None and here else None,
        "version": row.version if row is not None and here else None,
        "order": None if order is None else order.short,
        "quantity": None if order is None else order.quantity,
        "at": scan.happened,
        "gate": scan.gate,
        "entered_at": None if entered is None else entered.at,
        "entered_gate": None if entered is None else entered.gate,
        "conflict": scan.device_at is not None and judged.outcome not in admission.GREEN,
    }
    tier = f"{row.tier} · " if row is not None and row.tier and here else ""
    short, quantity = ("", 1) if order is None else (order.short, order.quantity)
    values: dict[str, object] = {"tier": tier, "order": short, "n": quantity}
    values |= _named(judged.outcome, event, row, entered, tx, ctx)
    return Report("scan", facts, _sentence(judged.outcome, entered), values)


def _record(scan: ScanRow, judged: Judged) -> Move | None:
    """When a ticket came in first, by what is known with this scan."""
    entered = judged.known.entered
    if judged.outcome in (Outcome.ENTRY_UNDONE, Outcome.NOTHING_TO_UNDO):
        return None
    if scan.counts and judged.outcome in (Outcome.ADMITTED, Outcome.ALREADY_USED):
        mine = _as_move(scan)
        return mine if entered is None or mine.at < entered.at else entered
    return entered


def _sentence(outcome: Outcome, entered: Move | None) -> str:
    gate = "-gate" if outcome is Outcome.ALREADY_USED and entered and entered.gate else ""
    return f"scan-{outcome}{gate}"


def _named(
    outcome: Outcome,
    event: Listed,
    row: TicketRow | None,
    entered: Move | None,
    tx: Tx,
    ctx: Context,
) -> dict[str, object]:
    """What some sentences name besides: a time as clocks at the event show it, another event."""
    zone, open_hours = event.listing.timezone, hours(event, ctx)
    match outcome:
        case Outcome.ALREADY_USED:
            used: object = "?" if entered is None else Clock(entered.at, zone, ctx.now)
            return {"used": used, "gate": entered.gate if entered else ""}
        case Outcome.NOT_YET:
            return {"opens": Clock(open_hours.opens, zone, ctx.now)}
        case Outcome.OVER:
            return {"over": Clock(open_hours.ends, zone, ctx.now)}
        case Outcome.WRONG_EVENT if row is not None:
            found = listings.by_id(tx, row.event_id)
            return {"title": found.listing.title if found else ""}
    return {}


def _facts(row: TicketRow | None) -> Facts | None:
    return row and Facts(row.event_id, State(row.state), row.version, row.token_hash)


def _as_move(scan: ScanRow) -> Move:
    return Move(scan.outcome, scan.happened, scan.gate)
