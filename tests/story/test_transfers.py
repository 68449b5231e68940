"""Tickets change hands: offered, taken, declined, and never in two hands at once."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered, is_scanned, is_valid, npub
from tests.story.memory import known, rows, settles_down
from tests.story.program import Program, listening
from ticketbot.domain.ticket import read_token
from ticketbot.handlers.holding import transfers
from ticketbot.ledger import journal
from ticketbot.texts import say

LISBON = "Lisbon Meetup"
pytestmark = pytest.mark.choices(ephemeral="when-asked")


async def test_a_ticket_is_given_to_a_stranger(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    old = await alice.buys("lisbon")
    code = code_of(stage, old)
    offer = await is_offered(alice, bob, code)
    assert await is_valid(stage, old)
    await bob.says(f"accept {offer}")
    new = await bob.gets_a_ticket()
    assert await bob.hears() == say("transfer-taken", title=LISBON)
    accepted = await alice.hears("was accepted")
    assert accepted == say("transfer-accepted", code=code, title=LISBON)
    assert not await is_valid(stage, old)
    assert await is_valid(stage, new)
    before, after = (read_token(one, stage.app.desk.ticket_public_key) for one in (old, new))
    assert (before.ticket_id, before.version, after.version) == (after.ticket_id, 1, 2)
    assert before.nonce != after.nonce
    assert before.holder != after.holder
    await alice.says("tickets")
    assert await alice.hears() == say("tickets-none")
    await bob.says("resend")
    assert await bob.gets_a_ticket() == new


async def test_the_old_picture_dies_with_the_old_code(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await listening(stage)
    event = await organizer.has_on_sale()
    program = Program(alice)
    ticket = await program.buys(event.address())
    base = f"http://127.0.0.1:{stage.app.web_port}"
    picture = base + ticket["qr_code"].removeprefix("https://tickets.example")
    async with aiohttp.ClientSession() as web:
        async with web.get(picture) as answer:
            assert answer.status == 200
        offered = await program.asks("transfer", ticket_id=ticket["ticket_id"], to=bob.pubkey)
        assert (offered["type"], offered["state"]) == ("transfer", "offered")
        await bob.hears("would like to give you")
        await bob.says("accept")
        await bob.gets_a_ticket()
        async with web.get(picture) as answer:
            assert answer.status == 404
    told = await program.hears(type="transfer", state="accepted")
    assert told["ticket_id"] == ticket["ticket_id"]


async def test_programs_hand_tickets_on_among_themselves(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await listening(stage)
    event = await organizer.has_on_sale()
    giver, taker = Program(alice), Program(bob)
    await taker.asks("events")
    ticket = await giver.buys(event.address())
    last = {}
    for answer in ("decline", "accept"):
        await giver.asks("transfer", ticket_id=ticket["ticket_id"], to=npub(bob))
        offer = await taker.hears(type="transfer-offer")
        assert offer["event_id"] == event.address()
        assert offer["from"] == alice.pubkey
        last = await taker.asks(answer, code=offer["code"])
    told = await giver.hears(type="transfer", state="declined")
    assert told["ticket_id"] == ticket["ticket_id"]
    new = last if last["type"] == "ticket" else await taker.hears(type="ticket")
    assert (new["ticket_id"], new["version"]) == (ticket["ticket_id"], 2)
    assert await taker.gets_by_dm(new)
    wrong = await giver.asks("transfer", ticket_id=ticket["ticket_id"], to=npub(bob))
    assert wrong["code"] == "not-yours"


async def test_declined_and_taken_back(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    token = await alice.buys("lisbon")
    code = code_of(stage, token)
    offer = await is_offered(alice, bob, code)
    await bob.says(f"decline {offer}")
    assert await bob.hears() == say("transfer-left", title=LISBON)
    declined = await alice.hears("declined")
    assert declined == say("transfer-declined", code=code, title=LISBON)
    offer = await is_offered(alice, bob, code)
    await alice.says(f"transfer {code} cancel")
    taken = await alice.hears("not offered any more")
    assert taken == say("transfer-taken-back", code=code, title=LISBON)
    await bob.hears("is not there any more")
    await bob.says(f"accept {offer}")
    assert await bob.hears() == say("transfer-unknown", code=offer)
    await alice.says(f"transfer {code} cancel")
    assert await alice.hears() == say("transfer-not-offered", code=code)
    assert await is_valid(stage, token)


async def test_an_offer_ends_also_while_the_bot_is_down(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    token = await alice.buys("lisbon")
    offer = await is_offered(alice, bob, code_of(stage, token))
    await stage.crashes()
    stage.clock.forward(transfers.OFFER_LIVES + HOUR)
    await stage.opens()
    await alice.hears("Nobody accepted your ticket")
    await bob.hears("is no longer open")
    await bob.says(f"accept {offer}")
    assert await bob.hears() == say("transfer-unknown", code=offer)
    assert await is_valid(stage, token)
    assert await rows(stage, "SELECT * FROM transfer") == []


async def test_who_accepted_while_the_bot_was_down_has_accepted(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """The letter lies at the relay: it is read before the offer's end is noticed."""
    await organizer.has_on_sale()
    old = await alice.buys("lisbon")
    offer = await is_offered(alice, bob, code_of(stage, old))
    await settles_down(stage)
    await stage.crashes()
    stage.clock.forward(transfers.OFFER_LIVES - HOUR)
    await bob.says(f"accept {offer}")
    stage.clock.forward(2 * HOUR)
    await stage.opens()
    new = await bob.gets_a_ticket()
    assert await is_valid(stage, new)
    assert not await is_valid(stage, old)


