"""Where two rooms meet: gifts and closings, secrets and the ledger, money and a full disk."""

from __future__ import annotations

import hashlib

from tests.story.cast import Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered, npub
from tests.story.memory import rows
from ticketbot.metrics import metrics


async def test_everybody_who_holds_a_given_ticket_hears_that_the_event_is_off(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Two gifts in one order, one of them passed on: both travel for nothing otherwise."""
    await organizer.has_on_sale()
    await organizer.says(f"comp lisbon {npub(alice)} 2")
    token = await alice.gets_a_ticket()
    await alice.gets_a_ticket()
    offer = await is_offered(alice, bob, code_of(stage, token))
    await bob.says(f"accept {offer}")
    await bob.gets_a_ticket()
    await organizer.announces(status="cancelled", at=int(stage.clock()) + 5)
    await organizer.hears("cancel lisbon")
    await organizer.says("cancel lisbon")
    await alice.hears("was cancelled")
    await bob.hears("was cancelled")


async def test_a_stolen_ledger_does_not_tell_whom_a_program_gave_tickets(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """A plain hash of who was given what is found by trying every key there is."""
    event = await organizer.has_on_sale()
    await organizer.asks(
        type="comp", request_id="c1", event_id=f"31923:{organizer.pubkey}:{event.tag('d')}",
        to=npub(alice), quantity=1,
    )  # fmt: skip
    await organizer.is_told("comp")
    ((content,),) = await rows(stage, "SELECT content FROM request")
    words = (f"31923:{organizer.pubkey}:{event.tag('d')}",)
    tried = [
        f"comp|{words}|{to}|1|{tier}" for to in (alice.pubkey, npub(alice)) for tier in (None, "")
    ]
    assert content not in [hashlib.sha256(one.encode()).digest() for one in tried]


async def test_a_rehearsal_is_in_no_figure(stage: Stage, organizer: Organizer) -> None:
    def admitted() -> float:
        return float(metrics().checkins.labels("admitted")._value.get())

    await organizer.has_on_sale()
    before = admitted()
    await organizer.says("rehearse lisbon")
    await organizer.hears("REHEARSAL")
    assert admitted() == before
