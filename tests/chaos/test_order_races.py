"""What may happen to one order, or to one seat, in the same moment. Each race with its control:
the same race with the guard off breaks an invariant, so that the test would see it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.rush import Crowd, measure_rush
from tests.story.counter import Counter, key_of
from ticketbot.domain.nostr import Event
from ticketbot.domain.order import Order, State
from ticketbot.handlers.money.cashier import Credit
from ticketbot.ledger import inbox, listings, orders, tickets
from ticketbot.ledger.store import Tx

COPIES = 1000
ROUNDS = 40


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    counter = Counter(tmp_path)
    await counter.opens(stock=10)
    yield counter
    await counter.store.close()


def disarm(tx: Tx) -> None:
    """The table's own checks would stop a handler that forgets its own."""
    tx.change("PRAGMA ignore_check_constraints = ON")


async def has_seats(counter: Counter, number: int) -> None:
    listing = counter.listing = replace(counter.listing, stock=number)
    await counter.store.transaction(lambda tx: listings.save(tx, listing, "LISBON"))


async def invoice_of(counter: Counter, who: int) -> dict[str, Any]:
    invoice = (await counter.hears([counter.wish(who)]))[key_of(who)][0]
    assert invoice["type"] == "invoice"
    return invoice


def credit(invoice: dict[str, Any]) -> Credit:
    return Credit(invoice["payment_hash"], invoice["amount_msat"])


# many buyers, few seats


async def test_a_thousand_buyers_for_a_hundred_seats(tmp_path: Path) -> None:
    """The whole bot: every one is answered, and every seat is sold once."""
    figures = await asyncio.to_thread(measure_rush, tmp_path, Crowd(1000, 100))
    assert (figures["rush_sold"], figures["rush_answered"]) == (100, 1000)


@pytest.mark.long
async def test_five_thousand_buyers_for_five_hundred_seats(tmp_path: Path) -> None:
    figures = await asyncio.to_thread(measure_rush, tmp_path, Crowd(5000, 500))
    assert (figures["rush_sold"], figures["rush_answered"]) == (500, 5000)


async def last_seat(counter: Counter) -> list[str]:
    """Two want the last seat, at once; what each is told."""
    await has_seats(counter, 1)
    one, two = counter.wish(1), counter.wish(2)
    await asyncio.gather(*(counter.engine.receive([event], {}) for event in (one, two)))
    told = await counter.answers()
    return sorted(told[key_of(who)][0].get("code", "invoice") for who in (1, 2))


async def test_two_buyers_for_the_last_seat(counter: Counter) -> None:
    answers = await last_seat(counter)
    assert answers == ["invoice", "sold-out"]
    assert await counter.broken() == []


