"""An organizer's words reach everybody who holds a ticket, once."""

from __future__ import annotations

import asyncio

import pytest

from tests.story.cast import DAY, Organizer, Person, Stage
from tests.story.program import Program, listening
from ticketbot.domain.command import Announce, Comp
from ticketbot.handlers.buying import again
from ticketbot.handlers.rounds import announcing
from ticketbot.ledger import announcements, journal, outbox
from ticketbot.ledger.store import Tx
from ticketbot.texts import say

LISBON = "Lisbon Meetup"
WORDS = "Doors open at 19:00, not 18:00.\nThe way: https://example.com/map"


def heard_of(words: str) -> str:
    return say("announcement", title=LISBON, words=words)


async def holders(stage: Stage, number: int) -> list[Person]:
    """People with a ticket each, of an event that is on sale."""
    people = [await stage.enters() for _ in range(number)]
    for person in people:
        await person.says("buy lisbon")
        await person.gets_a_ticket()
    return people


async def announces(organizer: Organizer, words: str) -> None:
    """Write, look at it, send it."""
    await organizer.says(f"announce lisbon {words}")
    await organizer.hears("To send it: announce lisbon yes")
    await organizer.says("announce lisbon yes")
    await organizer.hears("On its way to")


async def test_it_is_shown_first_and_sent_when_the_organizer_says_yes(
    stage: Stage, organizer: Organizer
) -> None:
    event = await organizer.has_on_sale(price=None)
    alice, bob = await holders(stage, 2)
    await alice.says("buy lisbon 3")  # whoever holds four tickets hears it once
    await alice.gets_a_ticket()
    carol = await stage.enters()
    await carol.says("events")
    await carol.hears()
    await organizer.says(f"announce lisbon {WORDS}")
    asked = say("announcement-ask", title=LISBON, code="lisbon", n=2, words=WORDS)
    assert await organizer.hears() == asked
    assert not any("Doors open" in one.text for one in (*alice.heard, *bob.heard))
    await organizer.says("announce lisbon")
    assert await organizer.hears() == asked
    await organizer.says("announce lisbon yes")
    assert await organizer.hears() == say("announcing", title=LISBON, n=2)
    for person in (alice, bob):
        assert await person.hears("Doors open") == heard_of(WORDS)
    assert await organizer.hears() == say("announcement-done", title=LISBON, n=2)
    await organizer.says("announce lisbon yes")
    assert await organizer.hears() == say("announcement-none", code="lisbon")
    await asyncio.sleep(0.3)
    for person, times in ((alice, 1), (bob, 1), (carol, 0)):
        assert sum("Doors open" in one.text for one in person.heard) == times
    noted = await stage.app.store.read(lambda tx: journal.of(tx, event.address()))
    assert [one.what for one in noted][-2:] == ["announcement begun", "announcement sent"]
    kept = await stage.app.store.read(lambda tx: tx.rows("SELECT words, told FROM announcement"))
    assert kept == [(None, 2)]


async def test_a_better_text_takes_the_place_of_the_first(
    stage: Stage, organizer: Organizer
) -> None:
    await organizer.has_on_sale(price=None)
    (alice,) = await holders(stage, 1)
    await organizer.says("announce lisbon Dors open")
    await organizer.hears("To send it")
    await announces(organizer, "Doors open")
    assert await alice.hears("open") == heard_of("Doors open")


async def test_three_a_day_are_enough(stage: Stage, organizer: Organizer) -> None:
    await organizer.has_on_sale(price=None)
    (alice,) = await holders(stage, 1)
    for number in range(3):
        await announces(organizer, f"News number {number}")
        await alice.hears(f"News number {number}")
    await organizer.says("announce lisbon And one more")
    assert "3 announcements a day are enough" in await organizer.hears("announcements a day")
    stage.clock.forward(DAY + 1)
    await announces(organizer, "A new day")
    await alice.hears("A new day")


