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
from ticketbot.ledger import journal, orders
from ticketbot.ledger import stuck as ledger
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report

MOST = 200
SHOWN = 12  # of them in one message
OUTBOX = "outbox"
"""What the journal calls all that is to leave."""


def list_pending(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Orders whose money has not come, those first whose hold ends first."""
    wish = cast(ListPending, request.command)
    page = orders.waiting(tx, read_cursor(wish.after), wish.limit)
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
    journal.note(tx, ctx.now, OUTBOX, "tried again", n=len(meant))
    return [Report("retried", {"retried": len(meant)}, "operator-retried", {"n": len(meant)})]


def _pending(order: Order, tx: Tx) -> dict[str, object]:
    made = orders.invoice_for(tx, order.id)
    payment_hash = None if made is None else made.payment_hash
    return viewing.facts_of(order) | {"payment_hash": payment_hash}


OPERATOR_COMMANDS: Commands = {
    ListPending: list_pending,
    ListStuck: list_stuck,
    RetryStuck: retry,
}
