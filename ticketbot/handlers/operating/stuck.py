"""What an operator sees of orders that wait for money, and of work that does not get done."""

from __future__ import annotations

from typing import cast

from ticketbot.domain.command import ListPending, ListStuck, RetryStuck
from ticketbot.domain.naming import quote
from ticketbot.domain.order import Order
from ticketbot.errors import Refused
from ticketbot.handlers import viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.finding import cursor_of, read_cursor
from ticketbot.handlers.rounds.errands import LETTERS
from ticketbot.ledger import invoices, journal, orders, outbox
from ticketbot.ledger import stuck as ledger
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report, Said

MOST = 200
SHOWN = 12  # of them in one message
SHOWN_ORDERS, LONGEST_TIER = 8, 20
OUTBOX = "outbox"
"""What the journal calls all that is to leave."""


def list_pending(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Orders whose money has not come, those first whose hold ends first."""
    wish = cast(ListPending, request.command)
    page = orders.waiting(tx, read_cursor(wish.after), wish.limit)
    if request.request_id is None:
        return [_for_people(page, tx)]
    last = page[-1] if len(page) == wish.limit else None
    facts: dict[str, object] = {
        "orders": [_pending(order, tx) for order in page],
        "next": None if last is None else cursor_of(last.hold_until, last.id),
    }
    return [Report("pending", facts, "operator-pending", {"n": len(page)})]


def list_stuck(request: Request, tx: Tx, ctx: Context) -> Reply:
    """What failed thrice and was put aside, and what has been tried in vain for a while."""
    found = ledger.found(tx, MOST)
    facts: dict[str, object] = {"stuck": [one._asdict() for one in found]}
    if not found:
        return [Report("stuck", facts, "operator-stuck-none")]
    words = "\n".join(f"- {one.name}: {one.key}" for one in found[:SHOWN])
    return [Report("stuck", facts, "operator-stuck", {"n": len(found), "words": words})]


def retry(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Try it again at once; whoever asked hears how many of them it were."""
    wish = cast(RetryStuck, request.command)
    meant = [one for one in ledger.found(tx, MOST) if wish.name in (None, one.name)]
    if wish.name is not None and not meant:
        raise Refused("bad-request", "operator-stuck-unknown", word=quote(wish.name))
    for one in meant:
        ledger.hasten(tx, one, ctx.now)
    if any(one.kind == ledger.INBOX for one in meant):
        outbox.arm(tx, f"{LETTERS}:{wish.name or 'all'}", "errand", ctx.now, _heard(wish.name))
    journal.note(tx, ctx.now, OUTBOX, "tried again", n=len(meant))
    return [Report("retried", {"retried": len(meant)}, "operator-retried", {"n": len(meant)})]


def _heard(name: str | None) -> dict[str, object]:
    """Letters are heard again by who can open them: `outbox/usher.py`."""
    return {"what": LETTERS, "name": name}


def _for_people(page: list[Order], tx: Tx) -> Said:
    if not page:
        return Said("operator-pending-none")
    lines = tuple(_line(order, tx) for order in page[:SHOWN_ORDERS])
    key = "operator-pending-more" if len(page) > SHOWN_ORDERS else "operator-pending-list"
    return Said(key, {"lines": lines})


def _line(order: Order, tx: Tx) -> Said:
    code = viewing.listed(tx, order.event_id).code.lower()
    what = f"{order.quantity} × {code}{f' ({order.tier[:LONGEST_TIER]})' if order.tier else ''}"
    values: dict[str, object] = {"order": order.id, "what": what, "amount": order.amount_msat}
    return Said("operator-pending-line", values | {"at": order.hold_until})


def _pending(order: Order, tx: Tx) -> dict[str, object]:
    made = invoices.shown(tx, order.id)
    payment_hash = None if made is None else made.payment_hash
    return viewing.facts_of(order) | {"payment_hash": payment_hash}


OPERATOR_COMMANDS: Commands = {
    ListPending: list_pending,
    ListStuck: list_stuck,
    RetryStuck: retry,
}
