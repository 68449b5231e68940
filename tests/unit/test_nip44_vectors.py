"""The official NIP-44 vectors, where `NIP44_VECTORS` names their file.

Else a small set of the same shape, whose payloads nostr-tools made and nostr-sdk read.
No vector is left out. NIP-44 has given texts of 65,536 bytes and more a longer prefix since
the vectors were pinned; we still refuse those, so the lengths listed as invalid all hold.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ticketbot import nip44, secp
from ticketbot.errors import Malformed

OURS = Path(__file__).with_name("nip44_pairs.json")
VECTORS = json.loads(Path(os.environ.get("NIP44_VECTORS") or OURS).read_text("utf-8"))
VALID, INVALID = VECTORS["v2"]["valid"], VECTORS["v2"]["invalid"]
NONCE = bytes(range(32))
REASONS = {
    "unknown encryption version": "version",
    "invalid base64": "base64",
    "invalid MAC": "MAC",
    "invalid padding": "padding",
    "invalid payload length": "characters",
    "not UTF-8": "UTF-8",
}
"""How each refusal must be explained, by the beginning of the vector's note."""

Row = dict[str, Any]


def of(key: str) -> nip44.Conversation:
    return nip44.Conversation(bytes.fromhex(key))


@pytest.mark.parametrize("row", VALID["get_conversation_key"])
def test_vector_conversation_key(row: Row) -> None:
    ours = nip44.conversation(bytes.fromhex(row["sec1"]), bytes.fromhex(row["pub2"]))
    assert ours.message_keys(NONCE) == of(row["conversation_key"]).message_keys(NONCE)


@pytest.mark.parametrize("row", VALID["get_message_keys"]["keys"])
def test_vector_message_keys(row: Row) -> None:
    conversation = of(VALID["get_message_keys"]["conversation_key"])
    keys = conversation.message_keys(bytes.fromhex(row["nonce"]))
    assert [key.hex() for key in keys] == [
        row["chacha_key"],
        row["chacha_nonce"],
        row["hmac_key"],
    ]


@pytest.mark.parametrize(("size", "padded"), VALID["calc_padded_len"])
def test_vector_padded_size(size: int, padded: int) -> None:
    assert nip44.padded_size(size) == padded


@pytest.mark.parametrize("row", VALID["encrypt_decrypt"])
def test_vector_both_ways(row: Row) -> None:
    one, two = secp.Keypair(bytes.fromhex(row["sec1"])), secp.Keypair(bytes.fromhex(row["sec2"]))
    writer = nip44.conversation(one.secret, two.pubkey)
    reader = nip44.conversation(two.secret, one.pubkey)
    assert writer.message_keys(NONCE) == of(row["conversation_key"]).message_keys(NONCE)
    payload = nip44.encrypt(writer, row["plaintext"], bytes.fromhex(row["nonce"]))
    assert payload == row["payload"]
    assert nip44.decrypt(reader, payload) == row["plaintext"]


@pytest.mark.parametrize("row", VALID["encrypt_decrypt_long_msg"])
def test_vector_long_text(row: Row) -> None:
    text = row["pattern"] * row["repeat"]
    assert hashlib.sha256(text.encode()).hexdigest() == row["plaintext_sha256"]
    conversation = of(row["conversation_key"])
    payload = nip44.encrypt(conversation, text, bytes.fromhex(row["nonce"]))
    assert hashlib.sha256(payload.encode()).hexdigest() == row["payload_sha256"]
    assert nip44.decrypt(conversation, payload) == text


@pytest.mark.parametrize("size", INVALID["encrypt_msg_lengths"])
def test_vector_refused_length(size: int) -> None:
    with pytest.raises(Malformed, match="bytes"):
        nip44.encrypt(nip44.Conversation(bytes(32)), "x" * size)


@pytest.mark.parametrize("row", INVALID["get_conversation_key"], ids=lambda row: row["note"])
def test_vector_refused_key(row: Row) -> None:
    with pytest.raises(Malformed, match="curve"):
        nip44.conversation(bytes.fromhex(row["sec1"]), bytes.fromhex(row["pub2"]))


@pytest.mark.parametrize("row", INVALID["decrypt"], ids=lambda row: row["note"])
def test_vector_refused_payload(row: Row) -> None:
    reason = next(text for start, text in REASONS.items() if row["note"].startswith(start))
    with pytest.raises(Malformed, match=reason):
        nip44.decrypt(of(row["conversation_key"]), row["payload"])
