"""NIP-44: every text comes back, and nothing else does."""

from __future__ import annotations

import base64
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketbot import nip44, secp
from ticketbot.errors import Malformed

ALICE, BOB, EVE = (secp.Keypair(bytes([n]) * 32) for n in (1, 2, 3))
TO_BOB = nip44.conversation(ALICE.secret, BOB.pubkey)
FROM_ALICE = nip44.conversation(BOB.secret, ALICE.pubkey)

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3000)


@given(text=texts)
def test_what_alice_writes_bob_reads(text: str) -> None:
    payload = nip44.encrypt(TO_BOB, text)
    assert nip44.decrypt(FROM_ALICE, payload) == text
    assert nip44.decrypt(TO_BOB, payload) == text


@pytest.mark.parametrize("size", [1, 32, 33, 65534, 65535])
def test_sizes_at_the_edges(size: int) -> None:
    assert nip44.decrypt(FROM_ALICE, nip44.encrypt(TO_BOB, "x" * size)) == "x" * size


def test_padding_hides_the_size() -> None:
    sizes = {len(nip44.encrypt(TO_BOB, "x" * size)) for size in range(1025, 1281)}
    assert len(sizes) == 1


def test_the_same_text_never_looks_the_same() -> None:
    assert len({nip44.encrypt(TO_BOB, "buy lisbon") for _ in range(100)}) == 100


def test_nobody_else_reads_it() -> None:
    payload = nip44.encrypt(TO_BOB, "buy lisbon")
    with pytest.raises(Malformed, match="MAC"):
        nip44.decrypt(nip44.conversation(EVE.secret, ALICE.pubkey), payload)


@pytest.mark.parametrize("text", ["", "x" * 65536, "é" * 32768, "\ud800"])
def test_texts_that_do_not_fit(text: str) -> None:
    with pytest.raises(Malformed, match=r"bytes|surrogate"):
        nip44.encrypt(TO_BOB, text)


def test_size_is_judged_before_base64(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(*_: object, **__: object) -> bytes:
        raise AssertionError("decoded a payload of any size")

    monkeypatch.setattr("binascii.a2b_base64", too_late)
    for size in (0, 131, 87473, 10_000_000):
        with pytest.raises(Malformed, match="characters"):
            nip44.decrypt(TO_BOB, "A" * size)


def test_two_thousand_mutants() -> None:
    dice = random.Random(44)
    payload = nip44.encrypt(TO_BOB, "Order K7Q2 · 2 × Lisbon Meetup", bytes(32))
    survivors = [
        mutant
        for mutant in (mutate(payload, dice) for _ in range(2000))
        if mutant != payload and not is_malformed(mutant)
    ]
    assert survivors == []


def test_mutants_of_any_decoded_byte() -> None:
    raw = base64.b64decode(nip44.encrypt(TO_BOB, "buy lisbon", bytes(32)))
    for place in range(len(raw)):
        spoiled = bytearray(raw)
        spoiled[place] ^= 1 << place % 8
        assert is_malformed(base64.b64encode(spoiled).decode()), place


def is_malformed(payload: str) -> bool:
    """Whether the payload is refused; any other error than Malformed fails the test."""
    try:
        nip44.decrypt(FROM_ALICE, payload)
    except Malformed:
        return True
    return False


def mutate(payload: str, dice: random.Random) -> str:
    """The payload with one thing wrong with it."""
    place = dice.randrange(len(payload))
    strange: str = dice.choice([*string.printable, "é", "🎟", "\0", "\ud800"])
    match dice.randrange(6):
        case 0:
            return payload[:place] + strange + payload[place + 1 :]
        case 1:
            return payload[:place] + strange + payload[place:]
        case 2:
            return payload[:place] + payload[place + dice.randint(1, 4) :]
        case 3:
            return payload[:place]
        case 4:
            return payload + payload[place:] + strange * dice.randint(0, 4)
        case _:
            return payload[place:] + payload[:place]
