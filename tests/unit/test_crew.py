"""The crew gives the same answers as one's own hands, whatever becomes of its processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from ticketbot import crew, hand
from ticketbot.crew import Crew
from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Envelopes, Letter, Mould, Opened, Protocol
from ticketbot.errors import Malformed
from ticketbot.keys import Keys, parse_event

NOW = 1_800_000_000
BOT, ALICE = (Keys(bytes([n]) * 32) for n in (7, 8))
ENVELOPES = Envelopes(BOT)
PROTOCOLS: tuple[Protocol, ...] = ("nip17", "nip04", "24133")
LETTERS = [
    Letter(
        PROTOCOLS[n % 3],
        ALICE.pubkey,
        NOW + n,
        "half \ud800" if n % 7 == 3 else f"hello {n} 🎟",
        n % 2 == 0,
        NOW + 9 if n % 4 else None,
        Mould(bytes([n]) * 32, NOW),
    )
    for n in range(50)
]


def requests() -> list[Event]:
    sealed = Envelopes(ALICE).seal(
        [Letter(PROTOCOLS[n % 3], BOT.pubkey, NOW, f"buy {n}") for n in range(50)]
    )
    events = [parse_event(orjson.loads(one.json)) for one in sealed]
    return [event._replace(content="x") if n % 5 == 4 else event for n, event in enumerate(events)]


@asynccontextmanager
async def at_work(size: int) -> AsyncIterator[Crew]:
    """A crew whose hands have been started."""
    one = Crew(BOT, size)
    running = asyncio.create_task(one.run())
    try:
        await one.seal(LETTERS)
        async with asyncio.timeout(30):
            while len(one.at_work) < size:
                await asyncio.sleep(0.01)
        yield one
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def processes() -> list[int]:
    """The hands that are alive: children of this process with that module's name."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except (OSError, IndexError):
            continue  # it has just ended
        if parent == os.getpid() and hand.__name__.encode() in words:
            found.append(int(folder.name))
    return found


def told(answers: list[Opened | Malformed]) -> list[tuple[object, ...] | str]:
    return [str(one) if isinstance(one, Malformed) else tuple(one) for one in answers]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done in place."""
    here: list[str] = []
    do = hand.do

    def watch(*args: object) -> object:
        here.append(str(args[1]))
        return do(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(hand, "do", watch)
    return here


@pytest.mark.parametrize("size", [0, 1, 2])
async def test_the_answers_are_those_of_ones_own_hands(size: int, watched: list[str]) -> None:
    events = requests()
    async with at_work(size) as one:
        watched.clear()
        sealed = await one.seal(LETTERS)
        opened = await one.open(events)
        assert watched == ([] if size else ["seal", "open"])
    here = ENVELOPES.try_seal(LETTERS)
    assert [str(each) for each in sealed] == [str(each) for each in here]
    assert sum(isinstance(each, Malformed) for each in sealed) == 7
    assert told(opened) == told(ENVELOPES.open(events))
    assert sum(isinstance(each, Malformed) for each in opened) == 10


async def test_many_at_once_get_their_own_answers() -> None:
    async with at_work(2) as one:
        batches = [LETTERS[at:] for at in range(0, 40, 3)]
        results = await asyncio.gather(*[one.seal(batch) for batch in batches])
    for batch, result in zip(batches, results, strict=True):
        assert [str(each) for each in result] == [str(each) for each in ENVELOPES.try_seal(batch)]


async def test_nobody_is_started_before_there_is_work(watched: list[str]) -> None:
    one = Crew(BOT, 1)
    running = asyncio.create_task(one.run())
    for _ in range(20):
        assert len(await one.seal(LETTERS[:3])) == 3
    assert processes() == []
    assert watched == ["seal"] * 20
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_a_dead_hand_had_in_work_is_done_all_the_same(
    watched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "FIRST_PAUSE", 0.01)
    async with at_work(1) as one:
        [victim] = one.at_work
        os.kill(victim, signal.SIGSTOP)
        watched.clear()
        asked = asyncio.create_task(one.seal(LETTERS))
        await asyncio.sleep(0.05)
        assert watched == []
        os.kill(victim, signal.SIGKILL)
        assert [str(each) for each in await asked] == [str(e) for e in ENVELOPES.try_seal(LETTERS)]
        assert watched == ["seal"] * 4
        await until(lambda: one.at_work not in ([], [victim]))


async def test_a_hand_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "CHECK", 0.01)
    async with at_work(1) as one:
        [victim] = one.at_work
        os.kill(victim, signal.SIGSTOP)
        monkeypatch.setattr(crew, "HANGS", 0.05)
        async with asyncio.timeout(30):
            assert len(await one.seal(LETTERS)) == len(LETTERS)
        monkeypatch.setattr(crew, "HANGS", 20.0)
        assert victim not in one.at_work


async def test_what_cannot_be_started_is_done_in_place(
    watched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    def refuse(*args: object, **values: object) -> None:
        tried.set()
        raise OSError("too many tasks")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    one = Crew(BOT, 1)
    running = asyncio.create_task(one.run())
    await one.seal(LETTERS)
    await tried.wait()
    assert len(await one.seal(LETTERS)) == len(LETTERS)
    assert watched == ["seal"] * 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_fails_in_place_is_heard_by_who_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(1) as one:
        [victim] = processes()
        os.kill(victim, signal.SIGSTOP)
        asked = asyncio.create_task(one.seal(LETTERS[:10]))
        await asyncio.sleep(0.05)

        def fail(*args: object) -> None:
            raise RuntimeError("computes wrongly")

        monkeypatch.setattr(hand, "do", fail)
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(RuntimeError, match="computes wrongly"):
            await asked


async def test_who_no_longer_waits_holds_nobody_up() -> None:
    async with at_work(1) as one:
        asked = asyncio.create_task(one.seal(LETTERS))
        await asyncio.sleep(0)
        asked.cancel()
        assert len(await one.seal(LETTERS)) == len(LETTERS)


async def test_hands_end_with_the_bot_and_not_before() -> None:
    async with at_work(2) as one:
        for number in processes():
            os.kill(number, signal.SIGTERM)  # as systemd does, which asks all of the unit
            os.kill(number, signal.SIGINT)
        assert len(await one.open(requests())) == 50
        assert len(processes()) == 2
    assert processes() == []


async def test_the_key_is_neither_an_argument_nor_a_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TICKETBOT_NSEC", BOT.keypair.secret.hex())
    async with at_work(1):
        [number] = processes()
        for name in ("cmdline", "environ"):
            shown = Path(f"/proc/{number}/{name}").read_bytes()
            assert BOT.keypair.secret.hex().encode() not in shown
            assert BOT.keypair.secret not in shown


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)
