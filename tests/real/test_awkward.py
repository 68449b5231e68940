"""Evenings on which something goes wrong: relays, the wallet, the bot, the clock, the key."""

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

from tests.real.lnbits import LnbitsServer, funded_by, shared_server
from tests.real.relays import AwkwardRelay, awkward_relay, free_port, local_relay
from tests.real.stagehands import (
    PRICE,
    Evening,
    NostrRelay,
    evening,
    get,
    nostr_relay,
    until,
)
from ticketbot.keys import Keys


@pytest.fixture
async def relay() -> AsyncIterator[str]:
    async with local_relay() as url:
        yield url


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
    """nostr-relay with NIP-42: a proof gets no OK, a refused REQ no CLOSED; so the bot waits."""
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
            await it.pays(await alice.gets_an_invoice(within=60))
            await alice.gets_a_ticket()


# --- the wallet ---


async def test_lnbits_restarted_in_mid_purchase(tmp_path: Path, relay: str) -> None:
    back = await asyncio.to_thread(shared_server)
    node = await asyncio.to_thread(back.new_wallet, "node")
    front = LnbitsServer(tmp_path / "lnbits", funded_by(back, node))
    await asyncio.to_thread(front.__enter__)
    try:
        async with evening(tmp_path, [relay], front) as it:
            await it.on_sale()
            alice = await it.attendee()
            await asyncio.to_thread(front.stop)
            await alice.says("buy lisbon")
            await alice.hears("the wallet is slow just now")
            await asyncio.to_thread(front.start)
            bolt11 = await alice.gets_an_invoice()
            await asyncio.to_thread(front.stop, signal.SIGKILL)
            await it.pays(bolt11)
            await asyncio.to_thread(front.start)
            await it.verifies((await alice.gets_a_ticket()).token)
    finally:
        await asyncio.to_thread(front.stop)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
async def test_paid_while_the_bot_was_down(tmp_path: Path, relay: str, how: str) -> None:
    async with evening(tmp_path, [relay]) as it:
        await it.on_sale()
        alice = await it.attendee()
        await alice.says("buy lisbon")
        bolt11 = await alice.gets_an_invoice()
        if how == "SIGTERM":
            assert await it.bot.stop() == 0
        else:
            await it.bot.kill()
        await it.pays(bolt11)
        await it.bot.start()
        await it.verifies((await alice.gets_a_ticket()).token)


async def test_paid_late_with_seats_left_is_a_ticket(tmp_path: Path, relay: str) -> None:
    async with evening(tmp_path, [relay], hold=2) as it:
        await it.on_sale()
        alice = await it.attendee()
        await alice.says("buy lisbon")
        bolt11 = await alice.gets_an_invoice()
        await alice.hears("lapsed and nothing was charged")
        await it.pays(bolt11)
        await it.verifies((await alice.gets_a_ticket()).token)


async def test_paid_late_without_a_seat_goes_back(tmp_path: Path, relay: str) -> None:
    async with evening(tmp_path, [relay], hold=3) as it:
        event = await it.on_sale(stock=1)
        alice, bob, program = [await it.attendee() for _ in range(3)]
        operator = await it.operator()
        await alice.says("buy lisbon")
        bolt11 = await alice.gets_an_invoice()
        await alice.hears("lapsed and nothing was charged")
        asked = await program.asks("buy", event_id=event.id)
        await program.is_told(type="order", state="released")
        await bob.says("buy lisbon")
        await it.pays(await bob.gets_an_invoice())
        await bob.gets_a_ticket()

        await it.pays(bolt11)
        assert f"{PRICE} sats for Lisbon Meetup" in await alice.hears("goes back to you")
        await operator.hears(f"{PRICE} sats")
        await it.pays(asked["invoice"])
        due = await program.is_told(type="refund-due")
        assert (due["order_id"], due["amount_msat"]) == (asked["order_id"], PRICE * 1000)
        await operator.hears(f"{PRICE} sats")

        await alice.says("refund alice@wallet.example")
        await alice.hears("Noted")
        owed = await it.bot.shows("orders", "--refunds")
        assert [(one["amount_msat"], one["state"]) for one in owed] == [(PRICE * 1000, "due")] * 2
        assert sorted(one["destination_known"] for one in owed) == [False, True]


