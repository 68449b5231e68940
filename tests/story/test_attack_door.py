"""At the door, and before it: what another ledger signed, and what was used already."""

from __future__ import annotations

from tests.story.caller import Caller
from tests.story.cast import HOUR, Organizer, Person, Stage
from ticketbot.domain.jwt_ticket import sign_jwt
from ticketbot.domain.ticket import read_token


async def opens_now(stage: Stage, organizer: Organizer) -> None:
    now = int(stage.clock())
    await organizer.has_on_sale(price=None, start=now + 60, end=now + 3 * HOUR, doors=now)


async def test_a_jwt_of_a_lost_ledger_lets_nobody_in(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """Signed by this very bot, of the same version, but for somebody whom this ledger forgot."""
    await opens_now(stage, organizer)
    await alice.says("buy lisbon")
    mine = read_token(await alice.gets_a_ticket(), stage.app.desk.ticket_public_key)
    signer = stage.app.window._signer
    await organizer.says(f"checkin {sign_jwt(mine._replace(holder=bytes(16)), signer)}")
    assert "GREEN" not in await organizer.hears("RED")
    await organizer.says(f"checkin {sign_jwt(mine, signer)}")
    await organizer.hears("GREEN")


async def test_who_left_has_nothing_to_sell(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """Whoever is offered a ticket asks whether it is good: somebody came in with this one."""
    await opens_now(stage, organizer)
    await alice.says("buy lisbon")
    token = await alice.gets_a_ticket()
    for word, light in (("checkin", "GREEN"), ("checkout", "left")):
        await organizer.says(f"{word} {token}")
        await organizer.hears(light)
    said = await Caller(stage).posts("/validate", signed=False, ticket=token)
    assert (said.body["valid"], said.body["reason"]) == (False, "used"), said
