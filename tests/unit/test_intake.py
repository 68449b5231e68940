"""What waits for the engine: bounded, and in which order."""

from __future__ import annotations

import asyncio
import random

import pytest

from ticketbot.domain.nostr import Event
from ticketbot.intake import Inbox
from ticketbot.relays import Caught


def letter(content: str, kind: int = 1059) -> Event:
    return Event("0" * 64, "a" * 64, 1_900_000_000, kind, [["p", "b" * 64]], content, "0" * 128)


def says_vip(event: Event) -> bool:
    return event.content.startswith("vip")


def drain(inbox: Inbox) -> list[str]:
    found = []
    while not inbox.empty():
        item = inbox.get_nowait()
        found.append(item.content if isinstance(item, Event) else item.relay)
    return found


def test_the_oldest_first_but_those_who_go_first_before_all() -> None:
    inbox = Inbox(says_vip)
    for content in ("1", "2", "vip 1", "3", "vip 2"):
        inbox.put_nowait(letter(content))
    assert inbox.qsize() == 5
    assert drain(inbox) == ["vip 1", "vip 2", "1", "2", "3"]


def test_a_mark_comes_after_all_that_was_there_before_it() -> None:
    inbox = Inbox(says_vip)
    inbox.put_nowait(letter("1"))
    inbox.put_nowait(letter("vip 1"))
    inbox.put_nowait(Caught("wss://relay", 1_900_000_000))
    inbox.put_nowait(letter("vip 2"))
    inbox.put_nowait(letter("2"))
    assert drain(inbox) == ["vip 1", "vip 2", "1", "wss://relay", "2"]


def test_full_by_number_and_by_size() -> None:
    inbox = Inbox(says_vip, most=3)
    for _ in range(3):
        assert not inbox.full()
        inbox.put_nowait(letter("1"))
    assert inbox.full()
    with pytest.raises(asyncio.QueueFull):
        inbox.put_nowait(letter("vip"))
    inbox.get_nowait()
    assert not inbox.full()

    inbox = Inbox(says_vip, most_bytes=100_000)
    sizes = 0
    while not inbox.full():
        inbox.put_nowait(letter("x" * 30_000))
        sizes += 1
    assert sizes == 4
    inbox.get_nowait()
    assert not inbox.full()


def test_long_tags_weigh_as_much_as_long_texts() -> None:
    inbox = Inbox(says_vip, most_bytes=5000)
    inbox.put_nowait(letter("x")._replace(tags=[["e", "y" * 5000]]))
    assert inbox.full()
    drain(inbox)
    assert not inbox.full()
    inbox.put_nowait(letter("x")._replace(tags=[["e"]] * 100))
    assert inbox.full()


async def test_many_writers_wait_and_lose_nothing() -> None:
    inbox = Inbox(says_vip, most=8, most_bytes=5000)
    order = random.Random(7)
    texts = [
        f"{'vip' if order.random() < 0.3 else ''} {n} {'x' * order.randrange(500)}"
        for n in range(600)
    ]

    async def writer(share: list[str]) -> None:
        for text in share:
            await inbox.put(letter(text))

    writers = [asyncio.create_task(writer(texts[at::20])) for at in range(20)]
    found = []
    async with asyncio.timeout(10):
        while len(found) < len(texts):
            item = await inbox.get()
            assert isinstance(item, Event)
            assert inbox.qsize() <= 8
            found.append(item.content)
    await asyncio.gather(*writers)
    assert sorted(found) == sorted(texts)
    assert inbox.empty()


async def test_a_writer_who_gives_up_takes_nobody_along() -> None:
    inbox = Inbox(says_vip, most=1)
    inbox.put_nowait(letter("1"))
    gone, stays = (asyncio.create_task(inbox.put(letter(text))) for text in ("gone", "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    assert isinstance(await inbox.get(), Event)
    await stays
    assert drain(inbox) == ["stays"]