async def test_a_wrong_lnbits_key_is_said_clearly_and_the_bot_goes_on(
    tmp_path: Path, relay: str
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        it = await stack.enter_async_context(_audited_offline(tmp_path, [relay], "0" * 32))
        await it.on_sale()
        alice = await it.attendee()
        await alice.says("events")
        await alice.hears("lisbon ·")
        await alice.says("buy lisbon")
        await alice.hears("the wallet is slow just now")

        said = {line["error"] for line in it.bot.log() if "wallet" in line["event"]}
        assert len(said) == 1, said
        [sentence] = said
        assert "invoice_key_file" in sentence
        assert "0" * 32 not in sentence
        status = await it.bot.shows("status")
        assert status["running"]
        assert status["heartbeat"]["wallet"] == sentence
        doctor = await it.bot.does("doctor")
        assert doctor.code == 1
        assert sentence in doctor.out
        assert "Traceback" not in doctor.err
        code, health = await asyncio.to_thread(get, it.bot.url + "/health")
        assert code == 503
        assert b"wallet" in health
        audit = await it.bot.does("audit")
        assert (audit.code, sentence in audit.err) == (1, True)


# --- the bot itself ---


async def test_sigterm_in_the_middle_of_things_loses_nothing(tmp_path: Path, relay: str) -> None:
    async with evening(tmp_path, [relay]) as it:
        await it.on_sale()
        people = [await it.attendee() for _ in range(3)]
        await asyncio.gather(*(one.says("buy lisbon") for one in people))
        assert await it.bot.stop() == 0
        await it.bot.start()
        for bolt11 in await asyncio.gather(*(one.gets_an_invoice() for one in people)):
            await it.pays(bolt11)
        assert await it.bot.stop() == 0
        await it.bot.start()
        tickets = await asyncio.gather(*(one.gets_a_ticket() for one in people))
        assert len({ticket.token for ticket in tickets}) == 3
        assert [order["state"] for order in await it.orders()] == ["paid"] * 3


async def test_a_second_bot_on_the_same_ledger_is_refused(tmp_path: Path, relay: str) -> None:
    async with evening(tmp_path, [relay]) as it:
        assert it.bot.process is not None
        second = await it.bot.does("run")
        assert (second.code, second.out) == (1, "")
        assert second.err.splitlines() == [
            f"ticketbot: another ticketbot (process {it.bot.process.pid}) works on this ledger, "
            f"as {tmp_path}/ledger.lock shows: stop it first"
        ]
        await it.on_sale()


async def test_the_bot_says_who_it_is_once(tmp_path: Path, relay: str) -> None:
    async with awkward_relay() as witness, evening(tmp_path, [relay, witness.url]) as it:

        async def notes() -> dict[int, Any]:
            wanted = {"authors": [it.bot.keys.pubkey], "kinds": [0, 10002, 10050]}
            found = await it.organizer.does("fetch", wanted=wanted)
            return {note["kind"]: note for note in found}

        def told() -> list[int]:
            """The kinds of what the witness was told by the bot of itself, in order."""
            events = [message[1] for message in witness.said("EVENT")]
            return [event["kind"] for event in events if event["kind"] in (0, 10002, 10050)]

        await until(lambda: len(told()) == 3, "the bot has told both relays")
        first = await notes()
        assert json.loads(first[0]["content"]) == {
            "name": "Lisbon Tickets",
            "display_name": "Lisbon Tickets",
            "about": "Tickets for Lisbon meetups. Send me: events",
            "bot": True,
        }
        assert first[10002]["tags"] == [["r", relay], ["r", witness.url]]
        assert first[10050]["tags"] == [["relay", relay], ["relay", witness.url]]

        assert await it.bot.stop() == 0
        await it.bot.start()
        await it.on_sale()  # by now it would have told
        assert await notes() == first
        assert sorted(told()) == [0, 10002, 10050]

        assert await it.bot.stop() == 0
        it.bot.choose(name="Porto Tickets")
        await it.bot.start()
        await until(lambda: len(told()) == 4, "the bot has told its new name")
        second = await notes()
        assert json.loads(second[0]["content"])["name"] == "Porto Tickets"
        assert second[0]["created_at"] > first[0]["created_at"]
        assert (second[10002], second[10050]) == (first[10002], first[10050])


async def test_an_organizer_without_a_dm_relay_list_is_answered_by_nip04(
    tmp_path: Path, relay: str
) -> None:
    async with evening(tmp_path, [relay], listed=False) as it:
        await it.on_sale()
        assert {one.via for one in it.organizer.heard} == {"nip04"}


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


@contextlib.asynccontextmanager
async def _audited_offline(folder: Path, relays: list[str], key: str) -> AsyncIterator[Evening]:
    """An evening whose wallet cannot be asked: at its end the ledger alone is proven."""
    server = await asyncio.to_thread(shared_server)
    it = Evening(folder, relays, server, server.bot, server)
    try:
        await it.begins(invoice_key=key)
        yield it
        await it.ends()
        assert (await it.bot.does("audit", "--offline")).code == 0
        it.reads_the_log()
    finally:
        await it.abandons()


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
