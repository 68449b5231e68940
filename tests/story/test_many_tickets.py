"""More tickets than one answer takes, and what `status` says of orders that are no more."""

from __future__ import annotations

import re
from typing import Any

import orjson

from tests.story.cast import HOUR, Organizer, Person, Stage

HELD = 60
PAGE = 50


async def buys_sixty(organizer: Organizer, alice: Person) -> list[str]:
    """Free tickets, ten at a time; their tokens."""
    await organizer.has_on_sale(price=None, max_per_buyer=HELD)
    tokens = []
    for _ in range(HELD // 10):
        await alice.says("buy lisbon 10")
        tokens += [await alice.gets_a_ticket() for _ in range(10)]
    return tokens


async def test_tickets_are_listed_to_the_last(organizer: Organizer, alice: Person) -> None:
    await buys_sixty(organizer, alice)
    words, listed = "tickets", []
    while words:
        await alice.says(words)
        answer = await alice.hears("You hold 60 tickets")
        assert len(answer) <= 1000
        listed += re.findall(r"[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}", answer)
        more = re.search("and more: (tickets from [0-9]+)", answer)
        words = more[1] if more else ""
    assert len(listed) == len(set(listed)) == HELD


async def test_tickets_come_again_to_the_last(organizer: Organizer, alice: Person) -> None:
    tokens = await buys_sixty(organizer, alice)
    await alice.says("resend")
    again = [await alice.gets_a_ticket() for _ in range(PAGE)]
    assert "resend from 51" in await alice.hears("These were 1 to 50 of your 60 tickets")
    await alice.says("resend from 51")
    again += [await alice.gets_a_ticket() for _ in range(HELD - PAGE)]
    assert sorted(again) == sorted(tokens)
    assert await alice.hears_nothing(0.3)


async def test_a_number_beyond_the_last_begins_anew(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    token = await alice.buys("lisbon")
    await alice.says("resend from 2")
    assert await alice.gets_a_ticket() == token
    await alice.says("tickets from 99")
    assert "and more" not in await alice.hears("You hold one ticket")


async def test_a_program_is_given_page_by_page(organizer: Organizer, alice: Person) -> None:
    tokens = await buys_sixty(organizer, alice)
    await alice.asks(type="tickets", request_id="p1")
    *first, page = [await answered(alice, "p1") for _ in range(PAGE + 1)]
    assert page.keys() == {"type", "request_id", "count", "next"}
    await alice.asks(type="tickets", request_id="p2", after=page["next"])
    *second, last = [await answered(alice, "p2") for _ in range(HELD - PAGE + 1)]
    assert last == {"type": "tickets", "request_id": "p2", "count": HELD}
    assert sorted(one["token"] for one in first + second) == sorted(tokens)


async def answered(alice: Person, request_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(await alice.hears(f'"request_id":"{request_id}"'))
    return answer


async def test_status_says_why_an_order_is_over(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    start = int(stage.clock()) + 2 * HOUR
    await organizer.has_on_sale("Porto Dinner", start=start, end=start + HOUR)
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await alice.says("buy lisbon 2")
    await alice.gets_an_invoice()
    stage.clock.forward(601)
    await alice.hears("lapsed and nothing was charged")
    await alice.says("buy porto")
    await alice.gets_an_invoice()
    await organizer.announces(
        "Porto Dinner", start=start, status="cancelled", at=int(stage.clock()) + 1
    )
    await alice.hears("was cancelled by its organizer")
    await alice.says("status")
    said = [await alice.hears("· 1 × Porto"), await alice.hears("· 2 × Lisbon")]
    said.append(await alice.hears("· 1 × Lisbon"))
    endings = [text.partition("Meetup · ")[2] or text.partition("Dinner · ")[2] for text in said]
    assert endings == [
        "the event was cancelled, nothing was charged",
        "lapsed, nothing was charged",
        "you cancelled it, nothing was charged",
    ]
