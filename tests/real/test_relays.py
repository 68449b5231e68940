"""The pool against a real relay: nostr-sdk's LocalRelay."""

from __future__ import annotations

import asyncio
import time

from tests.real.relays import (
    BOT,
    WRAP,
    free_port,
    local_relay,
    running,
    sealed,
    until,
    wrap,
)
from ticketbot.keys import Keys
from ticketbot.relay.directory import Directory, Reach
from ticketbot.relays import Caught


async def test_a_letter_through_two_relays_arrives_once() -> None:
    async with local_relay() as one, local_relay() as other, running(one, other) as rig:
        await rig.live()
        letter = wrap(1)
        said = await rig.pool.publish([(sealed(letter), [one, other])])
        assert all(ok.accepted for ok in said[0].values())
        assert set(said[0]) == {one, other}
        assert await rig.events(1) == [letter]
        again = await rig.pool.publish([(sealed(letter), [one])])
        assert again[0][one].accepted
        await asyncio.sleep(0.2)
        assert rig.inbox.empty()


async def test_the_watchdog_hears_a_real_relay() -> None:
    async with local_relay() as relay, running(relay) as rig:
        await until(lambda: rig.pool.status()[relay].hearing == "heard")
        assert not rig.pool.deaf


async def test_after_a_long_absence_everything_comes_before_the_mark() -> None:
    now = int(time.time())
    letters = [wrap(number, at=now - 86_400 + number) for number in range(1300)]
    async with local_relay(limit=500) as relay:
        async with running(relay, filters=lambda mark: [{"kinds": [1]}]) as sender:
            for start in range(0, len(letters), 100):
                batch = [(sealed(letter), [relay]) for letter in letters[start : start + 100]]
                said = await sender.pool.publish(batch)
                assert all(answers[relay].accepted for answers in said)
        async with running(relay) as rig:
            found: set[str] = set()
            async with asyncio.timeout(30):
                while not isinstance(item := await rig.inbox.get(), Caught):
                    found.add(item.id)
            assert found == {letter.id for letter in letters}


async def test_a_restarted_relay_is_found_again() -> None:
    port = free_port()
    async with local_relay(port) as relay:
        async with running(relay) as rig:
            await rig.live()
    async with running(relay) as rig:
        await until(lambda: bool(rig.pool.status()[relay].last_error))
        async with local_relay(port):
            await rig.live()
            await rig.pool.publish([(sealed(wrap(1)), [relay])])
            assert (await rig.events(1))[0].content == "letter 1"


async def test_authentication_for_reading_and_writing() -> None:
    async with local_relay(auth="both") as relay, running(relay) as rig:
        await rig.live()
        letter = wrap(1, author=BOT)
        said = await rig.pool.publish([(sealed(letter), [relay])])
        assert said[0][relay].accepted
        assert await rig.events(1) == [letter]
        assert await rig.pool.fetch([{"kinds": [WRAP]}]) == [letter]


async def test_people_are_found_in_the_directory() -> None:
    ann = Keys(bytes.fromhex("0d" * 32))
    now = int(time.time())
    lists = [
        ann.sign_event(now - 10, 10050, [["relay", "wss://old.example"]], ""),
        ann.sign_event(now, 10050, [["relay", "wss://inbox.example"]], ""),
        ann.sign_event(now, 10002, [["r", "wss://read.example", "read"]], ""),
        ann.sign_event(now, 0, [], '{"bot":true}'),
    ]
    async with local_relay() as relay, running(relay) as rig:
        await rig.pool.publish([(sealed(event), [relay]) for event in lists])
        directory = Directory(rig.pool, time.time)
        assert await directory.reach([ann.pubkey, BOT.pubkey]) == {
            ann.pubkey: Reach(("wss://inbox.example",), ("wss://read.example",), True),
            BOT.pubkey: Reach(),
        }
