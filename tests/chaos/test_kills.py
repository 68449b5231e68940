"""Every named place of one purchase × {kill, raise, hang}: one order, one ticket, right books.

`kill` is SIGKILL. What `raise` raises must be survived, or end the program loudly. What hangs
stops pinging the watchdog, and is ended and started again by whoever minds the bot.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos import visits
from tests.chaos.evening import WITHIN, Evening, evening, tokens_in
from tests.chaos.purse import FakePurse
from ticketbot.demo.client import Client
from ticketbot.keys import Keys

COMMITS = range(2, 40, 3)  # of the start, the note, and the purchase
WAYS = [
    "kill",
    pytest.param("raise", marks=pytest.mark.long),
    pytest.param("hang", marks=pytest.mark.long),
]
PLACES = [
    "engine.letter-answered",
    "engine.before-invoiced",
    "engine.after-invoiced",
    "engine.before-settle",
    "engine.after-settle",
    "cashier.credited",
    "invoicer.before-create",
    "invoicer.after-create",
    "courier.before-publish",
    "courier.after-publish",
]
LAPSE = ["engine.before-release"]
REFUND = [  # and payouts: tests/chaos/test_payout_kills.py
    "spender.before-spend",
    "spender.after-spend",
    "spender.before-pay",
    "spender.after-pay",
    "spender.before-sent",
]
CLOSING = ["closer.before-page", "closer.after-page"]
DOOR = ["engine.before-scan", "engine.after-scan"]  # tests/chaos/test_door_kills.py
USHER = ["usher.before-page", "usher.after-page"]
ROUNDS = [  # tests/chaos/test_round_kills.py
    "turnstile.before-offer",
    "turnstile.after-offer",
    "turnstile.before-lapse",
    "turnstile.after-lapse",
    "epilogue.before-page",
    "epilogue.after-page",
]
PRICE = 5_000


def one_purchase_was_made(it: Evening, token: str, place: str, way: str) -> None:
    assert f"failpoint {place}: {way}" in it.daemon.log.read_text()
    assert it.sold() == 1
    bodies: dict[bytes, str] = {}
    for message in it.alice.heard:
        assert bodies.setdefault(message.key, message.text) == message.text  # I3
    tickets = {text for text in bodies.values() if "\nTKT1:" in text}
    assert len(tickets) == 1
    assert token in tickets.pop()
    invoices = {text for text in bodies.values() if text.startswith("lnbc")}
    assert len(invoices) == 1


async def one_evening(folder: Path, relay: str, place: str, way: str, visit: int) -> None:
    async with evening(folder, [relay], f"{place}={way}@{visit}") as it:
        await it.publishes_event()
        token = await it.buys()
        await it.has_met(way)
    one_purchase_was_made(it, token, place, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", PLACES)
async def test_a_named_place(tmp_path: Path, relay: str, place: str, way: str) -> None:
    await one_evening(tmp_path, relay, place, way, 1)


@pytest.mark.parametrize("way", ["raise", "hang"])
async def test_one_place_in_the_other_ways(tmp_path: Path, relay: str, way: str) -> None:
    """All places in all ways are in the long suite."""
    await one_evening(tmp_path, relay, "engine.before-settle", way, 1)


@pytest.mark.parametrize("visit", [2, 3])
@pytest.mark.parametrize("place", [place for place in PLACES if place.startswith("courier")])
async def test_a_kill_at_a_later_message(
    tmp_path: Path, relay: str, place: str, visit: int
) -> None:
    await one_evening(tmp_path, relay, place, "kill", visit)


@pytest.mark.parametrize("visit", COMMITS)
@pytest.mark.parametrize("place", ["ledger.before-commit", "ledger.after-commit"])
async def test_a_kill_around_a_commit(tmp_path: Path, relay: str, place: str, visit: int) -> None:
    await one_evening(tmp_path, relay, place, "kill", visit)


@pytest.mark.parametrize("way", WAYS[1:])
@pytest.mark.parametrize("place", ["ledger.before-commit", "ledger.after-commit"])
async def test_trouble_around_a_commit(tmp_path: Path, relay: str, place: str, way: str) -> None:
    visit = 90 if way == "hang" else 16  # nobody watches over a start
    await one_evening(tmp_path, relay, place, way, visit)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", LAPSE)
async def test_while_a_hold_ends(tmp_path: Path, relay: str, place: str, way: str) -> None:
    async with evening(tmp_path, [relay], f"{place}={way}", hold=2) as it:
        await it.publishes_event(stock=1)
        await it.alice.write("buy lisbon")
        await it.gets_an_invoice()
        await it.alice.next("lapsed", 30)
        token = await it.buys()
        await it.has_met(way)
    assert f"failpoint {place}: {way}" in it.daemon.log.read_text()
    assert it.sold() == 1
    assert token


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", REFUND)
async def test_while_money_goes_back(tmp_path: Path, relay: str, place: str, way: str) -> None:
    """A payment that came too late goes to the buyer's invoice: exactly once."""
    purse = FakePurse(tmp_path)
    async with evening(tmp_path, [relay], f"{place}={way}", hold=2, purse=purse) as it:
        await it.publishes_event(stock=1)
        await it.alice.write("buy lisbon")
        late = await it.gets_an_invoice()
        await it.alice.next("lapsed", WITHIN)
        await it.buys()
        await it.pays(late)
        await it.alice.next("goes back to you", WITHIN)
        await it.alice.write(f"refund {purse.wallet.foreign_invoice(PRICE)}")
        await it.has_met(way)
        await it.alice.next("was sent to you", WITHIN)
        assert [one.msat for one in purse.given()] == [PRICE]
        assert await purse.wallet.balance() == PRICE
    told = {message.key: message.text for message in it.alice.heard}
    assert sum("was sent to you" in text for text in told.values()) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", CLOSING)
