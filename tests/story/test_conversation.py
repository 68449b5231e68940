"""The conversation, row by row, on the exact text."""

from __future__ import annotations

import re

import pytest

from tests.story.cast import HOUR, WEEK, Organizer, Person, Stage
from ticketbot.texts import say

HELLO = """\
Hi, this is Lisbon Tickets: tickets for a key and a wallet, no account needed.
Try one of these, or help for all of them:
events
buy lisbon
tickets"""


async def test_a_stranger_gets_three_examples(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.says("hi")
    assert await alice.hears() == HELLO


async def test_a_purchase_is_three_messages(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon 2")
    order = await alice.hears()
    first, link = order.splitlines()
    assert re.fullmatch(
        r"Order [0-9A-V]{4} · 2 × Lisbon Meetup = 10,000 sats · pay by \d\d:\d\d UTC"
        r" · send cancel to stop",
        first,
    )
    assert link.startswith("nostr:naddr1")
    bolt11 = await alice.hears()
    assert re.fullmatch(r"lnbc[a-z0-9]+", bolt11)
    await alice.pays(bolt11)
    tickets = {await alice.gets_a_ticket(), await alice.gets_a_ticket()}
    assert len(tickets) == 2


async def test_a_ticket_says_everything_for_the_door(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    token = await alice.buys("lisbon")
    await alice.says("resend")
    lines = (await alice.hears("Your ticket:")).splitlines()
    assert lines[0] == "Your ticket: Lisbon Meetup"
    assert lines[1].endswith("(Europe/Lisbon)")
    assert lines[2] == "Praça do Comércio"
    assert re.fullmatch(r"Code ([A-Z2-7]{4}-){3}[A-Z2-7]{4} · show this at the door:", lines[3])
    assert lines[4] == token
    assert lines[5].startswith(f"https://tickets.example/t#{token}&e=Lisbon%20Meetup")
    assert len("\n".join(lines)) <= 1000


async def test_the_answer_comes_in_the_protocol_of_the_question(
    organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    for protocol in ("nip04", "nip17"):
        await alice.says("events", protocol)
        assert (await alice.next("lisbon")).protocol == protocol


async def test_nip04_buys_a_ticket_too(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon", "nip04")
    await alice.pays(await alice.gets_an_invoice())
    ticket = await alice.next("Your ticket:")
    assert ticket.protocol == "nip04"


async def test_the_ticket_also_comes_in_kind_24133(organizer: Organizer, alice: Person) -> None:
    event = await organizer.has_on_sale()
    await alice.says("buy lisbon")
    await alice.pays(await alice.gets_an_invoice())
    ticket = await alice.is_told("ticket")
    assert ticket["event_id"] == event.address()
    assert ticket["qr_code"].startswith("https://tickets.example/tickets/")
    sent = next(one for one in alice.events if one.kind == 24133)
    assert sent.tags == [["p", alice.pubkey]]
    assert sent.pubkey == alice.stage.keys.pubkey
    assert ticket["token"] == await alice.gets_a_ticket()


@pytest.mark.choices(ephemeral="never")
async def test_an_operator_can_forbid_24133(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    assert all(event.kind != 24133 for event in alice.events)


async def test_an_event_can_forbid_24133(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(ephemeral="never")
    await alice.buys("lisbon")
    assert all(event.kind != 24133 for event in alice.events)


@pytest.mark.choices(public_url=None)
async def test_without_a_public_url_the_qr_is_a_data_uri(
    organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    await alice.pays(await alice.gets_an_invoice())
    ticket = await alice.is_told("ticket")
    assert ticket["qr_code"].startswith("data:image/png;base64,")
    assert "http" not in await alice.hears("Your ticket:")


async def test_a_free_event_gives_the_ticket_at_once(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon")
    assert (await alice.gets_a_ticket()).startswith("TKT1:")


async def test_buying_again_resends_the_open_invoice(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    first = await alice.gets_an_invoice()
    await alice.says("buy LISBON 1")
    assert await alice.gets_an_invoice() == first


async def test_the_last_seat_is_sold_once(organizer: Organizer, alice: Person, bob: Person) -> None:
    await organizer.has_on_sale(stock=1)
    await alice.says("buy lisbon")
    invoice = await alice.gets_an_invoice()
    await bob.says("buy lisbon")
    assert (await bob.hears()).startswith("Sold out, or the last seats are in somebody's basket")
    await alice.pays(invoice)
    assert await alice.gets_a_ticket()


async def test_a_lapsed_hold_is_told_and_the_seat_sold_again(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=1)
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    stage.clock.forward(601)
    assert "lapsed and nothing was charged" in await alice.hears("lapsed")
    assert await bob.buys("lisbon")


async def test_cancel_gives_the_seat_back(organizer: Organizer, alice: Person, bob: Person) -> None:
    await organizer.has_on_sale(stock=1)
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    await alice.says("cancel")
    assert "is cancelled. Nothing was charged" in await alice.hears()
    assert await bob.buys("lisbon")


async def test_too_many_in_every_way(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(max_per_buyer=3)
    await alice.says("buy lisbon 11")
    assert await alice.hears() == "At most 10 tickets in one order. Buy the rest in another."
    await alice.says("buy lisbon 4")
    assert await alice.hears() == "At most 3 tickets per person for Lisbon Meetup."
    await alice.says("buy lisbon 1")
    await alice.gets_an_invoice()
    await alice.says("buy lisbon 2")
    await alice.gets_an_invoice()
    await alice.says("buy lisbon 3")
    assert (await alice.hears()).startswith("You have 2 unpaid orders already.")


async def test_sales_have_a_window(stage: Stage, organizer: Organizer, alice: Person) -> None:
    now = int(stage.clock())
    await organizer.has_on_sale(sales_start=now + HOUR, sales_end=now + 2 * HOUR)
    await alice.says("buy lisbon")
    assert (await alice.hears()).startswith("Tickets for Lisbon Meetup are on sale from ")
    stage.clock.forward(HOUR + 1)
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    stage.clock.forward(HOUR)
    await alice.says("buy lisbon 2")
    assert (await alice.hears("Sales")).startswith("Sales for Lisbon Meetup ended on ")


async def test_an_event_that_is_over_sells_nothing(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    stage.clock.forward(WEEK + 4 * HOUR)
    await alice.says("buy lisbon")
    assert (await alice.hears()).startswith("Lisbon Meetup is over.")


async def test_the_nearest_names_are_offered(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lizbon")
    assert await alice.hears() == 'I know no event called "lizbon". Did you mean lisbon?'


async def test_a_code_that_fits_two_events_asks_which(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale("Lisbon Meetup")
    await organizer.has_on_sale("Lisbon Dinner")
    await alice.says("buy lisb")
    assert (await alice.hears()).startswith("More than one event fits. Which one: lisbon")


async def test_tiers_are_asked_for_and_sold(organizer: Organizer, alice: Person) -> None:
    tiers = [["GA", "1000", "SAT", "5"], ["VIP", "9000", "SAT", "1"]]
    await organizer.has_on_sale(price=None, tier=tiers)
    await alice.says("buy lisbon")
    assert await alice.hears() == say("tier-needed", tiers="GA, VIP", wish="buy lisbon 1 ga")
    await alice.says("join 2 lisbon")
    assert await alice.hears() == say("tier-needed", tiers="GA, VIP", wish="join lisbon 2 ga")
    await alice.says("buy 1 lisbon vip")
    assert "1 × Lisbon Meetup (VIP) = 9,000 sats" in await alice.hears()
    await alice.says("buy lisbon gold")
    assert 'no "gold" here' in await alice.hears("gold")


async def test_typos_of_harmless_verbs_are_forgiven(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.says("evnts")
    assert (await alice.hears()).startswith("lisbon · Lisbon Meetup")
    await alice.says("cancle")
    assert (await alice.hears()).startswith("Did you mean")


async def test_numbers_are_written_in_digits(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon two")
    assert await alice.hears() == "Write the number in digits, please: 2 instead of two."


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000", "1.5"])
async def test_odd_quantities_get_one_sentence(
    organizer: Organizer, alice: Person, quantity: str
) -> None:
    await organizer.has_on_sale()
    await alice.says(f"buy lisbon {quantity}")
    answer = await alice.hears()
    assert "ticket" in answer
    assert "\n" not in answer
    assert len(answer) <= 200


async def test_tickets_are_listed_and_resent(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.says("tickets")
    assert (await alice.hears()).startswith("You hold no tickets.")
    token = await alice.buys("lisbon")
    await alice.says("tickets")
    assert (await alice.hears("You hold")).startswith("You hold one ticket:\n- Lisbon Meetup · ")
    await alice.says("resend")
    assert await alice.gets_a_ticket() == token


async def test_link_gives_the_invoice_as_a_lightning_uri(
    organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("link")
    assert (await alice.hears()).startswith("You have no open invoice.")
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    await alice.says("link ")
    assert await alice.hears("lightning:") == f"lightning:{bolt11}"


async def test_status_tells_where_an_order_stands(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.says("status")
    assert (await alice.hears()).startswith("You have no orders yet.")
    await alice.buys("lisbon")
    await alice.says("/status")
    assert "= 5,000 sats · paid" in await alice.hears("Order")


async def test_old_commands_are_not_acted_on(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon", ago=25 * HOUR)
    assert (await alice.hears()).startswith("That message reached me late")
    assert await alice.hears_nothing()


@pytest.mark.choices(per_minute=3)
async def test_who_floods_gets_one_polite_answer_then_silence(alice: Person) -> None:
    for number in range(8):
        await alice.says(f"help {number}")
    answers = [await alice.hears() for _ in range(4)]
    assert sum(answer.startswith("That is more than I can answer") for answer in answers) == 1
    assert await alice.hears_nothing()


async def test_messages_carry_rising_stamps(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    stamps = [one.sent_at for one in alice.heard if one.protocol == "nip17"]
    assert stamps == sorted(set(stamps))


async def test_the_operator_stops_and_resumes_sales(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await stage.operator.says("stop sales")
    assert "Sales are stopped" in await stage.operator.hears()
    await alice.says("buy lisbon")
    assert (await alice.hears()).startswith("Sales are stopped for the moment.")
    await stage.operator.says("resume sales")
    await stage.operator.hears("Sales are open.")
    assert await alice.buys("lisbon")
    await stage.operator.says("status")
    assert (await stage.operator.hears("Sales open")).startswith("Sales open · 1 events on sale")


async def test_operators_commands_are_for_operators(alice: Person) -> None:
    await alice.says("stop sales")
    assert (await alice.hears()).startswith("That is for the operator of this bot.")


async def test_notices_expire_on_relays_and_tickets_never(
    organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    wraps = [one for one in alice.events if one.kind == 1059]
    texts = [one.text for one in alice.heard if one.protocol == "nip17"]
    for wrap, text in zip(wraps, texts, strict=True):
        assert (wrap.tag("expiration") is None) == text.startswith("Your ticket:")


async def test_an_invoice_in_a_title_is_not_repeated(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale("Lisbon lnbc210n1p4srzvxpp5dnu86y3g0yskn6hyjxg5")
    await alice.says("event lisbon")
    assert (await alice.hears()).startswith("Lisbon …\n")


async def test_nobody_empties_a_free_event(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon 10")
    for _ in range(10):
        await alice.gets_a_ticket()
    await alice.says("buy lisbon")
    assert await alice.hears("At most") == "At most 10 tickets per person for Lisbon Meetup."


async def test_help_is_for_who_asks(organizer: Organizer, alice: Person) -> None:
    for words, sentence in (
        ("help", "help"),
        ("help organizer", "help-organizer"),
        ("help door please", "help-door"),
        ("help stats", "help-organizer"),
        ("help with everything", "help"),
    ):
        await alice.says(words)
        assert await alice.hears() == say(sentence)
    await alice.says("help operator")
    assert await alice.hears() == say("operators-only")


async def test_rubbish_is_not_greeted(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    for words in ("qwxz yyzt", "🎫", "<script>alert(1)</script>", "=cmd|x", "٣ ٤"):
        await alice.says(words)
        assert await alice.hears() == say("not-understood", example="buy lisbon")


async def test_an_organizer_of_several_is_asked_which(organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await organizer.has_on_sale(title="Porto Night", d="porto")
    await organizer.says("stats")
    assert await organizer.hears("Which of your events?") == say(
        "own-event-needed", codes="lisbon, porto"
    )
    await alice.says("stats")
    assert await alice.hears() == say("own-event-none")


async def test_who_wants_more_than_is_left_hears_how_many_are(
    organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(stock=2)
    await alice.says("buy lisbon 3")
    assert await alice.hears() == say("fewer-left", n=2, wish="lisbon 3")
