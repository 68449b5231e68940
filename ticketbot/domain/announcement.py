"""What an organizer says to everybody who holds a ticket: cleaned, and within bounds.

The words are the organizer's and stay as they are, links and line breaks too: they send people
to a map, a stream, a page. What would look like the bot's own is refused instead of changed:
clients draw a Pay button under an invoice, and a door takes a line with a token for a ticket.
"""

from __future__ import annotations

import re

from ticketbot.domain.naming import clean
from ticketbot.errors import Refused

LONGEST = 1_000
MOST_LINES = 40
_LOOKS_LIKE_MINE = re.compile(
    r"(?:lightning:|\b(?:lnbcrt|lnbc|lntbs|lntb|lnurl1|cashu[ab]|nsec1)[0-9a-z]{6,}|\btkt[0-9]+:)",
    re.IGNORECASE,
)


def read_announcement(text: str) -> str:
    """The words as they will be sent; Refused when there are none, or too many."""
    if len(text) > LONGEST:
        raise Refused("bad-request", "announcement-long", most=LONGEST, text=f"{len(text):,}")
    lines = [clean(line, LONGEST) for line in text.splitlines()]
    said = re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip())
    if not any(letter.isalnum() for letter in said):
        raise Refused("bad-request", "announcement-empty")
    if said.count("\n") >= MOST_LINES:
        raise Refused("bad-request", "announcement-lines", most=MOST_LINES)
    if _LOOKS_LIKE_MINE.search(said):
        raise Refused("bad-request", "announcement-money")
    return said
