"""`forget me`: asked for twice, refused where something would be lost, and then done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.story.cast import HOUR, WEEK, Person, Stage
from tests.story.memory import is_paid_by_hand, known, outbox_row, owes, rows, settles_down
from ticketbot.ledger import forgetting, journal, outbox, people, refunds
from ticketbot.ledger.people import NOBODY
from ticketbot.ledger.store import Tx


@pytest.fixture
async def alice(stage: Stage) -> Person:
    await stage.organizer.has_on_sale()
    return await stage.enters()


async def test_forget_me_is_asked_for_twice(stage: Stage, alice: Person) -> None:
    await alice.says("hi")
    await alice.hears()
    await alice.says("forget me")
    assert "forget me yes" in await alice.hears()
    assert await known(stage, alice) is not None
    await alice.says("Forget me: YES!")
    assert (await alice.hears()).startswith("Done")
    await settles_down(stage)
    assert await known(stage, alice) is None
    (noted,) = await stage.app.store.transaction(lambda tx: journal.of(tx, "people"))
    assert (noted.what, noted.detail) == ("forgotten as asked", {"orders": 0})


@pytest.mark.parametrize("protocol", ["nip17", "nip04"])
async def test_the_last_word_arrives_also_after_a_crash(
    stage: Stage, alice: Person, protocol: Any
) -> None:
    await alice.says("hi", protocol)
    await alice.hears()
    await alice.says("forget me yes", protocol)
    while await known(stage, alice) is not None:
        pass
    await stage.crashes()
    await stage.opens()
    assert (await alice.hears("Done")).startswith("Done")
    await settles_down(stage)
    assert await known(stage, alice) is None


async def test_no_trace_of_who_asked_stays_in_the_log(stage: Stage, alice: Person) -> None:
    await stage.app.forget()
    await alice.says("hi")
    await alice.hears()
    kept = await rows(stage, "SELECT lookup, sealed FROM person ORDER BY id DESC LIMIT 1")
    await alice.says("forget me yes")
    await alice.hears("Done")
    await settles_down(stage)
    await stage.app.forget()
    files = [stage.folder / "ledger.db", stage.folder / "ledger.db-wal"]
    there = b"".join(file.read_bytes() for file in files)
    assert [one for one in kept[0] if one in there] == []


async def test_an_open_order_is_finished_first(stage: Stage, alice: Person) -> None:
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    for words in ("forget me", "forget me yes"):
        await alice.says(words)
        assert "send cancel" in await alice.hears("waits for your payment.")
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await alice.says("forget me yes")
    await alice.hears("Done")
    assert await known(stage, alice) is None
    assert await rows(stage, "SELECT person, state FROM orders") == [(NOBODY, "released")]


async def test_a_ticket_for_what_is_to_come_is_used_first(stage: Stage, alice: Person) -> None:
    await alice.buys("lisbon")
    await alice.says("forget me yes")
    assert "tickets for Lisbon Meetup" in await alice.hears("would lose")
    stage.clock.forward(WEEK + 4 * HOUR)
    await alice.says("forget me yes")
    await alice.hears("Done")
    assert await rows(stage, "SELECT holder FROM ticket") == [(NOBODY,)]


async def test_money_comes_home_first(stage: Stage, alice: Person) -> None:
    order = await owes(stage, alice)
    await alice.says("forget me yes")
    assert "6,000 sats" in await alice.hears("would be lost")
    await is_paid_by_hand(stage, order, alice)
    await alice.says("forget me yes")
    await alice.hears("Done")
    assert await known(stage, alice) is None


async def test_a_cancelled_event_pays_back_first(stage: Stage, alice: Person) -> None:
    await alice.buys("lisbon")
    await stage.organizer.announces(status="cancelled", at=int(stage.clock()) + 2)
    await stage.organizer.hears("is off sale")
    stage.clock.forward(2 * WEEK)
    await alice.says("forget me yes")
    assert "Lisbon Meetup was cancelled" in await alice.hears()


async def test_money_for_nobody_is_owed_back_and_operators_hear_of_it(
    stage: Stage, alice: Person
) -> None:
    await alice.says("buy lisbon")
    invoice = await alice.gets_an_invoice()
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await alice.says("forget me yes")
    await alice.hears("Done")
    await alice.pays(invoice)
    await stage.operator.hears("must go back to its buyer")
    (refund,) = await stage.app.store.transaction(refunds.owed)
    assert (refund.person, refund.reason) == (NOBODY, "refund-forgotten")
    assert await rows(stage, "SELECT count(*) FROM ticket") == [(0,)]
    assert await alice.hears_nothing(0.2)
    assert await known(stage, alice) is None


async def test_a_word_of_somebody_else_forgets_nobody(stage: Stage, alice: Person) -> None:
    bob = await stage.enters()
    await alice.buys("lisbon")
    await bob.says("forget me yes")
    await bob.hears("Done")
    assert await known(stage, bob) is None
    await alice.says("resend")
    await alice.gets_a_ticket()


@pytest.mark.parametrize(
    "words", ["forget", "forgt me", "forget me not", "please forget me and my orders"]
)
async def test_it_is_only_offered_where_it_was_not_said_clearly(
    stage: Stage, alice: Person, words: str
) -> None:
    await alice.says(words)
    assert "Did you mean: forget me?" in await alice.hears()
    assert await known(stage, alice) is not None


async def test_programs_cannot_ask_for_it(stage: Stage, alice: Person) -> None:
    await alice.asks(type="forget", request_id="r1")
    await alice.says("hi")
    await alice.hears("tickets for a key")
    assert [one for one in alice.heard if one.protocol == "24133"] == []


async def test_what_is_on_its_way_does_not_trip_over_who_was_forgotten(
    stage: Stage, alice: Person
) -> None:
    """A row that the courier has in hand may be gone when it comes back."""
    await alice.says("hi")
    await alice.hears()
    await settles_down(stage)
    body = {"to": alice.pubkey, "via": "nip17", "at": 1, "text": "x", "until": 2**40}

    def work(tx: Tx) -> tuple[int, list[int]]:
        outbox.put(tx, "late", "message", 2**40, body)
        number = outbox_row(tx)
        forgetting.forget(tx, people.meet(tx, alice.pubkey).id)
        strays = forgetting.waiting(tx, 2).strays
        forgetting.drop_strays(tx, strays)
        outbox.accept(tx, number, "wss://relay.example")
        outbox.postpone(tx, number, 5)
        outbox.done(tx, number)
        return number, strays

    number, strays = await stage.app.store.transaction(work)
    assert strays == [number]
    assert await rows(stage, "SELECT count(*) FROM accepted") == [(0,)]
