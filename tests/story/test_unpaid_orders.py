"""An event of which many orders were left unpaid: who may still order, and what others hear."""

from __future__ import annotations

import orjson
import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.labour import says_with_work
from ticketbot.domain.holds import FORGOTTEN_AFTER, REMEMBERED
from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Protocol
from ticketbot.ledger import holds, orders
from ticketbot.texts import say

BITS = 8
NEWCOMERS_WAIT = say("newcomers-wait", minutes=10, bits=BITS)

pytestmark = pytest.mark.choices(work=BITS)


async def doubted(stage: Stage, event: Event) -> None:
    """Its last orders all lapsed."""
    now = int(stage.clock())
    for _ in range(REMEMBERED):
        await stage.app.store.transaction(lambda tx: holds.lapsed(tx, event.address(), now))


async def test_a_newcomer_may_hold_a_little_then_work_is_asked_for(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await doubted(stage, await organizer.has_on_sale(stock=20))
    await alice.says("buy lisbon 2")
    assert await alice.gets_an_invoice()
    await bob.says("buy lisbon")
    assert await bob.hears() == NEWCOMERS_WAIT
    await says_with_work(bob, "buy lisbon", BITS - 1)
    assert await bob.hears() == NEWCOMERS_WAIT
    await says_with_work(bob, "buy lisbon", BITS)
    assert await bob.gets_an_invoice()


@pytest.mark.parametrize("via", ["nip17", "nip04", "24133"])
async def test_work_counts_in_every_kind_of_message(
    stage: Stage, organizer: Organizer, alice: Person, via: Protocol
) -> None:
    event = await organizer.has_on_sale(stock=20)
    await doubted(stage, event)
    text = "buy lisbon 5"
    if via == "24133":
        fields = {"type": "buy", "request_id": "r", "event_id": event.address(), "quantity": 5}
        text = orjson.dumps(fields).decode()
    await alice.write(text, via)
    assert NEWCOMERS_WAIT in await alice.hears()
    await says_with_work(alice, text, BITS, via)
    assert await alice.hears("lnbc")


async def test_a_program_is_told_how_much_work(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale(stock=20)
    await doubted(stage, event)
    await alice.asks(type="buy", request_id="r", event_id=event.address(), quantity=3)
    assert await alice.is_told("error") == {
        "type": "error",
        "request_id": "r",
        "code": "try-later",
        "message": NEWCOMERS_WAIT,
        "pow": BITS,
    }


async def test_who_has_paid_here_is_no_newcomer(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale("Porto Dinner")
    assert await alice.buys("porto")
    await doubted(stage, await organizer.has_on_sale(stock=20))
    await alice.says("buy lisbon 6")
    assert await alice.gets_an_invoice()


async def test_who_was_given_a_ticket_is_still_one(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale("Porto Dinner", price=None)
    await alice.says("buy porto")
    await alice.gets_a_ticket()
    await doubted(stage, await organizer.has_on_sale(stock=20))
    await alice.says("buy lisbon 6")
    assert await alice.hears("unpaid") == NEWCOMERS_WAIT


async def test_three_tenths_are_the_most_even_with_work(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await doubted(stage, await organizer.has_on_sale(stock=10))
    await says_with_work(alice, "buy lisbon 4", BITS)
    assert await alice.hears() == say("ask-for-fewer", minutes=10, most=3)
    await says_with_work(alice, "buy lisbon 3", BITS)
    bolt11 = await alice.gets_an_invoice()
    await says_with_work(bob, "buy lisbon", BITS)
    assert await bob.hears() == say("all-wait", minutes=10)
    await alice.pays(bolt11)
    await alice.gets_a_ticket()
    await bob.says("buy lisbon")
    assert await bob.gets_an_invoice()  # a paid seat is not held any more


async def test_sold_out_is_said_when_it_is(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    event = await organizer.has_on_sale(stock=1)
    assert await alice.buys("lisbon")
    await doubted(stage, event)
    await bob.says("buy lisbon")
    assert await bob.hears() == say("sold-out", wish="lisbon 1")


async def test_an_hour_after_the_last_lapse_nobody_is_asked(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await doubted(stage, await organizer.has_on_sale(stock=10))
    await alice.says("buy lisbon 5")
    assert await alice.hears() == say("ask-for-fewer", minutes=10, most=3)
    stage.clock.forward(FORGOTTEN_AFTER)
    await alice.says("buy lisbon 5")
    assert await alice.gets_an_invoice()


async def test_where_seats_are_unlimited_nobody_is_asked(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await doubted(stage, await organizer.has_on_sale(stock=None))
    await alice.says("buy lisbon 9")
    assert await alice.gets_an_invoice()


@pytest.mark.choices(work=0)
async def test_an_operator_may_ask_for_no_work(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await doubted(stage, await organizer.has_on_sale(stock=10))
    await alice.says("buy lisbon 3")
    assert await alice.gets_an_invoice()


async def test_what_counts_is_how_orders_end(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Lapsed and cancelled ones are remembered, paid ones too; given ones are not."""
    event = await organizer.has_on_sale(price=["5000", "SAT"], tier=["Child", "0", "SAT"])
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    stage.clock.forward(HOUR)
    await alice.hears("lapsed")
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    await alice.says("cancel")
    await alice.hears("is cancelled")
    assert await bob.buys("lisbon")
    await bob.says("buy lisbon 1 child")
    await bob.gets_a_ticket()
    found = await stage.app.store.transaction(lambda tx: holds.of(tx, event.address(), ""))
    assert found.fates == 0b110


async def test_it_is_one_more_read_and_only_where_seats_are_limited(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    of, has_paid = holds.of, orders.has_paid
    monkeypatch.setattr(holds, "of", lambda *args: looks.append("holds") or of(*args))
    monkeypatch.setattr(orders, "has_paid", lambda *args: looks.append("paid") or has_paid(*args))
    await organizer.has_on_sale(stock=None)
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    assert looks == []
    await organizer.has_on_sale("Porto Dinner")
    await alice.says("buy porto")
    await alice.gets_an_invoice()
    assert looks == ["holds"]