async def is_gone(stage: Stage, sql: str) -> None:
    """Wait until there is no such row any more."""
    async with asyncio.timeout(10):
        while await rows(stage, sql):
            await asyncio.sleep(0.02)


async def test_two_who_want_the_same_ticket(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """One ticket is offered to one person at a time; both answer at once, twice."""
    carol = await stage.enters()
    await organizer.has_on_sale()
    token = await alice.buys("lisbon")
    code = code_of(stage, token)
    first = await is_offered(alice, bob, code)
    await alice.says(f"transfer {code} {npub(carol)}")
    assert "is offered to somebody else" in await alice.hears("somebody else")
    await asyncio.gather(*(one.says(f"accept {first}") for one in (bob, carol, bob)))
    await bob.gets_a_ticket()
    assert await carol.hears() == say("transfer-unknown", code=first)
    versions = await rows(stage, "SELECT version, holder FROM ticket")
    assert versions == [(2, await known(stage, bob))]


async def test_taken_back_and_accepted_at_once(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    token = await alice.buys("lisbon")
    code = code_of(stage, token)
    offer = await is_offered(alice, bob, code)
    await asyncio.gather(alice.says(f"transfer {code} cancel"), bob.says(f"accept {offer}"))
    await is_gone(stage, "SELECT 1 FROM transfer")
    ((version, holder),) = await rows(stage, "SELECT version, holder FROM ticket")
    won = (1, await known(stage, alice)), (2, await known(stage, bob))
    assert (version, holder) in won
    assert await is_valid(stage, token) == (version == 1)


async def test_accepted_given_back_and_scanned_at_once(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Whoever comes first wins; the others hear that it is gone."""
    await organizer.has_on_sale(refund_until="1h")
    stage.clock.forward(WEEK - 2 * HOUR)
    for _ in range(4):
        old = await alice.buys("lisbon")
        code = code_of(stage, old)
        offer = await is_offered(alice, bob, code)
        await asyncio.gather(
            bob.says(f"accept {offer}"),
            alice.says(f"refund {code} yes"),
            is_scanned(organizer, old),
        )
        ticket_id = code.replace("-", "").lower()
        unused = (
            f"SELECT 1 FROM ticket WHERE id = '{ticket_id}' AND state = 'valid' AND version = 1"
        )
        await is_gone(stage, unused)
        await settles_down(stage)
        ((state, version, refund),) = await rows(
            stage, f"SELECT state, version, refund_id FROM ticket WHERE id = '{ticket_id}'"
        )
        ends = {("admitted", 1, None), ("valid", 2, None), ("void", 1, refund)}
        assert (state, version, refund) in ends
        assert (state == "void") == (refund is not None)


async def test_who_is_forgotten_takes_nothing(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    code = code_of(stage, await alice.buys("lisbon"))
    await is_offered(alice, bob, code)
    await bob.says("forget me yes")
    await bob.hears("Done")
    assert await alice.hears("declined") == say("transfer-declined", code=code, title=LISBON)
    assert await known(stage, bob) is None
    await alice.says("forget me yes")
    assert await alice.hears() == say("forget-tickets", title=LISBON)


async def test_a_giver_may_be_forgotten_and_the_ticket_lives(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await is_offered(alice, bob, code_of(stage, await alice.buys("lisbon")))
    await bob.says("accept")
    token = await bob.gets_a_ticket()
    await alice.hears("was accepted")
    await alice.says("forget me yes")
    await alice.hears("Done")
    await bob.says("resend")
    assert await bob.gets_a_ticket() == token
    await settles_down(stage)
    stage.clock.forward(WEEK + 100 * DAY)
    await stage.app.forget()
    assert await known(stage, bob) is None
    assert await rows(stage, "SELECT DISTINCT holder FROM ticket") == [(0,)]


async def test_the_journal_names_nobody(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await is_offered(alice, bob, code_of(stage, await alice.buys("lisbon")))
    await bob.says("accept")
    await bob.gets_a_ticket()
    ((order_id,),) = await rows(stage, "SELECT id FROM orders")
    told = await stage.app.store.transaction(lambda tx: journal.of(tx, order_id))
    assert [one.what for one in told][-2:] == ["ticket offered", "ticket transferred"]
    text = str(told)
    assert not any(key in text for key in (alice.pubkey, bob.pubkey, npub(alice)[5:]))
