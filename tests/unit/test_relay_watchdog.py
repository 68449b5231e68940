"""The deafness watchdog: who is heard, who is deaf, and of whom it cannot be told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from structlog.testing import capture_logs

from tests.real.relays import PATIENT, awkward_relay, raw, running, until, wrap
from ticketbot.relay.terms import Ok
from ticketbot.relay.watch import VAIN_RECONNECTS, Watch, is_policy

ALERT = replace(PATIENT, echo_every=0.2, echo_patience=0.3)


async def test_a_relay_that_echoes_is_heard_and_its_latency_known() -> None:
    async with awkward_relay() as relay, running(relay.url) as rig:
        await until(lambda: rig.pool.status()[relay.url].hearing == "heard")
        latency = rig.pool.status()[relay.url].latency
        assert latency is not None
        assert 0 < latency < 10
        assert not rig.pool.deaf
        # The echo is ours alone.
        await rig.caught()
        assert rig.inbox.empty()


async def test_a_relay_that_takes_and_does_not_give_is_reconnected_and_called_deaf() -> None:
    async with awkward_relay() as deaf, awkward_relay() as good:
        with capture_logs() as logs:
            async with running(deaf.url, good.url, timing=ALERT) as rig:
                await until(lambda: rig.pool.status()[deaf.url].hearing == "heard")
                deaf.delivers = False
                await until(lambda: rig.pool.status()[deaf.url].deaf)
                await until(lambda: deaf.connected >= 6)  # both connections, again and again
                assert rig.pool.status()[deaf.url].deaf
                assert not rig.pool.deaf
                assert good.connected == 2
                good.delivers = False
                await until(lambda: rig.pool.deaf)
                deaf.delivers = True
                await until(lambda: not rig.pool.deaf)
                assert rig.pool.status()[deaf.url].hearing == "heard"
    changes = [line["event"] for line in logs if line["relay"] == deaf.url]
    assert changes.count("relay.deaf") == 1
    assert changes.count("relay.heard") == 1


async def test_a_relay_that_refuses_the_echo_is_unknown_not_deaf() -> None:
    async with awkward_relay(refuse=lambda event: "blocked: kind") as relay:
        async with running(relay.url, timing=ALERT) as rig:
            await until(lambda: len(relay.said("EVENT")) >= 4)
            status = rig.pool.status()[relay.url]
            assert status.hearing == "unknown"
            assert not rig.pool.deaf
            assert relay.connected == 2


async def test_nobody_was_listening_means_deaf() -> None:
    async with awkward_relay(refuse=lambda event: "mute: no one was listening") as relay:
        async with running(relay.url, timing=ALERT) as rig:
            await until(lambda: rig.pool.status()[relay.url].deaf)


async def test_a_relay_that_never_echoes_is_not_called_deaf_for_ever() -> None:
    timing = replace(ALERT, echo_patience=0.1)
    async with awkward_relay(echoes=False) as relay, running(relay.url, timing=timing) as rig:
        await until(lambda: rig.pool.status()[relay.url].deaf)
        await until(lambda: rig.pool.status()[relay.url].hearing == "unknown")
        await rig.live()
        assert not rig.pool.deaf
        connections = relay.connected
        await asyncio.sleep(1.5)
        assert relay.connected == connections
        relay.echoes = True
        await until(lambda: rig.pool.status()[relay.url].hearing == "heard")


async def test_other_news_prove_hearing_where_echoes_do_not_come() -> None:
    async with awkward_relay(echoes=False) as relay, running(relay.url, timing=ALERT) as rig:
        await rig.live()
        for number in range(20):
            await relay.broadcast(raw(wrap(number, kind=1059)))
            await asyncio.sleep(0.1)
        assert rig.pool.status()[relay.url].hearing == "heard"
        assert relay.connected == 2


async def test_a_full_inbox_is_not_a_deaf_relay() -> None:
    async with awkward_relay() as relay, running(relay.url, timing=ALERT, size=1) as rig:
        await rig.live()
        await relay.broadcast(*(raw(wrap(number)) for number in range(20)))
        await asyncio.sleep(1.5)
        assert rig.inbox.full()
        assert rig.pool.status()[relay.url].hearing != "deaf"
        assert relay.connected == 2
        assert len(await rig.events(20)) == 20


async def test_while_heard_the_mark_moves_on() -> None:
    now = [1000.0]
    timing = replace(ALERT, caught_every=0.3)
    async with awkward_relay() as relay:
        async with running(relay.url, timing=timing, clock=lambda: now[0]) as rig:
            assert (await rig.caught()).at == 1000
            now[0] = 2000.0
            assert (await rig.caught()).at in (1000, 2000)
            assert (await rig.caught()).at == 2000
            assert rig.pool.status()[relay.url].eose_at == 2000


async def test_while_not_heard_the_mark_stays() -> None:
    timing = replace(ALERT, caught_every=0.1)
    async with awkward_relay(refuse=lambda event: "blocked: kind") as relay:
        async with running(relay.url, timing=timing) as rig:
            await rig.caught()
            await until(lambda: len(relay.said("EVENT")) >= 5)
            assert rig.inbox.empty()


async def test_where_hearing_cannot_be_proven_the_relay_is_asked_again_now_and_then() -> None:
    timing = replace(ALERT, poll_every=0.5, eose_patience=0.5)
    async with awkward_relay(refuse=lambda event: "blocked: kind") as relay:
        async with running(relay.url, timing=timing) as rig:
            await rig.live()
            relay.store(raw(wrap(1)))  # stored, and never delivered
            assert (await rig.events(1))[0].content == "letter 1"
            assert relay.connected == 2


def test_silence_once_is_bad_luck_twice_is_deafness() -> None:
    watch = Watch()
    known: list[object] = []
    watch.heard(0.1)
    advice = [watch.silent()]
    known.append(watch.hearing)
    advice.append(watch.silent())
    known.append(watch.hearing)
    assert advice == ["try again", "reconnect"]
    for _ in range(20):
        watch.silent()
    known.append(watch.hearing)
    watch.heard(0.2)
    assert [*known, watch.hearing] == ["heard", "deaf", "deaf", "heard"]
    assert watch.latency == 0.2


def test_one_that_never_echoed_is_given_up_after_some_reconnects() -> None:
    watch = Watch()
    advice = [watch.silent() for _ in range(2 * VAIN_RECONNECTS + 4)]
    assert advice == ["try again", "reconnect"] * VAIN_RECONNECTS + ["try again", "wait"] * 2
    assert watch.hearing == "unknown"


def test_a_policy_is_no_silence() -> None:
    assert is_policy(Ok(False, "blocked: kind not allowed"))
    assert is_policy(Ok(False, ""))
    assert not is_policy(Ok(False, "mute: no one was listening for this"))
    assert not is_policy(Ok(True, ""))
