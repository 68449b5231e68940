"""Every command and who answers it. Operators' commands come first for operators."""

from __future__ import annotations

from ticketbot.domain.command import Refund
from ticketbot.errors import Refused
from ticketbot.handlers.attending import (
    badges,
    browsing,
    greeting,
    language,
    my_orders,
    my_tickets,
    privacy,
)
from ticketbot.handlers.buying import checkout, promos, queueing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.desk import (
    attendance,
    attendees,
    giving,
    noting,
    orders,
    own,
    pausing,
    rehearsing,
    stats,
)
from ticketbot.handlers.door import asking, staffing, validating
from ticketbot.handlers.holding import files, owed, returning, transfers
from ticketbot.handlers.money import paying_out
from ticketbot.handlers.operating import operator, stuck
from ticketbot.handlers.rounds import announcing
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply

COMMANDS: Commands = {
    **greeting.COMMANDS,
    **browsing.COMMANDS,
    **my_orders.COMMANDS,
    **my_tickets.COMMANDS,
    **language.COMMANDS,
    **badges.COMMANDS,
    **privacy.COMMANDS,
    **checkout.COMMANDS,
    **queueing.COMMANDS,
    **promos.COMMANDS,
    **transfers.COMMANDS,
    **returning.COMMANDS,
    **owed.COMMANDS,
    **files.COMMANDS,
    **asking.COMMANDS,
    **staffing.COMMANDS,
    **validating.COMMANDS,
    **own.COMMANDS,
    **stats.COMMANDS,
    **attendees.COMMANDS,
    **attendance.COMMANDS,
    **orders.COMMANDS,
    **noting.COMMANDS,
    **giving.COMMANDS,
    **pausing.COMMANDS,
    **rehearsing.COMMANDS,
    **announcing.COMMANDS,
    **paying_out.COMMANDS,
}

OPERATOR_COMMANDS: Commands = {
    **operator.OPERATOR_COMMANDS,
    **stuck.OPERATOR_COMMANDS,
    **validating.OPERATOR_COMMANDS,
    **owed.OPERATOR_COMMANDS,
    **noting.OPERATOR_COMMANDS,
    **paying_out.OPERATOR_COMMANDS,
}


def answer(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Find who answers this command, and let them."""
    if request.text and (reply := checkout.heard(request, tx, ctx)) is not None:
        return reply
    kind = type(request.command)
    if kind in OPERATOR_COMMANDS and _asks_as_operator(request, ctx):
        return OPERATOR_COMMANDS[kind](request, tx, ctx)
    if request.console:
        raise Refused("bad-request", "console-commands")
    if kind not in COMMANDS:
        raise Refused("not-yours", "operators-only")
    return COMMANDS[kind](request, tx, ctx)


def _asks_as_operator(request: Request, ctx: Context) -> bool:
    """Operators buy tickets, too: of an order of theirs they ask as everybody does."""
    if not (request.console or request.sender in ctx.settings.operators):
        return False
    names_order = getattr(request.command, "order_id", None) is not None
    if isinstance(request.command, Refund):
        return names_order and request.request_id is None
    return not names_order