async def test_who_holds_nothing_any_more_is_not_told(stage: Stage, organizer: Organizer) -> None:
    event = await organizer.has_on_sale(price=None)
    await organizer.says("announce lisbon Hello")
    assert await organizer.hears() == say("announcement-nobody", title=LISBON)
    alice, bob = await holders(stage, 2)

    def loses(tx: Tx) -> None:
        tx.change(
            "UPDATE ticket SET state = 'void' WHERE holder ="
            " (SELECT person FROM orders ORDER BY rowid LIMIT 1)"
        )
        tx.change("UPDATE seats SET sold = 1")
        tx.change("UPDATE orders SET state = 'closed' WHERE rowid = 1")

    await stage.app.store.transaction(loses)
    await announces(organizer, "Hello")
    assert await bob.hears("Hello") == heard_of("Hello")
    assert await organizer.hears() == say("announcement-done", title=LISBON, n=1)
    assert not any("Hello" in one.text for one in alice.heard)
    assert event.address()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x" * 20_000, "An announcement has at most 1000 characters, and yours has 20,000."),
        ("lnbc50u1p3unwfusp5t9r3yymhp", "An announcement cannot carry invoices"),
        ("…", "There is nothing to read in that."),
        ("\n".join("abcdefghij" * 5), "An announcement has at most 40 lines."),
    ],
)
async def test_bad_words_are_one_sentence_and_lose_nothing(
    stage: Stage, organizer: Organizer, text: str, sentence: str
) -> None:
    await organizer.has_on_sale(price=None)
    (alice,) = await holders(stage, 1)
    await organizer.says("announce lisbon Good words")
    await organizer.hears("To send it")
    await organizer.says(f"announce lisbon {text}")
    assert (await organizer.hears()).startswith(sentence)
    await organizer.says("announce lisbon yes")
    assert await alice.hears("words") == heard_of("Good words")


async def test_a_program_announces_in_one_step_and_asks_again(
    stage: Stage, organizer: Organizer
) -> None:
    event = await organizer.has_on_sale(price=None)
    (alice,) = await holders(stage, 1)
    program, fields = Program(organizer), {"event_id": event.address(), "text": "Hello"}
    await listening(stage)
    draft = await program.asks("announce", **fields)
    assert (draft["state"], draft["people"]) == ("draft", 1)
    for states in (("sending",), ("sending", "sent")):
        answer = await program.asks("announce", **fields, confirm=True, request_id="a1")
        assert answer["state"] in states
    await alice.hears("Hello")
    await organizer.hears("has left, to one person")
    answer = await program.asks("announce", **fields, confirm=True, request_id="a1")
    assert (answer["state"], answer["people"]) == ("sent", 1)
    await asyncio.sleep(0.3)
    assert sum("Hello" in one.text for one in alice.heard) == 1
    long = await program.asks("announce", event_id=event.address(), text="x" * 20_000)
    assert long["code"] == "bad-request"
    assert "yours has 20,000" in long["message"]
    odd = await program.asks("announce", event_id=event.address(), text="Hi", confirm="yes")
    assert odd["code"] == "bad-request"


async def test_a_crash_in_the_middle_tells_nobody_twice(
    stage: Stage, organizer: Organizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "PAGE", 1)
    await organizer.has_on_sale(price=None)
    people = await holders(stage, 5)
    await announces(organizer, "Doors open")
    await asyncio.gather(*(person.hears("Doors open") for person in people[:2]))
    await stage.crashes()
    left = {person.pubkey for person in people if not any("Doors" in m.text for m in person.heard)}
    await stage.opens()
    await asyncio.gather(*(p.hears("Doors open") for p in people if p.pubkey in left))
    await organizer.hears("has left, to 5 people")
    await asyncio.sleep(0.5)
    for person in people:
        keys = {one.key for one in person.heard if "Doors open" in one.text}
        assert len(keys) == 1

    def left_over(tx: Tx) -> tuple[object, object]:
        found = tx.row("SELECT id FROM announcement")
        assert found is not None
        return outbox.body_of(tx, f"announcement:{found[0]}"), announcements.get(tx, found[0])

    body, one = await stage.app.store.read(left_over)
    assert body is None
    assert isinstance(one, announcements.Announcement)
    assert (one.state, one.told) == ("sent", 5)


def test_letters_that_are_heard_again_after_a_restore_send_nothing() -> None:
    """The ledger that knew who was told is lost: better once than twice."""
    assert again.answered(Announce(("lisbon",), sure=True), 0)
    assert again.answered(Announce(("lisbon",), "Doors open"), 0)
    assert not again.answered(Comp(("lisbon",), "ab" * 32), 0)
