"""Free tickets from the organizer, and a rehearsal of the whole way."""

from __future__ import annotations

import asyncio

import pytest

from tests.story.cast import HOUR, WEEK, Organizer, Person, Stage
from tests.story.program import Program, listening
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.rehearsal import is_rehearsal
from ticketbot.domain.ticket import read_token
from ticketbot.handlers.desk import giving
from ticketbot.ledger import journal, listings, tickets
from ticketbot.ledger.listings import Seats
from ticketbot.texts import say

LISBON = "Lisbon Meetup"
VIP = ["VIP", "9000", "SAT", "2"]


async def seats(stage: Stage, event_id: str) -> list[Seats]:
    return await stage.app.store.read(lambda tx: listings.seats_of(tx, event_id))


async def everything(stage: Stage) -> dict[str, int]:
    """How many rows each table of the books has."""
    names = ("orders", "ticket", "payment", "entry", "invoice", "refund", "payment_hash", "scan")
    return await stage.app.store.read(
        lambda tx: {name: tx.rows(f"SELECT count(*) FROM {name}")[0][0] for name in names}
    )


async def test_a_stranger_is_given_two_tickets_and_told_so(
    stage: Stage, organizer: Organizer
) -> None:
    event = await organizer.has_on_sale(tier=[["GA", "5000", "SAT"], VIP])
    bob = await stage.enters()  # has never written to the bot
    npub = npub_encode(bob.pubkey)
    await organizer.says(f"comp lisbon nostr:{npub} 2 vip")
    assert (await organizer.hears()).startswith(f"2 tickets for {LISBON} (VIP) are given")
    assert await bob.gets_a_ticket() != await bob.gets_a_ticket()
    greeting = say("comp-greeting", title=LISBON, n=2, name="Lisbon Tickets")
    assert await bob.hears("organizer of") == greeting
    assert [(one.tier, one.held, one.sold) for one in await seats(stage, event.address())] == [
        ("", 0, 2),
        ("GA", 0, 0),
        ("VIP", 0, 2),
    ]
    await bob.says("tickets")
    assert "You hold 2 tickets" in await bob.hears("You hold")
    await organizer.says("stats lisbon")
    assert say("stats-given", n=2) in await organizer.hears(LISBON)
    order = await stage.app.store.read(lambda tx: tx.rows("SELECT id FROM orders")[0][0])
    noted = await stage.app.store.read(lambda tx: journal.of(tx, order))
    assert [one.what for one in noted] == ["given by the organizer", "tickets issued"]


async def test_nothing_goes_back_for_what_was_given(stage: Stage, organizer: Organizer) -> None:
    await organizer.has_on_sale()
    bob = await stage.enters()
    await organizer.says(f"comp lisbon {npub_encode(bob.pubkey)}")
    await bob.gets_a_ticket()
    await organizer.announces(status="cancelled", at=int(stage.clock()) + 2)
    await organizer.hears("is off sale")
    await organizer.says("cancel lisbon")
    await organizer.hears("done.")
    assert "nothing was charged" in await bob.hears("was cancelled")
    assert (await everything(stage))["refund"] == 0


async def test_a_gift_needs_a_seat_like_any_other(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(stock=1)
    await alice.buys("lisbon")
    bob = await stage.enters()
    await organizer.says(f"comp lisbon {npub_encode(bob.pubkey)}")
    assert await organizer.hears() == say("sold-out", wish="lisbon 1")
    assert await bob.hears_nothing()


async def test_a_gift_while_sales_are_paused_and_before_they_begin(
    stage: Stage, organizer: Organizer
) -> None:
    await organizer.has_on_sale(sales_start=int(stage.clock()) + HOUR)
    await organizer.says("pause lisbon")
    await organizer.hears("is paused")
    bob = await stage.enters()
    await organizer.says(f"comp lisbon {npub_encode(bob.pubkey)}")
    assert await bob.gets_a_ticket()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("comp lisbon", "Say for which event and to whom"),
        ("comp lisbon bob@example.com", "Say for which event and to whom"),
        (
            f"comp lisbon npub1{'q' * 58}",
            "That is no key",
        ),
        ("comp lisbon {bob} 11", "At most 10 tickets in one gift"),
        ("comp lisbon {bob} 0", "is not a number of tickets"),
        ("comp lisbon {bob} 99999", "are more than any order can have"),
        ("comp lisbon {bob} gold", "This event has one kind of ticket only"),
        ("comp lisbon {bob} <script>", "This event has one kind of ticket only"),
        ("comp lisbon {bot}", "That is my own key"),
        ("comp lisbon {bob} {bob}", "Say for which event and to whom"),
    ],
)
async def test_what_cannot_be_given(
    stage: Stage, organizer: Organizer, bob: Person, words: str, said: str
) -> None:
    await organizer.has_on_sale()
    names = {"bob": npub_encode(bob.pubkey), "bot": npub_encode(stage.keys.pubkey)}
    await organizer.says(words.format(**names))
    assert said in await organizer.hears()
    assert (await everything(stage))["ticket"] == 0


