"""What people say who hand tickets on, and organizers who give them back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ticketbot.domain.command import Accept, Command, Decline, GiveBack, Transfer
from ticketbot.domain.speech.words import (
    INTEGER,
    POLITE,
    Reader,
    event_words,
    read_quantity,
    without,
)

OFFER_CODE = re.compile(r"[a-z0-9]{4,10}", re.IGNORECASE)
_KEY = re.compile(r"(?:nostr:)?(?:npub1|nprofile1|nsec1)\w+|[0-9a-f]{64}|.*[@.].*", re.IGNORECASE)
_TRANSFER_NOISE = POLITE | {"the", "ticket", "tickets", "to", "of", "for", "offer"}
_OFFER_NOISE = _TRANSFER_NOISE | {"it", "that", "this", "transfer"}
_BACK_NOISE = POLITE | {"the", "order", "ticket", "tickets", "of", "for"}
_TAKEN_BACK = frozenset({"cancel", "back", "stop"})


def _transfer(rest: Sequence[str]) -> Command:
    words = without(_TRANSFER_NOISE, rest)
    keys = [word for word in words if _KEY.fullmatch(word)]
    named = [word.lower() for word in words if word not in keys]
    if not keys and not _TAKEN_BACK.isdisjoint(named):
        return Transfer(tuple(word for word in named if word not in _TAKEN_BACK), cancel=True)
    return Transfer(tuple(named), keys[0] if keys else None)


def _code(rest: Sequence[str]) -> str | None:
    named = without(_OFFER_NOISE, rest)
    return named[0].lower() if named else None


def _accept(rest: Sequence[str]) -> Command:
    return Accept(_code(rest))


def _decline(rest: Sequence[str]) -> Command:
    return Decline(_code(rest))


def _give_back(rest: Sequence[str]) -> Command:
    sure, number, kept = False, None, []
    for token in without(_BACK_NOISE, rest):
        if token.lower() == "yes":
            sure = True
        elif (found := INTEGER.fullmatch(token)) and len(token) < 4 and number is None:
            number = read_quantity(found[1] or found[2])
        else:
            kept.append(token)
    words, _ = event_words(kept)
    return GiveBack(words, number, sure)


READERS: Mapping[str, Reader] = {
    "transfer": _transfer,
    "accept": _accept,
    "decline": _decline,
    "give back": _give_back,
}
