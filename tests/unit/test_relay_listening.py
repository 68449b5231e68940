"""Subscribing: what a pool hears from relays that behave, and from relays that do not."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from tests.real.relays import (
    ALICE,
    BOT,
    PATIENT,
    AwkwardRelay,
    Raw,
    awkward_relay,
    raw,
    running,
    to_bot,
    until,
    wrap,
)
from ticketbot.domain.nostr import Event
from ticketbot.relays import Caught, RelayPool


async def test_stored_events_then_the_mark_then_live_ones() -> None:
    async with awkward_relay() as relay:
        relay.store(raw(wrap(1)), raw(wrap(2)))
        async with running(relay.url, clock=lambda: 1_000_000.7) as rig:
            await rig.live()
            await relay.broadcast(raw(wrap(3)))
            items = [await rig.inbox.get() for _ in range(4)]
            assert {item.id for item in items[:2] if isinstance(item, Event)} == set(relay.stored)
            assert items[2] == Caught(relay.url, 1_000_000)
            assert isinstance(items[3], Event)
            assert items[3].content == "letter 3"


async def test_the_mark_is_the_time_before_the_question() -> None:
    now = [100.0]
    async with awkward_relay(delay=0.3) as relay, running(relay.url, clock=lambda: now[0]) as rig:
        await until(lambda: bool(relay.said("REQ")))
        now[0] = 200.0
        assert (await rig.caught()).at == 100


async def test_every_connection_asks_with_the_mark_of_the_last() -> None:
    asked: list[int | None] = []

    def filters(mark: int | None) -> list[Raw]:
        asked.append(mark)
        return to_bot(mark)

    async with awkward_relay() as relay, awkward_relay() as other:
        marks = {relay.url: 777}
        async with running(relay.url, other.url, filters=filters, marks=marks) as rig:
            await rig.live()
            assert sorted(asked, key=lambda mark: mark or 0) == [None, 777]
            caught = rig.pool.status()[relay.url].eose_at
            assert caught is not None
            assert caught > 777
            relay.cut()
            await until(lambda: len(asked) == 3)
            await rig.live()
        assert asked[2] == caught
        since = [message[2]["since"] for message in relay.said("REQ")]
        assert since == [777 - 49 * 3600, caught - 49 * 3600]
        assert marks[relay.url] >= caught


async def test_marks_may_be_put_in_until_it_runs() -> None:
    marks: dict[str, int] = {}
    async with awkward_relay() as relay:
        pool = RelayPool([relay.url], BOT, asyncio.Queue(), to_bot, marks, timing=PATIENT)
        marks[relay.url] = 777_777
        task = asyncio.create_task(pool.run())
        await until(lambda: pool.status()[relay.url].live)
        task.cancel()
        await asyncio.wait([task])
        assert relay.said("REQ")[0][2]["since"] == 777_777 - 49 * 3600
        assert marks[relay.url] > 777_777


async def test_each_relay_has_its_own_connection_for_publishing() -> None:
    async with awkward_relay() as relay, running(relay.url) as rig:
        await rig.live()
        await until(lambda: bool(relay.said("EVENT")))
        asking = {number for number, message in relay.received if message[0] == "REQ"}
        publishing = {number for number, message in relay.received if message[0] == "EVENT"}
        assert relay.connected == 2
        assert asking.isdisjoint(publishing)


async def test_it_reconnects_when_the_relay_comes_back_on_the_same_port() -> None:
    async with awkward_relay() as relay, running(relay.url) as rig:
        await rig.live()
        await relay.stop()
        await until(lambda: not rig.pool.status()[relay.url].connected)
        assert rig.pool.deaf
        relay.store(raw(wrap(1)))
        await relay.start()
        assert (await rig.events(1))[0].content == "letter 1"
        await rig.live()
        assert not rig.pool.deaf
        assert rig.pool.status()[relay.url].last_error == ""


@pytest.mark.parametrize(
    "reason", ["error: shutting down", "blocked: no", "restricted: no", "rate-limited: slow", ""]
)
async def test_a_closed_subscription_is_asked_for_again(reason: str) -> None:
    refusals = iter([reason, reason, reason])
    async with awkward_relay(refuse_query=lambda filters: next(refusals, None)) as relay:
        relay.store(raw(wrap(1)))
        async with running(relay.url) as rig:
            assert (await rig.events(1))[0].content == "letter 1"
            await rig.live()
            assert relay.connected == 2
            assert len(relay.said("REQ")) == 4


async def test_a_subscription_closed_while_live_is_asked_for_again() -> None:
    async with awkward_relay() as relay, running(relay.url) as rig:
        await rig.live()
        name = relay.said("REQ")[-1][1]
        for queries in relay.peers.values():
            queries.clear()
        await relay.tell(f'["CLOSED","{name}","error: out of memory"]')
        await until(lambda: len(relay.said("REQ")) == 2)
        await rig.live()
        await relay.broadcast(raw(wrap(5)))
        assert (await rig.events(1))[0].content == "letter 5"


async def test_a_relay_that_was_heard_and_then_closes_for_good_is_not_heard() -> None:
    async with awkward_relay() as relay, running(relay.url) as rig:
        await rig.live()
        await until(lambda: rig.pool.status()[relay.url].hearing == "heard")
        assert not rig.pool.deaf
        relay.refuse_query = lambda filters: "restricted: members only"
        await relay.tell(f'["CLOSED","{relay.said("REQ")[-1][1]}","restricted: members only"]')
        await until(lambda: len(relay.said("REQ")) >= 3)
        assert rig.pool.deaf


async def test_a_relay_that_always_closes_is_not_asked_in_a_hot_loop() -> None:
    timing = replace(PATIENT, backoff_floor=0.1, backoff_cap=0.2)
    async with awkward_relay(refuse_query=lambda filters: "blocked: never") as relay:
        async with running(relay.url, timing=timing) as rig:
            await asyncio.sleep(1)
            assert 2 <= len(relay.said("REQ")) <= 11
            status = rig.pool.status()[relay.url]
            assert status.connected
            assert not status.live
            assert status.last_error == "closed: blocked: never"
            assert rig.pool.deaf


async def test_a_relay_that_dislikes_the_echo_is_asked_without_it() -> None:
    def refuse(filters: list[Raw]) -> str | None:
        return "unsupported: kind" if any(26177 in one["kinds"] for one in filters) else None

    async with awkward_relay(refuse_query=refuse) as relay, running(relay.url) as rig:
        await rig.live()
        assert rig.pool.status()[relay.url].hearing == "unknown"
        assert not rig.pool.deaf


async def test_eose_before_the_stored_events_loses_none() -> None:
    async with awkward_relay(eose="early") as relay:
        relay.store(*(raw(wrap(number)) for number in range(20)))
        async with running(relay.url) as rig:
            assert len(await rig.events(20)) == 20


async def test_without_eose_events_still_come_and_nothing_is_called_caught() -> None:
    timing = replace(PATIENT, eose_patience=0.3)
    async with awkward_relay(eose="never") as relay:
        relay.store(raw(wrap(1)))
        async with running(relay.url, timing=timing) as rig:
            assert len(await rig.events(1)) == 1
            await until(lambda: len(relay.said("REQ")) >= 3)
            assert relay.connected == 2
            assert rig.inbox.empty()
            status = rig.pool.status()[relay.url]
            assert status.last_error == "its stored events never ended"
            # Its echoes come back all the same, so what is new is heard.
            await until(lambda: not rig.pool.deaf)


async def test_copies_and_disorder_are_handed_on_once() -> None:
    async with (
        awkward_relay(copies=3, oldest_first=True) as one,
        awkward_relay(copies=2) as other,
    ):
        events = [wrap(number) for number in range(30)]
        for relay in (one, other):
            relay.store(*map(raw, events))
        async with running(one.url, other.url) as rig:
            await rig.live()
            found = await rig.events(30)
            assert {event.id for event in found} == {event.id for event in events}
            await asyncio.sleep(0.1)
            assert not [item for item in _drain(rig.inbox) if isinstance(item, Event)]


async def test_a_bad_copy_first_does_not_censor_the_good_one() -> None:
    good = wrap(1)
    bad = raw(good) | {"sig": "00" * 64}
    changed = raw(good) | {"content": "something else"}
    async with awkward_relay() as liar, awkward_relay() as honest:
        liar.store(bad)
        async with running(liar.url, honest.url) as rig:
            await rig.live()
            await liar.broadcast(changed)
            await until(lambda: rig.pool.status()[liar.url].counts.forged == 2)
            await honest.broadcast(raw(good))
            assert await rig.events(1) == [good]


async def test_what_was_not_asked_for_is_dropped_and_counted() -> None:
    async with awkward_relay() as relay, running(relay.url) as rig:
        await rig.live()
        name = relay.said("REQ")[-1][1]
        for event in (
            wrap(1, kind=1),
            ALICE.sign_event(int(time.time()), 1059, [["p", ALICE.pubkey]], "for somebody else"),
        ):
            await relay.tell(_frame(name, raw(event)))
        await until(lambda: rig.pool.status()[relay.url].counts.unasked == 2)
        await relay.broadcast(raw(wrap(2)))
        assert (await rig.events(1))[0].content == "letter 2"


async def test_rubbish_is_tolerated_and_counted() -> None:
    rubbish: list[bytes | str] = [
        "",
        "not json",
        "{}",
        "[]",
        "[1,2]",
        '["EVENT"]',
        '["EVENT","t1",{"id":3}]',
        '["EVENT","t1",[]]',
        '["OK"]',
        "[" * 5000,
        b'["NOTICE","\xff"]',
        '["EVENT","t1",' + str(raw(wrap(1, kind=1))).replace("'", '"') + ',"more"]',
    ]
    async with awkward_relay(greeting=rubbish) as relay, running(relay.url) as rig:
        await rig.live()
        assert relay.connected == 2
        assert rig.pool.status()[relay.url].counts.malformed == len(rubbish)
        await relay.broadcast(raw(wrap(2)))
        assert (await rig.events(1))[0].content == "letter 2"


async def test_refilter_asks_anew_on_the_live_connection() -> None:
    kinds = [1059]

    def filters(mark: int | None) -> list[Raw]:
        return [{"kinds": list(kinds), "#p": [BOT.pubkey]}]

    async with awkward_relay() as relay:
        relay.store(raw(wrap(1, kind=4)))
        async with running(relay.url, filters=filters) as rig:
            await rig.live()
            kinds.append(4)
            rig.pool.refilter()
            assert (await rig.events(1))[0].kind == 4
            assert relay.connected == 2
            await until(lambda: len(relay.said("CLOSE")) == 1)
            verbs = [verb for _, (verb, *_) in relay.received if verb in ("REQ", "CLOSE")]
            assert verbs == ["REQ", "REQ", "CLOSE"]  # never without a subscription
            assert relay.said("CLOSE")[0][1] == relay.said("REQ")[0][1]


async def test_a_late_eose_of_the_old_question_marks_nothing() -> None:
    now = [100.0]
    async with awkward_relay(eose="never") as relay:
        async with running(relay.url, clock=lambda: now[0]) as rig:
            await until(lambda: len(relay.said("REQ")) == 1)
            now[0] = 200.0
            rig.pool.refilter()
            await until(lambda: len(relay.said("REQ")) == 2)
            await relay.tell('["EOSE","t1"]')
            await asyncio.sleep(0.1)
            assert rig.inbox.empty()
            await relay.tell('["EOSE","t2"]')
            assert (await rig.caught()).at == 200


async def test_pages_back_when_a_relay_caps_what_it_returns() -> None:
    now = int(time.time())
    events = [wrap(number, at=now - number // 3) for number in range(700)]
    async with awkward_relay(limit=150) as relay:
        relay.store(*map(raw, events))
        async with running(relay.url) as rig:
            items: list[Event | Caught] = []
            async with asyncio.timeout(30):
                while not items or not isinstance(items[-1], Caught):
                    items.append(await rig.inbox.get())
            assert {item.id for item in items[:-1] if isinstance(item, Event)} == {
                event.id for event in events
            }


async def test_no_connection_at_all_is_only_a_status(unused: AwkwardRelay) -> None:
    urls = (unused.url, "ws://no-such-relay.invalid")
    async with running(*urls) as rig:
        await until(lambda: all(status.last_error for status in rig.pool.status().values()))
        assert rig.pool.deaf
        assert not rig.task.done()


@pytest.fixture
async def unused() -> AwkwardRelay:
    """A relay that never starts."""
    relay = AwkwardRelay()
    await relay.start()
    await relay.stop()
    return relay


def _frame(name: str, event: Raw) -> bytes:
    import orjson

    return orjson.dumps(["EVENT", name, event])


def _drain(inbox: asyncio.Queue[Event | Caught]) -> list[Event | Caught]:
    return [inbox.get_nowait() for _ in range(inbox.qsize())]
