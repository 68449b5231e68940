"""Stalls, silence, floods and frames that are too big."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.real.relays import (
    PATIENT,
    Raw,
    awkward_relay,
    raw,
    running,
    sealed,
    until,
    wrap,
)
from ticketbot.domain.nostr import Event
from ticketbot.relay.dial import Dialer
from ticketbot.relay.guard import Guard
from ticketbot.relay.line import Line
from ticketbot.relay.link import Link, LinkLost
from ticketbot.relay.terms import Counts
from ticketbot.relays import Caught

STALL = 1.5
IMPATIENT = replace(PATIENT, ping_every=0.5, ping_patience=0.4, eose_patience=0.4)


@pytest.fixture(scope="module")
def burst() -> list[Event]:
    now = int(time.time())
    return [wrap(number, at=now - number % 5000) for number in range(6000)]


async def test_a_stalled_consumer_loses_nothing_of_a_live_burst(burst: list[Event]) -> None:
    async with awkward_relay() as relay, running(relay.url, timing=IMPATIENT, size=64) as rig:
        await rig.live()
        connections = relay.connected
        flood = asyncio.create_task(relay.broadcast(*map(raw, burst)))
        await until(rig.inbox.full)
        await asyncio.sleep(STALL)
        found = await rig.events(6000)
        await flood
        assert {event.id for event in found} == {event.id for event in burst}
        assert relay.connected == connections
        assert rig.pool.status()[relay.url].hearing != "deaf"


async def test_a_stalled_consumer_loses_nothing_when_the_relay_gives_up(burst: list[Event]) -> None:
    async with awkward_relay(limit=10_000, ping_interval=0.3, ping_timeout=0.3) as relay:
        relay.store(*map(raw, burst))
        async with running(relay.url, timing=IMPATIENT, size=64) as rig:
            await until(rig.inbox.full)
            connections = relay.connected
            await asyncio.sleep(STALL)
            found: set[str] = set()
            async with asyncio.timeout(60):
                while not isinstance(item := await rig.inbox.get(), Caught):
                    found.add(item.id)
            assert found == {event.id for event in burst}
            assert relay.connected > connections


async def test_answers_do_not_queue_behind_events_that_wait() -> None:
    async with awkward_relay() as relay, running(relay.url, size=1) as rig:
        await rig.live()
        await relay.broadcast(*(raw(wrap(number)) for number in range(200)))
        await until(rig.inbox.full)
        letter = wrap(1, kind=4)
        said = await rig.pool.publish([(sealed(letter), [relay.url])], timeout=5)
        assert said[0][relay.url].accepted
        assert rig.inbox.full()


async def test_a_half_open_peer_is_noticed_on_both_connections() -> None:
    async with awkward_relay() as relay, running(relay.url, timing=IMPATIENT) as rig:
        await rig.live()
        relay.freeze()
        await until(lambda: relay.connected == 4)
        await rig.live()
        await relay.broadcast(raw(wrap(1)))
        assert (await rig.events(1))[0].content == "letter 1"


async def test_a_peer_that_answers_pings_is_kept() -> None:
    async with awkward_relay() as relay, running(relay.url, timing=IMPATIENT) as rig:
        await rig.live()
        await asyncio.sleep(2)
        assert relay.connected == 2


async def test_a_frame_over_the_limit_costs_one_connection() -> None:
    async with awkward_relay() as relay, running(relay.url, max_frame=10_000) as rig:
        await rig.live()
        await relay.tell("x" * 20_000)
        await until(lambda: relay.connected == 4)
        await rig.live()
        assert rig.pool.status()[relay.url].counts.oversized == 1
        await relay.broadcast(raw(wrap(1)))
        assert (await rig.events(1))[0].content == "letter 1"


async def test_a_stored_event_over_the_limit_does_not_hide_those_behind_it() -> None:
    now = int(time.time())
    poison = raw(wrap(0, at=now)) | {"content": "x" * 60_000}
    async with awkward_relay() as relay:
        relay.store(poison, raw(wrap(1, at=now - 10)))
        async with running(relay.url, max_frame=10_000) as rig:
            assert (await rig.events(1))[0].content == "letter 1"
            await rig.live()
            counts = rig.pool.status()[relay.url].counts
            assert counts.connects == 3  # 10 kB, 40 kB, 160 kB
            assert counts.oversized == 3


async def test_an_endless_frame_is_never_read() -> None:
    async with awkward_relay() as relay, running(relay.url, max_frame=1000) as rig:
        await rig.live()
        relay.greeting.append("x" * 64_001)  # 32 times the limit is the most that is ever read
        relay.cut()
        await until(lambda: rig.pool.status()[relay.url].counts.oversized >= 5)
        assert not rig.task.done()
        relay.greeting.clear()
        await rig.live()


async def test_one_line_in_the_log_for_each_change_not_for_each_attempt() -> None:
    timing = replace(PATIENT, backoff_floor=0.01, backoff_cap=0.02)
    with socket.socket() as nobody, capture_logs() as logs:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        url = f"ws://127.0.0.1:{nobody.getsockname()[1]}"
        async with running(url, timing=timing) as rig:
            await until(lambda: len(logs) >= 2)
            await asyncio.sleep(0.3)  # a dozen attempts
            assert rig.pool.deaf
    assert [(line["event"], line["relay"]) for line in logs] == [("relay.down", url)] * 2
    assert {line["line"] for line in logs} == {"subscribe", "publish"}
    assert all(line["error"] for line in logs)


async def test_cancelling_closes_every_socket_at_once() -> None:
    async with awkward_relay() as polite, awkward_relay() as frozen, awkward_relay() as stranger:
        async with running(polite.url, frozen.url) as rig:
            await rig.live()
            await rig.pool.publish([(sealed(wrap(1)), [stranger.url])])
            frozen.freeze()
            began = time.monotonic()
            rig.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await rig.task
            assert time.monotonic() - began < 2
        await until(lambda: not polite.peers and not stranger.peers)


async def test_cancelling_ends_a_pool_whose_inbox_is_full() -> None:
    async with awkward_relay() as relay:
        relay.store(*(raw(wrap(number)) for number in range(50)))
        async with running(relay.url, size=1) as rig:
            await until(rig.inbox.full)
            rig.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                async with asyncio.timeout(2):
                    await rig.task


async def test_a_cancellation_is_obeyed_though_the_link_is_lost_in_the_same_moment() -> None:
    class Leaving:
        def __init__(self, link: Link) -> None:
            self.link = link

        def tasks(self) -> list[Coroutine[Any, Any, None]]:
            return [self.leave()]

        def close(self) -> None:
            pass

        async def leave(self) -> None:
            keeping.cancel()
            raise LinkLost("just now")

    async with awkward_relay() as relay:
        dialer = Dialer(Guard([relay.url]), PATIENT)
        line = Line(relay.url, "test", dialer, PATIENT, 1000, Counts())
        keeping = asyncio.create_task(line.keep(Leaving))
        await asyncio.wait([keeping], timeout=2)
        assert keeping.cancelled()
        assert relay.connected == 1


async def test_a_bug_ends_the_pool_loudly() -> None:
    def broken(mark: int | None) -> list[Raw]:
        raise ZeroDivisionError

    async with awkward_relay() as relay:
        with pytest.raises(ExceptionGroup) as caught:
            async with running(relay.url, filters=broken) as rig:
                await until(rig.task.done, patience=5)
        assert caught.group_contains(ZeroDivisionError)
        await until(lambda: not relay.peers)
