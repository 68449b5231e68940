"""Money that goes to organizers: set aside, on its way, sent. The only room that moves a payout."""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.domain.decision import What
from ticketbot.domain.naming import quote
from ticketbot.domain.payout import Part, Payout
from ticketbot.domain.spending import (
    RESOLVED_LIVES,
    Destination,
    Effect,
    Happening,
    State,
    read_destination,
    step,
)
from ticketbot.domain.when import HOUR
from ticketbot.errors import Refused
from ticketbot.handlers.context import Context
from ticketbot.handlers.money import spending
from ticketbot.handlers.money.spending import Paid
from ticketbot.handlers.telling import alert
from ticketbot.ledger import journal, outbox, payouts, shares, spends
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Addressee, Reply, Report, Said, Told

SILENT_FOR = HOUR  # seconds until an organizer hears that their address does not answer


def job(payout_id: str) -> str:
    """The key of the outbox row that carries a payout out."""
    return f"payout:{payout_id}"


def payout_id(tx: Tx, seed: str) -> str:
    """A name of its own for what was asked by this letter, or is due on this day: always the same.

    So that a letter which is heard again after a restore makes the very same payout.
    """
    return f"p{tx.vault.tag(b'payout', seed.encode()).hex()[:11]}"


def decide(
    name: str,
    organizer: str,
    parts: Sequence[Part],
    to: str | None,
    tx: Tx,
    ctx: Context,
) -> tuple[Payout, Reply]:
    """Set a payout aside and have it sent; and who hears of it, besides who asked."""
    amount = sum(part.amount_msat for part in parts)
    payout = Payout(name, organizer, amount, State.DUE, ctx.now)
    payouts.decide(tx, payout, to)
    shares.set_aside(tx, payout, parts)
    outbox.put(tx, job(name), "payout", ctx.now, {"payout": name})
    _note(tx, ctx, payout, "payout due", msat=amount, events=len(parts))
    if not ctx.settings.refunds_by_hand:
        return payout, []
    said = Said("alert-payout", {"amount": amount, "payout": name})
    return payout, list(alert(ctx, said, f"alert:{name}"))


def send_to(payout: Payout, to: Destination, by: str, tx: Tx, ctx: Context) -> None:
    """Note where a payout shall go, and have it sent. `by`: organizer or operator."""
    payouts.set_destination(tx, payout.id, to.text)
    outbox.hasten(tx, job(payout.id), "payout", ctx.now, {"payout": payout.id})
    _note(tx, ctx, payout, "payout destination", kind=to.kind, by=by)


def offer(payout_id: str, address: str, tx: Tx, ctx: Context) -> Reply:
    """Their own profile names a Lightning address: used only when the organizer says so."""
    payout, body = _known(tx, payout_id), outbox.body_of(tx, job(payout_id))
    if body is None or payout.state is not State.DUE or body.get("offered") == address:
        return []
    outbox.amend(tx, job(payout_id), offered=address)
    values: dict[str, object] = {"payee": address, "amount": payout.amount_msat}
    return [_tell(payout, "offer", Said("payout-profile", values))]


def silent(payout_id: str, tx: Tx, ctx: Context) -> Reply:
    """Where it shall go has not answered for an hour: its organizer hears so, once."""
    payout, body = _known(tx, payout_id), outbox.body_of(tx, job(payout_id))
    seen = payouts.destination(tx, payout_id)
    early = ctx.now < payout.decided_at + SILENT_FOR
    if body is None or seen is None or early or body.get("silent") == seen:
        return []
    outbox.amend(tx, job(payout_id), silent=seen)
    mark = tx.vault.tag(b"silent", seen.encode()).hex()[:8]
    said = Said("payout-silent", {"payee": quote(seen), "amount": payout.amount_msat})
    return [_tell(payout, f"silent:{mark}", said)]


def chosen(payout_id: str, seen: str, bolt11: str, now: int, tx: Tx, ctx: Context) -> Reply:
    """The bolt11 that will be paid: in the ledger before the wallet hears of it.

    `seen` is the destination that gave it, `now` the wallet's own time. Nothing happens when
    somebody else was first, or the organizer has named another place meanwhile.
    """
    payout = _known(tx, payout_id)
    moved = step(payout.state, Happening.CHOSEN)
    if Effect.KEEP_BOLT11 not in moved.effects or payouts.destination(tx, payout_id) != seen:
        return []
    try:
        to = read_destination(bolt11)
        ours = payouts.own_bolt11(tx, payout_id)
        spending.fits(payout.amount_msat, ours, to, now, RESOLVED_LIVES, tx)
    except Refused as refused:
        return useless(payout_id, seen, refused.sentence, {}, tx, ctx)
    payouts.move(tx, payout, moved.state, ctx.now)
    spend = spending.begin("payout", payout.id, payout.amount_msat, to, tx, ctx)
    _note(tx, ctx, payout, "payout sending", spend=spend)
    return []


