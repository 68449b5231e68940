"""Giving tickets back: their holder as far as the note allows it, their organizer at any time.

Asked twice: the first answer says what comes back, `yes` does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from ticketbot.domain.command import GiveBack, Refund
from ticketbot.domain.naming import quote
from ticketbot.domain.ticket import group_id
from ticketbot.errors import Refused
from ticketbot.handlers import finding, viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.holding import held
from ticketbot.handlers.holding.giving_back import (
    BY_HOLDER,
    BY_ORGANIZER,
    Fee,
    Why,
    give_back,
    nothing,
)
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import moves, orders, tickets
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import Outcome, Reply, Report

SURE = "yes"


class Quote(NamedTuple):
    """What giving tickets back brings, in msat: what comes back, and what the organizer keeps."""

    tickets: int
    amount_msat: int
    kept_msat: int


def by_holder(request: Request, tx: Tx, ctx: Context) -> Reply:
    """`refund <ticket, order or event>` and then `yes`: of what the sender holds."""
    wish = request.command
    assert isinstance(wish, Refund) and wish.order_id is not None
    rows = held.named((wish.order_id,), request, tx, ctx)
    listed = viewing.listed(tx, rows[0].event_id)
    if len({row.event_id for row in rows}) > 1:
        raise Refused("bad-request", "ticket-unknown", word=quote(wish.order_id))
    for row in rows:
        held.require_unused(row, listed, ctx)
    fees = {row.id: _fee(row, listed, tx, ctx) for row in rows}
    kept = {row.id: fees[row.id](row.price_msat) if row.payment_hash else 0 for row in rows}
    quoted = _quote(rows, sum(kept.values()))
    if SURE not in wish.words:
        return [_asked(quoted, rows, listed, wish.order_id)]
    reply: Reply = [_done(quoted, rows, listed)]
    for order_id, group in groupby(sorted(rows, key=_order), _order):
        some = list(group)
        reply += _give_back(order_id, some, listed, BY_HOLDER, fees[some[0].id], tx, ctx)
    return reply


def by_organizer(request: Request, tx: Tx, ctx: Context) -> Reply:
    """`give back <event> <order or ticket>`, perhaps how many of it, and then `yes`."""
    wish = request.command
    assert isinstance(wish, GiveBack)
    if not wish.words:
        raise Refused("bad-request", "give-back-how")
    listed, left = own_event(wish.words, request, tx, ctx)
    letters = "".join(left).lower().replace("-", "")
    if len(letters) < finding.LETTERS or not letters.isalnum():
        raise Refused("bad-request", "give-back-how")
    rows = _of_event(listed, letters, tx)
    if listed.state != "on-sale":
        raise Refused("bad-request", "ticket-event-off", title=listed.listing.title)
    if ctx.now >= listed.listing.end:
        raise Refused("bad-request", "ticket-event-over", title=listed.listing.title)
    rows = rows[: wish.number]
    quoted, order = _quote(rows, 0), rows[0].order_id[-4:].upper()
    if not wish.sure:
        values: dict[str, object] = {
            "order": order,
            "what": " ".join(left).upper(),
            "code": listed.code.lower(),
        }
        return [_report("give-back", quoted, rows, "give-back-ask", listed, values)]
    told = _give_back(rows[0].order_id, rows, listed, BY_ORGANIZER, nothing, tx, ctx)
    return [_report("give-back", quoted, rows, "give-back-done", listed, {"order": order}), *told]


def _fee(row: TicketRow, listed: Listed, tx: Tx, ctx: Context) -> Fee:
    """What the organizer keeps of this ticket; Refused when it cannot be given back now."""
    order = orders.get(tx, row.order_id)
    assert order is not None
    move = moves.of(tx, row.event_id)
    if move is not None and order.placed_at <= move.at and ctx.now < move.until:
        return nothing
    if row.payment_hash is None:
        return nothing
    terms, title = listed.listing.terms, listed.listing.title
    if terms.refund_until is None:
        raise Refused("bad-request", "return-never", title=title)
    if ctx.now >= terms.refund_until:
        raise Refused("bad-request", "return-late", at=terms.refund_until)
    return terms.fee


def _of_event(listed: Listed, letters: str, tx: Tx) -> list[TicketRow]:
    event_id, as_code = listed.listing.event_id, letters.replace("0", "o").replace("8", "b")
    rows = tickets.named(tx, event_id, letters) or tickets.named(tx, event_id, as_code)
    if not rows:
        values = {"word": quote(letters), "title": listed.listing.title}
        raise Refused("not-yours", "give-back-unknown", **values)
    if len({row.order_id for row in rows}) > 1:
        raise Refused("bad-request", "give-back-which", word=quote(letters))
    return rows


def _give_back(
    order_id: str,
    rows: Sequence[TicketRow],
    listed: Listed,
    why: Why,
    fee: Fee,
    tx: Tx,
    ctx: Context,
) -> Reply:
    order = orders.get(tx, order_id)
    assert order is not None
    return give_back(rows, order, listed.listing, why, tx, ctx, fee=fee)[0]


def _quote(rows: Sequence[TicketRow], kept: int) -> Quote:
    paid = sum(row.price_msat for row in rows if row.payment_hash)
    return Quote(len(rows), paid - kept, kept)


def _asked(quoted: Quote, rows: Sequence[TicketRow], listed: Listed, what: str) -> Outcome:
    whole = len(rows) == 1 and rows[0].id == what.lower()
    named = what.lower() if what.upper() == listed.code else what.upper()
    values: dict[str, object] = {"what": group_id(rows[0].id) if whole else named}
    if quoted.kept_msat:
        return _report("refund-quote", quoted, rows, "return-ask-fee", listed, values)
    if quoted.amount_msat:
        return _report("refund-quote", quoted, rows, "return-ask", listed, values)
    return _report("refund-quote", quoted, rows, "return-ask-free", listed, values)


def _done(quoted: Quote, rows: Sequence[TicketRow], listed: Listed) -> Outcome:
    return _report("returned", quoted, rows, "return-done", listed, {})


def _report(
    kind: str,
    quoted: Quote,
    rows: Sequence[TicketRow],
    sentence: str,
    listed: Listed,
    values: dict[str, object],
) -> Report:
    facts: dict[str, object] = {
        "event_id": listed.listing.event_id,
        "tickets": [row.id for row in rows],
        "amount_msat": quoted.amount_msat,
        "kept_msat": quoted.kept_msat,
    }
    said = {"title": listed.listing.title, "n": quoted.tickets}
    amounts = {"paid": quoted.amount_msat, "kept": quoted.kept_msat}
    return Report(kind, facts, sentence, said | amounts | values)


def _order(row: TicketRow) -> str:
    return row.order_id


COMMANDS: Commands = {
    GiveBack: by_organizer,
}
