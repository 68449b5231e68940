"""Money that goes back: owed, on its way, sent. The only room that moves a refund."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.decision import What
from ticketbot.domain.order import Order
from ticketbot.domain.refund import Refund, reminders_by
from ticketbot.domain.spending import (
    RESOLVED_LIVES,
    Destination,
    Effect,
    Happening,
    State,
    read_destination,
    step,
)
from ticketbot.errors import Refused
from ticketbot.handlers import viewing
from ticketbot.handlers.context import Context
from ticketbot.handlers.money import spending
from ticketbot.handlers.money.spending import Paid
from ticketbot.handlers.telling import alert, tell_holder
from ticketbot.ledger import journal, money, orders, outbox, people, refunds, spends
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.spends import BY_HAND
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import RefundOwed, RefundSent, Reply, Said, Told


class Debt(NamedTuple):
    """What is to be owed: how much of which payment, why, and to whom now."""

    payment_hash: str
    amount_msat: int
    reason: str  # a key of `locales/`: refund-sold-out, refund-double, …
    person: int


def owe(debt: Debt, order: Order, tx: Tx, ctx: Context, *, alone: bool = True) -> tuple[str, Reply]:
    """Decide a refund; its id, and who hears of it. `alone`: operators, too, of each by itself."""
    number = len(refunds.of_order(tx, order.id)) + 1
    refund = Refund(
        f"{order.id}-r{number}",
        order.id,
        debt.person,
        debt.payment_hash,
        debt.amount_msat,
        debt.reason,
        State.DUE,
        ctx.now,
    )
    refunds.owe(tx, refund)
    outbox.put(tx, job(refund.id), "refund", ctx.now, {"refund": refund.id})
    _note(tx, ctx, refund, "refund due", msat=refund.amount_msat, why=debt.reason)
    reply: Reply = [_ask(tx, refund, "due", debt.reason)]
    if alone and (ctx.settings.refunds_by_hand or debt.person == people.NOBODY):
        said = Said("alert-refund", {"order": order.id, "amount": debt.amount_msat})
        reply += alert(ctx, said, f"alert:{refund.id}")
    return refund.id, reply


def job(refund_id: str) -> str:
    """The key of the outbox row that carries a refund out."""
    return f"refund:{refund_id}"


def send_to(refund: Refund, to: Destination, by: str, tx: Tx, ctx: Context) -> None:
    """Note where a refund shall go, and have it sent. `by`: buyer, profile or operator."""
    refunds.set_destination(tx, refund.id, to.text)
    outbox.hasten(tx, job(refund.id), "refund", ctx.now, {"refund": refund.id})
    _note(tx, ctx, refund, "refund destination", kind=to.kind, by=by)


def check_invoice(refund: Refund, to: Destination, now: int, lives: int, tx: Tx) -> None:
    """Refused when this refund cannot be paid to this invoice."""
    ours = refunds.paid_with(tx, refund.payment_hash)
    spending.fits(refund.amount_msat, ours, to, now, lives, tx)


def chosen(refund_id: str, seen: str, bolt11: str, now: int, tx: Tx, ctx: Context) -> Reply:
    """The bolt11 that will be paid: in the ledger before the wallet hears of it.

    `seen` is the destination that gave it, `now` the wallet's own time. Nothing happens when
    somebody else was first, or the person has named another place meanwhile.
    """
    refund = _known(tx, refund_id)
    moved = step(refund.state, Happening.CHOSEN)
    if Effect.KEEP_BOLT11 not in moved.effects or refunds.destination(tx, refund_id) != seen:
        return []
    typed = read_destination(seen).kind == "invoice"
    try:
        to = read_destination(bolt11)
        check_invoice(refund, to, now, 0 if typed else RESOLVED_LIVES, tx)
    except Refused as refused:
        if typed:
            return useless(refund_id, seen, refused.sentence, refused.values, tx, ctx)
        return useless(refund_id, seen, "refund-address-odd", {}, tx, ctx)
    refunds.move(tx, refund, moved.state, ctx.now)
    spend = spending.begin("refund", refund.id, refund.amount_msat, to, tx, ctx)
    _note(tx, ctx, refund, "refund sending", spend=spend)
    return []


def sent(refund_id: str, paid: Paid, tx: Tx, ctx: Context) -> Reply:
    """The wallet paid it: booked, and told, once."""
    refund = _known(tx, refund_id)
    moved = step(refund.state, Happening.PAID)
    if Effect.BOOK_PAYMENT not in moved.effects:
        return []
    refunds.move(tx, refund, moved.state, ctx.now)
    spends.close(tx, paid.payment_hash, "paid", paid.fee_msat)
    amount, fee = refund.amount_msat, paid.fee_msat
    lines = [("refunds", amount), ("wallet", -amount - fee), *([("fees", fee)] if fee else [])]
    money.post(tx, f"sent:{refund.id}", ctx.now, *lines)
    _note(tx, ctx, refund, "refund sent", spend=paid.payment_hash, msat=amount, fee_msat=fee)
    return _arrived(tx, refund)


def failed(refund_id: str, payment_hash: str, tx: Tx, ctx: Context) -> Reply:
    """It has expired and the wallet never paid it: owed again.

    An address gives another bolt11 by itself; for one that the person sent, they hear what to do.
    """
    refund = _known(tx, refund_id)
    moved = step(refund.state, Happening.FAILED)
    if Effect.DROP_BOLT11 not in moved.effects:
        return []
    refunds.move(tx, refund, moved.state, ctx.now)
    spends.close(tx, payment_hash, "failed")
    _note(tx, ctx, refund, "refund failed", spend=payment_hash)
    seen = refunds.destination(tx, refund_id)
    if seen is None or read_destination(seen).kind != "invoice":
        return []
    return useless(refund_id, seen, "refund-failed", {}, tx, ctx)


def paid_by_hand(refund_id: str, by: str, tx: Tx, ctx: Context) -> Reply:
    """The operator has paid it without the bot; nothing where the bot may be paying it."""
    refund = _known(tx, refund_id)
    moved = step(refund.state, Happening.BY_HAND)
    if Effect.BOOK_BY_HAND not in moved.effects:
        return []
    refunds.move(tx, refund, moved.state, ctx.now)
    amount = refund.amount_msat
    money.post(tx, f"sent:{refund.id}", ctx.now, ("refunds", amount), (BY_HAND, -amount))
    _note(tx, ctx, refund, "refund paid by hand", msat=amount, by=by)
    return _arrived(tx, refund)


def found(refund_id: str, address: str, tx: Tx, ctx: Context) -> Reply:
    """The person's own profile names a Lightning address: good, unless they named another place."""
    refund = _known(tx, refund_id)
    if refund.state is State.DUE and refunds.destination(tx, refund_id) is None:
        send_to(refund, read_destination(address), "profile", tx, ctx)
    return []


