"""An organizer's words to everybody: what stays, what goes, what is refused."""

from __future__ import annotations

import pytest

from ticketbot.domain.announcement import LONGEST, MOST_LINES, read_announcement
from ticketbot.domain.command import Announce
from ticketbot.domain.speech import read_text
from ticketbot.errors import Refused
from ticketbot.texts import say


def test_words_links_and_line_breaks_stay() -> None:
    text = "Doors open at 19:00!\n\nThe way: https://example.com/map?x=1\nnostr:npub1abc, café ☕"
    assert read_announcement(text) == text


def test_what_cannot_be_seen_goes() -> None:
    text = "  Doors\u200b open\u202e at 19:00\t\t soon \r\n\n\n\n\nBye\x00 "
    assert read_announcement(text) == "Doors open at 19:00 soon\n\nBye"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "announcement-empty"),
        (" \u200b\n", "announcement-empty"),
        ("…!?", "announcement-empty"),
        ("x" * (LONGEST + 1), "announcement-long"),
        ("x" * 50_000, "announcement-long"),
        ("a\n" * (MOST_LINES + 1), "announcement-lines"),
        ("Pay this: lnbc50u1p3unwfusp5t9r3", "announcement-money"),
        ("Pay this: LIGHTNING:LNBC50u1p3unwf", "announcement-money"),
        ("lightning:me@example.com", "announcement-money"),
        ("gift: cashuAeyJ0b2tlbiI6W3si", "announcement-money"),
        ("TKT1:AEAQEAYEAUDAOCAJBJM2CPA2YB2XAMYVUMLSSM5K", "announcement-money"),
        ("my key is nsec1qqqqqqqqqqqqqqq", "announcement-money"),
    ],
)
def test_what_is_refused_says_why(text: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        read_announcement(text)
    assert refused.value.sentence == sentence


def test_too_long_is_one_clear_sentence() -> None:
    with pytest.raises(Refused) as refused:
        read_announcement("x" * 50_000)
    said = say(refused.value.sentence, **refused.value.values)
    assert said == (
        "An announcement has at most 1000 characters, and yours has 50,000. "
        "Shorten it, or put the rest behind a link."
    )


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (
            "announce lisbon Doors open at 19:00 - bring ID!",
            Announce(("lisbon",), "Doors open at 19:00 - bring ID!"),
        ),
        ("/ANNOUNCE Lisbon: two\n\nlines", Announce(("lisbon",), "two\n\nlines")),
        ("announce lisbon\nbelow, and a space", Announce(("lisbon",), "below, and a space")),
        ("announce lisbon yes", Announce(("lisbon",), None, sure=True)),
        ("announce lisbon Yes!", Announce(("lisbon",), None, sure=True)),
        ("announce lisbon yes we can", Announce(("lisbon",), "yes we can")),
        ("announce lisbon", Announce(("lisbon",))),
        ("announce", Announce(())),
        ("announce lisbon " + "x" * 50_000, Announce(("lisbon",), "x" * 50_000)),
    ],
)
def test_every_character_behind_the_code_counts(text: str, command: Announce) -> None:
    assert read_text(text) == command
