"""Files for holders: a page to print, and an entry for the calendar."""

from __future__ import annotations

import re

import aiohttp
import pypdfium2
import pytest
import zxingcpp
from icalendar import Calendar

from tests.story.cast import Organizer, Person, Stage

HTTPS = re.compile(r"https://tickets\.example(/tickets/\S+)")


async def fetch(stage: Stage, path: str) -> tuple[int, str, bytes]:
    url = f"http://127.0.0.1:{stage.app.web_port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, answer.headers["Content-Type"], await answer.read()


async def test_a_holder_prints_the_ticket_and_it_is_the_same(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.announces()
    await organizer.hears("On sale")
    token = await alice.buys("lisbon")
    await alice.says("pdf")
    said = await alice.hears("To print")
    (path,) = HTTPS.findall(said)
    status, kind, page = await fetch(stage, path)
    assert (status, kind) == (200, "application/pdf")
    drawn = pypdfium2.PdfDocument(page)[0].render(scale=3).to_pil()
    (code,) = zxingcpp.read_barcodes(drawn)
    assert code.text == token


async def test_a_calendar_takes_the_event_and_lets_nobody_in(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.announces()
    await organizer.hears("On sale")
    await alice.buys("lisbon")
    await alice.says("calendar lisbon")
    (path,) = HTTPS.findall(await alice.hears("For your calendar"))
    status, kind, file = await fetch(stage, path)
    assert (status, kind) == (200, "text/calendar; charset=utf-8")
    (event,) = Calendar.from_ical(file).walk("VEVENT")
    assert event["SUMMARY"] == "Lisbon Meetup"
    status, _, said = await fetch(stage, path.replace(".ics", ".pdf"))
    assert (status, b"send the bot: pdf" in said) == (404, True)
    assert (await fetch(stage, path.replace(".ics", ".png")))[0] == 404


async def test_files_die_with_the_ticket(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await organizer.announces()
    await organizer.hears("On sale")
    await alice.buys("lisbon")
    paths = []
    for word in ("pdf", "ics"):
        await alice.says(word)
        paths += HTTPS.findall(await alice.hears("https://tickets.example/tickets/"))
    assert [(await fetch(stage, path))[0] for path in paths] == [200, 200]
    await stage.app.store.transaction(lambda tx: tx.change("UPDATE ticket SET version = 2"))
    assert [(await fetch(stage, path))[0] for path in paths] == [404, 404]


async def test_many_tickets_come_five_at_a_time(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.announces(price=None, title="Evening among very many good friends")
    await organizer.hears("On sale")
    await alice.says("buy evening 7")
    for _ in range(7):
        await alice.gets_a_ticket()
    await alice.says("pdf")
    said = await alice.hears("To print")
    assert len(HTTPS.findall(said)) == 5 and said.endswith("pdf from 6")
    await alice.says("pdf from 6")
    assert len(HTTPS.findall(await alice.hears("To print"))) == 2
    await alice.says("pdf from 99")
    await alice.hears("You hold no tickets")


async def test_who_holds_nothing_is_told_so(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.announces()
    await organizer.hears("On sale")
    await alice.buys("lisbon")
    for word in ("pdf", "calendar", "pdf lisbon", "ics lisbon"):
        await bob.says(word)
        await bob.hears("You hold no tickets")
    await bob.says("pdf <script>")
    await bob.hears("I know no event")


@pytest.mark.choices(public_url=None)
async def test_without_an_address_there_are_words_instead(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.announces()
    await organizer.hears("On sale")
    await alice.buys("lisbon")
    await alice.says("calendar")
    said = await alice.hears("by hand")
    assert "Lisbon Meetup · " in said and "Praça do Comércio" in said
    await alice.says("pdf")
    await alice.hears("The ticket's message is enough")
    await alice.asks(type="calendar", request_id="1")
    (file,) = (await alice.is_told("calendar"))["files"]
    assert file["url"] is None
    (event,) = Calendar.from_ical(file["ics"]).walk("VEVENT")
    assert event["LOCATION"] == "Praça do Comércio"


async def test_programs_get_the_same_files(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    note = await organizer.announces()
    await organizer.hears("On sale")
    await alice.buys("lisbon")
    await alice.asks(type="pdf", request_id="1", event_id=note.address())
    (file,) = (await alice.is_told("pdf"))["files"]
    path = file["url"].removeprefix("https://tickets.example")
    assert (await fetch(stage, path))[0] == 200
    await alice.asks(type="calendar", request_id="2", event_id="31923:" + "0" * 64 + ":none")
    assert (await alice.is_told("error"))["code"] == "unknown-event"


async def test_a_ticket_that_may_not_go_by_24133_has_no_address_there(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.announces(ephemeral="never")
    await organizer.hears("On sale")
    await alice.buys("lisbon")
    await alice.asks(type="pdf", request_id="1")
    assert (await alice.is_told("pdf"))["files"] == []
