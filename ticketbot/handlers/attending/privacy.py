"""`forget me`: what the bot knows of somebody goes, unless they would lose something by it."""

from __future__ import annotations

from ticketbot.domain.command import ForgetMe
from ticketbot.errors import Refused
from ticketbot.handlers import viewing
from ticketbot.handlers.buying import queueing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.holding import transfers
from ticketbot.ledger import forgetting, journal, orders, payouts, refunds, staff
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Said


def forget_me(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Asked twice, then done in this transaction; the answer is the last that is sent."""
    command = request.command
    assert isinstance(command, ForgetMe)
    _refuse_a_loss(request, tx, ctx)
    if not command.sure:
        return [Said("forget-ask")]
    payouts.forget(tx, request.sender)
    told = transfers.forget(request.person, tx, ctx)
    queueing.forget(request.person.id, tx, ctx)
    count = forgetting.forget(tx, request.person.id)
    staff.forget(tx, request.sender, ctx.now)
    journal.note(tx, ctx.now, "people", "forgotten as asked", orders=count)
    return [Said("forget-done"), *told]


def _refuse_a_loss(request: Request, tx: Tx, ctx: Context) -> None:
    """What must be finished first, one thing at a time."""
    person = request.person.id
    if unpaid := orders.open_of(tx, person):
        raise Refused("bad-request", "forget-open", order=unpaid[0].short)
    if owed := refunds.owed_to(tx, person):
        total = sum(one.amount_msat for one in owed)
        raise Refused("bad-request", "forget-owed", amount=total)
    if waiting := payouts.open_of(tx, request.sender):
        raise Refused("bad-request", "forget-owed", amount=sum(one.amount_msat for one in waiting))
    if bond := forgetting.bound_by(tx, person, ctx.now):
        event_id, cancelled = bond
        title = viewing.listed(tx, event_id).listing.title
        raise Refused(
            "bad-request", "forget-cancelled" if cancelled else "forget-tickets", title=title
        )


COMMANDS: Commands = {ForgetMe: forget_me}
