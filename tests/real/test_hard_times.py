"""Evenings on which the wallet, the clock or the bot itself lets people down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.lnbits import LnbitsServer, funded_by, shared_server
from tests.real.relays import awkward_relay
from tests.real.stagehands import PRICE, Evening, evening, get, until

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
        assert {one["destination"] for one in owed} == {None, "alice@wallet.example"}


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
