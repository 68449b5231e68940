"""The door over HTTP: scans with a secret or a signature, told later, listed, counted, watched."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.story.cast import Organizer, Person, Stage
from tests.story.scanner import (
    Scanner,
    a_secret,
    at_the_door,
    free_tickets,
    opens_soon,
)
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import group_id, read_token

FREE = {"price": None}


@pytest.fixture
async def http(stage: Stage) -> AsyncIterator[aiohttp.ClientSession]:
    async with at_the_door(stage) as session:
        yield session


@pytest.fixture
async def scanner(organizer: Organizer, http: aiohttp.ClientSession) -> Scanner:
    """A scanner with a secret for an event whose doors are open."""
    await opens_soon(organizer, **FREE)
    return Scanner(http, await a_secret(organizer))


def id_of(stage: Stage, token: str) -> str:
    return read_token(token, stage.app.desk.ticket_public_key).ticket_id


async def test_in_out_and_back(stage: Stage, scanner: Scanner, alice: Person) -> None:
    (token,) = await free_tickets(alice, "lisbon 1")
    seen = await scanner.scans("check-in", token, gate="gate b")
    assert scanner.status == 200
    assert (seen["outcome"], seen["light"], seen["gate"]) == ("admitted", "green", "B")
    assert (seen["state"], seen["quantity"], seen["conflict"]) == ("admitted", 1, False)
    assert seen["message"].startswith("GREEN · come in. Order ")
    again = await scanner.scans("check-in", group_id(id_of(stage, token)))
    assert (again["outcome"], again["light"]) == ("already-used", "red")
    assert (again["entered_at"], again["entered_gate"]) == (seen["at"], "B")
    for kind, outcome in [
        ("checkout", "left"),
        ("checkout", "already-out"),
        ("check-in", "readmitted"),
        ("undo", "return-undone"),
        ("undo", "exit-undone"),
        ("undo", "entry-undone"),
        ("undo", "nothing-to-undo"),
        ("checkout", "not-inside"),
        ("check-in", "admitted"),
    ]:
        assert (await scanner.scans(kind, token))["outcome"] == outcome
    text = json.dumps(again) + json.dumps(seen)
    assert alice.pubkey not in text
    assert npub_encode(alice.pubkey) not in text
