"""NIP-44 version 2: one text between two keys, encrypted, padded and authenticated.

A payload is base64 of: version 2 (1 byte) | nonce (32) | ciphertext | MAC (32); the
plaintext inside is a big-endian u16 length, the UTF-8 text, and zeros up to a padded size.
The longer prefix that NIP-44 gained in 2026, for texts of 65,536 bytes and more, is
refused both ways: no letter of ours comes near it.
"""

from __future__ import annotations

import binascii
import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from ticketbot import secp
from ticketbot.errors import Malformed

MAX_PLAINTEXT = 65535
"""Bytes of UTF-8."""

_VERSION = b"\x02"
_MIN_PAYLOAD, _MAX_PAYLOAD = 132, 87472


class Conversation:
    """The key two people share, kept as the hash states that HMAC makes of it."""

    __slots__ = ("_mac",)

    def __init__(self, key: bytes) -> None:
        """`key` is the 32-byte conversation key; `conversation` derives it."""
        self._mac = HMAC(key, SHA256())

    def message_keys(self, nonce: bytes) -> tuple[bytes, bytes, bytes]:
        """ChaCha20's key (32 bytes) and nonce (12), and the MAC's key (32)."""
        first = self._hash(nonce + b"\x01")
        second = self._hash(first + nonce + b"\x02")
        third = self._hash(second + nonce + b"\x03")
        return first, second[:12], second[12:] + third[:12]

    def _hash(self, message: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(message)
        return mac.finalize()


def conversation(secret: bytes, pubkey: bytes) -> Conversation:
    """What the owner of `secret` shares with that of x-only `pubkey` (32 bytes each).

    Malformed when either is not on the curve.
    """
    return converse(secret, secp.parse_point(pubkey))


def converse(secret: bytes, point: secp.Point) -> Conversation:
    """As `conversation`, with a public key that is already parsed."""
    return Conversation(hmac.digest(b"nip44-v2", secp.shared_x(secret, point), "sha256"))


def encrypt(conversation: Conversation, plaintext: str, nonce: bytes | None = None) -> str:
    """The base64 payload of `plaintext`; `nonce` is 32 bytes never used before, else random.

    Malformed when the text is empty, too long, or not encodable as UTF-8.
    """
    text = encode_text(plaintext)
    if nonce is None:
        nonce = os.urandom(32)
    padded = len(text).to_bytes(2, "big") + text.ljust(padded_size(len(text)), b"\0")
    key, chacha_nonce, mac_key = conversation.message_keys(nonce)
    sealed = nonce + _chacha20(key, chacha_nonce, padded)
    mac = hmac.digest(mac_key, sealed, "sha256")
    return binascii.b2a_base64(_VERSION + sealed + mac, newline=False).decode()


def decrypt(conversation: Conversation, payload: str) -> str:
    """The text in `payload`; Malformed on anything wrong with it."""
    raw = _decode(payload)
    sealed, mac = raw[1:-32], raw[-32:]
    nonce = sealed[:32]
    key, chacha_nonce, mac_key = conversation.message_keys(nonce)
    if not hmac.compare_digest(hmac.digest(mac_key, sealed, "sha256"), mac):
        raise Malformed("wrong MAC")
    padded = _chacha20(key, chacha_nonce, sealed[32:])
    size = int.from_bytes(padded[:2], "big")
    if not size or len(padded) != 2 + padded_size(size):
        raise Malformed("wrong padding")
    try:
        return padded[2 : 2 + size].decode()
    except UnicodeDecodeError:
        raise Malformed("the text is not UTF-8") from None


def encode_text(text: str) -> bytes:
    """`text` as UTF-8; Malformed when that is not 1 to 65,535 bytes, or not possible."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise Malformed("the text holds half a surrogate pair") from None
    if not 1 <= len(encoded) <= MAX_PLAINTEXT:
        raise Malformed(f"a text of {len(encoded)} bytes, where 1 to {MAX_PLAINTEXT} fit")
    return encoded


def padded_size(size: int) -> int:
    """Bytes that a text of `size` bytes (1 or more) is padded to."""
    if size <= 32:
        return 32
    chunk = max(32, (1 << (size - 1).bit_length()) // 8)
    return chunk * ((size - 1) // chunk + 1)


def _decode(payload: str) -> bytes:
    if payload.startswith("#"):
        raise Malformed("an encryption newer than NIP-44 version 2")
    if not _MIN_PAYLOAD <= len(payload) <= _MAX_PAYLOAD:
        raise Malformed(f"a payload of {len(payload)} characters")
    try:
        raw = binascii.a2b_base64(payload, strict_mode=True)
    except ValueError:
        raise Malformed("the payload is not base64") from None
    # Python ignores the unused bits of the last character; every other library
    # refuses them, and one payload should have one spelling.
    last = len(raw) - len(raw) % 3
    if binascii.b2a_base64(raw[last:], newline=False).decode() not in ("", payload[-4:]):
        raise Malformed("the payload is not canonical base64")
    if raw[:1] != _VERSION:
        raise Malformed(f"encryption version {raw[0]}")
    return raw


def _chacha20(key: bytes, nonce: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.ChaCha20(key, bytes(4) + nonce), mode=None)
    return cipher.encryptor().update(data)
