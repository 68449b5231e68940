"""A line that organizers and operators keep with an order; who sees it, and when it is gone."""

from __future__ import annotations

import csv

import pytest

from tests.story.caller import Caller
from tests.story.cast import Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered
from tests.story.memory import AFTER, passes, rows, settles_down
from tests.story.program import Program, listening
from ticketbot.domain.command import Command, NoteOrder, ShowOrder, ShowStatus, Unknown
from ticketbot.domain.remark import LONGEST
from ticketbot.domain.speech import read_text
from ticketbot.ledger import journal
from ticketbot.texts import say

LISBON = "Lisbon Meetup"
WORDS = "Comes in a wheelchair"


@pytest.fixture
async def order(organizer: Organizer, alice: Person) -> str:
    """Alice has two tickets."""
    await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon 2")
    await alice.gets_a_ticket()
    return str((await rows(alice.stage, "SELECT id FROM orders"))[0][0])


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("order lisbon K7Q2 note Gluten-free, please!", "Gluten-free, please!"),
        ("Order LISBON k7q2 NOTE: Gluten-free, please!", "Gluten-free, please!"),
        ("order lisbon #K7Q2\nnote  Gluten-free, please!", "Gluten-free, please!"),
        ("order lisbon K7Q2 note none", None),
        ("order lisbon K7Q2 note -", None),
        ("order lisbon K7Q2 note", ""),
    ],
)
def test_how_it_is_said(text: str, command: str | None) -> None:
    assert read_text(text) == NoteOrder(("lisbon",), "k7q2", command)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("order K7Q2 note Late", NoteOrder((), "k7q2", "Late")),
        ("order de3dm003bf40 note Late", NoteOrder((), "de3dm003bf40", "Late")),
        ("order lisbon K7Q2", ShowOrder(("lisbon",), "k7q2")),
        ("order K7Q2", ShowStatus("K7Q2")),
        ("order 2 tickets note that I come late", Unknown("order 2 tickets note that I come late")),
    ],
)
def test_what_else_is_said_of_orders(text: str, command: Command) -> None:
    read = read_text(text)
    assert type(read) is type(command)
    assert isinstance(read, Unknown) or read == command


async def test_it_is_shown_where_the_order_is(
    organizer: Organizer, alice: Person, order: str
) -> None:
    short = order[-4:].upper()
    await organizer.says(f"order lisbon {short} note {WORDS}")
    assert await organizer.hears() == say("remark-kept", order=short, said=WORDS)
    await organizer.says(f"order lisbon {short}")
    assert (await organizer.hears("Order")).splitlines()[-1].endswith("noted · by the organizer")
    assert (await organizer.hears("Noted by the organizer")).endswith(f": {WORDS}")
    await organizer.says(f"order lisbon {short} note =HYPERLINK(1)")
    assert await organizer.hears() == say(
        "remark-changed", order=short, said="=HYPERLINK(1)", before=WORDS
    )
    await organizer.says("attendees lisbon")
    table = csv.DictReader((await organizer.hears("2 of 2")).splitlines()[1:])
    assert [row["note"] for row in table] == ["'=HYPERLINK(1)"] * 2
    await organizer.says(f"order lisbon {short} note none")
    assert await organizer.hears() == say("remark-gone", order=short, before="=HYPERLINK(1)")
    await organizer.says(f"order lisbon {short} note none")
    assert await organizer.hears() == say("remark-none", order=short)
    found = await alice.stage.app.store.read(lambda tx: journal.of(tx, order))
    assert [(one.what, one.detail) for one in found[-3:]] == [
        ("noted", {"by": "organizer"}),
        ("noted", {"by": "organizer"}),
        ("note taken away", {"by": "organizer"}),
    ]
    assert WORDS not in str(found)
    assert not [one for one in alice.heard if WORDS in one.text]


