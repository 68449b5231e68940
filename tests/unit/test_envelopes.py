"""Letters sealed and opened, each way that people write."""

from __future__ import annotations

import base64
import hashlib
import pickle
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketbot import nip44, secp
from ticketbot.domain.nostr import Event, event_id
from ticketbot.envelopes import Envelopes, Letter, Mould, Opened, Protocol, Sealed, _Chance
from ticketbot.errors import Malformed
from ticketbot.keys import Keys, parse_event, verify

NOW = 1_800_000_000
TWO_DAYS = 172_800
BOT, ALICE, BOB = (Keys(bytes([n]) * 32) for n in (7, 8, 9))
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

bot = Envelopes(BOT, clock=lambda: NOW)
alice = Envelopes(ALICE, clock=lambda: NOW)
bob = Envelopes(BOB, clock=lambda: NOW)

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=500)


def event(sealed: Sealed) -> Event:
    return parse_event(orjson.loads(sealed.json))


def peel(reader: Keys, payload: str, author: str) -> Any:
    """The JSON inside one layer of a gift wrap, read with nothing but NIP-44."""
    conversation = nip44.conversation(reader.keypair.secret, bytes.fromhex(author))
    return orjson.loads(nip44.decrypt(conversation, payload))


@given(text=texts, protocol=st.sampled_from(PROTOCOLS), sent_at=st.integers(0, 2**32))
def test_what_the_bot_seals_alice_opens(text: str, protocol: Protocol, sent_at: int) -> None:
    letter = Letter(protocol, ALICE.pubkey, sent_at, text)
    [sealed] = bot.seal([letter])
    wrap = event(sealed)
    assert verify(wrap)
    assert (sealed.event_id, sealed.kind) == (wrap.id, wrap.kind)
    [opened] = alice.open([wrap])
    assert isinstance(opened, Opened)
    assert opened[:2] == (protocol, BOT.pubkey)
    assert (opened.sent_at, opened.text) == (sent_at, text)


@pytest.mark.parametrize(
    ("protocol", "kind", "inner"), [("nip17", 1059, 14), ("nip04", 4, 4), ("24133", 24133, 24133)]
)
def test_the_kinds_and_tags_of_letters(protocol: Protocol, kind: int, inner: int) -> None:
    [sealed] = bot.seal([Letter(protocol, ALICE.pubkey, NOW, "hello")])
    assert event(sealed).kind == kind
    assert event(sealed).tags == [["p", ALICE.pubkey]]
    [opened] = alice.open([event(sealed)])
    assert isinstance(opened, Opened)
    assert opened.rumor_kind == inner


