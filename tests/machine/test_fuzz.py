"""Ten thousand wrong letters, as many wrong notes, and good ones among them that are answered."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.machine import truth
from tests.machine.rubbish import Rubbish
from tests.machine.town import Town, listing
from ticketbot.domain.nostr import Event
from ticketbot.keys import verify

SEED = int(os.environ.get("FUZZ_SEED", "20270301"))
EVERY = 50  # one good letter in so many
ROOM = 50 * 2**20
Brew = Callable[[Rubbish, int], Event | None]


def letters(rubbish: Rubbish, now: int) -> Event | None:
    return rubbish.letter(now)


def notes(rubbish: Rubbish, now: int) -> Event | None:
    return rubbish.note(now)


@pytest.fixture
def town() -> Iterator[Town]:
    it = Town()
    it.post.send(listing(it, "full", 5000, 0, tiers=[("VIP", 9000, 0)]))  # nothing can be bought
    it.lives_on(1)
    yield it
    it.close()


@pytest.mark.parametrize("brew", [letters, notes])
def test_a_thousand_wrong_ones(town: Town, brew: Brew) -> None:
    pour(town, brew, 1_000)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("brew", [letters, notes])
def test_ten_thousand_wrong_ones(town: Town, brew: Brew) -> None:
    pour(town, brew, 1_000)
    before = _memory()
    pour(town, brew, 9_000, seed=SEED + 1)
    assert _memory() - before < ROOM


def pour(town: Town, brew: Brew, number: int, seed: int = SEED) -> None:
    """Through the real way in: what is no event or not signed falls away where relays verify."""
    rubbish = Rubbish(seed, town.keys.pubkey, town.organizer.keys)
    came: Counter[str] = Counter()
    alice = town.buyers[0]
    asked = []
    for at in range(number):
        event = brew(rubbish, int(town.true_time()))
        fits = event is not None and verify(event)
        came["brought" if fits else "dropped"] += 1
        if event is not None and fits:
            town.post.pool.inbox.put_nowait(event)  # type: ignore[union-attr]
        if at % EVERY == 0:
            asked.append(f"q{seed % 1000}x{at:05}")
            town.post.send(alice.wrap(alice.letter(f"event {asked[-1]}", "nip17")))
            town.lives_on(0.1)
    town.lives_on(60)
    why = f"FUZZ_SEED={seed}"
    assert town.deaths == 0, why
    assert [one for one in town.log if one["event"] in truth.BAD_NEWS] == [], why
    assert town.tx().rows("SELECT error FROM quarantine") == [], why
    assert town.tx().rows("SELECT id FROM orders") == [], why
    assert {word: truth.answers_to(alice, word) for word in asked} == dict.fromkeys(asked, 1), why
    assert came["brought"] > number // 2, f"too few came so far as the bot: {came}"


def _memory() -> int:
    """What this process has in memory, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
