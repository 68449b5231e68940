"""Pretend tickets: genuine in all but the event that they are for, which is none.

A door that knows nothing of rehearsals says `another event` to such a ticket, with and without a
network; one that does asks `is_rehearsal`, and plays along.
"""

from __future__ import annotations

import base64

from ticketbot.domain.ticket import Claims, event_hash, holder_hash
from ticketbot.domain.when import DAY

LIVES = DAY  # seconds
STAGE = "rehearsal"
"""Stands in the place of an event_id."""


def is_rehearsal(claims: Claims) -> bool:
    """Whether this ticket was made to try a door."""
    return claims.event == event_hash(STAGE)


def pretend(holder: str, seed: bytes, now: int) -> Claims:
    """The claims of a pretend ticket; `seed` is 16 bytes, `holder` a key in hex."""
    ticket_id = base64.b32encode(now.to_bytes(4, "big") + seed[:6]).decode().lower()
    return Claims(
        ticket_id=ticket_id,
        event=event_hash(STAGE),
        holder=holder_hash(seed, holder, ticket_id),
        issued_at=now,
        expires_at=now + LIVES,
        nonce=seed[8:16],
        version=1,
    )
