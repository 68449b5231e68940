"""Thousands of fresh keys against one event, and as many honest people for the same one."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.story.counter import Counter, key_of
from ticketbot.domain.holds import FORGOTTEN_AFTER

HOLD = 600
BITS = 8
BUYER = 10_000  # none of the sybils has so high a number

Answers = dict[str, list[dict[str, Any]]]


@pytest.fixture
async def counter(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Counter]:
    """With so many seats on sale."""
    counter = Counter(tmp_path, proof_of_work_bits=BITS)
    await counter.opens(stock=getattr(request, "param", 100))
    yield counter
    await counter.closes()


def said(answers: Answers) -> Tally[str]:
    """How often each kind of answer was given first."""
    first = [messages[0] for messages in answers.values()]
    return Tally(one.get("code", one["type"]) for one in first)


async def sybils(counter: Counter, keys: int = 500, bits: int = 0) -> Tally[str]:
    """So many strangers want a seat each."""
    return said(await counter.hears(counter.wish(who, bits=bits) for who in range(keys)))


async def share_held(counter: Counter) -> float:
    seats = await counter.seats()
    assert seats.capacity is not None
    return seats.held / (seats.capacity - seats.sold)


@pytest.mark.parametrize("counter", [500], indirect=True)
async def test_an_honest_rush_of_five_thousand_is_untouched(counter: Counter) -> None:
    answers = await counter.hears(counter.wish(who) for who in range(5000))
    assert said(answers) == {"invoice": 500, "sold-out": 4500}
    for messages in answers.values():
        if messages[0]["type"] == "invoice":
            await counter.pays(messages[0])
    seats = await counter.seats()
    assert (seats.held, seats.sold) == (0, 500)
    assert (await counter.holds()).fates == 0


@pytest.mark.parametrize("counter", [500], indirect=True)
async def test_five_thousand_sybils_hold_all_once_and_three_tenths_ever_after(
    counter: Counter,
) -> None:
    assert await sybils(counter, 5000, BITS) == {"invoice": 500, "sold-out": 4500}
    shares = []
    for keys in (5000, 500, 500):
        await counter.waits(HOLD)
        assert (await sybils(counter, keys, BITS)).keys() == {"invoice", "try-later"}
        shares.append(await share_held(counter))
    assert shares == [0.3, 0.3, 0.3]


async def test_an_honest_rush_in_which_a_tenth_never_pays_is_untouched(counter: Counter) -> None:
    """Each who lapses leaves a seat to the next; nobody is asked for work."""
    who = 0
    while (await counter.seats()).sold < 100:
        answers = await counter.hears(counter.wish(who + n) for n in range(60))
        assert said(answers).keys() <= {"invoice", "sold-out"}
        invoices = [one[0] for one in answers.values() if one[0]["type"] == "invoice"]
        for number, invoice in enumerate(invoices):
            if number % 10 or len(invoices) == 1:
                await counter.pays(invoice)
        await counter.waits(HOLD)
        who += 60


async def test_without_work_they_hold_a_tenth_and_others_buy_meanwhile(counter: Counter) -> None:
    await sybils(counter)
    await counter.waits(HOLD)
    for turn in range(4):
        answers = await counter.hears(counter.wish(who) for who in range(500))
        errors = [one[0] for one in answers.values() if one[0]["type"] == "error"]
        assert {(one["code"], one["pow"]) for one in errors} == {("try-later", BITS)}
        assert 0 < await share_held(counter) <= 0.1
        buyers = range(BUYER + 10 * turn, BUYER + 10 * turn + 10)
        answers = await counter.hears(counter.wish(who, bits=BITS) for who in buyers)
        assert said(answers) == {"invoice": 10}
        for messages in answers.values():
            await counter.pays(messages[0])
        await counter.waits(HOLD)
    assert (await counter.seats()).sold == 40


async def test_who_has_paid_is_let_in_without_work(counter: Counter) -> None:
    answers = await counter.hears([counter.wish(BUYER)])
    await counter.pays(answers[key_of(BUYER)][0])
    await sybils(counter)
    await counter.waits(HOLD)
    await sybils(counter)
    answers = await counter.hears([counter.wish(BUYER), counter.wish(BUYER + 1)])
    assert said(answers) == {"invoice": 1, "try-later": 1}
    assert answers[key_of(BUYER)][0]["type"] == "invoice"


async def test_control_without_the_rule_they_hold_everything_for_ever(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketbot.domain.holds.Holds.doubtful", lambda *_: False)
    for _ in range(3):
        await sybils(counter, bits=BITS)
        assert await share_held(counter) == 1.0
        assert said(await counter.hears([counter.wish(BUYER)])) == {"sold-out": 1}
        await counter.waits(HOLD)


async def test_when_they_have_gone_the_event_is_as_before(counter: Counter) -> None:
    await sybils(counter)
    await counter.waits(HOLD)
    assert said(await counter.hears([counter.wish(BUYER, 11)])) == {"too-many": 1}
    assert (await counter.hears([counter.wish(BUYER, 10)]))[key_of(BUYER)][0]["type"] == "invoice"
    await counter.waits(FORGOTTEN_AFTER + HOLD)
    answers = await counter.hears(counter.wish(BUYER + n) for n in range(100))
    assert said(answers) == {"invoice": 100}