def test_the_layers_of_a_gift_wrap() -> None:
    letter = Letter("nip17", ALICE.pubkey, NOW + 3, "your ticket")
    wrap = event(bot.seal([letter])[0])
    seal = parse_event(peel(ALICE, wrap.content, wrap.pubkey))
    rumor = peel(ALICE, seal.content, seal.pubkey)
    assert wrap.pubkey not in (BOT.pubkey, ALICE.pubkey)
    assert (seal.kind, seal.tags, seal.pubkey) == (13, [], BOT.pubkey)
    assert verify(seal)
    assert rumor == {
        "id": bot.rumor_id(letter),
        "pubkey": BOT.pubkey,
        "created_at": NOW + 3,
        "kind": 14,
        "tags": [["p", ALICE.pubkey]],
        "content": "your ticket",
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_mould_makes_the_same_bytes(protocol: Protocol) -> None:
    letter = Letter(protocol, ALICE.pubkey, NOW, "hello", mould=Mould(b"s" * 32, NOW - 7))
    later = Envelopes(BOT, clock=lambda: NOW + 86_400)
    assert bot.seal([letter]) == later.seal([letter])


@pytest.mark.parametrize(
    "change",
    [
        {"text": "hullo"},
        {"recipient": BOB.pubkey},
        {"sent_at": NOW + 1},
        {"mould": Mould(b"t" * 32, NOW)},
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_letter_or_another_seed_draws_other_chances(
    protocol: Protocol, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[bytes] = []
    take = _Chance.take

    def watch(chance: _Chance, size: int) -> bytes:
        drawn.append(take(chance, size))
        return drawn[-1]

    monkeypatch.setattr(_Chance, "take", watch)
    letter = Letter(protocol, ALICE.pubkey, NOW, "hello", mould=Mould(b"s" * 32, NOW))
    bot.seal([letter, letter._replace(**change)])
    assert len(drawn) == {"nip17": 14, "nip04": 4, "24133": 4}[protocol]
    assert len(set(drawn)) == len(drawn)


def test_every_wrap_has_its_own_key() -> None:
    letters = [Letter("nip17", ALICE.pubkey, NOW, "hello")] * 50
    assert len({event(sealed).pubkey for sealed in bot.seal(letters)}) == 50


def test_seals_and_wraps_lie_about_their_age_each_for_itself() -> None:
    letters = [Letter("nip17", ALICE.pubkey, NOW, "hello")] * 200
    wraps = [event(sealed) for sealed in bot.seal(letters)]
    seals = [parse_event(peel(ALICE, wrap.content, wrap.pubkey)) for wrap in wraps]
    for dated in (wraps, seals):
        ages = [NOW - each.created_at for each in dated]
        assert 0 <= min(ages) < TWO_DAYS / 10
        assert TWO_DAYS * 0.9 < max(ages) <= TWO_DAYS
    same = [wrap.created_at == seal.created_at for wrap, seal in zip(wraps, seals, strict=True)]
    assert sum(same) < 5


def test_a_wrap_for_a_relay_that_refuses_old_events_is_dated_now() -> None:
    letters = [Letter("nip17", ALICE.pubkey, NOW - 90, "hello", backdate=False)] * 20
    wraps = [event(sealed) for sealed in bot.seal(letters)]
    assert {wrap.created_at for wrap in wraps} == {NOW}
    seals = [parse_event(peel(ALICE, wrap.content, wrap.pubkey)) for wrap in wraps]
    assert len({seal.created_at for seal in seals}) > 1
    assert {each.sent_at for each in alice.open(wraps) if isinstance(each, Opened)} == {NOW - 90}


def test_a_letter_wrapped_again_is_the_same_letter() -> None:
    letter = Letter("nip17", BOT.pubkey, NOW, "buy lisbon")
    again = letter._replace(backdate=False)
    first, second = (event(sealed) for sealed in alice.seal([letter, again]))
    one, two = bot.open([first, second])
    assert first.id != second.id
    assert isinstance(one, Opened)
    assert one == two
    author_and_id = bytes.fromhex(ALICE.pubkey + alice.rumor_id(letter))
    assert one.key == hashlib.sha256(author_and_id).digest()


@pytest.mark.parametrize("protocol", ["nip04", "24133"])
def test_the_key_of_a_plain_event_is_its_author_and_id(protocol: Protocol) -> None:
    sent = event(alice.seal([Letter(protocol, BOT.pubkey, NOW, "buy lisbon")])[0])
    [opened] = bot.open([sent])
    assert isinstance(opened, Opened)
    assert opened.key == hashlib.sha256(bytes.fromhex(ALICE.pubkey + sent.id)).digest()


def test_rumor_ids_tell_letters_apart() -> None:
    letter = Letter("nip17", ALICE.pubkey, NOW, "hello")
    others = [
        letter._replace(recipient=BOB.pubkey),
        letter._replace(sent_at=NOW + 1),
        letter._replace(text="hallo"),
    ]
    assert len({bot.rumor_id(each) for each in [letter, *others]}) == 4
    body = (BOT.pubkey, NOW, 14, [["p", ALICE.pubkey]], "hello")
    assert bot.rumor_id(letter) == event_id(*body)


def test_a_batch_keeps_its_order_and_one_bad_event_spoils_no_other() -> None:
    senders = [alice, bob, alice, bob]
    letters = [Letter("nip17", BOT.pubkey, NOW + n, f"message {n}") for n in range(4)]
    events = [event(who.seal([letter])[0]) for who, letter in zip(senders, letters, strict=True)]
    events[2] = events[2]._replace(content=events[3].content)
    opened = bot.open(events)
    assert isinstance(opened[2], Malformed)
    assert [each.text for each in opened if isinstance(each, Opened)] == [
        "message 0",
        "message 1",
        "message 3",
    ]


def test_a_mixed_batch_of_answers_keeps_its_order() -> None:
    letters = [
        Letter(protocol, who.pubkey, NOW, f"{protocol} to {who.pubkey}")
        for who in (ALICE, BOB)
        for protocol in PROTOCOLS
    ]
    for letter, sealed in zip(letters, bot.seal(letters), strict=True):
        reader = alice if letter.recipient == ALICE.pubkey else bob
        [opened] = reader.open([event(sealed)])
        assert isinstance(opened, Opened)
        assert opened.text == letter.text


def test_empty_batches() -> None:
    assert bot.open([]) == []
    assert bot.seal([]) == []


def test_few_correspondents_are_remembered_and_the_rest_still_served() -> None:
    forgetful = Envelopes(BOT, peers=2)
    for _ in range(2):
        for secret in range(10, 20):
            writer = Envelopes(Keys(bytes([secret]) * 32))
            [opened] = forgetful.open(
                [event(writer.seal([Letter("24133", BOT.pubkey, NOW, "hello")])[0])]
            )
            assert isinstance(opened, Opened)
    assert forgetful._peer.cache_info().currsize == 2


def test_strangers_wraps_do_not_push_out_correspondents() -> None:
    """A gift wrap's own key is used once: only proven authors are worth remembering."""
    envelopes = Envelopes(BOT)
    wraps = [event(alice.seal([Letter("nip17", BOT.pubkey, NOW, "hi")])[0]) for _ in range(5)]
    envelopes.open(wraps)
    assert envelopes._peer.cache_info().currsize == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("text", ["x" * 70_000, "\ud800"])
def test_a_text_that_does_not_fit_is_malformed(protocol: Protocol, text: str) -> None:
    with pytest.raises(Malformed):
        bot.seal([Letter(protocol, ALICE.pubkey, NOW, text)])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("recipient", ["00" * 32, "ff" * 32, ALICE.pubkey[:-2], "Alice"])
def test_a_recipient_outside_the_curve_is_malformed(protocol: Protocol, recipient: str) -> None:
    with pytest.raises(Malformed, match=r"pubkey|public key"):
        bot.seal([Letter(protocol, recipient, NOW, "hello")])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_letter_of_a_thousand_words_arrives(protocol: Protocol) -> None:
    text = "ticket 🎟\n" * 2000
    [opened] = alice.open([event(bot.seal([Letter(protocol, ALICE.pubkey, NOW, text)])[0])])
    assert isinstance(opened, Opened)
    assert opened.text == text


def test_the_bots_signatures_are_checked_and_one_time_keys_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checks: list[bool] = []
    sign = secp.Keypair.sign

    def watch(
        pair: secp.Keypair, message: bytes, chance: bytes | None = None, *, check: bool = True
    ) -> bytes:
        checks.append(check)
        return sign(pair, message, chance, check=check)

    monkeypatch.setattr(secp.Keypair, "sign", watch)
    bot.seal([Letter("nip17", ALICE.pubkey, NOW, "hello")])
    assert checks == [True, False]
    bot.seal([Letter("24133", ALICE.pubkey, NOW, "{}"), Letter("nip04", ALICE.pubkey, NOW, "x")])
    assert checks[2:] == [True, True]


def test_batches_can_go_to_another_process() -> None:
    letters = [Letter(protocol, ALICE.pubkey, NOW, "hello") for protocol in PROTOCOLS]
    sealed = bot.seal(letters)
    opened = [*alice.open([event(each) for each in sealed]), *bot.open([event(sealed[0])])]
    assert isinstance(opened[-1], Malformed)
    for value in (letters, sealed, opened[:-1]):
        assert pickle.loads(pickle.dumps(value)) == value
    assert str(pickle.loads(pickle.dumps(opened[-1]))) == str(opened[-1])


def test_a_nip04_message_looks_as_old_clients_expect() -> None:
    sent = event(bot.seal([Letter("nip04", ALICE.pubkey, NOW, "hello")])[0])
    body, iv = sent.content.split("?iv=")
    assert len(base64.b64decode(iv)) == 16
    assert len(base64.b64decode(body)) == 16
    assert sent.created_at == NOW
