"""What buyers are asked before their seats are held, and who reads what they said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.story.cast import DAY, Organizer, Person, Stage
from tests.story.memory import rows, settles_down
from tests.story.program import Program, listening
from ticketbot.ledger import questions

SIZE = ["T-shirt?", "S", "M", "L"]
NAME = ["Which name shall be on your badge?"]
FOOD = ["Anything you do not eat? (optional)"]
ASKS: dict[str, Any] = {"question": [SIZE, NAME, FOOD]}


async def said(stage: Stage) -> list[Any]:
    """The answers of the one order that there is."""
    (order,) = await rows(stage, "SELECT id FROM orders")
    return list(await stage.app.store.transaction(lambda tx: questions.answers(tx, order[0])))


async def held(stage: Stage) -> int:
    return int((await rows(stage, "SELECT held FROM seats WHERE tier = ''"))[0][0])


async def test_a_buyer_is_asked_one_thing_after_the_other(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.announces(**ASKS, age=18)
    told = await organizer.hears("Get a ticket")
    assert "For people of 18 years and over" in told
    assert "Asked when you buy: T-shirt? (S, M, L)" in told
    await alice.says("buy lisbon 2")
    await alice.hears("people of 18 years and over. Are you?")
    await alice.says("Yes!")
    assert await alice.hears("Question 1 of 3: T-shirt?") == (
        "Question 1 of 3: T-shirt?\n1 · S\n2 · M\n3 · L\n"
        "Answer with its number, or send cancel; nothing is held yet."
    )
    assert await held(stage) == 0
    await alice.says("2")
    await alice.hears("Question 2 of 3: Which name")
    await alice.says("event horizon")  # it would be a command of somebody who is not asked
    await alice.hears("Question 3 of 3: Anything")
    await alice.says("skip")
    await alice.hears("Order ")
    assert await held(stage) == 2
    await alice.pays(await alice.gets_an_invoice())
    await alice.gets_a_ticket()
    assert await said(stage) == [(SIZE[0], "M"), (NAME[0], "event horizon"), (FOOD[0], "")]
    assert await rows(stage, "SELECT 1 FROM checkout") == []


async def test_what_is_no_answer_is_asked_again(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(question=[SIZE, NAME], age=18)
    await alice.says("buy lisbon")
    await alice.hears("Are you?")
    await alice.says("perhaps")
    await alice.hears("Are you?")
    await alice.says("event lisbon")  # a command is a command where it cannot be an answer
    await alice.hears("Get a ticket")
    await alice.says("y")
    await alice.hears("Question 1")
    await alice.says("XXL")
    await alice.hears("Question 1")
    await alice.says("m")
    await alice.hears("Question 2")
    await alice.says("skip")
    await alice.hears("needs an answer")
    await alice.says("x" * 201)
    await alice.hears("longer than 200 characters")
    await alice.says("/tickets")
    await alice.hears("You hold no tickets")
    await alice.says("<script>alert(1)</script> =cmd|' /C'!A0")
    await alice.hears("Order ")
    assert (await said(stage))[1] == (NAME[0], "<script>alert(1)</script> =cmd|' /C'!A0")


async def test_a_buyer_may_stop_at_every_question(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(question=[NAME], age=18)
    await alice.says("buy lisbon")
    await alice.hears("Are you?")
    await alice.says("no")
    await alice.hears("Then I cannot sell you a ticket")
    await alice.says("yes")  # to nothing
    await alice.hears("events")
    await alice.says("buy lisbon")
    await alice.hears("Are you?")
    await alice.says("yes")
    await alice.hears("Question 1")
    await alice.says("cancel")
    await alice.hears("Given up")
    await alice.says("Alice")
    await alice.hears()
    assert await rows(stage, "SELECT 1 FROM orders") == []


async def test_questions_wait_for_half_an_hour_and_through_a_restart(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(question=[NAME])
    await alice.says("buy lisbon")
    await alice.hears("Question 1")
    await stage.closes()
    await stage.opens()
    stage.clock.forward(1700)
    await alice.says("Alice")
    await alice.hears("Order ")
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await alice.says("buy lisbon")
    await alice.hears("Question 1")
    stage.clock.forward(1900)
    await alice.says("Alice from Porto")
    await alice.hears("after more than half an hour")
    assert len(await rows(stage, "SELECT 1 FROM orders")) == 1


async def test_nobody_is_asked_for_what_cannot_be_had(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=1, question=[NAME])
    await alice.says("buy lisbon")
    await alice.hears("Question 1")
    await bob.says("buy lisbon")
    await bob.hears("Question 1")
    await alice.says("Alice")
    await alice.hears("Order ")
    await bob.says("Bob")  # he was asked, and was slower
    await bob.hears("Sold out")
    await bob.says("buy lisbon")
    await bob.hears("Sold out")


async def test_a_price_is_that_of_the_last_answer(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(question=[NAME], early_bird=["1000", "SAT", "first", 1])
    for person in (alice, bob):
        await person.says("buy lisbon")
        await person.hears("Question 1")
    await alice.says("Alice")
    assert "= 1,000 sats" in await alice.hears("Order ")
    await bob.says("Bob")
    assert "= 5,000 sats" in await bob.hears("Order ")


async def test_the_code_and_the_tier_outlast_the_questions(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(question=[NAME], tier=["VIP", "9000", "SAT", "5"])
    await organizer.says("promo lisbon FRIENDS 20% max 2")
    await organizer.hears("FRIENDS")
    await alice.says("buy lisbon 2 vip friends")
    await alice.hears("Question 1")
    await alice.says("Alice and Bob")
    assert "2 × Lisbon Meetup (VIP) = 14,400 sats" in await alice.hears("Order ")


async def test_a_free_event_asks_too(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(price=None, question=[NAME])
    await alice.says("buy lisbon")
    await alice.hears("Question 1")
    await alice.says("Alice")
    assert await alice.gets_a_ticket()


async def test_programs_answer_with_the_purchase(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    note = await organizer.has_on_sale(**ASKS, age=18)
    await listening(stage)
    program = Program(alice)
    events = await program.asks("events")
    (card,) = events["events"]
    assert card["age"] == 18
    assert card["questions"][0] == {
        "text": "T-shirt?",
        "choices": ["S", "M", "L"],
        "optional": False,
    }
    wish = {"event_id": note.address()}
    refused = await program.asks("buy", **wish)
    assert (refused["code"], "accept_age" in refused["message"]) == ("bad-request", True)
    wish |= {"accept_age": True}
    for answers, wrong in (
        ({}, '"T-shirt?" needs one of its choices'),
        ({SIZE[0]: "XXL", NAME[0]: "A"}, '"T-shirt?" needs one of its choices'),
        ({SIZE[0]: "M"}, '"Which name shall be on your badge?" needs'),
        ({SIZE[0]: "M", NAME[0]: "A", "Why?": "x"}, '"Why?" is not a question'),
    ):
        refused = await program.asks("buy", **wish, answers=answers)
        assert (refused["type"], refused["code"]) == ("error", "bad-request")
        assert wrong in refused["message"]
    good = {"answers": {NAME[0]: "Alice", SIZE[0]: "m"}, "request_id": "one"}
    invoice = await program.asks("buy", **wish, **good)
    again = await program.asks("buy", **wish, **good)
    assert invoice == again
    other = await program.asks("buy", **wish | good | {"answers": {NAME[0]: "B", SIZE[0]: "m"}})
    assert "different purchase" in other["message"]
    assert await said(stage) == [(SIZE[0], "M"), (NAME[0], "Alice"), (FOOD[0], "")]


async def test_answers_are_sealed_and_forgotten(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(question=[NAME])
    await alice.says("buy lisbon")
    await alice.hears("Question 1")
    await alice.says("Wilhelmina Tell")
    await alice.pays(await alice.gets_an_invoice())
    await alice.gets_a_ticket()
    await settles_down(stage)
    for file in stage.folder.glob("ledger.db*"):
        assert b"Wilhelmina" not in file.read_bytes()
    assert await said(stage) == [(NAME[0], "Wilhelmina Tell")]
    stage.clock.forward(200 * DAY)
    await stage.app.forget()
    assert await rows(stage, "SELECT 1 FROM answer") == []


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        ({"question": [["?"]]}, "A question has no words"),
        ({"question": [["x" * 141]]}, "140 characters at most"),
        ({"question": [["A?"], ["a?"]]}, "the same question is there twice"),
        ({"question": [["A?"], ["B?"], ["C?"], ["D?"]]}, "3 questions at most"),
        ({"question": [["A?", *"abcdefghijk"]]}, "10 choices at most"),
        ({"age": "adult"}, "not an age from 1 to 120"),
        ({"early_bird": ["9000", "SAT", "until", "1900000000"]}, "not below the price"),
        ({"early_bird": ["1000", "SAT", "soon", "1900000000"]}, "neither until nor first"),
        ({"early_bird": ["1000", "SAT", "first", "0"]}, "not a whole number from 1"),
        ({"early_bird": ["1000", "SAT", "first", "5", "VIP"]}, "name one of its tiers"),
    ],
)
async def test_the_organizer_hears_what_is_wrong_with_the_note(
    stage: Stage, organizer: Organizer, tags: dict[str, Any], wrong: str
) -> None:
    await organizer.announces(**tags)
    assert wrong.lower() in (await organizer.hears("I cannot sell")).lower()


async def test_what_is_no_answer_is_told_apart_from_a_question(
    organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(**ASKS, age=18)
    await alice.says("buy lisbon")
    await alice.hears("people of 18 years")
    await alice.says("stop asking")
    assert (await alice.hears()).startswith("I need a yes or a no: Lisbon Meetup is for people")
    await alice.says("yes")
    await alice.hears("Question 1 of 3")
    await alice.says("XXL <b>")
    assert (await alice.hears()).startswith('"XXL <b>" is none of the choices. Question 1 of 3:')