def useless(
    refund_id: str, seen: str, sentence: str, values: dict[str, object], tx: Tx, ctx: Context
) -> Reply:
    """A destination that cannot be paid: forgotten, and the person is asked for another.

    `sentence` is the key of a text in `locales/` that says why; it may want title and amount.
    """
    refund = _known(tx, refund_id)
    if refund.state is not State.DUE or refunds.destination(tx, refund_id) != seen:
        return []
    refunds.set_destination(tx, refund_id, None)
    outbox.amend(tx, job(refund_id), useless=seen)
    _note(tx, ctx, refund, "refund destination useless", why=sentence)
    mark = tx.vault.tag(b"useless", seen.encode()).hex()[:8]
    return [_ask(tx, refund, f"useless:{mark}", sentence, values)]


def remind(refund_id: str, tx: Tx, ctx: Context) -> Reply:
    """Ask again where the money shall go: after a day, three, seven, then once a month."""
    refund, body = _known(tx, refund_id), outbox.body_of(tx, job(refund_id))
    count = reminders_by(refund.decided_at, ctx.now)
    if body is None or refund.state is not State.DUE or count <= body.get("reminded", 0):
        return []
    outbox.amend(tx, job(refund_id), reminded=count)
    return [_ask(tx, refund, f"remind:{count}", "refund-reminder")]


def _known(tx: Tx, refund_id: str) -> Refund:
    refund = refunds.get(tx, refund_id)
    if refund is None:
        raise LookupError(f"refund {refund_id}")
    return refund


def _note(tx: Tx, ctx: Context, refund: Refund, what: What, **detail: journal.Detail) -> None:
    journal.note(tx, ctx.now, refund.order_id, what, refund=refund.id, **detail)


def _ask(
    tx: Tx, refund: Refund, what: str, reason: str, values: dict[str, object] | None = None
) -> Told:
    """Why the money goes back, or why it does not yet; and what to send."""
    order, listed = _order(tx, refund)
    title, amount = listed.listing.title, refund.amount_msat
    owed = RefundOwed(order.id, title, amount, reason, values or {})
    return tell_holder(tx, order, refund.person, f"refund:{refund.id}:{what}", owed)


def _arrived(tx: Tx, refund: Refund) -> Reply:
    """The money is there: said in a message that is kept, and to programs in the order as well."""
    order, _ = _order(tx, refund)
    what, said = f"refund:{refund.id}:sent", RefundSent(order.id, refund.amount_msat)
    told = tell_holder(tx, order, refund.person, what, said)
    if told.to.via != "24133":
        return [told]
    seen = tell_holder(tx, order, refund.person, f"{what}:order", viewing.summary(tx, order))
    return [seen, told._replace(to=told.to._replace(via="auto", request_id=None))]


def _order(tx: Tx, refund: Refund) -> tuple[Order, Listed]:
    order = orders.get(tx, refund.order_id)
    if order is None:
        raise LookupError(f"order {refund.order_id}")
    return order, viewing.listed(tx, order.event_id)