def sent(payout_id: str, paid: Paid, tx: Tx, ctx: Context) -> Reply:
    """The wallet paid it: booked, what its way cost with it, and told, once."""
    payout = _known(tx, payout_id)
    moved = step(payout.state, Happening.PAID)
    if Effect.BOOK_PAYMENT not in moved.effects:
        return []
    amount, fee = payout.amount_msat, paid.fee_msat
    payouts.move(tx, payout, moved.state, ctx.now)
    spends.close(tx, paid.payment_hash, "paid", fee)
    shares.paid_out(tx, payout, fee, ctx.now)
    _note(tx, ctx, payout, "payout sent", spend=paid.payment_hash, msat=amount, fee_msat=fee)
    return [_arrived(payout, fee)]


def failed(payout_id: str, payment_hash: str, tx: Tx, ctx: Context) -> Reply:
    """It has expired and the wallet never paid it: due again, to the same place."""
    payout = _known(tx, payout_id)
    moved = step(payout.state, Happening.FAILED)
    if Effect.DROP_BOLT11 not in moved.effects:
        return []
    payouts.move(tx, payout, moved.state, ctx.now)
    spends.close(tx, payment_hash, "failed")
    _note(tx, ctx, payout, "payout failed", spend=payment_hash)
    return []


def paid_by_hand(payout_id: str, by: str, tx: Tx, ctx: Context) -> Reply:
    """The operator has paid it without the bot; nothing where the bot may be paying it."""
    payout = _known(tx, payout_id)
    moved = step(payout.state, Happening.BY_HAND)
    if Effect.BOOK_BY_HAND not in moved.effects:
        return []
    payouts.move(tx, payout, moved.state, ctx.now)
    shares.paid_by_hand(tx, payout, ctx.now)
    outbox.drop(tx, job(payout_id))
    _note(tx, ctx, payout, "payout paid by hand", msat=payout.amount_msat, by=by)
    return [_arrived(payout, 0)]


def useless(
    payout_id: str, seen: str, sentence: str, values: dict[str, object], tx: Tx, ctx: Context
) -> Reply:
    """A destination that cannot be paid: forgotten, also for later, and another is asked for.

    `sentence` is the reason that a buyer would be told; it goes into the journal.
    """
    payout = _known(tx, payout_id)
    if payout.state is not State.DUE or payouts.destination(tx, payout_id) != seen:
        return []
    payouts.set_destination(tx, payout_id, None)
    if payouts.payee(tx, payout.organizer) == seen:
        payouts.drop_payee(tx, payout.organizer)
    outbox.amend(tx, job(payout_id), useless=seen)
    _note(tx, ctx, payout, "payout destination useless", why=sentence)
    mark = tx.vault.tag(b"useless", seen.encode()).hex()[:8]
    said = Said("payout-useless", {"payee": quote(seen), "amount": payout.amount_msat})
    return [_tell(payout, f"useless:{mark}", said)]


def _known(tx: Tx, payout_id: str) -> Payout:
    payout = payouts.get(tx, payout_id)
    if payout is None:
        raise LookupError(f"payout {payout_id}")
    return payout


def _arrived(payout: Payout, fee: int) -> Told:
    facts: dict[str, object] = {
        "payout_id": payout.id,
        "amount_msat": payout.amount_msat,
        "fee_msat": fee,
    }
    said = "payout-sent" if fee else "payout-sent-free"
    values: dict[str, object] = {"payout": payout.id, "amount": payout.amount_msat, "fee": fee}
    return _tell(payout, "sent", Report("payout-sent", facts, said, values))


def _note(tx: Tx, ctx: Context, payout: Payout, what: What, **detail: journal.Detail) -> None:
    journal.note(tx, ctx.now, payout.id, what, **detail)


def _tell(payout: Payout, what: str, said: Said | Report) -> Told:
    return Told(Addressee(payout.organizer, "auto"), said, f"payout:{payout.id}:{what}")
