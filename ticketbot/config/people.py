"""Keys as people write them: npub1…, nsec1… (NIP-19) or 64 hex digits."""

from __future__ import annotations

import re

import bech32

_HEX32 = re.compile(r"[0-9a-f]{64}")


class Misread(ValueError):
    """A text is not the key that it should be; says why, never repeats it."""


def public_key(text: str) -> str:
    """The hex public key of an npub or of hex; Misread."""
    if text.lower().startswith("nsec1"):
        raise Misread("must not stand here: others may have seen it, so make a new one")
    if _HEX32.fullmatch(text.lower()):
        return text.lower()
    return _decode(text, "npub").hex()


def secret_key(text: str) -> str:
    """The same text, when it is an nsec or hex; Misread."""
    if text.lower().startswith("npub1"):
        raise Misread("holds an npub, the public half of a key: the bot needs its nsec")
    if not _HEX32.fullmatch(text.lower()):
        _decode(text, "nsec")
    return text


def secret_hex(text: str) -> str:
    """The hex digits of what `secret_key` has let pass."""
    return text.lower() if _HEX32.fullmatch(text.lower()) else _decode(text, "nsec").hex()


def ticket_seed(text: str) -> str:
    """An Ed25519 seed as 64 hex digits; Misread."""
    if not _HEX32.fullmatch(text.lower()):
        raise Misread("holds no ticket key of 64 hex digits; restore it from a backup")
    return text.lower()


def _decode(text: str, prefix: str) -> bytes:
    if not text.lower().startswith(prefix + "1"):
        raise Misread(f"is no {prefix}, which has 63 characters and begins with {prefix}1")
    found, data = bech32.bech32_decode(text)
    key = bech32.convertbits(data, 5, 8, False) if data else None
    if found != prefix or key is None or len(key) != 32:
        raise Misread(f"is an {prefix} with a typing error")
    return bytes(key)
