"""What organizers type, and what is made of it; and what attendees mean by the same words."""

from __future__ import annotations

import pytest

from ticketbot.domain.command import (
    Announce,
    Comp,
    Find,
    ListAttendees,
    ListEvents,
    PauseEvent,
    Rehearse,
    Resend,
    ResendOrder,
    ResumeEvent,
    ResumeSales,
    ShowOrder,
    ShowStats,
    ShowStatus,
    Unknown,
)
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.requests import BadRequest, read_machine
from ticketbot.domain.speech import read_text
from ticketbot.errors import Refused

KEY = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
NPUB = npub_encode(KEY)
NOTE = "ab" * 32
LISBON = ("lisbon",)
REPORTED = (
    *("order-story", "stats", "attendees", "find", "pause", "resume"),
    *("announce", "comp", "resend", "rehearse"),
)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("stats", ShowStats(())),
        ("/Stats Lisbon!", ShowStats(LISBON)),
        ("stats for the event lisbon please", ShowStats(LISBON)),
        ("attendees lisbon", ListAttendees(LISBON)),
        ("attendees of lisbon from 201", ListAttendees(LISBON, 201)),
        ("attendees lisbon from 0", ListAttendees(LISBON, 1)),
        (f"find lisbon {NPUB}", Find(LISBON, KEY)),
        (f"find lisbon nostr:{NPUB}", Find(LISBON, KEY)),
        (f"find lisbon {KEY.upper()}", Find(LISBON, KEY)),
        ("find lisbon K7Q2", Find(LISBON, "k7q2")),
        ("find lisbon de3dn0o8bf51", Find(LISBON, "de3dn0o8bf51")),
        ("find lisbon ABCD-EFGH-IJKL-MNOP", Find(LISBON, "abcdefghijklmnop")),
        ("find lisbon abcd-efgh-8jkl-mn0p", Find(LISBON, "abcdefghbjklmnop")),
        ("find bitcoin", ListEvents(("bitcoin",))),
        ("find events jazz", ListEvents(("jazz",))),
        ("find", ListEvents()),
        ("pause lisbon", PauseEvent(LISBON)),
        ("pause the sales of lisbon", PauseEvent(LISBON)),
        ("resume lisbon", ResumeEvent(LISBON)),
        ("resume", ResumeEvent(())),
        ("resume sales", ResumeSales()),
        (f"comp lisbon {NPUB}", Comp(LISBON, KEY)),
        (f"comp {NPUB} 2 lisbon VIP", Comp((*LISBON, "vip"), KEY, 2)),
        (f"comp lisbon {KEY}", Comp(LISBON, KEY)),
        (f"comp {NOTE} {NPUB}", Comp((NOTE,), KEY)),
        ("comp lisbon", Comp(LISBON, None)),
        (f"comp lisbon {NPUB} {NPUB}", Comp(LISBON, None)),
        ("order lisbon K7Q2", ShowOrder(LISBON, "k7q2")),
        ("order lisbon 1234", ShowOrder(LISBON, "1234")),
        ("order K7Q2", ShowStatus("K7Q2")),
        ("order", ShowStatus()),
        ("resend", Resend()),
        ("resend from 51", Resend(51)),
        ("resend my tickets again please", Resend()),
        ("resend lisbon k7q2", ResendOrder(LISBON, "k7q2")),
        ("resend order k7q2 of lisbon", Resend()),
        ("rehearse lisbon", Rehearse(LISBON)),
        ("announce lisbon Hi", Announce(LISBON, "Hi")),
    ],
)
def test_what_is_asked_for(text: str, command: object) -> None:
    assert read_text(text) == command


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        ("order lisbon 2", "buy lisbon 2"),
        ("order 2 tickets for lisbon", "buy 2 lisbon"),
        ("order lisbon", "buy lisbon"),
        ("atendees lisbon", "attendees lisbon"),
        ("anounce lisbon hello", "announce lisbon"),
        ("rehearsal lisbon", "rehearse lisbon"),
    ],
)
def test_what_was_probably_meant_is_offered(text: str, guess: str) -> None:
    command = read_text(text)
    assert isinstance(command, Unknown)
    assert command.guesses[0] == guess


@pytest.mark.parametrize("text", [f"find lisbon {NPUB[:-2]}", f"comp lisbon {NPUB[:-2]}q"])
def test_a_key_with_a_slip_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_text(text)
    assert refused.value.sentence == "npub-broken"


@pytest.mark.parametrize(
    "body",
    [
        '"type":"comp","event_id":"x"',
        '"type":"comp","event_id":"x","to":"npub1qqq"',
        f'"type":"comp","event_id":"x","to":"{KEY}","quantity":0',
        '"type":"stats"',
        '"type":"find","event_id":"x"',
        f'"type":"find","event_id":"x","words":"{NPUB[:-1]}"',
        '"type":"announce","event_id":"x","text":7',
        '"type":"announce","event_id":"x","text":"hi","confirm":1',
        '"type":"order-story","event_id":"x"',
    ],
)
def test_a_program_is_told_which_field_is_wrong(body: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_machine(f'{{"request_id":"r",{body}}}')
    assert refused.value.request_id == "r"


@pytest.mark.parametrize("kind", REPORTED)
def test_answers_like_our_own_are_not_answered(kind: str) -> None:
    body = f'{{"type":"{kind}","request_id":"r","event_id":"x","message":"…"}}'
    assert read_machine(body) is None


def test_a_program_may_write_as_much_as_a_letter_holds() -> None:
    text = "x" * 50_000
    read = read_machine(f'{{"type":"announce","request_id":"r","event_id":"x","text":"{text}"}}')
    assert read is not None
    assert read.command == Announce(("x",), text)
