"""The token: what it says, how small it is, and all that it must refuse."""

from __future__ import annotations

import base64
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbot.domain.ticket import (
    LAST_MOMENT,
    SENTENCES,
    TOKEN_LENGTH,
    Claims,
    TicketInvalid,
    TicketKey,
    check_time,
    event_hash,
    expiry,
    holder_hash,
    read_token,
    token_hash,
    verify_token,
)

# The worked example of docs/protocol.md.
SEED = bytes(range(32))
PUBLIC_KEY = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
EVENT_ID = f"31923:{'a' * 64}:lisbon-meetup"
SALT = bytes(range(16))
HOLDER = "b" * 64
EXAMPLE = Claims(
    ticket_id="aebagbafaydqqcik",
    event=event_hash(EVENT_ID),
    holder=holder_hash(SALT, HOLDER, "aebagbafaydqqcik"),
    issued_at=1_798_761_600,
    expires_at=1_806_537_600,
    nonce=bytes.fromhex("1122334455667788"),
    version=1,
)
EXAMPLE_TOKEN = (
    "TKT1:AEAQEAYEAUDAOCAJBJM2CPA2YB2XAMYVUMLSSM5KQDFLFHKVRXTUVG5NNM3OZADLV"
    "WJYAEJCGNCFKZTXRAAAD7CKMUF4ANW4H7EIMOOAZL7JQPON7WG32ZVD5FK7CNZU7GUQ444"
    "7XN3SGLH46O2XHTQAK46JHQXABZDZUNZFX7O5WOGKC5MVUQO7U4CA"
)
EXAMPLE_SIGNATURE = (
    "fc4a650bc036dc3fc88639c0cafe983dcdfd8dbd66a3e955f13734f9a90e739f"
    "bb77232cfcf3b573ce00573c93c2e00e479a3725bfdddb38ca17595a41dfa704"
)
EXAMPLE_HASH = "ff26161c2b770d3331826ad48ab6b3223b84b7dbc420eec007d88376b5ef6ca4"

KEY = TicketKey.from_bytes(SEED)
TOKEN = KEY.sign(EXAMPLE)

any_claims = st.builds(
    Claims,
    st.binary(min_size=10, max_size=10).map(lambda raw: base64.b32encode(raw).decode().lower()),
    st.binary(min_size=8, max_size=8),
    st.binary(min_size=16, max_size=16),
    st.integers(0, LAST_MOMENT),
    st.integers(0, LAST_MOMENT),
    st.binary(min_size=8, max_size=8),
    st.integers(0, 65_535),
)


def raw_bytes(token: str) -> bytes:
    return base64.b32decode(token.removeprefix("TKT1:") + "====")


def as_token(raw: bytes) -> str:
    return "TKT1:" + base64.b32encode(raw).decode().rstrip("=")


def reason_of(text: str, public_key: bytes = KEY.public) -> str:
    with pytest.raises(TicketInvalid) as refusal:
        read_token(text, public_key)
    sentence = str(refusal.value)
    assert sentence.endswith((".", ":"))
    assert len(sentence) < 90
    assert sentence == SENTENCES[refusal.value.reason]
    return refusal.value.reason


def test_the_worked_example_of_the_protocol_document() -> None:
    assert KEY.public.hex() == PUBLIC_KEY
    raw = raw_bytes(TOKEN)
    assert [part.hex() for part in (raw[:1], raw[1:11], raw[11:19], raw[19:35])] == [
        "01",
        "0102030405060708090a",
        "59a13c1ac0757033",
        "15a3172933aa80cab29d558de74a9bad",
    ]
    assert [part.hex() for part in (raw[35:39], raw[39:43], raw[43:51], raw[51:53])] == [
        "6b36ec80",
        "6bad9380",
        "1122334455667788",
        "0001",
    ]
    assert raw[53:].hex() == EXAMPLE_SIGNATURE
    assert TOKEN == EXAMPLE_TOKEN
    assert token_hash(TOKEN).hex() == EXAMPLE_HASH