async def test_whose_it_is_to_note(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, order: str
) -> None:
    for person in (alice, bob):
        await person.says(f"order lisbon {order} note {WORDS}")
        assert await person.hears("only its") == say("event-not-yours", title=LISBON)
        await person.says(f"order {order} note {WORDS}")
        assert await person.hears(say("own-event-none")[:20]) == say("own-event-none")
    await organizer.says(f"order {order[-4:]} note {WORDS}")
    assert (await organizer.hears()).startswith("Noted for order")
    for words in (f"lisbon {order[-4:]}", order):
        await stage.operator.says(f"order {words} note Paid in cash")
        assert (await stage.operator.hears()).startswith("Noted for order")
    await stage.operator.says("order lisbon vvvv note Paid in cash")
    assert await stage.operator.hears() == say("event-order-unknown", title=LISBON, order="vvvv")
    assert await rows(stage, "SELECT by FROM remark") == [("operator",)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", say("remark-empty")),
        ("\u202e\u200b", say("remark-empty")),
        ("x" * (LONGEST + 1), say("remark-long", most=LONGEST, text=f"{LONGEST + 1:,}")),
        ("y" * 20_000, say("remark-long", most=LONGEST, text="20,000")),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("\u202eReads\nbackwards\u0000", "Reads backwards"),
        ("🎻" * LONGEST, "🎻" * LONGEST),
    ],
)
async def test_odd_words(organizer: Organizer, order: str, words: str, said: str) -> None:
    await organizer.says(f"order lisbon {order[-4:]} note {words}")
    told = await organizer.hears()
    assert told in (said, say("remark-kept", order=order[-4:].upper(), said=said))


async def test_programs_note_too(stage: Stage, organizer: Organizer, order: str) -> None:
    await listening(stage)
    program, caller = Program(organizer), Caller(stage, organizer.keys)
    (event_id,) = (await rows(stage, "SELECT event_id FROM orders"))[0]
    told = await program.asks("note", event_id=event_id, order_id=order, text=WORDS)
    assert (told["note"], told["before"]) == (WORDS, None)
    wrong = await program.asks("note", event_id=event_id, order_id=order)
    assert (wrong["code"], "text" in wrong["message"]) == ("bad-request", True)
    desk = f"/organizer/events/lisbon/orders/{order}"
    kept = await caller.sends("PUT", f"{desk}/note", b'{"text": "Later"}')
    assert (kept.status, kept.body["note"], kept.body["before"]) == (200, "Later", WORDS)
    story = (await caller.gets(desk)).body
    assert story["note"] == {"said": "Later", "at": story["note"]["at"], "by": "organizer"}
    people = (await caller.gets("/organizer/events/lisbon/attendees")).body["attendees"]
    assert [one["note"] for one in people] == ["Later", "Later"]
    table = (await caller.gets("/organizer/events/lisbon/attendees.csv")).body.decode()
    assert [row["note"] for row in csv.DictReader(table.splitlines())] == ["Later", "Later"]
    operator = Caller(stage, stage.operator.keys)
    gone = await operator.sends("DELETE", f"/operator/orders/{order}/note")
    assert (gone.status, gone.body["note"], gone.body["before"]) == (200, None, "Later")
    for path in (f"{desk}/note", f"/operator/orders/{order}/note"):
        stranger = await Caller(stage).sends("PUT", path, b'{"text": "x"}')
        assert (stranger.status, stranger.code) == (403, "not-yours")


async def test_a_stolen_ledger_does_not_show_it(
    stage: Stage, organizer: Organizer, order: str
) -> None:
    await organizer.says(f"order lisbon {order} note {WORDS}")
    await organizer.hears("Noted")
    await settles_down(stage)
    files = [stage.folder / "ledger.db", stage.folder / "ledger.db-wal"]
    there = b"".join(file.read_bytes() for file in files)
    assert order.encode() in there
    assert WORDS.encode() not in there


async def test_it_goes_with_the_buyer(
    stage: Stage, organizer: Organizer, alice: Person, order: str
) -> None:
    await organizer.says(f"order lisbon {order} note {WORDS}")
    await organizer.hears("Noted")
    await passes(stage, AFTER)
    assert await rows(stage, "SELECT said FROM remark") == []
    await stage.operator.says(f"order {order} note {WORDS}")
    assert await stage.operator.hears() == say("remark-forgotten", order=order[-4:].upper())


async def test_it_goes_with_who_was_given_a_ticket(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, order: str
) -> None:
    code = code_of(stage, await alice.gets_a_ticket())
    offer = await is_offered(alice, bob, code)
    await bob.says(f"accept {offer}")
    await bob.gets_a_ticket()
    await organizer.says(f"order lisbon {order} note Bob is Alice's brother")
    await organizer.hears("Noted")
    stage.clock.forward(AFTER / 2)
    await bob.says("forget me yes")
    await bob.hears("Done")
    assert await rows(stage, "SELECT said FROM remark") == []
    await organizer.says(f"order lisbon {order} note Alice is nobody's sister")
    assert (await organizer.hears()).startswith("Noted")
