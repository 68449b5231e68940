"""What people read first, and what they read when they were not understood."""

from __future__ import annotations

import pytest

from tests.story.cast import DAY, Organizer, Person, Stage
from tests.story.memory import rows
from ticketbot.texts import say

HELLO = """\
Hi, this is Lisbon Tickets: tickets for a key and a wallet, no account needed.
Try one of these, or help for all of them:
events
buy lisbon
tickets"""


async def test_what_is_sold_out_is_not_what_a_stranger_is_told_to_buy(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    soon = int(stage.clock()) + DAY
    await organizer.has_on_sale("Tiny Room", stock=1, price=None, start=soon, end=soon + DAY)
    await alice.says("events")
    assert (await alice.hears()).endswith(say("events-hint", code="tiny", tier=""))
    await alice.says("buy tiny")
    await alice.gets_a_ticket()
    await alice.says("events")
    assert (await alice.hears()).endswith(say("events-hint-sold-out", code="tiny", tier=""))
    await alice.says("what is this about?")
    assert "\nstatus\n" in await alice.hears()
    await organizer.has_on_sale("Lisbon Meetup")
    await alice.says("hi")
    assert await alice.hears() == HELLO
    await alice.says("events")
    listed = await alice.hears()
    assert listed.startswith("tiny ")
    assert listed.endswith(say("events-hint", code="lisbon", tier=""))


async def test_who_sells_is_told_where_to_read_about_that(
    organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await organizer.says("hi")
    assert await organizer.hears() == f"{HELLO}\nYours to sell with: help organizer"
    await alice.says("hi")
    assert await alice.hears() == HELLO


async def test_codes_are_named_as_people_type_them(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale("Lisbon Meetup", refund_until="48h")
    await organizer.has_on_sale("Porto Meetup")
    await alice.says("buy")
    assert await alice.hears() == say("event-needed", code="lisbon")
    await alice.buys("lisbon")
    await alice.says("refund LISBON")
    assert (await alice.hears()).endswith("send: refund lisbon yes")


async def test_a_number_that_is_too_long_buys_nothing(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says(f"tickets from {9:0<30}")
    assert await alice.hears() == say("tickets-none")
    assert await rows(stage, "SELECT 1 FROM orders") == []


async def test_nothing_owed_is_not_called_free(stage: Stage) -> None:
    await stage.operator.says("status")
    assert " · 0 sats owed back · " in await stage.operator.hears()


@pytest.mark.parametrize(
    "words", ["I paid but nothing came!", "where is my ticket??", "he pagado y nada"]
)
async def test_who_misses_a_ticket_is_told_how_it_comes_again(alice: Person, words: str) -> None:
    await alice.says(words)
    told = await alice.hears()
    assert told in {say("did-you-mean", lang, guess="resend") for lang in ("en", "es")}
