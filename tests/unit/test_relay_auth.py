"""NIP-42: proving who we are when a relay asks, for reading and for writing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.real.relays import BOT, PATIENT, awkward_relay, raw, running, sealed, until, wrap
from ticketbot.domain.nostr import Event
from ticketbot.relay.auth import AUTH_KIND, Auth
from ticketbot.relays import Ok


async def test_reading_after_authentication() -> None:
    async with awkward_relay(auth_read=True) as relay:
        relay.store(raw(wrap(1)))
        async with running(relay.url) as rig:
            assert (await rig.events(1))[0].content == "letter 1"
            await rig.live()
    proof = relay.said("AUTH")[0][1]
    assert proof["kind"] == AUTH_KIND
    assert proof["pubkey"] == BOT.pubkey
    assert ["relay", relay.url] in proof["tags"]
    assert any(tag[0] == "challenge" for tag in proof["tags"])


async def test_what_is_withheld_from_the_unknown_comes_too() -> None:
    async with awkward_relay(withholds=True) as relay:
        relay.store(raw(wrap(1)))
        async with running(relay.url) as rig:
            await rig.live()
            first = rig.inbox.get_nowait()  # and not a mark: what is withheld is stored as well
            assert isinstance(first, Event)
            assert first.content == "letter 1"


async def test_writing_after_authentication_goes_again_by_itself() -> None:
    async with awkward_relay(auth_write=True) as relay, running(relay.url) as rig:
        batch = [(sealed(wrap(number)), [relay.url]) for number in range(5)]
        said = await rig.pool.publish(batch)
        assert said == [{relay.url: Ok(True, "")}] * 5
        later = await rig.pool.publish([(sealed(wrap(9)), [relay.url])])
        assert later == [{relay.url: Ok(True, "")}]
        await rig.live()
        assert len(relay.said("AUTH")) == 2  # one for each connection


async def test_a_stranger_is_told_who_we_are_only_when_it_insists() -> None:
    async with awkward_relay(withholds=True) as lenient, awkward_relay(auth_write=True) as strict:
        async with running() as rig:
            urls = [lenient.url, strict.url]
            said = await rig.pool.publish([(sealed(wrap(1)), urls)])
            assert [said[0][url].accepted for url in urls] == [True, True]
    assert lenient.said("AUTH") == []
    assert len(strict.said("AUTH")) == 1


async def test_a_refused_proof_leaves_the_relays_own_words() -> None:
    async with awkward_relay(auth_write=True, auth_accepts=False) as relay:
        async with running() as rig:
            said = await rig.pool.publish([(sealed(wrap(1)), [relay.url])], timeout=60)
            assert said == [{relay.url: Ok(False, "auth-required: who are you?")}]


async def test_without_a_challenge_the_refusal_stands_when_time_is_over() -> None:
    async with awkward_relay(refuse=lambda event: "auth-required: who?") as relay:
        async with running() as rig:
            said = await rig.pool.publish([(sealed(wrap(1)), [relay.url])], timeout=0.3)
            assert said == [{relay.url: Ok(False, "auth-required: who?")}]


async def test_a_challenge_that_comes_later_is_answered() -> None:
    async with awkward_relay() as relay:
        relay.refuse = lambda event: None if relay.proven else "auth-required: who?"
        async with running() as rig:
            publishing = asyncio.create_task(rig.pool.publish([(sealed(wrap(1)), [relay.url])], 30))
            await until(lambda: bool(relay.said("EVENT")))
            assert relay.said("AUTH") == []
            await relay.tell('["AUTH","late"]')
            assert await publishing == [{relay.url: Ok(True, "")}]


async def test_a_reader_that_is_never_let_in_does_not_insist_in_a_hot_loop() -> None:
    timing = replace(PATIENT, backoff_floor=0.1, backoff_cap=0.2)
    async with awkward_relay(auth_read=True, auth_accepts=False) as relay:
        async with running(relay.url, timing=timing) as rig:
            await asyncio.sleep(1)
            assert 2 <= len(relay.said("REQ")) <= 22
            assert len(relay.said("AUTH")) <= 22
            assert rig.pool.deaf
            relay.auth_accepts = True
            await rig.live()


async def test_fetching_after_authentication() -> None:
    async with awkward_relay(auth_read=True) as relay:
        relay.store(raw(wrap(1)))
        async with running() as rig:
            found = await rig.pool.fetch([{"kinds": [1059]}], relays=[relay.url])
            assert [event.content for event in found] == ["letter 1"]


async def test_a_relay_that_refuses_by_notice_alone_is_heard_at_once() -> None:
    async with awkward_relay(auth_read=True, auth_write=True, mumbles=True) as relay:
        relay.store(raw(wrap(1)))
        async with running(relay.url) as rig:
            async with asyncio.timeout(5):  # and not after the 30 s that a silent relay has
                assert (await rig.events(1))[0].content == "letter 1"
                await rig.live()
            (said,) = await rig.pool.publish([(sealed(wrap(2)), [relay.url])])
            assert said == {relay.url: Ok(True, "")}
            assert not rig.pool.deaf


async def test_a_stranger_that_mumbles_is_told_who_we_are_once() -> None:
    async with awkward_relay(auth_write=True, mumbles=True) as relay, running() as rig:
        batch = [(sealed(wrap(number)), [relay.url]) for number in range(3)]
        assert await rig.pool.publish(batch) == [{relay.url: Ok(True, "")}] * 3
        assert len(relay.said("AUTH")) == 1


async def test_who_mumbles_and_lets_nobody_in_is_not_asked_in_a_hot_loop() -> None:
    timing = replace(PATIENT, backoff_floor=0.1, backoff_cap=0.2)
    async with awkward_relay(auth_read=True, auth_accepts=False, mumbles=True) as relay:
        async with running(relay.url, timing=timing) as rig:
            await asyncio.sleep(1)
            assert 2 <= len(relay.said("REQ")) <= 25
            assert rig.pool.deaf
            assert "auth-required" in rig.pool.status()[relay.url].last_error
            relay.auth_accepts = True
            await rig.live()


def test_one_proof_answers_for_everything_that_waits() -> None:
    auth = Auth("wss://relay.example", BOT, lambda: 1000.5)
    assert auth.want() == []
    (proof,) = auth.challenged("abc")
    assert b'"challenge","abc"' in proof
    assert auth.want() == []
    assert not auth.answered("00" * 32, Ok(True, ""))
    assert auth.under_way


def test_restricted_is_worth_a_proof_only_where_one_can_be_given() -> None:
    auth = Auth("wss://relay.example", BOT, lambda: 1000.5)
    assert not auth.helps("restricted: members only")
    assert auth.helps("auth-required: who?")
    assert not auth.helps("blocked: no")
    auth.challenged("abc")
    assert auth.helps("restricted: members only")
