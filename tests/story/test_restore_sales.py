"""After a restore: orders with codes and answers come back as they were."""

from __future__ import annotations

import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.memory import rows
from tests.story.test_restore import back_up, caught_up, lose_the_ledger
from ticketbot.ledger import orphans, questions
from ticketbot.texts import say

NAME = "Which name shall be on your badge?"


@pytest.mark.parametrize("kept", [True, False], ids=["question in the backup", "all of it later"])
async def test_an_order_is_made_again_from_the_letter_that_completed_it(
    stage: Stage, organizer: Organizer, alice: Person, kept: bool
) -> None:
    await organizer.has_on_sale(question=[[NAME], ["Size?", "S", "M"]], age=18)
    made_at = 0 if kept else back_up(stage)
    await alice.says("buy lisbon 2")
    await alice.hears("Are you?")
    await alice.says("yes")
    await alice.hears("Question 1")
    made_at = made_at or back_up(stage)
    await alice.says("Alice from Porto")
    await alice.hears("Question 2")
    await alice.says("m")
    await alice.pays(await alice.gets_an_invoice())
    tokens = {await alice.gets_a_ticket(), await alice.gets_a_ticket()}
    (before,) = await rows(stage, "SELECT id FROM orders")

    stage.clock.forward(2 * HOUR)  # so long ago that what was only said is not said again
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert {await alice.gets_a_ticket(), await alice.gets_a_ticket()} == tokens
    assert await rows(stage, "SELECT id FROM orders") == [before]
    said = await stage.app.store.transaction(lambda tx: questions.answers(tx, before[0]))
    assert said == ((NAME, "Alice from Porto"), ("Size?", "M"))
    assert await stage.app.store.transaction(orphans.unclaimed) == []
    assert await rows(stage, "SELECT 1 FROM checkout") == []


async def test_a_code_is_used_as_often_as_before(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    made_at = back_up(stage)
    await organizer.says("promo lisbon FRIENDS 50% max 4")
    await organizer.hears("FRIENDS")
    await organizer.says("promo lisbon CREW 100% max 1")
    await organizer.hears("CREW")
    stage.clock.forward(5)  # letters are heard again by the second at which they were written
    first = await alice.buys("lisbon friends")
    await bob.says("buy lisbon crew")
    free = await bob.gets_a_ticket()

    stage.clock.forward(2 * HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert await alice.gets_a_ticket() == first
    assert await bob.gets_a_ticket() == free
    assert sorted(await rows(stage, "SELECT percent, used FROM promo")) == [(50, 1), (100, 1)]
    assert await rows(stage, "SELECT amount_msat FROM orders ORDER BY 1") == [(0,), (2_500_000,)]


async def test_whoever_was_not_asked_in_time_is_told_to_begin_again(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(question=[NAME])
    made_at = back_up(stage)
    await stage.closes()
    await alice.says("buy lisbon")
    stage.clock.forward(120)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert await alice.hears() == say("stale")
    await alice.says("buy lisbon")
    await alice.hears("Question 1")
    await alice.says("Alice")
    await alice.hears("Order ")


async def test_who_pays_later_what_they_were_shown_has_paid_the_price(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Whose early bird it was is lost with the ledger; each pays the invoice they have."""
    await organizer.has_on_sale(early_bird=["1000", "SAT", "first", "1"])
    made_at = back_up(stage)
    await organizer.says("promo lisbon FRIENDS 50%")
    await organizer.hears("FRIENDS")
    carol = await stage.enters()
    invoices = []
    for person, words in ((alice, ""), (bob, " 2"), (carol, " friends")):
        stage.clock.forward(5)
        await person.says(f"buy lisbon{words}")
        invoices.append(await person.gets_an_invoice())
    stage.clock.forward(2 * HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    for person, invoice in zip((alice, bob, carol), invoices, strict=True):
        await person.pays(invoice)
    stage.wallet.hang_up()
    for person in (alice, bob, carol):
        await person.gets_a_ticket()
    amounts = await rows(stage, "SELECT amount_msat FROM orders ORDER BY 1")
    assert amounts == [(1_000_000,), (2_500_000,), (10_000_000,)]
    assert await rows(stage, "SELECT 1 FROM refund") == []


async def test_a_sum_that_was_no_price_goes_back(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(early_bird=["1000", "SAT", "first", "1"])
    made_at = back_up(stage)
    stage.clock.forward(5)
    await alice.says("buy lisbon")
    invoice = await alice.gets_an_invoice()
    stage.clock.forward(2 * HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    await alice.pays(invoice, 1_500_000)
    stage.wallet.hang_up()
    await alice.hears("goes back to you")
