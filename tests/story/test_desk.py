"""The organizer's desk: figures, lists, one order's story, pause and resume; and nobody else's."""

from __future__ import annotations

import csv
import re

import aiohttp
import pytest

from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from tests.story.program import Program, listening
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import group_id, verify_token
from ticketbot.handlers.desk import attendees
from ticketbot.ledger import journal, statistics, tickets
from ticketbot.ledger.store import Tx
from ticketbot.texts import say

LISBON = "Lisbon Meetup"
TIERS = [["GA", "5000", "SAT", "20"], ["VIP", "9000", "SAT", "2"]]
DESK = (
    "stats lisbon",
    "attendees lisbon",
    "pause lisbon",
    "resume lisbon",
    "announce lisbon Free beer for all",
    "announce lisbon yes",
    "order lisbon K7Q2",
    "resend lisbon K7Q2",
    "rehearse lisbon",
)


async def shared(stage: Stage, pubkey: str) -> int:
    """What the book says is an organizer's, in msat."""

    def work(tx: Tx) -> int:
        sql = "SELECT -coalesce(sum(amount_msat), 0) FROM entry WHERE account = ?"
        row = tx.row(sql, (f"organizer:{pubkey}",))
        assert row is not None
        return int(row[0])

    return await stage.app.store.read(work)


async def noted(stage: Stage, subject: str) -> list[str]:
    """What the journal has about something."""
    found = await stage.app.store.read(lambda tx: journal.of(tx, subject))
    return [one.what for one in found]


