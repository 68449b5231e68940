"""Hints on their way: each once, bounded, and the end of a feed is not silent."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from ticketbot.domain.payment import tidy_memo
from ticketbot.hints import HintQueue
from ticketbot.lnbits.api import read_push


async def forever() -> None:
    await asyncio.Event().wait()


async def taken(queue: HintQueue, number: int) -> list[str | None]:
    async with contextlib.aclosing(queue.drain(forever())) as hints:
        async with asyncio.timeout(5):
            return [await anext(hints) for _ in range(number)]


async def test_a_waiting_hint_is_given_once() -> None:
    queue = HintQueue()
    for hint in ("a", "b", "a", "a", "c"):
        queue.put(hint)

    assert await taken(queue, 3) == ["a", "b", "c"]


async def test_a_hint_may_come_again_after_it_was_taken() -> None:
    queue = HintQueue()
    queue.put("a")
    first = await taken(queue, 1)
    queue.put("a")

    assert [*first, *await taken(queue, 1)] == ["a", "a"]


async def test_too_many_hints_become_one_reconcile() -> None:
    queue = HintQueue(limit=3)
    for hint in ("a", "b", "c", "d", "e"):
        queue.put(hint)

    assert await taken(queue, 2) == [None, "e"]


async def test_reconcile_says_all_that_came_before_it() -> None:
    queue = HintQueue()
    for hint in ("a", "b", None, "c"):
        queue.put(hint)

    assert await taken(queue, 2) == [None, "c"]


async def test_the_feed_runs_while_hints_are_wanted_and_no_longer() -> None:
    queue = HintQueue()
    ended = asyncio.Event()

    async def feed() -> None:
        try:
            queue.put("a")
            await forever()
        finally:
            ended.set()

    async with contextlib.aclosing(queue.drain(feed())) as hints:
        assert await anext(hints) == "a"
        assert not ended.is_set()
    assert ended.is_set()


async def test_a_mistake_in_the_feed_comes_out() -> None:
    queue = HintQueue()

    async def feed() -> None:
        queue.put("a")
        raise ZeroDivisionError

    async with contextlib.aclosing(queue.drain(feed())) as hints:
        assert await anext(hints) == "a"
        with pytest.raises(ZeroDivisionError):
            await anext(hints)


HASH = "ab" * 32


@pytest.mark.parametrize(
    ("push", "expected"),
    [
        ({"wallet_balance": 1, "payment": {"payment_hash": HASH, "amount": 1}}, HASH),
        ({"payment": {"payment_hash": HASH, "amount": -1}}, None),
        ({"payment": {"payment_hash": HASH, "amount": 0}}, None),
        ({"payment": {"payment_hash": HASH, "amount": "1"}}, None),
        ({"payment": {"payment_hash": HASH}}, None),
        ({"payment": {"payment_hash": HASH.upper(), "amount": 1}}, None),
        ({"payment": {"payment_hash": HASH + "\n", "amount": 1}}, None),
        ({"payment": {"payment_hash": HASH[1:], "amount": 1}}, None),
        ({"payment": {"payment_hash": 7, "amount": 1}}, None),
        ({"payment": [HASH]}, None),
        ({"payment": None}, None),
        ({}, None),
        ([], None),
        ("payment", None),
        (None, None),
    ],
    ids=range(15),
)
def test_a_push_is_a_hash_or_nothing(push: object, expected: str | None) -> None:
    assert read_push(json.dumps(push)) == expected


@pytest.mark.parametrize("push", ["", "{", "\ud800", "[" * 100_000, "NaN"])
def test_a_push_that_is_no_json_is_nothing(push: str) -> None:
    assert read_push(push) is None


@pytest.mark.parametrize(
    ("memo", "tidy"),
    [
        ("2 × Lisbon meetup", "2 × Lisbon meetup"),
        ("  a\n\tb\0c  ", "a b c"),
        ("<script>x</script>", "script x /script"),
        ("", "ticket"),
        ("<>\n", "ticket"),
        ("é" * 400, "é" * 319),
        ("🎟" * 200, "🎟" * 159),
        ("a" * 638 + " b", "a" * 638),
    ],
)
def test_memos_are_made_so_that_every_wallet_keeps_them(memo: str, tidy: str) -> None:
    assert tidy_memo(memo) == tidy
    assert len(tidy.encode()) <= 639
