"""The longest that can stand in a sentence."""

from __future__ import annotations

from typing import Any

from ticketbot.domain.listing import LONGEST_TITLE
from ticketbot.domain.money import HIGHEST_PRICE, format_sats

WORD = "w" * 40  # what `quote` leaves of somebody's words
WORST: dict[str, Any] = {
    "title": "T" * LONGEST_TITLE,
    "word": WORD,
    "words": WORD,
    "text": WORD,
    "payee": WORD,
    "code": "LISBON1234",
    "codes": "LISBON (Lisbon Meetup), LISBON2 (Lisbon Dinner)",
    "tiers": "Early bird, VIP",
    "languages": "English (en), español (es)",
    "at": "28 Nov 2026, 12:39 UTC",
    "order": "ABCD",
    "amount": format_sats(HIGHEST_PRICE),
    "field": "max_per_buyer",
    "most": 1_000_000,
    "bits": 20,
    "minutes": 1440,
    "least": "1,000,000 sats",
    "payable": "1,000,000 sats",
    "reserved": "1,000,000,000 sats",
    "under_way": "1,000,000,000 sats",
    "left": "1,000,000,000 sats",
    "payout": "p0123456789a",
    "hours": 8760,
    "n": 1_000_000,
}
