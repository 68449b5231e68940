"""Times: what organizers write, and the moments they mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbot.domain.when import (
    LATEST,
    TimeProblem,
    read_clock,
    read_day,
    read_local,
    read_stamp,
    read_zone,
)


def unix(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "at", "zone"),
    [
        ("2027-03-01 19:00 Europe/Lisbon", unix(2027, 3, 1, 19), "Europe/Lisbon"),
        ("2027-07-01 19:00 Europe/Lisbon", unix(2027, 7, 1, 18), "Europe/Lisbon"),
        ("2027-03-01T19:00 europe/lisbon", unix(2027, 3, 1, 19), "Europe/Lisbon"),
        ("2027-03-01 19:00:00 (Asia/Kolkata)", unix(2027, 3, 1, 13, 30), "Asia/Kolkata"),
        ("2027-03-01, 9:00 UTC", unix(2027, 3, 1, 9), "UTC"),
        ("2027-03-01T19:00Z", unix(2027, 3, 1, 19), "UTC"),
        ("2027-03-01 19:00 America/New York", unix(2027, 3, 2, 0), "America/New_York"),
        ("2027-10-31 01:30 Europe/Lisbon", unix(2027, 10, 31, 0, 30), "Europe/Lisbon"),
        ("2028-02-29 00:00 Pacific/Kiritimati", unix(2028, 2, 28, 10), "Pacific/Kiritimati"),
    ],
)
def test_local_times(text: str, at: int, zone: str) -> None:
    assert read_local(text) == (at, zone)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2027-03-01 19:00", "zone-missing"),
        ("2027-03-01 19:00 ()", "zone-missing"),
        ("2027-03-01 19:00 Europe/Lisboa", "zone-unknown"),
        ("2027-03-01 19:00 +01:00", "zone-unknown"),
        ("2027-03-01 19:00 PST", "zone-unknown"),
        ("2027-03-01 19:00 ../../etc/passwd", "zone-unknown"),
        ("2027-03-01 19:00 localtime", "zone-unknown"),
        ("2027-03-28 01:30 Europe/Lisbon", "time-skipped"),
        ("2027-02-29 19:00 UTC", "time-local"),
        ("2027-03-01 25:00 UTC", "time-local"),
        ("2027-03-01 19:61 UTC", "time-local"),
        ("2027-03-01", "time-local"),
        ("next friday at seven", "time-local"),
        ("01/03/2027 19:00 UTC", "time-local"),
        ("", "time-local"),
        ("0001-01-01 00:00 Asia/Tokyo", "time-range"),
        ("9999-12-31 23:59 America/New_York", "time-range"),
        ("1969-12-31 23:59 UTC", "time-range"),
    ],
)
def test_local_times_that_are_none(text: str, sentence: str) -> None:
    with pytest.raises(TimeProblem) as caught:
        read_local(text)
    assert caught.value.sentence == sentence


def test_an_unknown_zone_names_the_nearest() -> None:
    for wrong in ("Europe/Lisboa", "Lisbon", "lisboa", "Europ/Lisbon"):
        with pytest.raises(TimeProblem) as caught:
            read_zone(wrong)
        assert str(caught.value.values["nearest"]).startswith("Europe/Lisbon"), wrong
    with pytest.raises(TimeProblem) as caught:
        read_zone("nowhere at all")
    assert caught.value.values["nearest"] == "Europe/Lisbon, America/New_York, UTC"


def test_an_end_may_be_a_clock_time_of_the_same_evening_or_after_midnight() -> None:
    start, zone = read_local("2027-03-01 19:00 Europe/Lisbon")
    assert read_clock("23:00", start, zone) == start + 4 * 3600
    assert read_clock("2:00", start, zone) == start + 7 * 3600
    assert read_clock("19:00", start, zone) == start + 24 * 3600
    assert read_clock("2027-03-02 19:00", start, zone) == start + 24 * 3600
    assert read_clock("2027-03-01 20:00 UTC", start, zone) == start + 3600
    with pytest.raises(TimeProblem):
        read_clock("29:00", start, zone)


def test_days() -> None:
    assert read_day("2027-03-01") == unix(2027, 3, 1)
    for wrong in ("2027-3-1", "20270301", "2027-02-30", "1804100400", "2027-W09-1", "9999-12-31"):
        with pytest.raises(TimeProblem):
            read_day(wrong)


def test_stamps() -> None:
    assert read_stamp("1804100400") == 1804100400
    assert read_stamp(str(LATEST)) == LATEST
    wrong = ("0", "-1", "1804100400000", "1.8e9", "2027-03-01", "", "٣", str(LATEST + 1), "9" * 99)
    for text in wrong:
        with pytest.raises(TimeProblem) as caught:
            read_stamp(text)
        assert caught.value.sentence == "time-number"


@settings(deadline=None)
@given(
    st.text(max_size=40) | st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-6][0-9] .*")
)
def test_no_text_raises_anything_else(text: str) -> None:
    for read in (read_local, read_day, read_stamp, read_zone):
        try:
            read(text)
        except TimeProblem:
            continue


@settings(deadline=None)
@given(st.text(max_size=12) | st.from_regex(r"[0-9]{1,2}:[0-9]{2}", fullmatch=True))
def test_no_clock_time_raises_anything_else(text: str) -> None:
    try:
        end = read_clock(text, 1804100400, "Europe/Lisbon")
    except TimeProblem:
        return
    assert end > 0
