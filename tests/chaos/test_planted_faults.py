"""The tests' own test: a bot with a planted fault is found out, the same evening without is fine.

Each fault is one that a reasonable person could make; mutants.py says which.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.chaos.evening import Evening, evening
from tests.real.relays import awkward_relay


@pytest.mark.parametrize("mutant", ["orphan", None])
async def test_asking_again_without_looking_leaves_an_invoice_that_nobody_watches(
    tmp_path: Path, relay: str, mutant: str | None
) -> None:
    place = "invoicer.after-create=kill"
    async with evening(tmp_path, [relay], place, mutant=mutant) as it:
        await it.publishes_event()
        await it.buys()
        await it.has_met("kill")
    assert _says(it, "nobody watches it") is (mutant is not None)


@pytest.mark.parametrize("mutant", ["split", None])
async def test_a_settlement_in_two_transactions_loses_a_ticket(
    tmp_path: Path, relay: str, mutant: str | None
) -> None:
    place = "cashier.credited=kill"
    async with evening(tmp_path, [relay], place, mutant=mutant) as it:
        await it.publishes_event()
        await it.alice.write("buy lisbon")
        await it.pays(await it.gets_an_invoice())
        await it.has_met("kill")
        if mutant is None:
            await it.gets_a_ticket()
    assert _says(it, "0 msat have a fate") is (mutant is not None)


@pytest.mark.parametrize("mutant", ["hasty", None])
async def test_remembering_before_verifying_lets_a_forger_silence_a_buyer(
    tmp_path: Path, relay: str, mutant: str | None
) -> None:
    """A relay shows a copy with a broken signature first; the good one comes from another."""
    async with (
        awkward_relay() as forger,
        evening(tmp_path, [relay, forger.url], mutant=mutant) as it,
    ):
        await it.publishes_event()
        good = it.alice.seal("buy lisbon")
        await forger.broadcast(json.loads(good) | {"sig": "00" * 64})
        await asyncio.sleep(1)
        await it.alice.send(good)
        if mutant is None:
            await it.gets_an_invoice()
            return
        with pytest.raises(TimeoutError):
            await it.alice.next("lnbc", 5)


def _says(it: Evening, words: str) -> bool:
    return any(words in fault for fault in it.faults())
