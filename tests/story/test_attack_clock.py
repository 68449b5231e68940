"""A clock that is put right by two days while the bot answers: the answer arrives all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.real.relays import awkward_relay
from tests.story.cast import DAY, HOUR
from tests.story.program import listening
from tests.story.test_clocks import FarStage
from ticketbot.envelopes import Protocol
from ticketbot.ledger import outbox
from ticketbot.ledger.store import Tx


@pytest.mark.parametrize("via", ["nip04", "nip17"])
async def test_an_answer_from_the_future_is_dated_anew(tmp_path: Path, via: Protocol) -> None:
    async with awkward_relay() as relay:
        stage = FarStage(tmp_path, relay.url)
        now = int(stage.clock())
        await stage.enters(stage.operator)
        await stage.enters(stage.organizer)
        await stage.opens()
        await listening(stage)
        await stage.organizer.has_on_sale()
        refused = 0

        def refuse(event: dict[str, int]) -> str | None:
            nonlocal refused
            if event["created_at"] <= now + HOUR:
                return None
            refused += 1
            return "invalid: event creation date is too far off from the current time"

        relay.refuse = refuse
        alice = await stage.enters()
        stage.wrong = 2 * DAY
        await alice.says("events", via)
        async with asyncio.timeout(10):
            while not refused and not alice.unread:  # a gift wrap is dated back by chance
                await asyncio.sleep(0.05)
        stage.wrong = 0
        await stage.app.look_around()
        await alice.hears("Lisbon Meetup")
        await stage.ends()


def tried(tx: Tx) -> bool:
    """Whether the message was on its way once, and waits for another try."""
    return tx.row("SELECT 1 FROM outbox WHERE kind = 'message' AND attempts > 0") is not None


async def test_what_a_relay_took_without_a_word_is_not_written_anew(tmp_path: Path) -> None:
    """It may have been delivered: with another date it would be another message."""
    async with awkward_relay() as relay:
        stage = FarStage(tmp_path, relay.url)
        await stage.enters(stage.operator)
        await stage.enters(stage.organizer)
        await stage.opens()
        await stage.organizer.has_on_sale()
        alice = await stage.enters()
        stage.wrong = 2 * DAY
        relay.oks = False
        await alice.says("events", "nip04")
        await alice.hears("Lisbon Meetup")
        relay.cut()
        async with asyncio.timeout(20):
            while not await stage.app.store.transaction(tried):
                await asyncio.sleep(0.05)
            relay.oks, stage.wrong = True, 0
            await stage.app.look_around()
            while await stage.app.store.transaction(outbox.pending):
                await asyncio.sleep(0.05)
        to_her = ["p", alice.pubkey]
        assert sum(to_her in one["tags"] for one in relay.stored.values()) == 1
        assert await alice.hears_nothing()
        await stage.ends()
