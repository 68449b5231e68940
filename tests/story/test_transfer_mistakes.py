"""What cannot be handed on, and what is said to who tries: one sentence, and nothing is lost."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.story.cast import DAY, WEEK, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered, is_valid, npub
from tests.story.memory import rows
from ticketbot.domain.nip19 import npub_encode
from ticketbot.handlers.holding import transfers
from ticketbot.keys import Keys
from ticketbot.texts import say

LISBON = "Lisbon Meetup"
STRANGER = npub_encode(Keys(os.urandom(32)).pubkey)
pytestmark = pytest.mark.choices(ephemeral="when-asked")


@pytest.mark.parametrize(
    ("words", "sentence", "values"),
    [
        ("transfer", "transfer-how", {}),
        ("transfer CODE", "transfer-how", {}),
        ("transfer CODE bob", "transfer-how", {}),
        ("transfer CODE npub1qqqq", "transfer-whom", {"text": "npub1qqqq"}),
        ("transfer CODE nsec1qqqqqqqqqqqq", "transfer-nsec", {}),
        ("transfer CODE bob@example.com", "transfer-name", {"text": "bob@example.com"}),
        ("transfer CODE " + "f" * 64, "transfer-whom", {"text": "f" * 39 + "…"}),
        ("transfer CODE MYSELF", "transfer-self", {}),
        ("transfer CODE THEBOT", "transfer-self", {}),
        (
            "transfer ZZZZ-ZZZZ-ZZZZ-ZZZZ STRANGER",
            "ticket-unknown",
            {"word": "zzzz-zzzz-zzzz-zzzz"},
        ),
        ("transfer <script> STRANGER", "ticket-unknown", {"word": "script"}),
        ("transfer =cmd STRANGER", "ticket-unknown", {"word": "=cmd"}),
        ("accept", "transfer-none", {}),
        ("accept 1234", "transfer-unknown", {"code": "1234"}),
        ("accept <script>", "transfer-unknown", {"code": "SCRIPT"}),
        ("decline", "transfer-none", {}),
    ],
)
async def test_what_cannot_be_done(
    stage: Stage,
    organizer: Organizer,
    alice: Person,
    words: str,
    sentence: str,
    values: dict[str, Any],
) -> None:
    await organizer.has_on_sale()
    token = await alice.buys("lisbon")
    for name, meant in (
        ("CODE", code_of(stage, token)),
        ("MYSELF", npub(alice)),
        ("THEBOT", npub_encode(stage.keys.pubkey)),
        ("STRANGER", STRANGER),
    ):
        words = words.replace(name, meant)
    await alice.says(words)
    assert await alice.hears() == say(sentence, **values)
    assert await is_valid(stage, token)
    assert await rows(stage, "SELECT * FROM transfer") == []


async def test_somebody_elses_ticket(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    code = code_of(stage, await alice.buys("lisbon"))
    await bob.says(f"transfer {code} {STRANGER}")
    assert await bob.hears() == say("ticket-unknown", word=code.lower())
    offer = await is_offered(alice, bob, code)
    carol = await stage.enters()
    for words in (f"accept {offer}", f"decline {offer}"):
        await carol.says(words)
        assert await carol.hears() == say("transfer-unknown", code=offer)
    await carol.says(f"transfer {code} cancel")
    assert await carol.hears() == say("ticket-unknown", word=code.lower())
    await bob.says("accept")
    await bob.gets_a_ticket()


async def test_an_organizer_forbids_it(stage: Stage, organizer: Organizer, alice: Person) -> None:
    event = await organizer.announces(transfer="never")
    shown = await organizer.hears("Get a ticket")
    assert say("terms-no-transfer") in shown
    assert event
    code = code_of(stage, await alice.buys("lisbon"))
    await alice.says(f"transfer {code} {STRANGER}")
    assert await alice.hears() == say("transfer-forbidden", title=LISBON)


async def test_a_slip_in_the_note_is_named(stage: Stage, organizer: Organizer) -> None:
    await organizer.announces(transfer="nver", refund_fee="10%", refund_until="soon")
    told = await organizer.hears("I cannot sell")
    assert "transfer must be never" in told
    assert "refund_until" in told


async def test_no_more_than_one_person_may_have(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Only the recipient hears of it: how many tickets bob has is not alice's business."""
    await organizer.has_on_sale(max_per_buyer=1)
    await bob.buys("lisbon")
    code = code_of(stage, await alice.buys("lisbon"))
    offer = await is_offered(alice, bob, code)
    await bob.says(f"accept {offer}")
    assert await bob.hears() == say("too-many-per-buyer", most=1, title=LISBON)
    await bob.says(f"decline {offer}")
    await alice.hears("declined")


