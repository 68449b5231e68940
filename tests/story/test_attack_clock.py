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
