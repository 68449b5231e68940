"""The vault: what a stolen ledger must not show, sealed; and how it is still found."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from ticketbot.errors import Broken
from ticketbot.keys import Keys

NONCE_BYTES = 12


class Vault:
    """Seals fields (AES-256-GCM) and makes look-up tags (HMAC-SHA256).

    `field_key` and `lookup_key` are 32 bytes each, derived from the bot's nsec, so a
    ledger without the key is a ledger without people.
    """

    __slots__ = ("_aead", "_mac")

    def __init__(self, field_key: bytes, lookup_key: bytes) -> None:
        self._aead = AESGCM(field_key)
        self._mac = HMAC(lookup_key, SHA256())  # keyed once: copying it costs a third of that

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Nonce ‖ ciphertext ‖ tag; `about` names the column and is authenticated."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """The plain bytes; `Broken` when they were sealed under another key."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        except InvalidTag:
            raise Broken(
                "this ledger was written with another nsec: "
                "use the nsec that it was made with, or start a new ledger"
            ) from None

    def tag(self, purpose: bytes, data: bytes) -> bytes:
        """16 bytes that only the holder of the nsec can compute."""
        mac = self._mac.copy()
        mac.update(purpose + b"\0" + data)
        return mac.finalize()[:16]


def open_vault(keys: Keys) -> Vault:
    """The vault of the ledger that belongs to this nsec."""
    return Vault(keys.derive(b"ticketbot field key"), keys.derive(b"ticketbot lookup key"))
