"""After an event, and after a loss: what is public is said once, what is over is forgotten."""

from __future__ import annotations

import pytest

from tests.story.cast import DAY, HOUR, Organizer, Person, Stage
from tests.story.memory import rows
from tests.story.test_after import ends, gets_in, opens_soon, published
from tests.story.test_restore import back_up, caught_up, lose_the_ledger


async def test_a_restored_bot_publishes_no_badge_twice(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await opens_soon(organizer)
    await gets_in(organizer, alice)
    await alice.says("badge yes")
    await alice.hears("Noted")
    made_at = back_up(stage)
    await ends(stage)
    await alice.hears("Your badge of Lisbon Meetup is published")
    before = await published(stage)
    stage.clock.forward(HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    stage.clock.forward(60)
    await stage.app.epilogue.play()
    assert await rows(stage, "SELECT awarded_at IS NULL FROM badge_wish") == [(0,)]
    assert [one["id"] for one in await published(stage)] == [one["id"] for one in before]


@pytest.mark.choices(purge_days=7)
async def test_who_is_forgotten_after_an_event_wishes_nothing_of_it(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """Alice comes again and again: it is known who she is, and no more where she was."""
    await opens_soon(organizer)
    await gets_in(organizer, alice)
    await alice.says("badge yes")
    await alice.hears("Noted")
    await ends(stage)
    await alice.hears("is published")
    await opens_soon(organizer, "Porto Dinner", start=int(stage.clock()) + 20 * DAY, end=None)
    await alice.says("buy porto")
    await alice.gets_a_ticket()
    stage.clock.forward(8 * DAY)
    await stage.app._forgetter.forget()
    assert await rows(stage, "SELECT 1 FROM ticket WHERE holder > 0") == [(1,)]
    assert await rows(stage, "SELECT 1 FROM badge_wish") == []