def test_another_implementation_finds_the_signature_good() -> None:
    key = ECC.construct(curve="Ed25519", seed=SEED)
    raw = raw_bytes(TOKEN)
    assert eddsa.new(key, "rfc8032").sign(raw[:53]) == raw[53:]


@given(any_claims)
def test_what_was_signed_is_read_back(claims: Claims) -> None:
    token = KEY.sign(claims)
    assert len(token) == TOKEN_LENGTH
    assert len(raw_bytes(token)) == 117
    assert token == KEY.sign(claims)
    assert read_token(token, KEY.public) == claims


@pytest.mark.parametrize(
    "shown",
    [
        TOKEN.lower(),
        f"  {TOKEN}\n",
        "\r\n".join(TOKEN[i : i + 40] for i in range(0, len(TOKEN), 40)),
        f"https://tickets.example/t#{TOKEN}",
        f"HTTPS://TICKETS.EXAMPLE/T#{TOKEN}",
        f"http://127.0.0.1:8080/prefix/t#{TOKEN}&e=Meetup&w=1798761600&z=Europe%2FLisbon",
    ],
)
def test_a_token_is_read_however_it_was_scanned_or_pasted(shown: str) -> None:
    assert read_token(shown, KEY.public) == EXAMPLE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not-a-ticket"),
        ("hello", "not-a-ticket"),
        ("TKT:AAAA", "not-a-ticket"),
        (TOKEN.removeprefix("TKT1:"), "not-a-ticket"),
        ("https://tickets.example/t", "not-a-ticket"),
        (f"https://tickets.example/t?{TOKEN}", "not-a-ticket"),
        (f"somewhere#{TOKEN}", "not-a-ticket"),
        (f"{TOKEN}&e=Meetup", "damaged"),
        (TOKEN.replace("TKT1", "TKT١"), "not-a-ticket"),
        (TOKEN.replace("I", "ı", 1), "not-a-ticket"),
        (TOKEN.replace("TKT1", "TKT2"), "unknown-version"),
        (TOKEN.replace("TKT1", "TKT11"), "unknown-version"),
        (as_token(b"\2" + raw_bytes(TOKEN)[1:]), "unknown-version"),
        ("TKT1:", "damaged"),
        (TOKEN[:-1], "damaged"),
        (TOKEN + "A", "damaged"),
        (TOKEN + "====", "damaged"),
        (TOKEN[:-9] + "0" + TOKEN[-8:], "damaged"),
        (as_token(raw_bytes(TOKEN)[:-1]), "damaged"),
        (as_token(raw_bytes(TOKEN) + b"\0"), "damaged"),
        ("A" * 1_000_000, "not-a-ticket"),
        ("TKT1:" + "A" * 1_000_000, "damaged"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: str, reason: str) -> None:
    assert reason_of(text) == reason


def test_bits_after_the_last_byte_must_be_zero() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    last = alphabet.index(TOKEN[-1])
    twins = [TOKEN[:-1] + alphabet[last | spare] for spare in range(1, 16)]
    assert all(raw_bytes(twin) == raw_bytes(TOKEN) for twin in twins)
    assert {reason_of(twin) for twin in twins} == {"damaged"}


def test_every_single_bit_matters() -> None:
    raw = raw_bytes(TOKEN)
    reasons = set()
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        reasons.add(reason_of(as_token(bytes(flipped))))
    assert reasons == {"bad-signature", "unknown-version"}