async def test_used_over_and_cancelled(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    event = await organizer.has_on_sale()
    code = code_of(stage, await alice.buys("lisbon"))
    offer = await is_offered(alice, bob, code)
    await stage.app.store.transaction(lambda tx: tx.change("UPDATE ticket SET state = 'admitted'"))
    await bob.says(f"accept {offer}")
    assert await bob.hears() == say("ticket-used", title=LISBON)
    await stage.app.store.transaction(lambda tx: tx.change("UPDATE ticket SET state = 'valid'"))
    await organizer.publish(5, [["a", event.address()]], "", int(stage.clock()) + 1)
    await organizer.hears("is off sale")
    await bob.says(f"accept {offer}")
    assert await bob.hears() == say("ticket-event-off", title=LISBON)
    await organizer.says("cancel lisbon")
    await bob.hears("is not there any more")
    await alice.hears("goes back to you")


async def test_after_the_event(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    code = code_of(stage, await alice.buys("lisbon"))
    stage.clock.forward(WEEK + DAY)
    await alice.says(f"transfer {code} {STRANGER}")
    assert await alice.hears("over") == say("ticket-event-over", title=LISBON)


async def test_strangers_are_not_pestered(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    code = code_of(stage, await alice.buys("lisbon"))
    for _ in range(transfers.MOST_OFFERS):
        await alice.says(f"transfer {code} {STRANGER}")
        await alice.hears("is offered")
        await alice.says(f"transfer {code} cancel")
        await alice.hears("not offered any more")
    await alice.says(f"transfer {code} {STRANGER}")
    assert await alice.hears() == say("transfer-often", code=code)


async def test_which_ticket_is_meant(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """By its code, by the end of it, by the event or without a word where there is but one."""
    await organizer.has_on_sale()
    first = code_of(stage, await alice.buys("lisbon 2"))
    second = code_of(stage, await alice.gets_a_ticket())
    for words in ("transfer", "transfer lisbon"):
        await alice.says(f"{words} {npub(bob)}")
        told = await alice.hears("Say which")
        assert first in told
        assert second in told
    await alice.says(f"transfer {first[-4:].lower()} to nostr:{npub(bob)}")
    await alice.hears(f"Your ticket {first}")
    await bob.says("accept")
    await bob.gets_a_ticket()
    await alice.says(f"transfer my lisbon ticket to {bob.pubkey}")
    await alice.hears(f"Your ticket {second}")
    await bob.says("accept")
    await bob.gets_a_ticket()


async def test_several_offers_to_one_person(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon 2")
    await alice.gets_a_ticket()
    await alice.says("tickets")
    listed = await alice.hears("You hold")
    codes = [line.rsplit(" · ", 1)[1] for line in listed.splitlines() if line.startswith("- ")]
    offers = [await is_offered(alice, bob, code) for code in codes]
    await bob.says("accept")
    assert set(offers) == set((await bob.hears("Say which")).rstrip(".").split(": ")[1].split(", "))
    for offer in offers:
        await bob.says(f"accept {offer}")
        await bob.gets_a_ticket()


async def test_who_accepts_says_that_they_are_old_enough(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.announces(price=None, age=18)
    await organizer.hears("Get a ticket")
    await alice.says("buy lisbon")
    await alice.says("yes")
    await alice.gets_a_ticket()
    await alice.says(f"transfer lisbon {npub(bob)}")
    assert "to say that you are 18 or older, send: accept" in await bob.hears("would like to give")