async def test_control_the_last_seat_without_looking(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(tx: Tx, event_id: str, tier: str, quantity: int) -> None:
        tx.change("UPDATE seats SET held = held + ? WHERE event_id = ?", (quantity, event_id))

    monkeypatch.setattr(listings, "hold", take)
    await counter.store.transaction(disarm)
    assert await last_seat(counter) == ["invoice", "invoice"]
    assert "I2" in await counter.broken()


# a thousand copies of one request


async def copies(counter: Counter, event: Event) -> int:
    """How many tickets one request brings that comes a thousand times, over several relays."""
    await counter.store.transaction(
        lambda tx: listings.save(tx, replace(counter.listing, price_msat=0, stock=None), "LISBON")
    )
    many = [event] * COPIES
    await asyncio.gather(
        *(counter.engine.receive(many[at : at + 32], {}) for at in range(0, COPIES, 32))
    )
    return await counter.store.transaction(
        lambda tx: tickets.live_count(tx, 1, counter.listing.event_id)
    )


async def test_a_thousand_copies_are_one_order(counter: Counter) -> None:
    assert await copies(counter, counter.wish(1)) == 1
    told = (await counter.answers())[key_of(1)]
    assert [one["type"] for one in told] == ["ticket"]


async def test_control_copies_without_an_inbox(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "claim", lambda *_: True)
    monkeypatch.setattr(inbox, "remembered", lambda *_: None)
    monkeypatch.setattr(inbox, "remember", lambda *_: None)
    counter.engine.reception._budget._per_minute = 2 * COPIES
    assert await copies(counter, counter.wish(1)) > 1


# settled, released, cancelled in the same moment


async def settled_and(counter: Counter, other: Callable[[int, Order], Any], who: int) -> Order:
    """The payment comes in the moment in which something else ends the order."""
    invoice = await invoice_of(counter, who)
    order = await counter.order_of(who)
    assert order is not None and order.state is State.INVOICED
    racers = [counter.engine.settle([credit(invoice)]), other(who, order)]
    random.Random(who).shuffle(racers)
    await asyncio.gather(*racers)
    after = await counter.order_of(who)
    assert after is not None
    return after


async def test_an_invoice_that_comes_as_its_hold_ends_is_not_given_up_unasked(
    counter: Counter,
) -> None:
    await has_seats(counter, 1)
    await invoice_of(counter, 0)
    order = await counter.order_of(0)
    assert order is not None
    for judged, after in ((State.HELD, State.INVOICED), (State.INVOICED, State.RELEASED)):
        await counter.engine.release(order.id, "order-lapsed", judged)
        now = await counter.order_of(0)
        assert now is not None and now.state is after


async def test_settled_and_released_in_the_same_moment(counter: Counter) -> None:
    await has_seats(counter, ROUNDS)

    async def hold_is_over(_: int, order: Order) -> None:
        await counter.engine.release(order.id, "order-lapsed")

    for who in range(ROUNDS):
        order = await settled_and(counter, hold_is_over, who)
        assert order.state is State.PAID
    seats = await counter.seats()
    assert (seats.held, seats.sold) == (0, ROUNDS)
    assert await counter.broken() == []


async def test_settled_and_cancelled_in_the_same_moment(counter: Counter) -> None:
    await has_seats(counter, ROUNDS)

    async def cancels(who: int, order: Order) -> None:
        letter = counter.asks(who, "cancel", order_id=order.id)
        await counter.engine.receive([letter], {})

    for who in range(ROUNDS):
        order = await settled_and(counter, cancels, who)
        assert order.state is State.PAID
    assert (await counter.seats()).sold == ROUNDS
    assert await counter.broken() == []


async def test_control_releasing_what_was_looked_at_before(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two transactions, one to look and one to act: paid in between, and released all the same."""
    invoice = await invoice_of(counter, 1)
    stale = await counter.order_of(1)
    assert stale is not None
    now, listed = await counter.store.transaction(lambda tx: orders.with_listing(tx, stale.id))
    assert now == stale
    await counter.engine.settle([credit(invoice)])
    monkeypatch.setattr(orders, "with_listing", lambda *_: (stale, listed))
    await counter.store.transaction(disarm)
    await counter.engine.release(stale.id, "order-lapsed")
    assert {"I1b", "I2"} <= set(await counter.broken())


async def test_settled_twice_in_the_same_moment(counter: Counter) -> None:
    """A hint, a poll and the look at the hold's end may all find the same payment."""
    invoice = await invoice_of(counter, 1)
    news = await asyncio.gather(*(counter.engine.settle([credit(invoice)]) for _ in range(50)))
    assert sum(news) == 1
    assert await counter.broken() == []


# stock that is edited while people buy


async def edit_and_buy(counter: Counter) -> None:
    """The organizer cuts ten seats to one; thirty buy meanwhile."""
    less = replace(counter.listing, stock=1)
    edit = counter.store.transaction(lambda tx: listings.save(tx, less, "LISBON"))
    buys = [counter.engine.receive([counter.wish(who)], {}) for who in range(30)]
    await asyncio.gather(*buys[:5], edit, *buys[5:])


async def test_stock_is_cut_while_people_buy(counter: Counter) -> None:
    await edit_and_buy(counter)
    seats = await counter.seats()
    assert seats.capacity == seats.held >= 1
    assert await counter.broken() == []
    await counter.waits(3600)
    assert (await counter.seats())[1:] == (1, 0, 0)


async def test_control_a_capacity_from_an_earlier_look(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await counter.seats()

    def set_capacity(tx: Tx, event_id: str, tier: str, capacity: int) -> None:
        most = max(capacity, before.held + before.sold)
        tx.change("UPDATE seats SET capacity = ? WHERE event_id = ?", (most, event_id))

    monkeypatch.setattr(listings, "_set_capacity", set_capacity)
    await counter.store.transaction(disarm)
    await edit_and_buy(counter)
    assert "I2" in await counter.broken()
