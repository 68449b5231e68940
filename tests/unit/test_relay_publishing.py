"""Publishing and fetching: each relay's own words, ours and strangers' relays."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from tests.real.relays import (
    ALICE,
    BOT,
    PATIENT,
    AwkwardRelay,
    Raw,
    awkward_relay,
    free_port,
    raw,
    running,
    sealed,
    until,
    wrap,
)
from ticketbot import relays
from ticketbot.domain.nostr import Event
from ticketbot.errors import Broken, Retry
from ticketbot.relays import Ok


async def test_every_relay_answers_in_its_own_words() -> None:
    async with (
        awkward_relay() as good,
        awkward_relay(refuse=lambda event: "blocked: not today") as bad,
        awkward_relay(oks=False) as mute,
        running(good.url, bad.url, mute.url) as rig,
    ):
        await rig.live()
        first, second = wrap(1), wrap(2)
        good.store(raw(second))
        said = await rig.pool.publish(
            [
                (sealed(first), [good.url, bad.url, mute.url]),
                (sealed(second), [good.url]),
            ],
            timeout=1,
        )
        assert said == [
            {good.url: Ok(True, ""), bad.url: Ok(False, "blocked: not today")},
            {good.url: Ok(True, "duplicate: have it")},
        ]
        assert first.id in good.stored


async def test_a_relay_that_calls_a_duplicate_a_failure_has_accepted_it() -> None:
    async with awkward_relay(refuse=lambda event: "duplicate: already have this event") as relay:
        async with running(relay.url) as rig:
            said = await rig.pool.publish([(sealed(wrap(1)), [relay.url])])
            assert said == [{relay.url: Ok(True, "duplicate: already have this event")}]


async def test_a_relay_may_refuse_what_is_dated_back() -> None:
    def too_old(event: Raw) -> str | None:
        return "invalid: timestamp" if event["created_at"] < time.time() - 3600 else None

    async with awkward_relay(refuse=too_old) as relay, running(relay.url) as rig:
        old, new = wrap(1, at=int(time.time()) - 86_400), wrap(2)
        said = await rig.pool.publish([(sealed(old), [relay.url]), (sealed(new), [relay.url])])
        assert said == [{relay.url: Ok(False, "invalid: timestamp")}, {relay.url: Ok(True, "")}]


async def test_answers_are_told_before_the_slowest_relay_has_spoken() -> None:
    told: list[tuple[str, str, Ok]] = []
    async with awkward_relay() as fast, awkward_relay() as slow, running(fast.url, slow.url) as rig:
        await rig.live()
        slow.oks = False
        event = wrap(1)
        batch = [(sealed(event), [fast.url, slow.url])]

        def heard(event_id: str, relay: str, ok: Ok) -> None:
            told.append((event_id, relay, ok))

        publishing = asyncio.create_task(rig.pool.publish(batch, timeout=60, heard=heard))
        await until(lambda: told == [(event.id, fast.url, Ok(True, ""))])
        assert not publishing.done()
        publishing.cancel()


async def test_the_same_event_may_be_published_twice_at_once() -> None:
    async with awkward_relay(delay=0.1) as relay, running(relay.url) as rig:
        batch = [(sealed(wrap(1)), [relay.url])]
        one, other = await asyncio.gather(rig.pool.publish(batch), rig.pool.publish(batch))
        assert one[0][relay.url].accepted
        assert other[0][relay.url].accepted


async def test_a_relay_known_to_be_down_is_not_waited_for() -> None:
    down = f"ws://127.0.0.1:{free_port()}"
    async with running(down) as rig:
        await until(lambda: bool(rig.pool.status()[down].last_error))
        async with asyncio.timeout(5):
            assert await rig.pool.publish([(sealed(wrap(1)), [down])], timeout=60) == [{}]


async def test_a_relay_that_dies_on_the_way_has_said_nothing() -> None:
    async with awkward_relay(oks=False) as relay, running(relay.url) as rig:
        await rig.live()
        relay.oks = False
        publishing = asyncio.create_task(rig.pool.publish([(sealed(wrap(1)), [relay.url])], 60))
        await until(lambda: any(event[1]["kind"] == 1059 for event in relay.said("EVENT")))
        relay.cut()
        async with asyncio.timeout(5):
            assert await publishing == [{}]


async def test_a_publisher_that_comes_too_early_waits_for_the_connection() -> None:
    async with awkward_relay() as relay, running(relay.url) as rig:
        said = await rig.pool.publish([(sealed(wrap(1)), [relay.url])])
        assert said == [{relay.url: Ok(True, "")}]


# strangers


async def test_strangers_are_dialled_when_needed_and_left_when_idle() -> None:
    timing = replace(PATIENT, idle=0.4)
    async with awkward_relay() as stranger, running(timing=timing) as rig:
        for number in range(3):
            said = await rig.pool.publish([(sealed(wrap(number)), [stranger.url])])
            assert said == [{stranger.url: Ok(True, "")}]
        assert stranger.connected == 1
        await until(lambda: not stranger.peers, patience=5)
        assert (await rig.pool.publish([(sealed(wrap(9)), [stranger.url])]))[0]
        assert stranger.connected == 2


async def test_never_more_strangers_at_once_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relays, "MAX_STRANGERS", 3)
    async with AsyncExitStack() as stack:
        strangers = [await stack.enter_async_context(awkward_relay()) for _ in range(8)]
        rig = await stack.enter_async_context(running())
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, sum(len(stranger.peers) for stranger in strangers))
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        urls = [stranger.url for stranger in strangers]
        for stranger in strangers:
            stranger.delay = 0.05
        said = await rig.pool.publish([(sealed(wrap(1)), urls), (sealed(wrap(2)), urls)])
        watching.cancel()
        assert [set(answers) for answers in said] == [set(urls), set(urls)]
        assert all(ok.accepted for answers in said for ok in answers.values())
        assert most == 3


async def test_a_stranger_without_room_in_time_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relays, "MAX_STRANGERS", 1)
    async with awkward_relay(oks=False) as slow, awkward_relay() as other, running() as rig:
        hog = asyncio.create_task(rig.pool.publish([(sealed(wrap(1)), [slow.url])], timeout=60))
        await until(lambda: bool(slow.said("EVENT")))
        assert await rig.pool.publish([(sealed(wrap(2)), [other.url])], timeout=0.3) == [{}]
        assert other.connected == 0
        hog.cancel()


async def test_a_stranger_that_hangs_up_is_dialled_again() -> None:
    async with awkward_relay() as relay, running() as rig:
        batch = [(sealed(wrap(1)), [relay.url])]
        assert (await rig.pool.publish(batch))[0][relay.url].accepted
        relay.cut()
        async with asyncio.timeout(5):
            while not (await rig.pool.publish(batch, timeout=60))[0]:
                pass
        assert relay.connected == 2


async def test_an_unreachable_stranger_is_not_dialled_again_and_again() -> None:
    async with awkward_relay() as relay:
        await relay.stop()
        async with running() as rig:
            batch = [(sealed(wrap(1)), [relay.url])]
            assert await rig.pool.publish(batch) == [{}]
            await relay.start()
            assert await rig.pool.publish(batch) == [{}]
            assert relay.connected == 0


@pytest.mark.parametrize(
    "url", ["ws://127.0.0.1:1", "wss://127.0.0.1", "wss://[::ffff:127.0.0.1]", "https://a.b", "x"]
)
async def test_a_stranger_may_lead_only_to_the_public_internet(url: str) -> None:
    async with awkward_relay() as own, running(own.url, allow_private=False) as rig:
        said = await rig.pool.publish([(sealed(wrap(1)), [url, own.url])])
        assert said[0][own.url] == Ok(True, "")
        assert not said[0][url].accepted
        assert said[0][url].text.startswith("not sent: ")


async def test_our_own_relay_is_known_in_any_spelling() -> None:
    async with awkward_relay() as own, running(own.url, allow_private=False) as rig:
        await rig.live()
        spelled = own.url.upper().replace("WS", "ws") + "/"
        assert (await rig.pool.publish([(sealed(wrap(1)), [spelled])]))[0][spelled].accepted
        assert own.connected == 2


async def test_nothing_runs_before_run() -> None:
    pool = relays.RelayPool([], BOT, asyncio.Queue(), lambda mark: [], {}, allow_private=True)
    assert await pool.publish([(sealed(wrap(1)), ["ws://127.0.0.1:1"])]) == [{}]
    assert pool.deaf


@pytest.mark.parametrize("url", ["relay.example.com", "https://relay.example.com", "wss://"])
def test_a_mistaken_relay_of_ours_is_the_operators_to_mend(url: str) -> None:
    with pytest.raises(Broken, match="ws:// or wss://"):
        relays.RelayPool([url], BOT, asyncio.Queue(), lambda mark: [], {})


# fetching


async def test_fetch_merges_verified_events() -> None:
    events = [wrap(number) for number in range(3)]
    forged = raw(wrap(4)) | {"sig": "11" * 64}
    async with awkward_relay() as one, awkward_relay(copies=2) as other:
        one.store(raw(events[0]), raw(events[1]), forged)
        other.store(raw(events[1]), raw(events[2]), raw(wrap(5, kind=4)))
        async with running(one.url, other.url) as rig:
            found = await rig.pool.fetch([{"kinds": [1059]}])
            assert sorted(found) == sorted(events)
            assert await rig.pool.fetch([{"kinds": [1]}]) == []
            assert len(one.said("REQ")) == 3  # ours and two questions
            await until(lambda: len(one.said("CLOSE")) == 2)


async def test_fetch_may_ask_others() -> None:
    async with awkward_relay() as own, awkward_relay() as other:
        other.store(raw(wrap(1)))
        async with running(own.url) as rig:
            assert await rig.pool.fetch([{"kinds": [1059]}], relays=[other.url]) == [wrap_of(other)]


async def test_fetch_keeps_what_came_in_time() -> None:
    async with awkward_relay(eose="never") as relay:
        relay.store(raw(wrap(1)))
        async with running(relay.url) as rig:
            assert await rig.pool.fetch([{"kinds": [1059]}], timeout=0.5) == [wrap_of(relay)]


async def test_fetch_does_not_take_silence_for_nothing() -> None:
    async with awkward_relay(eose="never") as relay, running(relay.url) as rig:
        with pytest.raises(Retry):
            await rig.pool.fetch([{"kinds": [1059]}], timeout=0.3)
        with pytest.raises(Retry):
            await rig.pool.fetch([{"kinds": [1059]}], relays=["https://not.a.relay"])
        relay.refuse_query = lambda filters: "error: no"
        with pytest.raises(Retry):
            await rig.pool.fetch([{"kinds": [1059]}], timeout=60)


async def test_fetch_lingers_only_a_little_for_the_slow() -> None:
    async with awkward_relay() as fast, awkward_relay(eose="never") as slow:
        fast.store(raw(wrap(1)))
        slow.store(raw(wrap(2)))
        async with running(fast.url, slow.url) as rig:
            async with asyncio.timeout(10):
                found = await rig.pool.fetch([{"kinds": [1059]}], timeout=60, linger=0.5)
            assert {event.content for event in found} == {"letter 1", "letter 2"}


def wrap_of(relay: AwkwardRelay) -> Event:
    """The only event that the relay has."""
    (stored,) = relay.stored.values()
    event = Event(**stored)
    assert event.pubkey == ALICE.pubkey
    return event
