"""What people say about money that is owed back: where it shall go, and that it was paid."""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.domain.command import ListRefunds
from ticketbot.domain.command import Refund as Wish
from ticketbot.domain.naming import quote
from ticketbot.domain.refund import Refund
from ticketbot.domain.spending import TYPED_LIVES, Destination, State, read_destination
from ticketbot.errors import Refused
from ticketbot.handlers import finding, viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.holding import returning
from ticketbot.handlers.money import refunds
from ticketbot.handlers.telling import alert
from ticketbot.ledger import orders
from ticketbot.ledger import refunds as ledger
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Outcome, Reply, Report, Said

PAID_BY_HAND = "sent"
LISTED = 15
REFUND_LETTERS = 7  # of a refund's id: the end of its order's, and its own number
_GIVES_BACK: tuple[tuple[str, ...], ...] = ((), (returning.SURE,))


def refund(request: Request, tx: Tx, ctx: Context) -> Reply:
    """A buyer says where the money that is owed to them shall go."""
    wish = request.command
    assert isinstance(wish, Wish)
    owed = _named(ledger.owed_to(tx, request.person.id), wish.order_id, tx)
    if wish.order_id is not None and not owed:
        if wish.words in _GIVES_BACK:
            return returning.by_holder(request, tx, ctx)
        finding.own_order(tx, request, wish.order_id)  # or there is none such
    going = _send(owed, wish.words, "buyer", tx, ctx)
    if request.request_id is not None and wish.order_id is not None:
        return [_where_it_stands(request, wish.order_id, owed, tx), *_by_hand(going, ctx)]
    if not owed:
        return [Said("refund-none")]
    reply: Reply = []
    if going:
        noted = "refund-noted-by-hand" if ctx.settings.refunds_by_hand else "refund-noted"
        reply.append(Said(noted, {"amount": _total(going)}))
    if under_way := [one for one in owed if one.state is State.SENDING]:
        reply.append(Said("refund-under-way", {"amount": _total(under_way)}))
    return [*reply, *_by_hand(going, ctx)]


def listed(request: Request, tx: Tx, ctx: Context) -> Reply:
    """What is owed back, order by order, for the operator."""
    owed, total = ledger.owed(tx), ledger.owed_total(tx)
    named = ("order_id", "amount_msat", "state")
    facts: dict[str, object] = {
        "refunds": [
            dict(zip(named, (one.order_id, one.amount_msat, str(one.state)), strict=True))
            for one in owed
        ],
        "owed_msat": total,
    }
    if not owed:
        return [Report("refunds", facts, "operator-refunds-none")]
    shared = _shared(owed)
    rows = tuple(
        (one.id if one.order_id in shared else one.order_id, one.amount_msat, str(one.state))
        for one in owed[:LISTED]
    )
    values = {"n": len(owed), "owed": total, "rows": rows}
    return [Report("refunds", facts, "operator-refunds", values)]


def settle(request: Request, tx: Tx, ctx: Context) -> Reply:
    """An operator has paid an order's refund by hand, or says where it shall go."""
    wish = request.command
    assert isinstance(wish, Wish) and wish.order_id is not None
    if wish.words in _GIVES_BACK and not (request.console or ledger.owed_for(tx, wish.order_id)):
        return refund(request, tx, ctx)  # operators have tickets, too
    owed = _owed_for(wish.order_id, tx)
    order, by = owed[0].order_id[-4:].upper(), f"operator {request.sender[:8]}"
    if not wish.words:
        raise Refused("bad-request", "operator-refund-how", order=order)
    if wish.words[0].lower() != PAID_BY_HAND:
        going = _send_for_operator(owed, wish.words, by, tx, ctx)
        return [Said("operator-refund-goes", {"order": order, "amount": _total(going)})]
    due = [one for one in owed if one.state is State.DUE]
    if not due:
        raise Refused("bad-request", "operator-refund-under-way", order=order)
    reply: Reply = [Said("operator-refund-sent", {"order": order, "amount": _total(due)})]
    for one in due:
        reply += refunds.paid_by_hand(one.id, by, tx, ctx)
    return reply


