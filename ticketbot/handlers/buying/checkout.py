"""`buy`: from a wish to held seats and an invoice on its way."""

from __future__ import annotations

from ticketbot.domain.command import Buy
from ticketbot.domain.order import Happening, Order, State, order_id, step, tag_of
from ticketbot.errors import Refused
from ticketbot.handlers import finding, viewing
from ticketbot.handlers.buying import again, questions, queueing
from ticketbot.handlers.buying.again import Details, write
from ticketbot.handlers.buying.basket import Basket, fill, moment_of
from ticketbot.handlers.buying.conditions import (
    check_flood,
    check_free,
    check_on_sale,
    check_quantity,
)
from ticketbot.handlers.buying.questions import Step
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.money import cashier
from ticketbot.ledger import inbox, invoices, journal, listings, orders, orphans, outbox, promos
from ticketbot.ledger import questions as waiting
from ticketbot.ledger.orphans import Orphan
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Failed, Reply, Said


def buy(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Hold the seats and ask for the invoice; it is shown when the wallet has made it."""
    wish = request.command
    assert isinstance(wish, Buy)
    asked = _content(wish, tx)
    key = inbox.request_key(tx, request.person.id, request.request_id or "")
    if request.request_id is not None and (before := inbox.remembered(tx, key)):
        if before[0] != inbox.content_tag(tx, asked):
            raise Refused("bad-request", "request-id-reused")
        return viewing.present(tx, ctx, _known(tx, before[1]), request)

    basket, redeemed = fill(wish, request, tx, ctx)
    name, paid = _identity(request, tx)
    if request.request_id is not None and not paid:
        basket = basket._replace(wish=questions.checked(basket.listing, basket.wish))
    order = _order(request, ctx, name, basket)
    lacks = None if paid else questions.next_step(basket.listing, basket.wish)
    if paid or (request.again and basket.unit_msat and lacks is None):
        reply = again.take_up(order, paid, _details(basket), request, tx, ctx)
        if paid:
            queueing.bought(order, tx, ctx)
    elif request.again and lacks is not None:
        return _asked_again(lacks, basket, request, tx)
    else:
        check_on_sale(tx, ctx, basket, request)
        if redeemed.refused is not None:
            if redeemed.guessed and not request.again:
                promos.guessed(tx, request.person.id, ctx.now)
            return [Failed(redeemed.refused)]
        mine = orders.open_of(tx, request.person.id)
        if request.request_id is None and (same := _same(mine, order, basket, tx)):
            return viewing.present(tx, ctx, same, request)
        check_quantity(tx, ctx, request, basket, len(mine))
        turn = queueing.turn_of(request, basket, tx)
        if turn is None:
            check_flood(tx, ctx, request, basket)
        if lacks is not None:
            if turn is None:
                check_free(tx, basket)
            return questions.ask(lacks, basket.wish, basket.listing, order.person, ctx.now, tx)
        if turn is not None:
            queueing.take(turn, tx, ctx)
        reply = _place(tx, ctx, order, basket)
        if turn is not None:
            queueing.taken(turn, order, tx)
            listings.fit(tx, basket.listing)  # a capacity that was cut below what was kept
    if request.request_id is not None:
        inbox.remember(tx, key, asked, order.id)
    else:
        waiting.give_up(tx, request.person.id)
    return reply


def heard(request: Request, tx: Tx, ctx: Context) -> Reply | None:
    """What somebody says who is being asked something; None when it is a command like any other."""
    waits = waiting.pending(tx, request.person.id)
    if waits is None:
        return None
    now = moment_of(request, ctx)
    if not questions.is_answer(request, waits, now):
        return questions.given_up(request, waits, now, tx)
    found, _ = finding.event_in(waits.wish.words, tx, ctx)
    step = questions.next_step(found.listing, waits.wish)
    said = waits.wish if step is None else questions.hear(request, step, waits.wish, found.listing)
    if said is None:
        return None
    if isinstance(said, Buy) or said.sentence == "too-young":
        waiting.give_up(tx, request.person.id)
    if isinstance(said, Said):
        return [said]
    try:
        with tx.savepoint():
            return buy(request._replace(command=said), tx, ctx)
    except Refused as refused:
        return [Failed(refused)]


def _content(wish: Buy, tx: Tx) -> str:
    """What a program asked for, to be told from something else; what is secret in it is hidden."""
    plain = f"{wish.words}|{wish.quantity}|{wish.tier}"
    if wish.code is None and not wish.answers and not wish.of_age:
        return plain
    secret = f"{wish.code}|{wish.answers}|{wish.of_age}".encode()
    return f"{plain}|{tx.vault.tag(b'wish', secret).hex()}"


def _order(request: Request, ctx: Context, order_id: str, basket: Basket) -> Order:
    quantity = basket.wish.quantity
    return Order(
        id=order_id,
        person=request.person.id,
        event_id=basket.listing.event_id,
        tier=basket.tier,
        quantity=quantity,
        unit_msat=basket.unit_msat,
        amount_msat=basket.unit_msat * quantity,
        state=State.HELD,
        via=request.via,
        request_id=request.request_id,
        placed_at=ctx.now,
        hold_until=ctx.now + ctx.settings.hold_seconds,
    )


def _details(basket: Basket) -> Details:
    promo = None if basket.promo is None else basket.promo.id
    answers = questions.answers(basket.listing, basket.wish)
    return Details(promo, answers, basket.off_msat * basket.wish.quantity)


def _place(tx: Tx, ctx: Context, order: Order, basket: Basket) -> Reply:
    """Seats, order and code in one; a free order gets its tickets, any other its invoice."""
    listings.hold(tx, order.event_id, order.tier, order.quantity)
    write(order, _details(basket), tx)
    if basket.promo is not None and not promos.count(tx, order.id):
        raise Refused("bad-request", "code-used-up", word=basket.promo.code)
    journal.note(
        tx,
        ctx.now,
        order.id,
        "placed",
        event=order.event_id,
        tier=order.tier,
        seats=order.quantity,
        msat=order.amount_msat,
    )
    if order.amount_msat == 0:
        given = step(order.state, Happening.GIVEN)
        return cashier.carry_out(given, order, basket.listing, None, tx, ctx)
    external_id = invoices.ask(tx, order, ctx.now)
    outbox.put(tx, f"invoice:{external_id}", "invoice", ctx.now, _invoice_job(order, external_id))
    return []


def _asked_again(lacks: Step, basket: Basket, request: Request, tx: Tx) -> Reply:
    """A letter from before a restore: its buyer's answers are on their way behind it."""
    first = not (basket.wish.answers or basket.wish.of_age)
    questions.ask(lacks, basket.wish, basket.listing, request.person.id, request.sent_at, tx)
    return [Said("stale")] if first else []


def _same(waiting: list[Order], wanted: Order, basket: Basket, tx: Tx) -> Order | None:
    """The order that asks for the same and waits; whoever names a code means one with it."""
    for order in waiting:
        if order[2:5] != wanted[2:5]:  # event, tier and quantity
            continue
        if basket.promo is None or promos.of_order(tx, order.id) == basket.promo.id:
            return order
    return None


def _known(tx: Tx, order_id: str) -> Order:
    order = orders.get(tx, order_id)
    assert order is not None
    return order


def _invoice_job(order: Order, external_id: str) -> dict[str, object]:
    return {"order": order.id, "external_id": external_id, "amount_msat": order.amount_msat}


def _identity(request: Request, tx: Tx) -> tuple[str, list[Orphan]]:
    """The id of the order that this request makes, and what was paid for it before a restore.

    It is the same however often the letter is read, or a program repeats its request_id, and
    nobody without the bot's key can tell from it whose it is.
    """
    seed, program = request.key, request.request_id is not None
    if program:
        seed = f"{request.sender}:{request.request_id}".encode()
    for number in range(256):
        wanted = order_id(request.sent_at, tx.vault.tag(b"order", seed + bytes([number])))
        paid = orphans.waiting(tx, tag_of(wanted))
        if paid and (program or paid[0].order_id == wanted):
            return paid[0].order_id, [one for one in paid if one.order_id == paid[0].order_id]
        if not orders.exists(tx, wanted):
            return wanted, []
    raise LookupError("no order id is free")


COMMANDS: Commands = {
    Buy: buy,
}