async def test_so_many_gifts_a_day(
    stage: Stage, organizer: Organizer, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "A_DAY", 3)
    await organizer.has_on_sale()
    npub = npub_encode(bob.pubkey)
    await organizer.says(f"comp lisbon {npub} 2")
    await organizer.hears("are given")
    await organizer.says(f"comp lisbon {npub} 2")
    assert await organizer.hears() == say("comp-often", most=3)
    stage.clock.forward(24 * HOUR + 1)
    await organizer.says(f"comp lisbon {npub} 2")
    await organizer.hears("are given")


async def test_nothing_is_given_for_an_event_that_is_over(
    stage: Stage, organizer: Organizer, bob: Person
) -> None:
    await organizer.has_on_sale()
    stage.clock.forward(WEEK + 4 * HOUR)
    for words in (f"comp lisbon {npub_encode(bob.pubkey)}", "rehearse lisbon", "pause lisbon"):
        await organizer.says(words)
        assert await organizer.hears() == say("desk-not-on-sale", title=LISBON)


async def test_a_program_that_asks_twice_gives_once(
    stage: Stage, organizer: Organizer, bob: Person
) -> None:
    event = await organizer.has_on_sale()
    program = Program(organizer)
    await listening(stage)
    fields = {"event_id": event.address(), "to": npub_encode(bob.pubkey), "request_id": "g1"}
    first = await program.asks("comp", **fields)
    again = await program.asks("comp", **fields)
    assert first["order_id"] == again["order_id"]
    assert first["holder"] == npub_encode(bob.pubkey)
    other = await program.asks("comp", **fields, quantity=2)
    assert other["code"] == "bad-request"
    await bob.gets_a_ticket()
    await asyncio.sleep(0.3)
    assert (await everything(stage))["ticket"] == 1


async def test_the_same_letter_from_two_relays_gives_once(
    stage: Stage, organizer: Organizer, bob: Person
) -> None:
    await organizer.has_on_sale()
    await organizer.says(f"comp lisbon {npub_encode(bob.pubkey)}")
    await bob.gets_a_ticket()
    await stage.crashes()
    await stage.opens()  # relays bring every letter again
    await organizer.says("stats lisbon")
    assert "All: 1 of 100 sold" in await organizer.hears("sold ·")


async def test_a_rehearsal_proves_the_way_and_counts_nowhere(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale(stock=1)
    await alice.buys("lisbon")  # sold out is no obstacle
    before = await everything(stage), await seats(stage, event.address())
    for _ in range(2):
        await organizer.says("rehearse lisbon")
        shown = await organizer.hears("\nTKT1:")
        said = await organizer.hears("REHEARSAL of")
        assert said == say("rehearsed", title=LISBON, amount="5,000 sats")
        assert shown.startswith(f"Your ticket: REHEARSAL: {LISBON}")
        token = next(line for line in shown.splitlines() if line.startswith("TKT1:"))
        assert is_rehearsal(read_token(token, stage.app.desk.ticket_public_key))
        await organizer.says(f"checkin {token}")
        assert await organizer.hears("AMBER") == say("scan-rehearsal")
    after = await everything(stage), await seats(stage, event.address())
    after[0].pop("scan"), before[0].pop("scan")
    assert after == before
    await organizer.says("stats lisbon")
    assert "All: 1 of 1 sold" in await organizer.hears("sold ·")
    live = await stage.app.store.read(lambda tx: tickets.live_of_event(tx, event.address()))
    assert live.tickets == 1
    noted = await stage.app.store.read(lambda tx: journal.of(tx, event.address()))
    assert [one.what for one in noted].count("rehearsed") == 2


async def test_a_rehearsal_names_the_price_of_the_day(stage: Stage, organizer: Organizer) -> None:
    await organizer.has_on_sale(early_bird=["3000", "SAT", "first", "2"])
    await organizer.says("rehearse lisbon")
    said = await organizer.hears("REHEARSAL of")
    assert said == say("rehearsed", title=LISBON, amount="3,000 sats")


@pytest.mark.parametrize("tags", [{"price": None}, {"tier": [["GA", "5000", "SAT"], VIP]}])
async def test_a_rehearsal_of_what_is_free_and_of_what_has_tiers(
    stage: Stage, organizer: Organizer, tags: dict[str, object]
) -> None:
    event = await organizer.has_on_sale(**tags)
    await organizer.says("rehearse lisbon")
    await organizer.hears("\nTKT1:")
    await organizer.hears("REHEARSAL of")
    program = Program(organizer)
    await listening(stage)
    prop = await program.asks("rehearse", event_id=event.address())
    done = await program.hears(type="rehearse")
    free = tags.get("price", 1) is None
    assert done["steps"] == (
        ["held", "signed", "admitted"]
        if free
        else ["held", "invoiced", "paid", "signed", "admitted"]
    )
    assert prop["ticket_id"] == done["ticket_id"]
    assert prop["qr_code"].startswith("data:image/png;base64,")
    assert "REHEARSAL" in prop["note"]
    assert (await everything(stage))["orders"] == 0
