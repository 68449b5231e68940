"""From outcomes to rows of the outbox: which message, to whom, by which way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.when import DAY
from ticketbot.envelopes import SEED_BYTES
from ticketbot.handlers.context import Context
from ticketbot.ledger import outbox, people
from ticketbot.ledger.store import Tx
from ticketbot.metrics import metrics
from ticketbot.replies import dm, machine
from ticketbot.replies.outcome import (
    Addressee,
    InvoiceShown,
    Outcome,
    RefundOwed,
    RefundSent,
    Reply,
    Report,
    Said,
    TicketShown,
    Told,
    Via,
)
from ticketbot.replies.saying import Manner
from ticketbot.texts import DEFAULT

EPHEMERAL_LIVES = 600  # seconds: a 24133 that nobody took by then is dropped, the DM stays
HEAD_START = 600  # seconds: what money hangs on leaves before all chat that came since
NOTICE_LIVES = 30 * DAY  # relays may forget notices then (NIP-40); what lasts never
LASTING = (TicketShown, RefundOwed, RefundSent)


class Draft(NamedTuple):
    """A message on its way into the outbox."""

    via: Via
    text: str
    draw: bool = False  # fill `qr_code` with a data URI before sealing


def post(tx: Tx, ctx: Context, to: Addressee, reply: Reply, key: str) -> None:
    """Queue a reply: each message under a key that is the same however often this runs."""
    for number, item in enumerate(reply):
        if isinstance(item, Told):
            _post_one(tx, ctx, item.to, item.outcome, item.key)
        else:
            _post_one(tx, ctx, to, item, f"{key}:{number}")


def _post_one(tx: Tx, ctx: Context, to: Addressee, outcome: Outcome, key: str) -> None:
    if to.person == people.NOBODY:
        return
    person = to.person if to.person is not None else people.meet(tx, to.pubkey).id
    language, chosen = people.language_of(tx, person)
    how = Manner(ctx.settings.public_url, ctx.settings.relays, language or DEFAULT, chosen)
    drafts = list(_drafts(outcome, to, ctx, how))
    first = people.next_stamp(tx, person, ctx.now, len(drafts)) if drafts else ctx.now
    lasts = isinstance(outcome, LASTING) or _is_paid_out(outcome)
    chat = not (lasts or isinstance(outcome, InvoiceShown))
    due = ctx.now if chat else ctx.now - HEAD_START
    for number, draft in enumerate(drafts):
        body: dict[str, Any] = {
            "to": to.pubkey,
            "via": draft.via,
            "at": first + number,
            "text": draft.text,
            "until": _until(outcome, draft, ctx),
            "mould": (ctx.dice(SEED_BYTES).hex(), ctx.now),
        }
        if draft.draw:
            body["draw"] = True
        if not lasts and draft.via != "24133":
            body["expires"] = body["at"] + NOTICE_LIVES
        if chat:
            body["chat"] = True  # not for senders that say they are bots
        if isinstance(outcome, TicketShown) and outcome.everywhere and outcome.version == 1:
            body["paid"] = ctx.moment
            if number == 0:
                metrics().tickets_issued.inc()
        outbox.put(tx, f"{key}:{number}", "message", due, body)


def _drafts(outcome: Outcome, to: Addressee, ctx: Context, how: Manner) -> Iterator[Draft]:
    if isinstance(outcome, TicketShown):
        if _ephemeral(outcome, to, ctx):
            yield from _machine(outcome, to, how)
        if to.via == "24133" and not outcome.everywhere:
            return
        via: Via = "auto" if to.via in ("24133", "api") else to.via
        yield from (Draft(via, text) for text in dm.speak(outcome, how))
    elif to.via == "api":
        return
    elif to.via == "24133":
        yield from _machine(outcome, to, how)
        if isinstance(outcome, RefundOwed):  # money: an ephemeral event is never the only copy
            yield from (Draft("auto", text) for text in dm.speak(outcome, how))
    else:
        yield from (Draft(to.via, text) for text in dm.speak(outcome, how))


def _ephemeral(ticket: TicketShown, to: Addressee, ctx: Context) -> bool:
    """Whether this ticket also goes as kind 24133: the operator and the event may forbid it."""
    if not ticket.listing.ephemeral or ctx.settings.ephemeral == "never":
        return False
    return to.via == "24133" or (ticket.everywhere and ctx.settings.ephemeral == "always")


def _machine(outcome: Outcome, to: Addressee, how: Manner) -> Iterator[Draft]:
    """Programs are told in English, unless the person whose program it is chose a language."""
    language = how.language if how.chosen else DEFAULT
    message = machine.write(outcome, to.request_id, how.public_url, language)
    if message is not None:
        draw = "qr_code" in message and message["qr_code"] is None
        yield Draft("24133", orjson.dumps(message).decode(), draw)


def _until(outcome: Outcome, draft: Draft, ctx: Context) -> int:
    """When trying to deliver stops making sense."""
    if draft.via == "24133":
        return ctx.now + EPHEMERAL_LIVES
    match outcome:
        case TicketShown(listing=listing):
            return max(listing.end, ctx.now) + DAY
        case InvoiceShown(expires_at=expires_at):
            return expires_at
        case RefundOwed() | RefundSent():
            return ctx.now + 365 * DAY
        case Report(kind="announcement"):
            return ctx.now + NOTICE_LIVES
        case Said(sentence=key) if key.startswith("alert-"):
            return ctx.now + NOTICE_LIVES  # relays may be what it is about
    return ctx.now + (365 * DAY if _is_paid_out(outcome) else DAY)


def _is_paid_out(outcome: Outcome) -> bool:
    return isinstance(outcome, Report) and outcome.kind == "payout-sent"
