"""Proof of work (NIP-13): an event whose id was searched for, and says how long for."""

from __future__ import annotations

from ticketbot.domain.nostr import Event, Tags, event_id

BITS = 256
MOST_DIGITS = 3


def proven(event: Event) -> int:
    """The bits that the event's `nonce` tag commits to, if its id has them; else 0.

    Only what was aimed at counts: who throws a thousand easy events finds a hard one among
    them by luck. The id must have been verified.
    """
    nonces = event.rows("nonce")
    if len(nonces) != 1 or len(nonces[0]) < 2:
        return 0
    target = _read_target(nonces[0][1])
    return target if leading_zeros(event.id) >= target else 0


def leading_zeros(event_id: str) -> int:
    """How many zero bits an id (64 hex digits) begins with."""
    return BITS - int(event_id, 16).bit_length()


def mine(pubkey: str, created_at: int, kind: int, tags: Tags, content: str, bits: int) -> Tags:
    """The tags with a nonce under which the event has so many bits: 2**bits tries on average."""
    number = 0
    while True:
        tried = [*tags, ["nonce", str(number), str(bits)]]
        if leading_zeros(event_id(pubkey, created_at, kind, tried, content)) >= bits:
            return tried
        number += 1


def _read_target(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        return 0
    return min(int(text), BITS)
