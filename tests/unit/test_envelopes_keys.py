"""Keys, and events signed, verified and parsed."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import bech32
import pytest

from ticketbot.domain.nostr import Event, event_id
from ticketbot.errors import Broken, Malformed
from ticketbot.keys import Keys, parse_event, verify

# NIP-19's own example.
NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
SECRET = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa"
PUBKEY = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"
NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"

KEYS = Keys.from_text(SECRET)
NOTE = KEYS.sign_event(1_800_000_000, 1, [["t", "lisbon"]], 'Doors open\n"early" 🎟')


@pytest.mark.parametrize("text", [NSEC, SECRET, f" {NSEC}\n", SECRET.upper(), NSEC.upper()])
def test_keys_from_text(text: str) -> None:
    keys = Keys.from_text(text)
    assert keys.keypair.secret.hex() == SECRET
    assert keys.pubkey == PUBKEY
    assert verify(keys.sign_event(0, 1, [], ""))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected nsec1"),
        ("nsec", "expected nsec1"),
        (SECRET[:-1], "expected nsec1"),
        (NPUB, "that is an npub"),
        (NSEC[:-1] + "6", "typing error"),
        (NSEC[:-1], "typing error"),
        (NSEC.replace("vl029", "vL029"), "typing error"),
        (bech32.bech32_encode("nsec", [0, 1] * 25), "typing error"),  # 31 bytes and a bit
        (bech32.bech32_encode("nsec", [0, 1] * 27), "typing error"),
        (bech32.bech32_encode("nsec", [8] * 24), "typing error"),  # 15 bytes
        (bech32.bech32_encode("nsec", []), "typing error"),
        ("00" * 32, "outside the curve"),
        ("ff" * 32, "outside the curve"),
    ],
)
def test_what_is_no_key_says_why_and_is_not_repeated(text: str, sentence: str) -> None:
    with pytest.raises(Broken, match=sentence) as caught:
        Keys.from_text(text)
    assert len(text) < 5 or text not in str(caught.value)


def test_no_repr_shows_the_secret() -> None:
    assert repr(KEYS) == f"Keys({KEYS.pubkey})"


def test_derived_secrets_are_those_of_hkdf() -> None:
    extracted = hmac.digest(bytes(32), bytes.fromhex(SECRET), "sha256")
    first = hmac.digest(extracted, b"fields\x01", "sha256")
    second = hmac.digest(extracted, first + b"fields\x02", "sha256")
    assert KEYS.derive(b"fields") == first
    assert KEYS.derive(b"fields", 48) == (first + second)[:48]
    assert KEYS.derive(b"look-ups") != first


def test_a_signed_event_verifies() -> None:
    assert NOTE.pubkey == KEYS.pubkey
    assert NOTE.id == event_id(*NOTE[1:6])
    assert verify(NOTE)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "00" * 32},
        {"pubkey": Keys(b"\x01" * 32).pubkey},
        {"created_at": NOTE.created_at + 1},
        {"kind": 2},
        {"tags": []},
        {"content": "Doors open late"},
        {"sig": "00" * 64},
        {"sig": NOTE.sig[:-2] + "00"},
        {"sig": NOTE.sig[:-2]},
        {"sig": "signed, Alice"},
        {"content": "\ud800"},
        {"created_at": 2**70},
        {"pubkey": "Alice"},
    ],
    ids=lambda change: f"another-{next(iter(change))}",
)
def test_a_changed_event_does_not_verify(change: dict[str, Any]) -> None:
    assert not verify(NOTE._replace(**change))


def test_a_changed_event_with_its_own_id_does_not_verify() -> None:
    forged = NOTE._replace(content="free entry")
    assert not verify(forged._replace(id=event_id(*forged[1:6])))


def test_the_id_is_the_hash_of_the_serialization() -> None:
    body = [0, NOTE.pubkey, NOTE.created_at, 1, [["t", "lisbon"]], NOTE.content]
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    assert NOTE.id == hashlib.sha256(text.encode()).hexdigest()


def test_parse_event_reads_what_was_signed() -> None:
    raw = NOTE._asdict() | {"relay": "more keys are ignored"}
    assert parse_event(raw) == NOTE
    assert isinstance(parse_event(raw), Event)


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": NOTE.id.upper()},
        {"id": NOTE.id + "00"},
        {"id": NOTE.id + "\n"},
        {"pubkey": 7},
        {"pubkey": NOTE.pubkey[:-1] + "g"},
        {"created_at": "1800000000"},
        {"created_at": 1.8e9},
        {"created_at": -1},
        {"created_at": True},
        {"created_at": 253_402_300_800},
        {"kind": None},
        {"kind": 65536},
        {"kind": -1},
        {"kind": False},
        {"tags": None},
        {"tags": [["t", 1]]},
        {"tags": ["t"]},
        {"tags": {"t": []}},
        {"content": None},
        {"content": {"text": "hello"}},
        {"sig": None},
        {"sig": NOTE.sig[:-1]},
    ],
    ids=lambda change: f"another-{next(iter(change))}",
)
def test_parse_event_refuses_another_shape(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse_event(NOTE._asdict() | change)
    missing = NOTE._asdict()
    del missing[next(iter(change))]
    with pytest.raises(Malformed):
        parse_event(missing)


@pytest.mark.parametrize("raw", [None, [], "event", 7, {}])
def test_parse_event_refuses_what_is_no_object(raw: object) -> None:
    with pytest.raises(Malformed):
        parse_event(raw)
