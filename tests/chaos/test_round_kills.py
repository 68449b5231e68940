"""What the bot begins by itself × {kill, raise, hang}: queues, reminders, thanks and badges.

Nobody asks again here, so whatever is lost would stay lost, and what is done twice is told twice.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.chaos.evening import WITHIN, Evening, evening, tokens_in
from tests.chaos.listener import listening
from ticketbot.demo.client import Client
from ticketbot.keys import Keys

WAYS = [
    "kill",
    pytest.param("raise", marks=pytest.mark.long),
    pytest.param("hang", marks=pytest.mark.long),
]
TURN = "It is your turn for Lisbon"
THANKS, BADGE = "Thank you for coming", "Your badge of Lisbon is published"


@asynccontextmanager
async def somebody(it: Evening, relay: str) -> AsyncIterator[Client]:
    """One more guest."""
    guest = Client(Keys(os.urandom(32)), it.daemon.keys.pubkey)
    await guest.connect(relay)
    yield guest
    await guest.disconnect()


def told(guest: Client, part: str) -> int:
    """How many different messages say that."""
    return sum(part in text for text in {one.key: one.text for one in guest.heard}.values())


async def waits(guest: Client) -> None:
    await guest.write("join lisbon")
    await guest.next("in the queue for Lisbon", WITHIN)


async def takes_it(it: Evening, guest: Client) -> list[str]:
    """Whose turn it is buys; the token."""
    await guest.next(TURN, WITHIN)
    await guest.write("buy lisbon")
    while not (text := (await guest.next("lnbc", WITHIN)).text).startswith("lnbc"):
        pass
    await it.pays(text)
    return tokens_in((await guest.next("\nTKT1:", WITHIN)).text)


async def a_seat_comes_free(it: Evening, *guests: Client) -> None:
    """The only one, for which they wait in this order."""
    await it.publishes_event(stock=1)
    await it.alice.write("buy lisbon")
    await it.gets_an_invoice()
    for guest in guests:
        await waits(guest)
    await it.alice.write("cancel")
    await it.alice.next("is cancelled", WITHIN)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", ["turnstile.before-offer", "turnstile.after-offer"])
async def test_while_a_seat_is_offered(tmp_path: Path, relay: str, place: str, way: str) -> None:
    """It is kept for whose turn it is, who is told once."""
    async with evening(tmp_path, [relay], f"{place}={way}") as it:
        async with somebody(it, relay) as bob, somebody(it, relay) as carol:
            await a_seat_comes_free(it, bob, carol)
            await it.has_met(way)
            await carol.write("buy lisbon")
            await carol.next("You are in the queue", WITHIN)
            assert await takes_it(it, bob)
            assert (told(bob, TURN), told(carol, TURN)) == (1, 0)
    assert it.sold() == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", ["turnstile.before-lapse", "turnstile.after-lapse"])
async def test_while_a_kept_seat_is_given_up(
    tmp_path: Path, relay: str, place: str, way: str
) -> None:
    """Who did not take it hears so once, and the next in the queue gets it."""
    async with evening(tmp_path, [relay], f"{place}={way}", hurried=True) as it:
        async with somebody(it, relay) as bob, somebody(it, relay) as carol:
            await a_seat_comes_free(it, bob, carol)
            await bob.next(TURN, WITHIN)
            assert await takes_it(it, carol)
            await it.has_met(way)
            await bob.next("goes to the next in the queue", WITHIN)
            assert (told(bob, TURN), told(carol, TURN)) == (1, 1)
            assert told(bob, "goes to the next in the queue") == 1
    assert it.sold() == 1


@pytest.mark.long
@pytest.mark.parametrize("way", ["kill", "raise", "hang"])
@pytest.mark.parametrize("place", ["usher.before-page", "usher.after-page"])
async def test_while_people_are_reminded(tmp_path: Path, relay: str, place: str, way: str) -> None:
    """A day before the event, which is in a few seconds."""
    at_once = {"TICKETBOT_REMINDERS_QUIET_HOURS": "0"}
    async with evening(tmp_path, [relay], f"{place}={way}", environment=at_once) as it:
        await it.publishes_event(ahead=86_400 + 6)
        await it.buys()
        await it.has_met(way)
        await it.alice.next("Soon: Lisbon", WITHIN)
    assert told(it.alice, "Soon: Lisbon") == 1


async def an_event_is_over(folder: Path, relay: str, place: str, way: str, visit: int) -> None:
    """Who was let in is thanked and gets the badge that they asked for: once each."""
    async with listening(relay) as listener:
        failpoint = f"{place}={way}@{visit}"
        async with evening(folder, [relay], failpoint, hurried=True) as it:
            await it.publishes_event(lasts=10)
            token = await it.buys()
            await it.alice.write("badge yes lisbon")
            await it.alice.next("If you are let in, I publish", WITHIN)
            await it.organizer.write(f"checkin {token}")
            await it.organizer.next("GREEN", WITHIN)
            await it.is_over()
            await it.has_met(way)
            for part in (THANKS, BADGE):
                if not told(it.alice, part):
                    await it.alice.next(part, WITHIN)
            await listener.hears_of(8)
        assert (told(it.alice, THANKS), told(it.alice, BADGE)) == (1, 1)
        notes = Counter(event.kind for event in listener.events.values())
        assert (notes[30009], notes[8]) == (1, 1)


@pytest.mark.parametrize("place", ["epilogue.before-page", "epilogue.after-page"])
async def test_while_an_evening_ends(tmp_path: Path, relay: str, place: str) -> None:
    await an_event_is_over(tmp_path, relay, place, "kill", 1)


@pytest.mark.long
@pytest.mark.parametrize(("way", "visit"), [("raise", 1), ("hang", 1), ("kill", 2), ("kill", 3)])
@pytest.mark.parametrize("place", ["epilogue.before-page", "epilogue.after-page"])
async def test_wherever_an_evening_ends(
    tmp_path: Path, relay: str, place: str, way: str, visit: int
) -> None:
    """Visitors are thanked, then there are none left, then the badges."""
    await an_event_is_over(tmp_path, relay, place, way, visit)