async def test_an_organizer_asks_how_it_sells(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(tier=TIERS)
    await alice.buys("lisbon 2 ga")
    stage.clock.forward(2 * DAY)
    await bob.buys("lisbon vip")
    await bob.says("buy lisbon vip")
    await bob.gets_an_invoice()
    await organizer.says("stats lisbon")
    said = (await organizer.hears(f"{LISBON} · on sale")).splitlines()
    assert said[:5] == [
        "Lisbon Meetup · on sale",
        "All: 3 of 100 sold · 1 held · 96 free",
        "GA: 2 of 20 sold · 0 held · 18 free",
        "VIP: 1 of 2 sold · 1 held · 0 free",
        "Paid 19,000 sats · given back 0 sats · commission 0 sats · yours 19,000 sats",
    ]
    assert said[6] == "█▁▅"
    assert said[7].endswith("with 2 · today 1")
    assert said[8].startswith(
        "As a picture, for a day, for whoever has this link: https://tickets.example/stats/"
    )


async def test_what_went_back_is_not_revenue_and_the_book_agrees(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon 2")
    await alice.says("buy lisbon")
    late = await alice.gets_an_invoice()
    await organizer.announces(status="cancelled", at=int(stage.clock()) + 2)
    await organizer.hears("is off sale")
    await alice.pays(late)
    await alice.hears("goes back to you")
    await organizer.says("cancel lisbon")
    await organizer.hears("done. The tickets of one order")
    await organizer.says("stats lisbon")
    said = await organizer.hears(f"{LISBON} · cancelled")
    assert "Paid 10,000 sats · given back 10,000 sats · commission 0 sats · yours 0 sats" in said
    found = await stage.app.store.read(lambda tx: statistics.money_of(tx, event.address()))
    assert found.net == await shared(stage, organizer.pubkey) == 0


async def test_after_the_event_it_says_who_did_not_come(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(price=None)
    for person in (alice, bob):
        await person.says("buy lisbon")
        token = await person.gets_a_ticket()
    stage.clock.forward(WEEK + 60)
    await organizer.says(f"checkin {token}")
    await organizer.hears("GREEN")
    await organizer.says("stats lisbon")
    assert say("stats-inside", n=1) in await organizer.hears(LISBON)
    stage.clock.forward(4 * HOUR)
    await organizer.says("stats lisbon")
    said = await organizer.hears(f"{LISBON} · over")
    assert say("stats-came", came=1, n=1) in said


async def test_the_picture_is_for_whom_has_its_address_and_for_a_day(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    await organizer.says("stats lisbon")
    found = re.search(r"https://tickets\.example(/stats/[\w-]+)$", await organizer.hears(LISBON))
    assert found is not None
    path, bot = found[1], f"http://127.0.0.1:{stage.app.web_port}"
    async with aiohttp.ClientSession() as web:
        async with web.get(bot + path) as answer:
            assert (answer.status, answer.content_type) == (200, "image/png")
            assert answer.headers["Cache-Control"] == "no-store"
            assert (await answer.read()).startswith(b"\x89PNG")
        forged = path[:-4] + ("AAAA" if path[-4:] != "AAAA" else "BBBB")
        for wrong in (forged, "/stats/" + "A" * 40, "/stats/x", "/stats/%3Cscript%3E"):
            async with web.get(bot + wrong) as answer:
                assert answer.status == 404
        stage.clock.forward(DAY + 1)
        async with web.get(bot + path) as answer:
            assert answer.status == 404


@pytest.mark.choices(public_url=None)
async def test_without_a_public_url_there_are_words_only(
    organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    await organizer.says("stats lisbon")
    said = await organizer.hears(LISBON)
    assert "picture" not in said
    assert "today 1" in said


async def test_the_list_of_attendees_is_a_table_for_a_spreadsheet(
    organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(tier=[["=cmd|calc", "5000", "SAT"], ["VIP", "9", "SAT"]])
    await alice.buys("lisbon 2 vip")
    await bob.buys("lisbon =cmd|calc")
    await organizer.says("attendees lisbon")
    head, *lines = (await organizer.hears("1 to 3 of 3 tickets")).splitlines()
    assert head == f"{LISBON}, 1 to 3 of 3 tickets:"
    names, *table = csv.reader(lines)
    assert tuple(names) == attendees.HEADINGS
    shown = [dict(zip(names, row, strict=True)) for row in table]
    assert [one["holder"] for one in shown] == [npub_encode(p.pubkey) for p in (alice, alice, bob)]
    assert [one["tier"] for one in shown] == ["VIP", "VIP", "'=cmd|calc"]
    assert [one["sats"] for one in shown] == ["9", "9", "5000"]
    assert {one["state"] for one in shown} == {"valid"}


async def test_a_long_list_is_cut_into_messages_and_pages(
    stage: Stage, organizer: Organizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendees, "PAGE", 8)
    monkeypatch.setattr(attendees, "ROOM", 700)
    await organizer.has_on_sale(price=None)
    people = [await stage.enters() for _ in range(3)]
    for person in people:
        await person.says("buy lisbon 4")
        await person.gets_a_ticket()
    await organizer.says("attendees lisbon")
    seen: list[list[str]] = []
    while "… and more" not in (said := await organizer.hears()):
        assert len(said) < 800
        seen += list(csv.reader(said.splitlines()[2:]))
    assert said == say("attendees-more", code="lisbon", next=9)
    await organizer.says("attendees lisbon from 9")
    while len(seen) < 12:
        seen += list(csv.reader((await organizer.hears(LISBON)).splitlines()[2:]))
    assert len({row[0] for row in seen}) == 12
    assert {row[1] for row in seen} == {npub_encode(person.pubkey) for person in people}
    await organizer.says("attendees lisbon from 13")
    assert await organizer.hears() == say("attendees-none", title=LISBON, n=12)
    await organizer.says("attendees lisbon from the start")
    assert await organizer.hears() == say("attendees-from")


async def test_a_program_reads_the_list_page_by_page(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendees, "PAGE", 2)
    event = await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon 3")
    await alice.gets_a_ticket()
    program = Program(organizer)
    await listening(stage)
    first = await program.asks("attendees", event_id=event.address())
    rest = await program.asks("attendees", event_id=event.address(), after=first["next"])
    both = first["attendees"] + rest["attendees"]
    assert (first["count"], len(first["attendees"]), len(rest["attendees"])) == (3, 2, 1)
    assert rest["next"] is None
    assert len({one["ticket_id"] for one in both}) == 3
    assert {one["holder"] for one in both} == {npub_encode(alice.pubkey)}
    for after in ("x", "-1", "٣"):
        wrong = await program.asks("attendees", event_id=event.address(), after=after)
        assert wrong["code"] == "bad-request"


async def test_who_holds_what_is_found_in_three_ways(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon 2")
    await bob.buys("lisbon")
    await bob.says("tickets")
    code = (await bob.hears("You hold one ticket"))[-80:].split(" · ")[-1].split("\n")[0]
    order = await stage.app.store.read(
        lambda tx: tx.rows("SELECT id FROM orders WHERE quantity = 2")[0][0]
    )
    for words, n, person in (
        (npub_encode(alice.pubkey), 2, alice),
        (f"nostr:{npub_encode(bob.pubkey)}", 1, bob),
        (alice.pubkey, 2, alice),
        (order[-4:].upper(), 2, alice),
        (order, 2, alice),
        (code, 1, bob),
        (code.lower().replace("-", ""), 1, bob),
        (code[-4:], 1, bob),
    ):
        await organizer.says(f"find lisbon {words}")
        said = await organizer.hears()
        assert say("find", title=LISBON, n=n, lines="") in said, (words, said)
        assert said.count(npub_encode(person.pubkey)) == n
    stranger = npub_encode(stage.operator.pubkey)
    await organizer.says(f"find lisbon {stranger}")
    assert await organizer.hears("fits") == say("find-nothing", word=f"{stranger[:12]}…")
    await organizer.says(f"find lisbon {stranger[:-3]}")
    assert await organizer.hears() == say("npub-broken")


async def test_a_ticket_that_is_void_is_found_by_its_last_letters_too(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon")
    code = group_id(verify_token(await alice.gets_a_ticket(), stage.app.desk.ticket_public_key)[0])
    await organizer.says(f"give back lisbon {code} yes")
    await organizer.hears("one ticket is void")
    for wanted in (code[-4:], code):
        await organizer.says(f"find lisbon {wanted}")
        assert f"{code} · void · order " in await organizer.hears()
    await organizer.says("find lisbon vvvv")
    assert await organizer.hears() == say("find-nothing", word="vvvv")


async def test_the_story_of_an_order(stage: Stage, organizer: Organizer, alice: Person) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon 2")
    order = await stage.app.store.read(lambda tx: tx.rows("SELECT id FROM orders")[0][0])
    await organizer.says(f"order lisbon {order[-4:]}")
    said = (await organizer.hears("Order")).splitlines()
    short = order[-4:].upper()
    assert said[0] == f"Order {short} · 2 × {LISBON} · 10,000 sats · paid"
    assert said[1] == f"Buyer {npub_encode(alice.pubkey)} · live tickets: 2"
    told = [line.split(" · ", 1)[1] for line in said[2:]]
    assert told[0].startswith("placed · 10,000 sats")
    assert told[-1] == "tickets issued · tickets 2"
    program = Program(organizer)
    await listening(stage)
    story = await program.asks("order-story", event_id=event.address(), order_id=order)
    assert [one["what"] for one in story["decisions"]] == [
        "placed",
        "invoice made",
        "paid",
        "tickets issued",
    ]
    await organizer.says("order lisbon vvvv")
    assert await organizer.hears("vvvv") == say("event-order-unknown", title=LISBON, order="vvvv")


async def test_tickets_are_sent_again_to_whoever_holds_them(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    token = await alice.buys("lisbon")
    order = await stage.app.store.read(lambda tx: tx.rows("SELECT id FROM orders")[0][0])
    await organizer.says(f"resend lisbon {order[-4:]}")
    assert await organizer.hears() == say("resent", order=order[-4:].upper(), n=1)
    assert await alice.gets_a_ticket() == token
    await organizer.says(f"resend lisbon {order[-4:]}")
    assert await organizer.hears() == say("resend-soon", order=order[-4:].upper())
    assert "tickets sent again" in await noted(stage, order)
    await alice.says("resend my tickets please")
    assert await alice.gets_a_ticket() == token


async def test_a_paused_event_sells_nothing_and_loses_nothing(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    start = int(stage.clock()) + WEEK
    when = {"start": start, "end": start + HOUR}
    event = await organizer.has_on_sale(**when)
    await organizer.has_on_sale("Porto Dinner")
    await alice.says("buy lisbon")
    waiting = await alice.gets_an_invoice()
    await organizer.says("pause lisbon")
    assert await organizer.hears() == say("paused", title=LISBON, code="lisbon", n=1)
    for words in ("buy lisbon", "event lisbon"):
        await bob.says(words)
        assert say("event-paused") in await bob.hears()
    await alice.pays(waiting)
    await alice.gets_a_ticket()
    assert await bob.buys("porto")
    await organizer.announces(price=["4000", "SAT"], at=int(stage.clock()) + 2, **when)
    await organizer.hears("4,000 sats")
    await bob.says("buy lisbon")
    assert await bob.hears() == say("event-paused")
    await organizer.says("pause lisbon")
    assert await organizer.hears() == say("paused-already", title=LISBON, code="lisbon")
    await organizer.says("resume lisbon")
    assert await organizer.hears() == say("resumed", title=LISBON, code="lisbon")
    await organizer.says("resume lisbon")
    assert await organizer.hears() == say("resumed-already", title=LISBON)
    assert await bob.buys("lisbon")
    decided = await noted(stage, event.address())
    assert decided.count("sales paused") == decided.count("sales resumed") == 1


async def test_the_operators_stop_is_another_one(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await stage.operator.says("stop sales")
    await stage.operator.hears("stopped")
    await organizer.says("resume lisbon")
    assert await organizer.hears() == say("resumed-already", title=LISBON)
    await alice.says("buy lisbon")
    assert await alice.hears() == say("sales-stopped")
    await stage.operator.says("resume")
    assert await stage.operator.hears() == say("did-you-mean", guess="resume sales")


@pytest.mark.parametrize("words", [*DESK, "comp lisbon {npub}"])
async def test_nobody_else_sits_at_the_desk(
    stage: Stage, organizer: Organizer, alice: Person, words: str
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon")
    for person in (alice, stage.operator):
        await person.says(words.format(npub=npub_encode(alice.pubkey)))
        assert await person.hears() == say("event-not-yours", title=LISBON)
    live = await stage.app.store.read(lambda tx: tickets.live_of_event(tx, event.address()))
    assert live.tickets == 1


@pytest.mark.parametrize(
    "words", [*(words.replace("lisbon", "nowhere") for words in DESK), "comp nowhere {npub}"]
)
async def test_an_event_that_is_not_there(organizer: Organizer, words: str) -> None:
    await organizer.has_on_sale()
    await organizer.says(words.format(npub=npub_encode(organizer.pubkey)))
    assert "I know no event called" in await organizer.hears()


async def test_whoever_organizes_nothing_looks_for_events(
    organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("find lisbon")
    assert "More about one: event lisbon" in await alice.hears()
    await alice.says("find lisbon bars")
    assert await alice.hears() == say("events-none-found", words="lisbon bars")


async def test_the_only_event_needs_no_name(organizer: Organizer) -> None:
    await organizer.has_on_sale()
    for words, said in (
        ("stats", "on sale"),
        ("attendees", "Nobody holds a ticket"),
        ("pause", "is paused"),
        ("resume", "on sale again"),
    ):
        await organizer.says(words)
        assert said in await organizer.hears()
