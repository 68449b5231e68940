"""Tickets that changed hands since yesterday's backup are where they were, letter for letter."""

from __future__ import annotations

import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered, is_valid
from tests.story.memory import rows, settles_down
from tests.story.test_restore import back_up, caught_up, lose_the_ledger

pytestmark = pytest.mark.choices(ephemeral="when-asked")


async def test_the_new_holder_has_the_very_same_ticket(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """And what is still offered can still be accepted."""
    await organizer.has_on_sale()
    made_at = back_up(stage)
    first = await alice.buys("lisbon 2")
    second = await alice.gets_a_ticket()
    offer = await is_offered(alice, bob, code_of(stage, first))
    stage.clock.forward(5)  # people take seconds; letters are read again in their order
    await bob.says(f"accept {offer}")
    bobs = await bob.gets_a_ticket()
    stage.clock.forward(5)
    still_open = await is_offered(alice, bob, code_of(stage, second))
    await settles_down(stage)
    stage.clock.forward(HOUR + 60)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert await is_valid(stage, bobs)
    assert await is_valid(stage, second)
    assert not await is_valid(stage, first)
    await settles_down(stage)
    assert await rows(stage, "SELECT upper(code) FROM transfer") == [(still_open,)]
    seen = len(bob.heard)
    await bob.says(f"accept {still_open}")
    while not any("TKT1:" in message.text for message in bob.heard[seen:]):
        await bob.hears()
    await alice.hears("was accepted")
    assert not await is_valid(stage, second)
