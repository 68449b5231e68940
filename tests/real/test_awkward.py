"""Evenings with relays that repeat, forge, refuse, forget, come late or are down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.real.relays import AwkwardRelay, awkward_relay, free_port, local_relay
from tests.real.second_relay import NostrRelay, nostr_relay
from tests.real.stagehands import Evening, evening, until
from ticketbot.keys import Keys

# --- the same message more than once ---


async def test_one_wrap_from_five_relays_is_one_order(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        relays = [await stack.enter_async_context(local_relay()) for _ in range(5)]
        it = await stack.enter_async_context(evening(tmp_path, relays))
        await it.on_sale()
        alice = await it.attendee(relays=relays)
        await alice.says("buy lisbon")
        bolt11 = await alice.gets_an_invoice()
        await alice.says("status")
        await alice.hears("waits for your payment")
        assert alice.unread() == [alice.heard[0]]  # "Order …", which stands before the invoice
        assert [order["state"] for order in await it.orders()] == ["invoiced"]
        await it.pays(bolt11)
        await alice.gets_a_ticket()


async def test_one_rumor_in_many_wraps_is_one_order(tmp_path: Path, relay: str) -> None:
    async with evening(tmp_path, [relay]) as it:
        await it.on_sale()
        alice = await it.attendee()
        wraps = await alice.does("wraps", text="buy lisbon", count=30)
        assert len({wrap["id"] for wrap in wraps}) == 30
        for wrap in wraps[:20]:
            await alice.does("send", event=wrap)
        bolt11 = await alice.gets_an_invoice()
        await it.pays(bolt11)
        await alice.gets_a_ticket()
        assert await it.bot.stop() == 0
        await it.bot.start()
        for wrap in wraps[20:]:
            await alice.does("send", event=wrap)
        await alice.says("status")
        await alice.hears("paid")
        assert [one.text[:5] for one in alice.unread() if one.via == "nip17"] == ["Order"]
        assert [order["state"] for order in await it.orders()] == ["paid"]


async def test_a_forged_copy_that_comes_first_censors_nobody(tmp_path: Path, relay: str) -> None:
    async with awkward_relay() as crooked, evening(tmp_path, [relay, crooked.url]) as it:
        await it.on_sale()
        alice = await it.attendee()
        good, fence = [
            (await alice.does("wraps", text=text, count=1))[0] for text in ("buy lisbon", "help")
        ]
        forged = good | {"sig": "00" * 64}
        crooked.store(forged)
        await until(lambda: _subscriptions(crooked, it), "the bot listens to both relays")
        await crooked.broadcast(forged, fence)
        await alice.hears("events [words]")  # so the forged copy was seen before
        await alice.does("send", event=good)
        await it.pays(await alice.gets_an_invoice())
        await alice.gets_a_ticket()


# --- relays that come and go ---


async def test_a_relay_that_answers_closed_is_asked_again(tmp_path: Path) -> None:
    async with awkward_relay() as moody, evening(tmp_path, [moody.url]) as it:
        await it.on_sale()
        alice = await it.attendee()
        moody.refuse_query = lambda filters: _if_for(it, filters, "error: too many subscriptions")
        await _close_subscriptions(moody, it, "error: shutting down idle subscription")
        await alice.says("buy lisbon")
        await asyncio.sleep(1)
        assert alice.heard == []
        moody.refuse_query = lambda filters: None
        await it.pays(await alice.gets_an_invoice())
        await alice.gets_a_ticket()


@pytest.mark.parametrize("kind", ["LocalRelay", "nostr-relay"])
async def test_a_ticket_waits_for_its_relay(tmp_path: Path, kind: str) -> None:
    async with _restartable(kind, tmp_path) as relay, evening(tmp_path, [relay.url]) as it:
        await it.on_sale()
        alice = await it.attendee()
        await alice.says("buy lisbon")
        bolt11 = await alice.gets_an_invoice()
        await it.clears()
        await it.organizer.leaves()
        await relay.stop()
        await it.pays(bolt11)
        await until(lambda: _first_order_is(it, "paid"), "the order is paid")
        await relay.start()
        again = await it.attendee(secret=alice.secret)
        await it.verifies((await again.gets_a_ticket()).token)
        await again.says("status")
        await again.hears("sats · paid")


async def test_relays_may_be_down_when_the_bot_starts(tmp_path: Path) -> None:
    async with (
        _restartable("LocalRelay", tmp_path, running=False) as first,
        _restartable("nostr-relay", tmp_path, running=False) as second,
        evening(tmp_path, [first.url, second.url], alone=True) as it,
    ):
        await asyncio.sleep(1)
        await first.start()
        await it.organizer.enters()
        await it.on_sale()
        await second.start()
        alice = await it.attendee(relays=[second.url])
        await alice.says("buy lisbon")
        await it.pays(await alice.gets_an_invoice())
        await alice.gets_a_ticket()


async def test_duplicates_answered_with_ok_false_are_done(tmp_path: Path) -> None:
    """Killed after publishing, the bot publishes the same bytes again: nostr-relay says no."""
    with nostr_relay() as relay:
        async with evening(tmp_path, [relay.url], failpoints="courier.after-publish=kill") as it:
            await it.on_sale()
            assert await it.bot.ends() == -signal.SIGKILL
            await it.bot.start()
            await until(lambda: _has_nothing_to_send(it), "everything was sent")
            assert [line["event"] for line in it.bot.log()].count("message.postponed") == 0
            assert len(it.organizer.heard) == len({one.text for one in it.organizer.heard})


async def test_machine_messages_that_a_relay_has_kept_are_not_answered_again(
    tmp_path: Path,
) -> None:
    with nostr_relay() as relay:
        async with evening(tmp_path, [relay.url]) as it:
            event = await it.on_sale()
            program = await it.attendee()
            await program.asks("buy", event_id=event.id)
            await program.asks("events")
            assert await it.bot.stop() == 0
            await it.bot.start()
            await program.says("help")
            await program.hears("events [words]")
            assert [json.loads(one.text)["type"] for one in program.heard if one.kind == 24133] == [
                "invoice",
                "events",
            ]
            assert len(await it.orders()) == 1


@pytest.mark.long
async def test_a_relay_for_members_only_that_refuses_by_notice(tmp_path: Path, relay: str) -> None:
    """nostr-relay with NIP-42: a proof gets no OK, a refused REQ no CLOSED."""
    with nostr_relay(members_only=True) as club:
        async with evening(tmp_path, [relay, club.url]) as it:
            await it.on_sale()
            assert await it.bot.stop() == 0
            alice = await it.attendee()
            for member in (it.bot.keys.pubkey, alice.pubkey):
                await asyncio.to_thread(club.admits, member)
            await it.bot.start()
            [wrap] = await alice.does("wraps", text="buy lisbon", count=1)
            await _leave_at(club.url, wrap, Keys(bytes.fromhex(alice.secret)))
            await it.pays(await alice.gets_an_invoice(within=20))
            await alice.gets_a_ticket()


# --- behind the scenes ---


class _Restartable:
    """A relay on a port of its own that can be stopped and started again."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind = kind
        self._port = free_port()
        self._stack = contextlib.AsyncExitStack()
        self._process = NostrRelay(folder / "nostr-relay") if kind == "nostr-relay" else None
        self.url = self._process.url if self._process else f"ws://127.0.0.1:{self._port}"

    async def start(self) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.start)
        else:
            await self._stack.enter_async_context(local_relay(self._port))

    async def stop(self) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.stop)
        else:
            await self._stack.aclose()


