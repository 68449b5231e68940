"""Looking people up: batches, memory, and what of their lists is believed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.real.relays import ALICE, BOT
from ticketbot.domain.nostr import Event
from ticketbot.errors import Retry
from ticketbot.relay.directory import AUTHORS, KNOWN_FOR, UNKNOWN_FOR, Directory, Reach
from ticketbot.relay.guard import Guard

ANN, BEN = ALICE.pubkey, BOT.pubkey


class Shelf:
    """A pool whose relays have exactly these events."""

    def __init__(self, *events: Event) -> None:
        self.guard = Guard([])
        self.events = list(events)
        self.asked: list[dict[str, Any]] = []
        self.broken = False

    async def fetch(
        self,
        filters: list[dict[str, Any]],
        relays: Sequence[str] | None = None,
        timeout: float = 5,
        linger: float | None = None,
    ) -> list[Event]:
        self.asked += filters
        await asyncio.sleep(0.01)
        if self.broken:
            raise Retry
        authors = {author for one in filters for author in one["authors"]}
        return [event for event in self.events if event.pubkey in authors]


def event(
    kind: int, *tags: list[str], author: str = ANN, at: int = 1, name: str = "01", content: str = ""
) -> Event:
    return Event(name * 32, author, at, kind, list(tags), content, "")


def directory(shelf: Shelf, now: list[float] | None = None) -> Directory:
    return Directory(shelf, lambda: (now or [1000.0])[0])


async def reach(*events: Event) -> Reach:
    return (await directory(Shelf(*events)).reach([ANN]))[ANN]


async def test_the_three_lists_are_read() -> None:
    found = await reach(
        event(10050, ["relay", "wss://Inbox.example/"], ["alt", "x"], ["relay"]),
        event(
            10002,
            ["r", "wss://both.example"],
            ["r", "wss://read.example", "read"],
            ["r", "wss://write.example", "write"],
            ["r"],
        ),
        event(0, content='{"name":"Ann","bot":true}'),
    )
    assert found == Reach(
        ("wss://inbox.example",), ("wss://both.example", "wss://read.example"), True
    )


async def test_who_has_published_nothing() -> None:
    assert await reach() == Reach((), (), False)


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"bot":"true"}', '{"bot":false}', "{}"])
async def test_who_is_no_bot(content: str) -> None:
    assert not (await reach(event(0, content=content))).is_bot


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ('{"lud16":"ann@example.com","name":"Ann"}', "ann@example.com"),
        ('{"lud16":" Ann@Example.com ","bot":true}', "ann@example.com"),
        ('{"lud16":""}', None),
        ('{"lud16":"ann"}', None),
        ('{"lud16":"ann@example.com/x"}', None),
        ('{"lud16":"lnurl1dp68gurn8ghj7"}', None),
        ('{"lud16":["ann@example.com"]}', None),
        ('{"lud16":null}', None),
        ('{"lud06":"lnurl1dp68gurn8ghj7"}', None),
        ('["lud16"]', None),
        ("nonsense", None),
    ],
)
async def test_where_somebody_takes_money(content: str, address: str | None) -> None:
    assert (await reach(event(0, content=content))).lud16 == address


async def test_only_relays_that_may_be_dialled_each_once_and_few() -> None:
    bad = ["ws://plain.example", "wss://127.0.0.1", "wss://[::ffff:10.0.0.1]", "nonsense", ""]
    good = [f"wss://relay{number}.example" for number in range(9)]
    urls = [*bad, good[0], good[0] + "/", *good]
    found = await reach(event(10050, *(["relay", url] for url in urls)))
    assert found.dm_relays == tuple(good[:5])


async def test_the_newest_version_counts_and_of_two_the_lowest_id() -> None:
    found = await reach(
        event(10050, ["relay", "wss://old.example"], at=1, name="00"),
        event(10050, ["relay", "wss://higher.example"], at=2, name="03"),
        event(10050, ["relay", "wss://lower.example"], at=2, name="02"),
    )
    assert found.dm_relays == ("wss://lower.example",)


async def test_a_newer_empty_list_means_no_relays() -> None:
    found = await reach(event(10050, ["relay", "wss://old.example"], at=1), event(10050, at=2))
    assert found.dm_relays == ()


async def test_a_hundred_people_are_one_question() -> None:
    people = [f"{number:064x}" for number in range(AUTHORS + 1)]
    shelf = Shelf()
    found = await directory(shelf).reach([*people, *people])
    assert list(found) == people
    assert [len(one["authors"]) for one in shelf.asked] == [100, 1]
    assert shelf.asked[0]["kinds"] == [0, 10002, 10050]


async def test_who_asks_while_others_wait_shares_their_question() -> None:
    people = [f"{number:064x}" for number in range(150)]
    shelf = Shelf(event(10050, ["relay", "wss://a.example"], author=people[149]))
    desk = directory(shelf)
    found = await asyncio.gather(*(desk.reach([person]) for person in people))
    assert [len(one["authors"]) for one in shelf.asked] == [1, 100, 49]
    assert found[149] == {people[149]: Reach(("wss://a.example",))}


async def test_answers_are_remembered_for_a_while() -> None:
    now = [1000.0]
    shelf = Shelf(event(10050, ["relay", "wss://a.example"]))
    desk = directory(shelf, now)
    await desk.reach([ANN, BEN])
    now[0] += UNKNOWN_FOR - 1
    await desk.reach([ANN, BEN])
    assert len(shelf.asked) == 1
    now[0] += 2
    await desk.reach([ANN, BEN])
    assert [one["authors"] for one in shelf.asked] == [[ANN, BEN], [BEN]]
    now[0] += KNOWN_FOR
    shelf.events = []
    assert (await desk.reach([ANN]))[ANN] == Reach()


async def test_when_nobody_answers_nothing_is_remembered() -> None:
    shelf = Shelf(event(10050, ["relay", "wss://a.example"]))
    shelf.broken = True
    desk = directory(shelf)
    results = await asyncio.gather(
        *(desk.reach([person]) for person in (ANN, BEN, "0c" * 32)), return_exceptions=True
    )
    assert all(isinstance(result, Retry) for result in results)
    assert len(shelf.asked) <= 2  # those who waited behind a failure have failed with it
    shelf.broken = False
    assert (await desk.reach([ANN]))[ANN].dm_relays == ("wss://a.example",)


async def test_a_caller_who_gives_up_does_not_harm_those_behind() -> None:
    shelf = Shelf(event(10050, ["relay", "wss://a.example"], author=BEN))
    desk = directory(shelf)
    first = asyncio.create_task(desk.reach([ANN]))
    second = asyncio.create_task(desk.reach([ANN, BEN]))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second)[BEN].dm_relays == ("wss://a.example",)