@settings(max_examples=300)
@given(any_claims, st.integers(0, 117 * 8 - 1))
def test_no_flipped_bit_is_taken_whatever_the_claims(claims: Claims, bit: int) -> None:
    flipped = bytearray(raw_bytes(KEY.sign(claims)))
    flipped[bit // 8] ^= 1 << bit % 8
    assert reason_of(as_token(bytes(flipped))) in ("bad-signature", "unknown-version")


@given(st.text() | st.text().map("TKT1:".__add__) | st.text().map("https://x/t#".__add__))
def test_rubbish_is_refused_and_nothing_worse(text: str) -> None:
    assert reason_of(text)


def test_a_signature_has_one_form() -> None:
    # S + L is the same scalar: RFC 8032 refuses it, so that no ticket has a twin
    order = 2**252 + 27742317777372353535851937790883648493
    raw = raw_bytes(TOKEN)
    scalar = int.from_bytes(raw[85:], "little") + order
    assert reason_of(as_token(raw[:85] + scalar.to_bytes(32, "little"))) == "bad-signature"


def test_another_bots_ticket_is_not_ours() -> None:
    stranger = TicketKey.from_bytes(b"\7" * 32)
    assert reason_of(stranger.sign(EXAMPLE)) == "bad-signature"
    assert reason_of(TOKEN, stranger.public) == "bad-signature"


def test_time_is_the_callers_question() -> None:
    check_time(EXAMPLE, EXAMPLE.expires_at - 1)
    with pytest.raises(TicketInvalid) as refusal:
        check_time(EXAMPLE, EXAMPLE.expires_at)
    assert refusal.value.reason == "expired"


def test_a_ticket_lives_thirty_days_longer_than_its_event() -> None:
    assert expiry(1_800_000_000) == 1_800_000_000 + 30 * 24 * 3600
    assert expiry(LAST_MOMENT - 5) == LAST_MOMENT


@pytest.mark.parametrize(
    "wrong",
    [
        {"ticket_id": "short"},
        {"ticket_id": "0189018901890189"},
        {"event": b""},
        {"holder": bytes(32)},
        {"nonce": bytes(7)},
        {"issued_at": -1},
        {"expires_at": LAST_MOMENT + 1},
        {"version": 65_536},
    ],
)
def test_claims_that_do_not_fit_are_never_signed(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        KEY.sign(EXAMPLE._replace(**wrong))


def test_what_stands_for_an_event_and_a_holder_never_changes() -> None:
    """Tickets that were sold carry these bytes."""
    assert event_hash(f"31923:{'ab' * 32}:lisbon").hex() == "59ff40cddee9c8d7"
    digest = holder_hash(bytes(range(16)), "ab" * 32, "aebagbafaydqqcik")
    assert digest.hex() == "5b281330da949c2c081fdd0810b5ec72"


def test_the_holder_is_hidden_and_can_prove_it() -> None:
    assert holder_hash(SALT, HOLDER, EXAMPLE.ticket_id) == EXAMPLE.holder
    others = {
        holder_hash(bytes(16), HOLDER, EXAMPLE.ticket_id),
        holder_hash(SALT, "c" * 64, EXAMPLE.ticket_id),
        holder_hash(SALT, HOLDER, "a" * 16),
    }
    assert len(others | {EXAMPLE.holder}) == 4
    with pytest.raises(ValueError, match="16 bytes"):
        holder_hash(b"", HOLDER, EXAMPLE.ticket_id)


def test_the_key_keeps_its_secret() -> None:
    assert repr(KEY) == f"TicketKey(public={PUBLIC_KEY})"
    assert SEED.hex() not in repr(KEY) + str(KEY)
    with pytest.raises(ValueError, match="32"):
        TicketKey.from_bytes(b"short")


def test_a_door_program_can_copy_the_verifier(tmp_path: Path) -> None:
    program = tmp_path / "door.py"
    program.write_text(
        "from __future__ import annotations\n"
        "import base64, re, struct, sys\n"
        "from cryptography.exceptions import InvalidSignature\n"
        "from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey\n\n"
        + inspect.getsource(verify_token)
        + "\nprint(verify_token(sys.argv[1], bytes.fromhex(sys.argv[2]))[0])\n"
    )
    command = [sys.executable, "-I", str(program)]
    good = subprocess.run([*command, TOKEN, PUBLIC_KEY], capture_output=True, text=True)
    assert (good.returncode, good.stdout, good.stderr) == (0, EXAMPLE.ticket_id + "\n", "")
    bad = subprocess.run([*command, TOKEN[:-1], PUBLIC_KEY], capture_output=True, text=True)
    assert bad.returncode == 1
    assert bad.stderr.endswith("ValueError: damaged\n")
