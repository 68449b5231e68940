"""A note that an organizer or an operator keeps with an order: a line of their own words."""

from __future__ import annotations

from ticketbot.domain.naming import clean
from ticketbot.errors import Refused

LONGEST = 300  # characters


def read_remark(text: str) -> str:
    """The words as they are kept, in one line; Refused when there are none, or too many."""
    said = clean(text, LONGEST + 1)
    if len(said) > LONGEST:
        raise Refused("bad-request", "remark-long", most=LONGEST, text=f"{len(text):,}")
    if not said:
        raise Refused("bad-request", "remark-empty")
    return said
