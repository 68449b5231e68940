"""Words: cleaned, compared, made into codes that nobody can take for a command."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbot.domain.command import Buy, ShowEvent
from ticketbot.domain.naming import (
    clean,
    near_verbs,
    nearest,
    quote,
    short_code,
    show,
)
from ticketbot.domain.speech import read_text
from ticketbot.domain.vocabulary import RESERVED, VERBS


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Lisbon Meetup", "Lisbon Meetup"),
        ("  Lisbon \t\n Meetup ", "Lisbon Meetup"),
        ("Lis\u200bbon\ufeff", "Lisbon"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("\u2066a\u2069\x00\x1b[31m", "a[31m"),
        ("a\u00a0b\u2028c", "a b c"),
        ("\u3164\u2800\u115f", ""),
        ("Cafe\u0301", "Café"),
        ("東京 🎸", "東京 🎸"),
        ("a\ud800b", "ab"),
        ("", ""),
    ],
)
def test_only_what_can_be_seen_stays(text: str, line: str) -> None:
    assert clean(text, 40) == line


def test_long_text_ends_in_an_ellipsis() -> None:
    assert clean("a" * 50, 10) == "aaaaaaaaa…"
    assert len(quote("b" * 10_000)) == 40


@settings(deadline=None)
@given(st.text(), st.integers(1, 60))
def test_clean_keeps_its_promise(text: str, longest: int) -> None:
    line = clean(text, longest)
    assert len(line) <= longest
    assert line.isprintable()
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in line)
    assert clean(line, longest) == line


def test_nearest_finds_slips_and_keeps_their_spelling() -> None:
    assert nearest("lisbno", ["LISBON", "BERLIN", "PORTO"]) == ["LISBON"]
    assert nearest("x" * 10_000, ["LISBON"]) == []
    assert nearest("lisbon", []) == []
    assert len(nearest("lisbon", [f"LISBON{n}" for n in range(9)])) == 3


@pytest.mark.parametrize(
    ("slip", "verb"),
    [
        ("evnts", "events"),
        ("tickts", "tickets"),
        ("hepl", "help"),
        ("byu", "buy"),
        ("bu", "buy"),
        ("cancle", "cancel"),
        ("refnd", "refund"),
        ("resnd", "resend"),
        ("stauts", "status"),
    ],
)
def test_slips_are_near_their_verb(slip: str, verb: str) -> None:
    assert near_verbs(slip)[0] == verb


@pytest.mark.parametrize("word", ["hi", "gm", "thanks", "hello", "lisbon", "like", "but", "linz"])
def test_other_words_are_no_slips(word: str) -> None:
    assert near_verbs(word) == []


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("Lisbon Meetup", "LISBON"),
        ("The Night of Lisbon", "NIGHT"),
        ("A festa do Porto", "FESTA"),
        ("Été à la plage", "ETE"),
        ("Ø-Fest & Łódź", "FEST"),
        ("Łódź", "LODZ"),
        ("Straße", "STRASSE"),
        ("Bob's Party", "BOBS"),
        ("Internationale Konferenz", "INTERNATIO"),
        ("2027 Bitcoin Days", "BITCOIN"),
        ("21", "GIG"),
        ("Events", "GIG"),
        ("Buy Bitcoin", "BITCOIN"),
        ("Tickets to Ride", "RIDE"),
        ("Statue Night", "NIGHT"),
        ("Two Weeks", "WEEKS"),
        ("X2 Reloaded", "RELOADED"),
        ("GM Lisbon", "LISBON"),
        ("東京", "GIG"),
        ("", "GIG"),
        ("!!!", "GIG"),
    ],
)
def test_a_code_is_the_first_word_that_says_something(title: str, code: str) -> None:
    assert short_code(title, ()) == code


def test_taken_codes_are_counted_on() -> None:
    assert short_code("Lisbon", {"LISBON"}) == "LISBON2"
    assert short_code("Lisbon", {"LISBON", "LISBON2"}) == "LISBON3"
    taken = {"INTERNATIO"} | {f"INTERNATI{n}" for n in range(2, 10)}
    assert short_code("International", taken) == "INTERNAT10"


@settings(deadline=None)
@given(st.text(max_size=80), st.sets(st.sampled_from(["GIG", "GIG2", "LISBON"])))
def test_every_code_can_be_typed(title: str, taken: set[str]) -> None:
    code = short_code(title, taken)
    assert re.fullmatch(r"[A-Z][A-Z0-9]{1,9}", code)
    assert code not in taken
    assert code.lower() not in VERBS
    assert code.lower() not in RESERVED
    assert read_text(code) == ShowEvent((code.lower(),))
    assert read_text(f"buy {code} 2") == Buy((code.lower(),), 2)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Lisbon lnbc210n1p4srzvxpp5dnu86y3g0yskn", "Lisbon …"),
        ("pay at https://evil.example/x now", "pay at … now"),
        ("see nostr:npub1qqqqqq and lightning:lnbc1abc", "see … and …"),
        ("Lightning: a talk", "Lightning: a talk"),
        ("Nostr: an evening", "Nostr: an evening"),
    ],
)
def test_what_clients_act_on_is_never_repeated(written: str, shown: str) -> None:
    assert show(written, 120) == shown
