"""Whoever carries the ledger away finds nobody in the new rooms either: queue, gifts, transfers,
codes, answers, the door, payouts, badges, the API; nor by trying the digests of what is secret.
"""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from tests.story.caller import Caller
from tests.story.cast import DAY, HOUR, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered, npub
from tests.story.memory import rows, settles_down
from tests.story.scanner import a_secret
from ticketbot.domain.nip19 import npub_encode

ANSWER = "Velociraptor Smith, no gluten"
PLACE = "treasurer.jane@walletofsatoshi.example"
WORDS = "The garden door is open from seven; ring for Guillermo"


async def plays(
    stage: Stage, organizer: Organizer, people: list[Person]
) -> tuple[Caller, list[str]]:
    alice, bob, carol, dora = people
    start = int(stage.clock()) + 2 * HOUR
    event = await organizer.has_on_sale(
        question=[["Which name shall be on your badge?"]], stock=3, start=start, end=start + HOUR
    )
    await organizer.says("promo lisbon BRONTOSAURUS 50% max 9")
    await organizer.hears("BRONTOSAURUS")
    await alice.says("buy lisbon brontosaurus")
    await alice.hears("Question 1")
    await alice.says(ANSWER)
    await alice.pays(await alice.gets_an_invoice())
    tokens = [await alice.gets_a_ticket()]
    await organizer.asks(
        type="comp", request_id="c1", event_id=event.address(), to=npub(bob), quantity=1
    )
    tokens.append(await bob.gets_a_ticket())
    caller = Caller(stage)
    bought = await caller.posts(
        "/orders", event_id=event.address(), request_id="jane.doe-1", quantity=1,
        answers={"Which name shall be on your badge?": ANSWER},
    )  # fmt: skip
    assert bought.status == 201, bought
    await carol.says("join lisbon")
    await carol.hears("number 1")
    offer = await is_offered(alice, bob, code_of(stage, tokens[0]))
    await bob.says(f"accept {offer}")
    tokens.append(await bob.gets_a_ticket())
    await is_offered(bob, carol, code_of(stage, tokens[1]))
    await bob.says("badge yes lisbon")
    await bob.hears("Noted")
    await organizer.says(f"door add lisbon {npub_encode(dora.pubkey)}")
    await dora.hears("You are at the door")
    secret = await a_secret(organizer, "lisbon")
    await dora.says(f"checkin {tokens[2]}")
    await dora.hears()
    await organizer.says(f"payout to {PLACE}")
    await organizer.hears("from now on")
    await organizer.says(f"announce lisbon {WORDS}")
    await organizer.hears("yes")
    return caller, [*tokens, secret]


async def test_the_new_rooms_name_nobody(stage: Stage, organizer: Organizer, alice: Person) -> None:
    people = [alice, *[await stage.enters() for _ in range(3)]]
    caller, secrets = await plays(stage, organizer, people)
    keys = [*(one.pubkey for one in people), caller.pubkey]
    shapes = [key.encode() for key in keys] + [npub_encode(key).encode() for key in keys]
    shapes += [bytes.fromhex(key) for key in keys]
    shapes += [one.encode() for one in (ANSWER, "Velociraptor", PLACE, "treasurer", WORDS)]
    shapes += [one.encode() for one in ("Guillermo", "BRONTOSAURUS", "jane.doe", *secrets)]
    guesses = {hash_(shape) for shape in shapes for hash_ in (_sha256, _twice)}
    guesses -= {hashlib.sha256(token.encode()).digest() for token in secrets}  # an index, random
    found = {
        shape
        for path in stage.folder.glob("ledger.db*")
        for shape in (*shapes, *guesses)
        if shape.lower() in path.read_bytes().lower()
    }
    assert found == set()


@pytest.mark.choices(purge_days=7)
async def test_and_when_it_is_forgotten_nothing_of_it_is_kept(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """All that is sealed goes too, but for organizers' own."""
    people = [alice, *[await stage.enters() for _ in range(3)]]
    await plays(stage, organizer, people)
    await stage.app._turnstile.look()
    await settles_down(stage)
    stage.clock.forward(9 * DAY)
    await stage.app._turnstile.look()
    await stage.app.epilogue.play()
    open_still = "SELECT 1 FROM orders WHERE state = 'invoiced' UNION SELECT 1 FROM transfer"
    async with asyncio.timeout(10):
        while await rows(stage, open_still):
            await asyncio.sleep(0.05)
    await settles_down(stage)
    stage.clock.forward(9 * DAY)
    await stage.app._housekeeper.tidy()
    await stage.app.forget()

    def left(tx: object) -> dict[str, int]:
        counted = {
            "orders": "FROM orders WHERE person > 0 OR request_id IS NOT NULL",
            "tickets": "FROM ticket WHERE holder > 0",
            "answers": "FROM answer",
            "transfers": "FROM transfer",
            "places": "FROM place",
            "codes": "FROM promo WHERE code IS NOT NULL",
            "staff": "FROM door_pass WHERE sealed IS NOT NULL OR lookup IS NOT NULL",
            "wishes": "FROM badge_wish",
            "guesses": "FROM promo_guess",
            "checkouts": "FROM checkout",
            "requests": "FROM request",
            "thanked": "FROM thanked",
            "announcements": "FROM announcement WHERE words IS NOT NULL",
        }
        return {
            name: number
            for name, sql in counted.items()
            if (number := tx.rows(f"SELECT count(*) {sql}")[0][0])  # type: ignore[attr-defined]
        }

    assert await stage.app.store.transaction(left) == {}


def _sha256(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _twice(secret: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(secret).digest()).digest()
