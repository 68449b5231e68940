"""The API beside a ledger that still has to hear what it missed."""

from __future__ import annotations

from tests.story.caller import Caller
from tests.story.cast import Organizer, Person, Stage
from tests.story.handing_on import npub
from ticketbot.domain.ticket import read_token


async def test_nobody_overtakes_their_own_letters_after_a_restore(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Alice has sold her ticket, and the ledger that knew is lost: she may not give it back."""
    await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon")
    ticket = read_token(await alice.gets_a_ticket(), stage.app.desk.ticket_public_key).ticket_id
    caller = Caller(stage, alice.keys)
    stage.app.engine.reception.catching_up = True
    for path, body in (("return", {"sure": True}), ("transfer", {"to": npub(bob)})):
        answer = await caller.posts(f"/tickets/{ticket}/{path}", **body)
        assert answer.code == "try-later", answer
    assert (await caller.gets("/tickets")).body["count"] == 1
    stage.app.engine.reception.catching_up = False
    assert (await caller.posts(f"/tickets/{ticket}/transfer", to=npub(bob))).status == 200
