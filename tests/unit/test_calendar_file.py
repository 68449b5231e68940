"""The calendar file: read by a library that is not ours, and odd titles harm nothing in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from tests.unit.test_texts import listing
from ticketbot.replies.calendar_file import calendar_file, uid

ONE = replace(
    listing("W"),
    title="Noche de fado; amigos, vino \\ y más",
    place="Praça do Comércio 12, Lisboa",
    summary="Trae a quien quieras.",
    timezone="Europe/Lisbon",
)


def event_of(file: bytes) -> Any:
    calendar = Calendar.from_ical(file)
    assert calendar["VERSION"] == "2.0" and calendar["METHOD"] == "PUBLISH"
    (event,) = calendar.walk("VEVENT")
    return event


def test_another_program_reads_what_was_meant() -> None:
    event = event_of(calendar_file(ONE, "nostr:naddr1qqq", "es"))
    assert event["SUMMARY"] == ONE.title
    assert event["LOCATION"] == ONE.place
    assert event["DESCRIPTION"].startswith("Trae a quien quieras.\n\nTienes una entrada.")
    assert event["URL"] == "nostr:naddr1qqq"
    assert event["STATUS"] == "CONFIRMED"
    assert event.decoded("DTSTART") == datetime.fromtimestamp(ONE.start, UTC)
    assert event.decoded("DTEND") == datetime.fromtimestamp(ONE.end, UTC)
    assert event.decoded("DTSTAMP") == datetime.fromtimestamp(ONE.created_at, UTC)


def test_an_edit_changes_the_entry_that_is_there() -> None:
    later = replace(ONE, start=ONE.start + 3600, created_at=ONE.created_at + 60, place="")
    before, after = (event_of(calendar_file(one)) for one in (ONE, later))
    assert before["UID"] == after["UID"] == uid(ONE.event_id)
    assert before["UID"] != uid(ONE.event_id + "2")
    assert before.decoded("DTSTAMP") < after.decoded("DTSTAMP")
    assert "LOCATION" not in after
    assert calendar_file(ONE) == calendar_file(ONE)


def test_a_cancelled_event_says_so() -> None:
    assert event_of(calendar_file(replace(ONE, cancelled=True)))["STATUS"] == "CANCELLED"


def test_whole_days_are_days_everywhere() -> None:
    day = 86_400
    first = 1_804_118_400
    two = replace(ONE, all_day=True, start=first, end=first + 2 * day + day // 2, timezone="UTC")
    event = event_of(calendar_file(two))
    assert event.decoded("DTSTART") == date(2027, 3, 4)
    assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(days=2)


@pytest.mark.parametrize("letter", ["W", "東", "é", "🎉", ";", ",", "\\"])
def test_lines_are_short_and_no_letter_is_cut(letter: str) -> None:
    long = listing(letter)
    file = calendar_file(long)
    assert file.endswith(b"END:VCALENDAR\r\n") and b"\n" not in file.replace(b"\r\n", b"")
    for line in file.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()
    event = event_of(file)
    assert (event["SUMMARY"], event["LOCATION"]) == (long.title, long.place)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=300))
def test_no_title_begins_a_line_of_its_own(title: str) -> None:
    file = calendar_file(replace(ONE, title=title, place="x", summary=""))
    names = [line.split(b":")[0] for line in file.split(b"\r\n") if line[:1].isalpha()]
    assert names.count(b"BEGIN") == names.count(b"END") == 2
    assert names.count(b"SUMMARY") == 1


def test_nothing_in_it_lets_anybody_in() -> None:
    assert b"TKT1" not in calendar_file(ONE, "nostr:naddr1qqq")
