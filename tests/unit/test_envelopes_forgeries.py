"""What must not open: forged authors, wrong layers, damaged bytes."""

from __future__ import annotations

import base64
import random
from typing import Any

import orjson
import pytest

from ticketbot import nip44, secp
from ticketbot.domain.nostr import Event, event_id
from ticketbot.envelopes import Envelopes, Letter, Opened
from ticketbot.errors import Malformed
from ticketbot.keys import Keys, parse_event, verify

NOW = 1_800_000_000
BOT, ALICE, MALLORY = (Keys(bytes([n]) * 32) for n in (7, 8, 9))
bot = Envelopes(BOT)


def encrypt(writer: secp.Keypair, raw: Any) -> str:
    """Something to the bot, as JSON unless it is a text already."""
    conversation = nip44.conversation(writer.secret, bytes.fromhex(BOT.pubkey))
    return nip44.encrypt(conversation, raw if isinstance(raw, str) else orjson.dumps(raw).decode())


def rumor(author: Keys = ALICE, **changes: Any) -> dict[str, Any]:
    """What Alice says, with its right id unless `changes` names another."""
    fields: dict[str, Any] = {
        "pubkey": author.pubkey,
        "created_at": NOW,
        "kind": 14,
        "tags": [["p", BOT.pubkey]],
        "content": "buy lisbon",
    } | changes
    names = ("pubkey", "created_at", "kind", "tags", "content")
    return {"id": event_id(*(fields[name] for name in names))} | fields


def seal(inner: Any, author: Keys = ALICE, kind: int = 13, tags: Any = ()) -> dict[str, Any]:
    """A seal around `inner`, signed by its author."""
    return author.sign_event(NOW, kind, list(tags), encrypt(author.keypair, inner))._asdict()


def wrap(sealed: Any) -> Event:
    """A gift wrap around anything at all, honestly signed by a fresh key."""
    once = Keys(secp.Keypair.fresh().secret)
    return once.sign_event(NOW, 1059, [["p", BOT.pubkey]], encrypt(once.keypair, sealed))


def refusal(event: Event) -> str:
    """Why the bot does not open `event`."""
    [outcome] = bot.open([event])
    assert isinstance(outcome, Malformed), outcome
    return str(outcome)


def test_the_honest_letter_opens() -> None:
    [opened] = bot.open([wrap(seal(rumor()))])
    assert isinstance(opened, Opened)
    assert (opened.sender, opened.text, opened.rumor_kind) == (ALICE.pubkey, "buy lisbon", 14)


@pytest.mark.parametrize("spelling", [{}, {"id": None}])
def test_a_rumor_without_an_id_opens(spelling: dict[str, None]) -> None:
    nameless = rumor()
    named = bot.open([wrap(seal(nameless))])
    del nameless["id"]
    assert bot.open([wrap(seal(nameless | spelling))]) == named


@pytest.mark.parametrize("wrong", ["00" * 32, "", 7, rumor(content="other")["id"]])
def test_a_wrong_rumor_id(wrong: object) -> None:
    assert "id is not that of its content" in refusal(wrap(seal(rumor(id=wrong))))


def test_a_spoofed_sender() -> None:
    """Mallory signs the seal, and says in the rumor that Alice wrote it."""
    assert "another author" in refusal(wrap(seal(rumor(ALICE), author=MALLORY)))


def test_a_seal_that_names_alice_and_is_signed_by_mallory() -> None:
    stolen = seal(rumor(MALLORY, pubkey=ALICE.pubkey), author=MALLORY)
    forged = stolen | {"pubkey": ALICE.pubkey}
    names = ("pubkey", "created_at", "kind", "tags", "content")
    forged["id"] = event_id(*(forged[name] for name in names))
    assert "id or signature" in refusal(wrap(forged))


@pytest.mark.parametrize(
    "change",
    [{"sig": "00" * 64}, {"id": "00" * 32}, {"created_at": NOW + 1}, {"pubkey": MALLORY.pubkey}],
    ids=str,
)
def test_a_seal_with_a_broken_id_or_signature(change: dict[str, Any]) -> None:
    assert "id or signature" in refusal(wrap(seal(rumor()) | change))


def test_a_tagged_seal() -> None:
    assert "tags" in refusal(wrap(seal(rumor(), tags=[["p", BOT.pubkey]])))


@pytest.mark.parametrize("kind", [1, 14, 1059])
def test_a_seal_of_another_kind(kind: int) -> None:
    assert "kind 13" in refusal(wrap(seal(rumor(), kind=kind)))


@pytest.mark.parametrize("kind", [7, 15, 443, 444, 24133])
def test_a_rumor_that_is_no_chat_message(kind: int) -> None:
    assert refusal(wrap(seal(rumor(kind=kind)))) == f"ignored rumor kind {kind}"


def test_a_letter_from_ourselves_is_not_answered() -> None:
    assert "ourselves" in refusal(wrap(seal(rumor(BOT), author=BOT)))
    for protocol in ("nip04", "24133"):
        [own] = bot.seal([Letter(protocol, BOT.pubkey, NOW, "hello")])
        assert "ourselves" in refusal(parse_event(orjson.loads(own.json)))


