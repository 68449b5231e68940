"""The small parts of the relay room: waiting, filters, memory, pages."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import orjson
import pytest

from tests.real.relays import ALICE, BOT, wrap
from ticketbot.domain.nostr import Event
from ticketbot.relay.backoff import Backoff
from ticketbot.relay.filters import Wanted
from ticketbot.relay.funnel import Funnel, Seen
from ticketbot.relay.subscription import FULL_PAGE, MAX_PAGES, Subscription
from ticketbot.relay.terms import Caught, Timing

# waiting


def test_delays_double_up_to_the_cap_and_never_fall_below_the_floor() -> None:
    backoff = Backoff(Timing(), random.Random(1))
    delays = [backoff.after(0) for _ in range(100)]
    for attempt, delay in enumerate(delays):
        ceiling = min(60, 2.0**attempt)
        assert max(0.5, ceiling / 2) <= delay <= ceiling
    assert len(set(delays[10:])) == 90


def test_a_stable_minute_starts_the_backoff_anew() -> None:
    backoff = Backoff(Timing())
    for _ in range(10):
        backoff.after(59)
    assert backoff.after(59) >= 30
    assert backoff.after(60) <= 1


# filters

EVENT = Event("01" * 32, "0a" * 32, 1000, 1059, [["p", "0b" * 32], ["t"], ["e", "x"]], "", "")


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"kinds": [4, 1059]},
        {"authors": ["0a" * 32]},
        {"ids": ["01" * 32]},
        {"#p": ["0c" * 32, "0b" * 32]},
        {"#p": ["0b" * 32], "#e": ["x"], "kinds": [1059]},
        {"since": 2000, "until": 10, "limit": 1},
    ],
)
def test_a_filter_that_fits(source: dict[str, Any]) -> None:
    assert Wanted(source).fits(EVENT)


@pytest.mark.parametrize(
    "source",
    [
        {"kinds": [4]},
        {"kinds": []},
        {"authors": ["0b" * 32]},
        {"ids": ["02" * 32]},
        {"#p": ["0a" * 32]},
        {"#t": [""]},
        {"#p": ["0b" * 32], "#e": ["y"]},
    ],
)
def test_a_filter_that_does_not_fit(source: dict[str, Any]) -> None:
    assert not Wanted(source).fits(EVENT)


# memory


def test_memory_is_bounded_and_keeps_what_is_met_again() -> None:
    seen = Seen(10)
    names = [f"{number:064x}" for number in range(100)]
    for name in names:
        seen.add(name)
        assert names[0] in seen
    assert names[-1] in seen
    assert names[50] not in seen
    assert sum(name in seen for name in names) <= 20


async def test_each_event_is_handed_on_once_and_waits_for_room() -> None:
    inbox: asyncio.Queue[Event | Caught] = asyncio.Queue(1)
    funnel = Funnel(inbox)
    first, second = wrap(1), wrap(2)
    began = asyncio.get_running_loop().time()
    assert await funnel.hand_on(first)
    assert not await funnel.hand_on(first)
    assert not funnel.stalled_since(began)
    copies = [asyncio.create_task(funnel.hand_on(second)) for _ in range(3)]
    await asyncio.sleep(0)
    assert funnel.stalled_since(asyncio.get_running_loop().time())
    assert not funnel.knows(second.id)
    assert await inbox.get() == first
    assert sorted(await asyncio.gather(*copies)) == [False, False, True]
    assert funnel.knows(second.id)
    assert funnel.stalled_since(began)


async def test_an_event_whose_wait_was_cancelled_may_come_again() -> None:
    inbox: asyncio.Queue[Event | Caught] = asyncio.Queue(1)
    funnel = Funnel(inbox)
    await funnel.hand_on(wrap(1))
    waiting = asyncio.create_task(funnel.hand_on(wrap(2)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not funnel.knows(wrap(2).id)
    await inbox.get()
    assert await funnel.hand_on(wrap(2))


# pages


def pages(frames: list[bytes]) -> list[Any]:
    return [orjson.loads(one) for one in frames]


def at(moment: int, kind: int = 1059) -> Event:
    return Event("01" * 32, ALICE.pubkey, moment, kind, [["p", BOT.pubkey]], "", "")


def full_page(subscription: Subscription, name: str, newest: int, kind: int = 1059) -> None:
    for number in range(FULL_PAGE):
        assert subscription.note(name, at(newest - number, kind))


WRAPS = {"kinds": [1059], "since": 500}
NOTES = {"kinds": [31923]}


def test_a_short_answer_is_the_whole_answer() -> None:
    subscription = Subscription("a", [WRAPS, NOTES], 7)
    assert orjson.loads(subscription.request()) == ["REQ", "a", WRAPS, NOTES]
    assert subscription.note("a", at(1000))
    assert not subscription.note("a", at(1000, kind=1))
    assert subscription.ended("b") == []
    assert not subscription.live
    assert subscription.ended("a") == []
    assert subscription.live


def test_a_full_page_asks_on_from_its_oldest_event_for_that_filter_only() -> None:
    subscription = Subscription("a", [WRAPS, NOTES], 7)
    full_page(subscription, "a", 1000)
    subscription.note("a", at(10, kind=31923))
    oldest = 1000 - FULL_PAGE + 1
    assert pages(subscription.ended("a")) == [["REQ", "a.1", WRAPS | {"until": oldest}]]
    assert subscription.owns("a")
    assert subscription.owns("a.1")
    subscription.note("a", at(600))  # new, and no part of the page
    subscription.note("a.1", at(oldest))
    assert pages(subscription.ended("a.1")) == [["CLOSE", "a.1"]]
    assert subscription.live


def test_a_page_of_one_second_is_passed() -> None:
    subscription = Subscription("a", [WRAPS], 7)
    for _ in range(FULL_PAGE):
        subscription.note("a", at(1000))
    assert pages(subscription.ended("a"))[0][2]["until"] == 1000
    for _ in range(FULL_PAGE):
        subscription.note("a.1", at(1000))
    close, again = pages(subscription.ended("a.1"))
    assert close == ["CLOSE", "a.1"]
    assert again == ["REQ", "a.2", WRAPS | {"until": 999}]


def test_nothing_is_asked_for_before_since_nor_past_a_limit() -> None:
    subscription = Subscription("a", [WRAPS, NOTES | {"limit": FULL_PAGE}], 7)
    full_page(subscription, "a", 510)
    full_page(subscription, "a", 900, kind=31923)
    assert subscription.ended("a") == []
    assert subscription.live


def test_a_relay_that_never_runs_out_of_pages_is_stopped() -> None:
    subscription = Subscription("a", [NOTES], 7)
    name, newest = "a", 10**9
    for number in range(1, MAX_PAGES):
        full_page(subscription, name, newest, kind=31923)
        newest -= FULL_PAGE
        assert subscription.ended(name)
        name = f"a.{number}"
    full_page(subscription, name, newest, kind=31923)
    subscription.ended(name)
    assert subscription.live


def test_an_event_of_the_past_is_still_ours() -> None:
    subscription = Subscription("a", [WRAPS], 7)
    assert subscription.note("a", at(1))