async def test_while_an_event_is_closed(tmp_path: Path, relay: str, place: str, way: str) -> None:
    async with evening(tmp_path, [relay], f"{place}={way}") as it:
        await it.publishes_event()
        await it.buys()
        await it.cancels_event()
        await it.has_met(way)
        await it.organizer.next("done. The tickets of one order are void", WITHIN)
        await it.alice.next("was cancelled, so your 5 sats goes back", WITHIN)
        assert it.sold() == 0
    told = {message.key: message.text for message in it.alice.heard}
    assert sum("was cancelled" in text for text in told.values()) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", USHER)
async def test_while_a_moved_event_is_told(
    tmp_path: Path, relay: str, place: str, way: str
) -> None:
    """It ends later now, so the ticket is made again: once, and the one before is dead."""
    async with evening(tmp_path, [relay], f"{place}={way}") as it:
        await it.publishes_event()
        first = await it.buys()
        await it.moves_event()
        await it.has_met(way)
        second = await it.gets_a_ticket()
        await it.alice.next("has changed", WITHIN)
        assert first != second
    told = {message.key: message.text for message in it.alice.heard}
    assert sum("has changed" in text for text in told.values()) == 1
    assert sum("\nTKT1:" in text for text in told.values()) == 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("visit", [1, 2])
@pytest.mark.parametrize("place", USHER)
async def test_while_an_announcement_is_told(
    tmp_path: Path, relay: str, place: str, visit: int, way: str
) -> None:
    async with evening(tmp_path, [relay], f"{place}={way}@{visit}") as it:
        await it.publishes_event()
        await it.buys()
        await it.organizer.write("announce lisbon Doors open at 19:00")
        await it.organizer.next("To send it: announce lisbon yes", WITHIN)
        await it.organizer.write("announce lisbon yes")
        await it.has_met(way)
        await it.alice.next("Doors open at 19:00", WITHIN)
        await it.organizer.next("your announcement has left, to one person", WITHIN)
    told = {message.key: message.text for message in it.alice.heard}
    assert sum("Doors open" in text for text in told.values()) == 1


@pytest.mark.parametrize("place", ["engine.letter-answered", "ledger.after-commit"])
@pytest.mark.parametrize("visit", [3, 4, 5])
async def test_while_a_ticket_changes_hands(
    tmp_path: Path, relay: str, place: str, visit: int
) -> None:
    """Cut off anywhere, it is with one of two people, and one code is good."""
    async with evening(tmp_path, [relay], f"{place}=kill@{visit}") as it:
        bob = Client(Keys(os.urandom(32)), it.daemon.keys.pubkey)
        await bob.connect(relay)
        await it.publishes_event()
        old = await it.buys()
        await it.alice.write(f"transfer lisbon {bob.keys.pubkey}")
        await bob.next("would like to give you", WITHIN)
        await bob.write("accept")
        new = tokens_in((await bob.next("\nTKT1:", WITHIN)).text)[0]
        await it.alice.next("was accepted", WITHIN)
        assert old != new
        assert it.sold() == 1
        await bob.disconnect()


def test_every_failpoint_is_expected_here() -> None:
    """Whether each was met in each way is asked at the end of a run: see visits.py."""
    assert visits.names() == {
        *PLACES,
        *LAPSE,
        *REFUND,
        *CLOSING,
        *DOOR,
        *USHER,
        *ROUNDS,
        "ledger.before-commit",
        "ledger.after-commit",
    }
