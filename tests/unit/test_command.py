"""What people type and what programs send, and what is made of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbot.domain.command import (
    LONGEST_TEXT,
    Buy,
    CancelOrder,
    Command,
    ForgetMe,
    Hello,
    Help,
    ListEvents,
    ListRefunds,
    Refund,
    Resend,
    ResumeSales,
    ShowEvent,
    ShowLink,
    ShowStatus,
    ShowTickets,
    StopSales,
    Thanks,
    Unknown,
)
from ticketbot.domain.nip19 import naddr_encode, note_encode
from ticketbot.domain.speech import read_text
from ticketbot.domain.vocabulary import NUMBER_WORDS, VERBS
from ticketbot.errors import Refused

KEY = "ab" * 32
ADDRESS = f"31923:{KEY}:Meet-Up"
NADDR = naddr_encode(31923, KEY, "Meet-Up", ["wss://relay.example"])
BOLT11 = "lnbc50u1p3unwfusp5t9r3yymhpfqculx78u027lxspgxcr2n2987mx2j55nnfs95nxnzq"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("hi", Hello()),
        ("Hello!", Hello()),
        ("gm 🌞", Hello()),
        ("/start", Hello()),
        ("hi there", Hello()),
        ("hi, buy lisbon", Buy(("lisbon",))),
        ("thanks", Thanks()),
        ("Thank you so much!", Thanks()),
        ("ok", Thanks()),
        ("👍", Thanks()),
        ("help", Help()),
        ("/help", Help()),
        ("?", Help()),
        ("events", ListEvents()),
        ("!EVENTS", ListEvents()),
        ("events Lisbon jazz", ListEvents(("lisbon", "jazz"))),
        ("list all events", ListEvents()),
        ("event", ListEvents()),
        ("event Lisbon", ShowEvent(("lisbon",))),
        ("lisbon", ShowEvent(("lisbon",))),
        ("LISBON2", ShowEvent(("lisbon2",))),
        (f"nostr:{NADDR}", ShowEvent((ADDRESS,))),
        (f"https://njump.me/{NADDR}?x=1", ShowEvent((ADDRESS,))),
        (f"event {note_encode(KEY)}", ShowEvent((KEY,))),
        (KEY.upper(), ShowEvent((KEY,))),
        ("buy", Buy(())),
        ("buy lisbon", Buy(("lisbon",))),
        ("Buy Lisbon 2 VIP", Buy(("lisbon", "vip"), 2)),
        ("buy 2 vip lisbon", Buy(("vip", "lisbon"), 2)),
        ("/buy 2x lisbon", Buy(("lisbon",), 2)),
        ("buy lisbon x2", Buy(("lisbon",), 2)),
        ("buy lisbon ×2", Buy(("lisbon",), 2)),
        ("buy lisbon ２", Buy(("lisbon",), 2)),
        ("buy lisbon, 2.", Buy(("lisbon",), 2)),
        ("buy 2 lisbon 3", Buy(("lisbon", "3"), 2)),
        ("buy 2 tickets for lisbon please", Buy(("lisbon",), 2)),
        ("please buy lisbon", Buy(("lisbon",))),
        ("buy lisbon early bird", Buy(("lisbon", "early", "bird"))),
        ("buy lisbon two", Buy(("lisbon", "two"))),
        ("buy lisbon 2027-03-01", Buy(("lisbon", "2027-03-01"))),
        (f"buy {NADDR} 2 VIP", Buy((ADDRESS, "vip"), 2, None, whole=True)),
        (f"buy 2 vip nostr:{NADDR}", Buy((ADDRESS, "vip"), 2, None, whole=True)),
        (f"buy {ADDRESS}", Buy((ADDRESS,), 1, None, whole=True)),
        ("buy lis\u200bbon\ufeff", Buy(("lisbon",))),
        ("[//]: # (nip18)\nbuy lisbon 2", Buy(("lisbon",), 2)),
        ("[//]: # (nip18) hi", Hello()),
        ("  \n buy \t lisbon\u00a02 ", Buy(("lisbon",), 2)),
        ("buy ЛИССАБОН", Buy(("лиссабон",))),
        ("tickets", ShowTickets()),
        ("my tickets", ShowTickets()),
        ("Tickets from 51", ShowTickets(51)),
        ("tickets from 0", ShowTickets(1)),
        ("resend from 51.", Resend(51)),
        ("resend all of it", Resend()),
        ("forget me", ForgetMe()),
        ("/Forget Me, please", ForgetMe()),
        ("forget me yes!", ForgetMe(sure=True)),
        ("ticket", ShowTickets()),
        ("resend", Resend()),
        ("status", ShowStatus()),
        ("status K7Q2", ShowStatus("K7Q2")),
        ("status of my order #K7Q2", ShowStatus("K7Q2")),
        ("cancel", CancelOrder()),
        ("Cancel my order", CancelOrder()),
        ("cancel K7Q2", CancelOrder("K7Q2")),
        ("link", ShowLink()),
        ("pay", ShowLink()),
        ("refund", Refund(())),
        ("refund me@example.com", Refund(("me@example.com",))),
        ("refund to _@Example.com", Refund(("_@Example.com",))),
        (f"refund {BOLT11}", Refund((BOLT11,))),
        (f"refund lightning:{BOLT11.upper()}", Refund((BOLT11.upper(),))),
        ("refund K7Q2 me@example.com", Refund(("me@example.com",), "K7Q2")),
        ("refund K7Q2", Refund((), "K7Q2")),
        ("refunds", ListRefunds()),
        ("stop sales", StopSales()),
        ("/Stop Sales!", StopSales()),
        ("resume sales", ResumeSales()),
    ],
)
def test_what_people_type(text: str, command: Command) -> None:
    assert read_text(text) == command


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("evnts", ListEvents()),
        ("evnets lisbon", ListEvents(("lisbon",))),
        ("tickts", ShowTickets()),
        ("stauts", ShowStatus()),
        ("hepl", Help()),
        ("resned", Resend()),
        ("lnk", ShowLink()),
    ],
)
def test_a_slip_in_a_harmless_verb_is_mended(text: str, command: Command) -> None:
    assert read_text(text) == command


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        ("bu lisbon 2 vip", "buy lisbon 2 vip"),
        ("buyy Lisbon", "buy lisbon"),
        ("cancle", "cancel"),
        ("refnd me@example.com", "refund me@example.com"),
        ("me@example.com", "refund me@example.com"),
        ("stop", "stop sales"),
        ("stop sale", "stop sales"),
        ("stop sales lisbon", "stop sales"),
        ("cancel my tickets", "cancel"),
        ("i want to buy 2 tickets for lisbon", "buy 2 lisbon"),
        ("2 lisbon tickets", "buy 2 lisbon"),
        ("lisbon 2", "buy lisbon 2"),
        ("tickets lisbon 2", "buy lisbon 2"),
        ("how do I get a refund?", "refund"),
        ("what events are there?", "events"),
        ("where are my tickets", "tickets"),
        ("tickest got lost in the mail somehow", "tickets"),
    ],
)
def test_what_weighs_something_is_only_offered(text: str, guess: str) -> None:
    command = read_text(text)
    assert isinstance(command, Unknown)
    assert command.guesses[0] == guess


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\u200b",
        "yes",
        "no",
        "12",
        "🎸",
        "lorem ipsum dolor",
        "cancel event lisbon",
        "...",
    ],
)
def test_what_nobody_understands(text: str) -> None:
    command = read_text(text)
    assert isinstance(command, Unknown)
    assert command.guesses == ()


@pytest.mark.parametrize("verb", sorted({*VERBS.values()}))
def test_every_verb_is_read(verb: str) -> None:
    assert not isinstance(read_text(verb), Unknown)


@pytest.mark.parametrize("word", sorted(VERBS))
def test_no_word_of_the_vocabulary_is_lost(word: str) -> None:
    assert read_text(word) == read_text(VERBS[word])
    assert read_text(f"/{word.upper()}!") == read_text(VERBS[word])


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("buy lisbon 0", "bad-request", "quantity-whole"),
        ("buy lisbon 0x", "bad-request", "quantity-whole"),
        ("buy lisbon -1", "bad-request", "quantity-whole"),
        ("buy lisbon −1", "bad-request", "quantity-whole"),
        ("buy lisbon +1", "bad-request", "quantity-whole"),
        ("buy lisbon 1.5", "bad-request", "quantity-whole"),
        ("buy lisbon 1,5", "bad-request", "quantity-whole"),
        ("buy lisbon .5", "bad-request", "quantity-whole"),
        ("buy lisbon ½", "bad-request", "quantity-whole"),
        ("buy lisbon 1e9", "bad-request", "quantity-whole"),
        ("buy lisbon 10^9", "bad-request", "quantity-whole"),
        ("buy lisbon 10**9", "bad-request", "quantity-whole"),
        ("buy lisbon 50%", "bad-request", "quantity-whole"),
        ("buy 2 lisbon -1", "bad-request", "quantity-whole"),
        ("buy lisbon 1000000000", "too-many", "quantity-many"),
        ("buy lisbon " + "9" * 1_900, "too-many", "quantity-many"),
        ("buy nostr:" + NADDR[:-1] + "q", "bad-request", "event-pointer"),
        ("note1" + "q" * 58, "bad-request", "event-pointer"),
        ("x" * (LONGEST_TEXT + 1), "bad-request", "text-long"),
    ],
)
def test_what_is_refused(text: str, code: str, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        read_text(text)
    assert (caught.value.code, caught.value.sentence) == (code, sentence)
    assert all(len(str(value)) <= 40 for value in caught.value.values.values())


def test_number_words_are_left_to_who_knows_the_event() -> None:
    assert NUMBER_WORDS["two"] == 2
    assert NUMBER_WORDS["dos"] == 2
    assert sorted(NUMBER_WORDS.values()) == sorted([*range(1, 13)] * 2)
    assert read_text("buy two") == Buy(("two",))


@settings(deadline=None)
@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(
            [*VERBS, "lisbon", "2", "-1", "x", "1e9", "?", "#", NADDR, "me@a.b", BOLT11]
        )
        | st.text(max_size=6),
        max_size=7,
    ).map(" ".join)
)
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    try:
        command = read_text(text)
    except Refused:
        return
    if isinstance(command, Buy):
        assert command.quantity >= 1
    if isinstance(command, Unknown):
        assert len(command.text) <= 40
        assert all(len(guess) <= 80 for guess in command.guesses)
