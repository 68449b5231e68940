"""A ledger that is lost in the middle of an evening: who was let in by DM is in again."""

from __future__ import annotations

from tests.story.cast import Organizer, Person, Stage
from tests.story.scanner import Scanner, a_secret, at_the_door, free_tickets, opens_soon
from tests.story.test_restore import back_up, caught_up, lose_the_ledger
from ticketbot.domain.nip19 import npub_encode


async def test_who_was_let_in_after_the_backup_is_in(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    dora = await stage.enters()
    await opens_soon(organizer, price=None)
    by_dm, by_scanner = await free_tickets(alice, "lisbon 2")
    made_at = back_up(stage)
    stage.clock.forward(2)

    await organizer.says(f"door add lisbon {npub_encode(dora.pubkey)}")
    await dora.hears("You are at the door")
    stage.clock.forward(2)  # letters are sorted by the second
    await dora.says(f"checkin {by_dm} gate B")
    assert "GREEN · come in" in await dora.hears()
    entered = int(stage.clock())
    async with at_the_door(stage) as session:
        scanner = Scanner(session, await a_secret(organizer))
        seen = await scanner.scans("check-in", by_scanner, nonce="nonce-01")
        assert seen["outcome"] == "admitted"

    stage.clock.forward(900)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    assert "GREEN · come in" in await dora.hears("GREEN")
    async with at_the_door(stage) as session:
        assert (await Scanner(session, scanner.secret).gets("counts"))["status"] == 401
        scanner = Scanner(session, await a_secret(organizer))
        again = await scanner.scans("check-in", by_dm)
        assert (again["outcome"], again["entered_gate"]) == ("already-used", "B")
        assert abs(again["entered_at"] - entered) <= 5
        told = {"ticket": by_scanner, "nonce": "nonce-01", "at": seen["at"], "gate": "A"}
        (late,) = await scanner.tells(told)
        assert (late["outcome"], late["at"]) == ("admitted", seen["at"])
        assert (await scanner.gets("counts"))["total"]["inside"] == 2
