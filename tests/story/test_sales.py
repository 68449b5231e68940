"""Tiers with times of their own, early birds, codes: what a ticket costs, and for whom."""

from __future__ import annotations

import pytest

from tests.story.cast import DAY, HOUR, Organizer, Person, Stage
from tests.story.memory import rows, settles_down


async def test_a_tier_is_sold_within_its_own_times(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    later = int(stage.clock()) + DAY
    vip = ["VIP", 9000, "SAT", 5, later, later + HOUR, 2]
    await organizer.announces(tier=[["GA", 5000, "SAT"], vip])
    told = await organizer.hears("Get a ticket")
    assert "VIP: 9,000 sats · 5 seats left · on sale from " in told
    assert "at most 2 per person" in told
    await alice.says("buy lisbon vip")
    assert "Tickets for Lisbon Meetup (VIP) are on sale from" in await alice.hears()
    assert await alice.buys("lisbon ga")
    stage.clock.forward(DAY + 60)
    assert await alice.buys("lisbon 2 vip")
    await alice.says("buy lisbon vip")
    await alice.hears("At most 2 tickets per person for Lisbon Meetup (VIP).")
    stage.clock.forward(HOUR)
    bob = await stage.enters()
    await bob.says("buy lisbon vip")
    assert "Sales for Lisbon Meetup (VIP) ended on" in await bob.hears()


async def test_who_comes_early_pays_less(stage: Stage, organizer: Organizer, alice: Person) -> None:
    until = int(stage.clock()) + DAY
    await organizer.announces(early_bird=["3000", "SAT", "until", until])
    assert "3,000 sats until " in await organizer.hears("Get a ticket")
    await alice.says("buy lisbon 2")
    assert "= 6,000 sats" in await alice.hears("Order ")
    open_order = await alice.gets_an_invoice()
    bob = await stage.enters()
    await bob.says("buy lisbon")
    assert "= 3,000 sats" in await bob.hears("Order ")
    stage.clock.forward(DAY)
    await alice.pays(open_order)  # late, at the price of then
    await alice.gets_a_ticket()
    await bob.says("event lisbon")
    assert "5,000 sats · " in await bob.hears("Get a ticket")
    carol = await stage.enters()
    await carol.says("buy lisbon")
    assert "= 5,000 sats" in await carol.hears("Order ")


async def test_the_first_seats_cost_less(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(early_bird=["1000", "SAT", "first", "3"])
    await alice.says("event lisbon")
    assert "1,000 sats for the next 3, then 5,000 sats" in await alice.hears()
    assert await alice.buys("lisbon 2")
    bob = await stage.enters()
    await bob.says("buy lisbon 2")  # they do not fit into the one that is left
    assert "= 10,000 sats" in await bob.hears("Order ")
    await bob.says("cancel")
    await bob.hears("is cancelled")
    await bob.says("buy lisbon")
    assert "= 1,000 sats" in await bob.hears("Order ")
    carol = await stage.enters()
    await carol.says("buy lisbon")
    assert "= 5,000 sats" in await carol.hears("Order ")


async def test_a_code_makes_tickets_cheaper_for_those_who_have_it(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(tier=["VIP", "9000", "SAT", "5"])
    await organizer.says("promo lisbon FRIENDS 20% max 3 until 2099-02-01 tier vip")
    made = await organizer.hears("FRIENDS")
    assert made.startswith("FRIENDS: 20% off, VIP only, 0 of 3 used, until 02 Feb 2099, 00:00 UTC.")
    assert await alice.buys("lisbon 2 vip friends")
    assert "= 14,400 sats" in "\n".join(one.text for one in alice.heard)
    bob = await stage.enters()
    await bob.says("buy lisbon 2 vip FRIENDS")
    assert await bob.hears() == ("The code FRIENDS is good for one more ticket only. Ask for one.")
    await bob.says("buy lisbon FRIENDS")
    assert "is for VIP only" in await bob.hears()
    await bob.says("buy lisbon 1 vip FRIENDS")
    invoice = await bob.gets_an_invoice()
    carol = await stage.enters()
    await carol.says("buy lisbon vip friends")
    assert "is used up" in await carol.hears()
    await bob.says("cancel")
    await bob.hears("is cancelled")
    await carol.says("buy lisbon vip friends")
    await carol.pays(await carol.gets_an_invoice())
    await carol.gets_a_ticket()
    await bob.pays(invoice)  # too late: the code was given to somebody else
    assert "the code of that order is used up" in await bob.hears("goes back to you")
    await organizer.says("promos lisbon")
    assert "FRIENDS: 20% off, VIP only, 3 of 3 used" in await organizer.hears("Codes of")
    await organizer.says("promo lisbon FRIENDS stop")
    assert "stopped" in await organizer.hears("FRIENDS")
    dave = await stage.enters()
    await dave.says("buy lisbon vip friends")
    assert "neither a code nor a kind of ticket" in await dave.hears()


async def test_the_invoice_says_which_code_was_applied_and_what_it_saves(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale(early_bird=["3000", "SAT", "first", "2"])
    await organizer.says("promo lisbon FRIENDS 20%")
    await organizer.hears("FRIENDS")
    await alice.says("buy lisbon 2 friends")
    told = (await alice.hears("Order ")).splitlines()
    assert "= 4,800 sats" in told[0]  # of the early bird's price
    assert told[1] == "The code FRIENDS takes off 1,200 sats"
    assert told[2].startswith("nostr:naddr1") and len(told) == 3
    invoice = await alice.gets_an_invoice()
    await alice.says("link")
    assert await alice.hears("lightning:") == f"lightning:{invoice}"
    await alice.says("buy lisbon 2")  # the same order, and still with its code
    assert "The code FRIENDS takes off 1,200 sats" in await alice.hears("Order ")
    beto = await stage.enters()
    await beto.says("comprar lisbon 10 friends")
    assert "El código FRIENDS descuenta 10 000 sats" in (await beto.hears("Pedido ")).replace(
        "\u202f", " "
    )
    event_id = f"31923:{organizer.pubkey}:{event.tag('d')}"
    carol = await stage.enters()
    await carol.asks(type="buy", request_id="r1", event_id=event_id, quantity=3, code="friends")
    answer = await carol.is_told("invoice")
    assert answer["amount_msat"] == 12_000_000
    assert answer["promo"] == {"code": "FRIENDS", "saved_msat": 3_000_000}


async def test_an_invoice_without_a_code_tells_of_none(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale(early_bird=["3000", "SAT", "first", "1"])
    await alice.asks(
        type="buy", request_id="r1", event_id=f"31923:{organizer.pubkey}:{event.tag('d')}"
    )
    assert "promo" not in await alice.is_told("invoice")
    await alice.says("buy lisbon 2")
    assert len((await alice.hears("Order ")).splitlines()) == 2


async def test_a_code_that_takes_all_off_gives_the_ticket_at_once(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await organizer.says("promo lisbon CREW 9000 sats off max 1")
    assert "CREW: 9,000 sats off each ticket" in await organizer.hears()
    await alice.says("buy lisbon crew")
    assert await alice.gets_a_ticket()
    await alice.says("buy lisbon crew")
    await alice.hears("used up")


async def test_whoever_guesses_codes_waits(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await organizer.says("promo lisbon FRIENDS 50%")
    await organizer.hears("FRIENDS")
    for word in ("fiends", "frends", "family", "bitcoin", "satoshi"):
        await alice.says(f"buy lisbon {word}")
        assert "neither a code" in await alice.hears()
    await alice.says("buy lisbon friends")  # the right one, but who knows how they came by it
    assert "Too many codes that are none" in await alice.hears()
    assert await rows(stage, "SELECT 1 FROM orders") == []
    stage.clock.forward(HOUR + 1)
    await alice.says("buy lisbon friends")
    assert "= 2,500 sats" in await alice.hears("Order ")


async def test_only_the_organizer_makes_codes_and_sees_them(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    for words in ("promo lisbon MINE 100%", "promos lisbon", "promo lisbon MINE stop"):
        await alice.says(words)
        assert "only its own organizer can do that" in await alice.hears()
    await organizer.says("promo lisbon FRIENDS 20%")
    await organizer.hears("FRIENDS")
    await alice.says("event lisbon")
    await alice.hears("Get a ticket")
    await settles_down(stage)
    public = [event for event in alice.events if event.kind not in (4, 1059, 24133)]
    assert not any("FRIENDS" in str(event) for event in public)
    assert not any("FRIENDS" in one.text for one in alice.heard)
    for file in stage.folder.glob("ledger.db*"):
        assert b"FRIENDS" not in file.read_bytes()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("promo lisbon", "has no codes"),
        ("promo lisbon FRIENDS", "I cannot read that"),
        ("promo lisbon FRIENDS 0%", "not from 1 to 100"),
        ("promo lisbon FRIENDS 101%", "not from 1 to 100"),
        ("promo lisbon FRIENDS 5000", "I cannot read that"),
        ("promo lisbon FRIENDS 0.5 sats off", "not an amount in whole sats"),
        ("promo lisbon FRIENDS 20% max many", "not a number of tickets"),
        ("promo lisbon FRIENDS 20% max", "I cannot read that"),
        ("promo lisbon FRIENDS 20% until tomorrow", "not a day or a time"),
        ("promo lisbon FRIENDS 20% until 2020-01-01", "over already"),
        ("promo lisbon FRIENDS 20% tier vip", "one kind of ticket only"),
        ("promo lisbon FRIENDS stop", 'no code "FRIENDS"'),
        ("promo lisbon X2 20%", "cannot be a code"),
        ("promo lisbon 2027 20%", "cannot be a code"),
        ("promo lisbon tickets 20%", "cannot be a code"),
        ("promo lisbon =cmd 20%", "cannot be a code"),
        ("promo lisbon ФРЕНДС 20%", "cannot be a code"),
        ("promo lisbon " + "F" * 1900 + " 20%", "cannot be a code"),
        ("promo porto FRIENDS 20%", "I know no event"),
    ],
)
async def test_what_is_wrong_with_a_code_is_said(
    stage: Stage, organizer: Organizer, words: str, answer: str
) -> None:
    await organizer.has_on_sale()
    await organizer.says(words)
    assert answer in await organizer.hears()
    assert await rows(stage, "SELECT 1 FROM promo") == []


async def test_the_words_of_codes_are_forgotten_with_the_people(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await organizer.says("promo lisbon FRIENDS 20%")
    await organizer.hears("FRIENDS")
    assert await alice.buys("lisbon friends")
    await settles_down(stage)
    stage.clock.forward(200 * DAY)
    await stage.app.forget()
    assert await rows(stage, "SELECT code, used FROM promo") == [(None, 1)]


async def test_many_codes_come_a_few_at_a_time(stage: Stage, organizer: Organizer) -> None:
    await organizer.has_on_sale("Lisbon " + "Meetup " * 15, tier=[["Early Bird " * 3, "9000"]])
    for number in range(7):
        terms = f"99999 sats off max 1000000 until 2099-02-01 tier {'early bird ' * 3}"
        await organizer.says(f"promo lisbon FRIENDS-OF-FRIENDS-{number:04} {terms}")
        await organizer.hears("0 of 1000000 used")
    await organizer.says("promos lisbon")
    first = await organizer.hears("Codes of")
    assert [f"-{number:04}:" in first for number in range(7)] == [True] * 5 + [False] * 2
    assert "promos lisbon from 6" in first
    await organizer.says("promos lisbon from 6")
    last = await organizer.hears("Codes of")
    assert "-0005:" in last
    assert "-0006:" in last
    assert "To end one: promo lisbon CODE stop" in last


async def test_a_card_offers_what_there_is_still_one_of(
    organizer: Organizer, alice: Person, bob: Person
) -> None:
    tiers = [["Standing", "5000", "SAT", "1"], ["Table", "9000", "SAT", "1"]]
    await organizer.has_on_sale(tier=tiers)
    await bob.says("event lisbon")
    await bob.hears("Get a ticket: buy lisbon 1 standing")
    await alice.says("buy lisbon 1 standing")
    await alice.gets_an_invoice()
    await bob.says("lisbon")
    await bob.hears("Get a ticket: buy lisbon 1 table")
    await alice.says("buy lisbon 1 table")
    await alice.gets_an_invoice()
    await bob.says("details lisbon")
    await bob.hears("Sold out. To wait for a seat: join lisbon 1 standing")
