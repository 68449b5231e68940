"""Is this a ticket that admits? Asked by anybody who has it; nothing is said of its holder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ticketbot.domain.command import Validate
from ticketbot.domain.jwt_ticket import read_ticket
from ticketbot.domain.ticket import Claims, TicketInvalid, TicketKey, check_time, token_hash
from ticketbot.errors import Refused
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.ledger import listings, tickets
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import Reply, Report

SENTENCES: Mapping[str | None, str] = {
    None: "ticket-valid",
    "not-a-ticket": "ticket-not-a-ticket",
    "unknown-version": "ticket-unknown-version",
    "damaged": "ticket-damaged",
    "bad-signature": "ticket-bad-signature",
    "expired": "ticket-expired",
    "unknown": "ticket-not-known",
    "void": "ticket-is-void",
    "replaced": "ticket-replaced",
    "foreign": "ticket-foreign",
    "used": "ticket-was-used",
    "wrong-event": "ticket-wrong-event",
}


class Found(NamedTuple):
    """What the ledger knows of a genuine ticket. `reason`: why it does not admit, or None."""

    reason: str | None
    row: TicketRow | None = None
    listed: Listed | None = None


def validate(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The signature first, then the ledger, then the time, then the event that was named."""
    wish = request.command
    assert isinstance(wish, Validate)
    if not wish.text:
        raise Refused("bad-request", "validate-what")
    try:
        claims = read_ticket(wish.text, ctx.signer.public)
    except TicketInvalid as error:
        return [_report(error.reason, None, Found(error.reason), ctx)]
    found = look_up(claims, ctx.signer, tx)
    reason = found.reason
    if reason is None:
        try:
            check_time(claims, ctx.now)
        except TicketInvalid as error:
            reason = error.reason
    if found.row is not None and wish.event_id not in (None, found.row.event_id):
        reason = "wrong-event"
    return [_report(reason, claims, found, ctx)]


def look_up(claims: Claims, signer: TicketKey, tx: Tx) -> Found:
    """A genuine ticket as the ledger has it; its time is for the caller to judge."""
    row = tickets.get(tx, claims.ticket_id)
    if row is None:
        return Found("unknown")
    reason = None
    if row.state == "void":
        reason = "void"
    elif row.version != claims.version:
        reason = "replaced"
    elif row.token_hash != token_hash(signer.sign(claims)):
        reason = "foreign"
    elif row.state in ("admitted", "out"):
        reason = "used"
    return Found(reason, row, listings.by_id(tx, row.event_id))


def _report(reason: str | None, claims: Claims | None, found: Found, ctx: Context) -> Report:
    facts: dict[str, object] = {"valid": reason is None, "reason": reason, "checked_at": ctx.now}
    if claims is not None and found.row is not None:
        facts |= {
            "ticket_id": claims.ticket_id,
            "event_id": found.row.event_id,
            "tier": found.row.tier,
            "version": claims.version,
            "issued_at": claims.issued_at,
            "expires_at": claims.expires_at,
        }
    title = found.listed.listing.title if found.listed is not None else ""
    if found.listed is not None:
        facts["title"] = title
    return Report("validate", facts, SENTENCES[reason], {"title": title})


COMMANDS: Commands = {Validate: validate}
OPERATOR_COMMANDS: Commands = {Validate: validate}
