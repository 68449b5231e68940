"""Who watches a door: the counts at once, every change, and an end when the bot stops."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from tests.story.cast import Organizer, Person, Stage
from tests.story.scanner import Scanner, a_secret, at_the_door, free_tickets, opens_soon
from ticketbot.web.api.door import live
from ticketbot.web.app import STOP_SECONDS

WATCHERS = 40


async def test_everybody_sees_every_change(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await opens_soon(organizer, price=None)
    first, second = await free_tickets(alice, "lisbon 2")
    async with at_the_door(stage) as session, AsyncExitStack() as stack:
        scanner = Scanner(session, await a_secret(organizer))
        streams = [await stack.enter_async_context(scanner.watches()) for _ in range(WATCHERS)]
        assert scanner.headers["Content-Type"] == "text/event-stream"
        assert scanner.headers["Cache-Control"] == "no-store"
        for counts in await asyncio.gather(*(one.next() for one in streams)):
            assert counts is not None
            assert counts["total"] == {"admitted": 0, "inside": 0, "left": 0, "sold": 2}
        await scanner.scans("check-in", first, gate="A")
        for counts in await asyncio.gather(*(one.next() for one in streams)):
            assert counts is not None
            assert counts["total"]["inside"] == 1
        await organizer.says(f"checkin {second} gate B")  # by DM, and all the same
        for counts in await asyncio.gather(*(one.next() for one in streams)):
            assert counts is not None
            assert counts["by_gate"]["B"]["admitted"] == 1
            assert alice.pubkey not in str(counts)


async def test_the_stream_ends_when_the_bot_stops(stage: Stage, organizer: Organizer) -> None:
    await opens_soon(organizer, price=None)
    async with at_the_door(stage) as session:
        scanner = Scanner(session, await a_secret(organizer))
        async with scanner.watches() as stream:
            assert await stream.next() is not None
            began = time.monotonic()
            await stage.closes()
            assert await stream.next() is None
            assert time.monotonic() - began < STOP_SECONDS, "it was cut off, and not ended"
    await stage.opens()


async def test_a_stream_ends_with_the_leave_to_see_it(
    stage: Stage, organizer: Organizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    monkeypatch.setattr(live, "LOOK", 0.05)
    await opens_soon(organizer, price=None)
    async with at_the_door(stage) as session:
        scanner = Scanner(session, await a_secret(organizer))
        async with scanner.watches() as stream:
            assert await stream.next() is not None
            assert await stream.line() == b": still here\n"
            await organizer.says("door list lisbon")
            number = (await organizer.hears("One at")).partition("#")[2].split()[0]
            await organizer.says(f"door remove lisbon {number}")
            await organizer.hears("good for nothing")
            assert await stream.next() is None
        await scanner.gets("live")
        assert scanner.status == 401


async def test_a_crowd_of_watchers_is_told_to_come_back(
    stage: Stage, organizer: Organizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_WATCHERS", 1)
    await opens_soon(organizer, price=None)
    async with at_the_door(stage) as session:
        scanner = Scanner(session, await a_secret(organizer))
        async with scanner.watches():
            assert (await scanner.gets("live"))["code"] == "try-later"
            assert scanner.status == 503


async def test_who_has_gone_makes_room(
    stage: Stage, organizer: Organizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose stream broke off is noticed at the next word that is sent to them."""
    monkeypatch.setattr(live, "MOST_WATCHERS", 1)
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    monkeypatch.setattr(live, "LOOK", 0.05)
    await opens_soon(organizer, price=None)
    async with at_the_door(stage) as session:
        scanner = Scanner(session, await a_secret(organizer))
        async with scanner.watches() as stream:
            assert await stream.next() is not None
        async with asyncio.timeout(10):
            while True:
                async with scanner.watches() as stream:
                    if scanner.status == 200:
                        assert await stream.next() is not None
                        return
                await asyncio.sleep(0.05)