@pytest.mark.parametrize("inner", ["not json", "[]", "7", "{}", "null", '{"id":', "[" * 3000])
def test_layers_that_are_no_events(inner: str) -> None:
    refusal(wrap(inner))
    refusal(wrap(seal(inner)))


@pytest.mark.parametrize(
    "change",
    [
        {"pubkey": None},
        {"created_at": "now"},
        {"created_at": 10**30},
        {"created_at": -5},
        {"tags": [[1]]},
        {"content": ["buy"]},
        {"kind": "14"},
    ],
    ids=str,
)
def test_a_rumor_of_another_shape(change: dict[str, Any]) -> None:
    text = orjson.dumps(rumor() | dict.fromkeys(change, 0)).decode()
    for name, value in change.items():
        raw = str(value) if isinstance(value, int) else orjson.dumps(value).decode()
        text = text.replace(f'"{name}":0', f'"{name}":{raw}')
    refusal(wrap(seal(text)))


def test_a_seal_without_a_signature() -> None:
    bare = seal(rumor())
    del bare["sig"]
    assert "signature" in refusal(wrap(bare))


def test_a_wrap_whose_key_is_outside_the_curve() -> None:
    honest = wrap(seal(rumor()))
    assert "public key" in refusal(honest._replace(pubkey="ff" * 32))
    assert "not hex" in refusal(honest._replace(pubkey="Alice"))


def test_a_wrap_to_somebody_else() -> None:
    other = Envelopes(MALLORY)
    [outcome] = other.open([wrap(seal(rumor()))])
    assert isinstance(outcome, Malformed)
    assert "MAC" in str(outcome)


def test_a_broken_outer_signature_is_seen_by_verify() -> None:
    honest = wrap(seal(rumor()))
    assert verify(honest)
    assert not verify(honest._replace(sig="00" * 64))
    assert not verify(honest._replace(created_at=NOW + 1))
    assert not verify(honest._replace(pubkey=MALLORY.pubkey))


def test_a_kind_that_carries_no_letters() -> None:
    note = ALICE.sign_event(NOW, 1, [["p", BOT.pubkey]], "buy lisbon")
    assert refusal(note) == "kind 1 is no letter"


@pytest.mark.parametrize("protocol", ["nip04", "24133"])
def test_a_plain_letter_to_somebody_else(protocol: Any) -> None:
    [sent] = Envelopes(ALICE).seal([Letter(protocol, BOT.pubkey, NOW, "buy lisbon")])
    event = parse_event(orjson.loads(sent.json))
    assert "somebody else" in refusal(event._replace(tags=[["p", MALLORY.pubkey]]))
    assert "somebody else" in refusal(event._replace(tags=[["p"]]))
    for tags in ([], [["p", MALLORY.pubkey], ["p", BOT.pubkey]]):
        assert isinstance(bot.open([event._replace(tags=tags)])[0], Opened)
    assert refusal(event._replace(pubkey=MALLORY.pubkey))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "?iv=",
        "hello",
        "aGVsbG8=",
        "?iv=" + base64.b64encode(bytes(16)).decode(),
        base64.b64encode(bytes(16)).decode() + "?iv=" + base64.b64encode(bytes(15)).decode(),
        base64.b64encode(bytes(15)).decode() + "?iv=" + base64.b64encode(bytes(16)).decode(),
        base64.b64encode(bytes(32)).decode() + "?iv=" + base64.b64encode(bytes(16)).decode(),
        "é" * 24 + "?iv=" + base64.b64encode(bytes(16)).decode(),
        "A" * 24 + "?iv=" + "A" * 22 + "==?iv=",
    ],
    ids=lambda text: text[:40],
)
def test_a_damaged_nip04_message(content: str) -> None:
    assert "NIP-04" in refusal(ALICE.sign_event(NOW, 4, [["p", BOT.pubkey]], content))


def test_the_size_of_a_nip04_message_is_judged_before_base64(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_late(*_: object, **__: object) -> bytes:
        raise AssertionError("decoded a message of any size")

    event = ALICE.sign_event(NOW, 4, [["p", BOT.pubkey]], "A" * 90_000 + "?iv=" + "A" * 24)
    monkeypatch.setattr("binascii.a2b_base64", too_late)
    assert "NIP-04" in refusal(event)


def test_mutants_of_a_wrap_raise_nothing_but_malformed() -> None:
    """Also of its inner layers, each encrypted properly again around the damage."""
    dice = random.Random(59)
    layers = orjson.dumps(rumor()).decode(), orjson.dumps(seal(rumor())).decode()
    honest = bot.open([wrap(layers[1])])
    for _ in range(300):
        inner, middle = (mutate(layer, dice) for layer in layers)
        outcomes = [*bot.open([wrap(seal(inner))]), *bot.open([wrap(middle)])]
        for damaged, outcome in zip((inner, middle), outcomes, strict=True):
            assert damaged in layers or isinstance(outcome, Malformed) or [outcome] == honest


def mutate(text: str, dice: random.Random) -> str:
    """The text with one character changed, left out, or doubled."""
    place = dice.randrange(len(text))
    middle = dice.choice([chr(dice.randrange(32, 127)), "", text[place] * 2, "\n", "é"])
    return text[:place] + middle + text[place + 1 :]