def _send(
    owed: Sequence[Refund], words: Sequence[str], by: str, tx: Tx, ctx: Context
) -> list[Refund]:
    """Note the destination of everything that is due; a bolt11 is good for one of them only."""
    due = [one for one in owed if one.state is State.DUE]
    if not due:
        return []
    if not words:
        raise Refused("bad-request", "refund-where")
    to = read_destination(words[0])
    if to.invoice is not None:
        due = [_fitting(due, to, tx)]
        refunds.check_invoice(due[0], to, ctx.now, TYPED_LIVES, tx)
    for one in due:
        refunds.send_to(one, to, by, tx, ctx)
    return due


def _send_for_operator(
    owed: Sequence[Refund], words: Sequence[str], by: str, tx: Tx, ctx: Context
) -> list[Refund]:
    """The same; what is no place is repeated, for it was given in an option of a command."""
    try:
        return _send(owed, words, by, tx, ctx)
    except Refused as refused:
        if refused.sentence != "refund-where":
            raise
        order, text = owed[0].order_id[-4:].upper(), quote(words[0])
        raise Refused("bad-request", "operator-refund-where", order=order, text=text) from None


def _fitting(due: Sequence[Refund], to: Destination, tx: Tx) -> Refund:
    """The refund that an invoice is for: of its amount, and without an invoice of its own yet."""
    assert to.invoice is not None
    equal = [one for one in due if one.amount_msat == to.invoice.amount_msat]
    known = {one.id: ledger.destination(tx, one.id) for one in equal}
    for one in equal:
        if known[one.id] == to.text:  # said twice
            return one
    for one in equal:
        if (before := known[one.id]) is None or read_destination(before).kind != "invoice":
            return one
    return (equal or due)[0]  # one of another amount is refused for it


def _owed_for(letters: str, tx: Tx) -> list[Refund]:
    owed = ledger.owed_for(tx, letters) if len(letters) >= finding.LETTERS else []
    if not owed:
        raise Refused("not-yours", "operator-refund-unknown", order=quote(letters))
    if len({one.order_id for one in owed}) > 1:
        raise Refused("bad-request", "operator-refund-which", order=quote(letters))
    if len({one.person for one in owed}) > 1:
        codes = ", ".join(one.id[-REFUND_LETTERS:].upper() for one in owed[:LISTED])
        raise Refused("bad-request", "operator-refund-whose", codes=codes)
    return owed


def _shared(owed: Sequence[Refund]) -> set[str]:
    """Orders of which several people get something back."""
    people: dict[str, set[int]] = {}
    for one in owed:
        people.setdefault(one.order_id, set()).add(one.person)
    return {order_id for order_id, some in people.items() if len(some) > 1}


def _named(owed: Sequence[Refund], word: str | None, tx: Tx) -> list[Refund]:
    """What is owed for an order, by its id or the end of it, or for a ticket; None: all of it."""
    letters = (word or "").lower()
    if word is not None and len(letters) < finding.LETTERS:
        return []
    of_ticket = ledger.of_ticket(tx, letters) if word is not None else None
    return [one for one in owed if one.id == of_ticket or one.order_id.endswith(letters)]


def _where_it_stands(request: Request, named: str, owed: Sequence[Refund], tx: Tx) -> Outcome:
    """The order of who bought it; of who was given a ticket of it, what comes back to them."""
    order = orders.get(tx, owed[0].order_id) if owed else None
    if order is None or order.person == request.person.id:
        return viewing.summary(tx, order or finding.own_order(tx, request, named))
    known = [ledger.get(tx, one.id) or one for one in owed]
    back = [{"amount_msat": one.amount_msat, "state": str(one.state)} for one in known]
    facts: dict[str, object] = {"order_id": order.id, "refunds": back}
    return Report("refund", facts, "refund-noted", {"amount": _total(owed)})


def _by_hand(going: Sequence[Refund], ctx: Context) -> Reply:
    """Where the bot may not spend, the operators hear that they know now where to send it."""
    due = [one for one in going if one.state is State.DUE]
    if not due or not ctx.settings.refunds_by_hand:
        return []
    said = Said("alert-destination", {"amount": _total(due), "order": due[0].order_id})
    return [*alert(ctx, said, f"where:{due[0].id}:{ctx.now}")]


def _total(owed: Sequence[Refund]) -> int:
    return sum(one.amount_msat for one in owed)


COMMANDS: Commands = {
    Wish: refund,
}


OPERATOR_COMMANDS: Commands = {
    ListRefunds: listed,
    Wish: settle,
}
