"""NIP-04: one text between two keys, as AES-256-CBC under the bare ECDH, which no MAC protects.

A message is base64 of the ciphertext, `?iv=`, and base64 of the nonce (16 bytes). Old clients
speak nothing else.
"""

from __future__ import annotations

import binascii

from Crypto.Cipher import AES
from Crypto.Util.Padding import pad, unpad

from ticketbot import nip44, secp
from ticketbot.errors import Malformed

_MAX_MESSAGE = 90_000  # characters of base64: about what NIP-44 allows


def encrypt(secret: bytes, pubkey: bytes, text: str, nonce: bytes) -> str:
    """`text` from the owner of `secret` to that of x-only `pubkey` (32 bytes each).

    Malformed when it is longer than NIP-44 allows, or a key is not on the curve.
    """
    plain = nip44.encode_text(text)
    cipher = AES.new(_key(secret, pubkey), AES.MODE_CBC, nonce)
    return f"{_base64(cipher.encrypt(pad(plain, AES.block_size)))}?iv={_base64(nonce)}"


def decrypt(secret: bytes, pubkey: bytes, message: str) -> str:
    """The text of a message, whichever of the two wrote it; Malformed when it holds none."""
    sealed, mark, nonce = message.partition("?iv=")
    if not mark or len(message) > _MAX_MESSAGE:
        raise Malformed("not a NIP-04 message")
    try:
        cipher = AES.new(_key(secret, pubkey), AES.MODE_CBC, _unbase64(nonce))
        return unpad(cipher.decrypt(_unbase64(sealed)), AES.block_size).decode()
    except ValueError:
        raise Malformed("the NIP-04 message does not decrypt") from None


def _key(secret: bytes, pubkey: bytes) -> bytes:
    return secp.shared_x(secret, secp.parse_point(pubkey))


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def _unbase64(text: str) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)