@contextlib.asynccontextmanager
async def _restartable(
    kind: str, folder: Path, *, running: bool = True
) -> AsyncIterator[_Restartable]:
    relay = _Restartable(kind, folder)
    if running:
        await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


async def _leave_at(url: str, event: Any, keys: Keys) -> None:
    """Publish an event on a relay that asks first who comes."""
    async with connect(url) as socket:
        _, challenge = json.loads(await socket.recv())
        tags = [["relay", url], ["challenge", challenge]]
        proof = keys.sign_event(int(time.time()), 22242, tags, "")
        await socket.send(json.dumps(["AUTH", proof._asdict()]))
        await socket.send(json.dumps(["EVENT", event]))
        assert json.loads(await socket.recv()) == ["OK", event["id"], True, ""]


def _subscriptions(relay: AwkwardRelay, it: Evening) -> list[tuple[Any, str]]:
    """The bot's, as (connection, name)."""
    return [
        (peer, name)
        for peer, queries in relay.peers.items()
        for name, filters in queries.items()
        if _if_for(it, filters, "yes")
    ]


def _if_for(it: Evening, filters: list[Any], reason: str) -> str | None:
    """The reason, where the filters ask for what is written to the bot."""
    asks = any(it.bot.keys.pubkey in one.get("#p", []) for one in filters)
    return reason if asks else None


async def _close_subscriptions(relay: AwkwardRelay, it: Evening, reason: str) -> None:
    for peer, name in _subscriptions(relay, it):
        del relay.peers[peer][name]
        await peer.send(json.dumps(["CLOSED", name, reason]))


async def _first_order_is(it: Evening, state: str) -> bool:
    return bool((await it.orders())[0]["state"] == state)


async def _has_nothing_to_send(it: Evening) -> bool:
    return bool((await it.bot.shows("status"))["outbox_pending"] == 0)
