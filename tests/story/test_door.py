"""An evening at the door, by DM: who lets people in, what they are told, and what they are not."""

from __future__ import annotations

import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import group_id, verify_token
from ticketbot.texts import say

SOON = 2 * HOUR


@pytest.fixture
async def dora(stage: Stage) -> Person:
    """Somebody with a phone at the door."""
    return await stage.enters()


async def opens_soon(organizer: Organizer, title: str = "Lisbon Meetup", **tags: object) -> None:
    """An event on sale that begins in two hours: its doors are open."""
    start = int(organizer.stage.clock()) + SOON
    await organizer.has_on_sale(title, start=start, end=start + 3 * HOUR, **tags)


async def works(organizer: Organizer, dora: Person, code: str = "lisbon", hours: str = "") -> None:
    await organizer.says(f"door add {code} {npub_encode(dora.pubkey)} {hours}")
    await organizer.hears("can let people in")
    await dora.hears("You are at the door of")


def code_of(stage: Stage, token: str) -> str:
    return group_id(verify_token(token, stage.app.desk.ticket_public_key)[0])


async def test_a_door_evening(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, dora: Person
) -> None:
    """Two friends come, one leaves and comes back, one slip is undone, one screenshot is caught."""
    vip = [["VIP", "9000", "SAT", "5"]]
    await opens_soon(organizer, tier=vip)
    await works(organizer, dora)
    hers = await alice.buys("lisbon vip 2")
    his = await bob.buys("lisbon")
    code = code_of(stage, his)

    await dora.says(f"checkin {hers} gate B")
    told = await dora.hears("GREEN · come in. VIP · Order ")
    assert told.endswith("one of 2 tickets")
    await dora.says(f"checkin {hers.lower()} gate A")
    told = await dora.hears("RED · already used at ")
    assert ", gate B. VIP" in told
    await dora.says(f"check in {code} gate a")
    assert "GREEN · come in. Order " in await dora.hears()
    await dora.says(f"checkout {code}")
    assert "GREEN · left, and may come back" in await dora.hears()
    await dora.says(f"checkout {code.lower()}")
    assert await dora.hears() == say("scan-already-out")
    await organizer.says("door lisbon")
    counts = {"title": "Lisbon Meetup", "inside": 1, "admitted": 2, "sold": 3, "left": 1}
    assert await organizer.hears() == say("door-counts", **counts)
    await dora.says(f"checkin {code.replace('-', ' ')}")
    assert "GREEN · welcome back" in await dora.hears()
    for sentence in ("outside again", "inside again", "not used"):
        await dora.says(f"undo {code}")
        assert sentence in await dora.hears("GREEN · undone")
    await dora.says(f"undo {code}")
    assert await dora.hears() == say("scan-nothing-to-undo")
    await dora.says("door")
    assert "1 inside. 1 of 3 came in, 0 have left" in await dora.hears()
    for heard in dora.heard:
        assert npub_encode(alice.pubkey) not in heard.text
        assert alice.pubkey not in heard.text
