"""What somebody looks for in a list of tickets: a holder's key, an order, or a ticket's code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ticketbot.domain.nip19 import read_pubkey
from ticketbot.domain.ticket import read_id
from ticketbot.errors import Malformed, Refused

ORDER = re.compile(r"[0-9a-v]{4}|[0-9a-v]{12}")  # the last letters of an id, or all of it
_ENDING = re.compile(r"[a-z0-9]{4}")
_KEY = re.compile(r"(?:nostr:)?(?:npub1|nprofile1)[0-9a-z]*|[0-9a-f]{64}", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
_CODE = re.compile(r"[a-z0-9]{4}(?:-?[a-z0-9]{4}){3}", re.IGNORECASE)


def read_wanted(text: str) -> str | None:
    """64 hex digits of a key, 16 letters of a ticket, or 4 or 12 of an order; None: none of these.

    Refused: a key with a typing error.
    """
    word = text.strip()
    if _KEY.fullmatch(word):
        return read_key(word)
    if _CODE.fullmatch(word):
        return read_id(word)
    return word.lower() if ORDER.fullmatch(word.lower()) else None


def read_ending(text: str) -> str | None:
    """The last four letters of a ticket's code, whose alphabet is another than an order's."""
    word = text.strip().lower()
    return word if _ENDING.fullmatch(word) else None


def keys_in(words: Sequence[str]) -> list[str]:
    """The words that name a person: npubs, or else 64 hex digits, which may be a note's, too."""
    named = [word for word in words if _KEY.fullmatch(word)]
    return [word for word in named if not _HEX.fullmatch(word)] or named


def read_key(text: str) -> str:
    """A person's key in hex, from `npub1…`, `nprofile1…` or hex; Refused for what is none."""
    try:
        return read_pubkey(text)
    except Malformed:
        raise Refused("bad-request", "npub-broken") from None
