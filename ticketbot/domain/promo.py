"""Codes that make tickets cheaper: how they are written, and until when they hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ticketbot.domain.listing import Listing
from ticketbot.domain.naming import FieldProblem, quote
from ticketbot.domain.vocabulary import NUMBER_WORDS
from ticketbot.domain.when import DAY, read_day, read_local
from ticketbot.errors import Refused

SHORTEST, LONGEST = 3, 24
_CODE = re.compile(rf"(?=.*[A-Z])[A-Z0-9][A-Z0-9_-]{{{SHORTEST - 1},{LONGEST - 1}}}", re.A)
_READ_AS_QUANTITY = re.compile(r"X[0-9]+|[0-9]+(?:X|E-?[0-9]+X?)")
_TAKEN = frozenset({"please", "pls", "my", "for", "me", "ticket", "tickets", "seat", "seats"}) | {
    *("code", "with", "max", "until", "tier", "stop", "off")
}


def spelled(code: str) -> str:
    """The one spelling of a code, in capitals; '' for what can be none.

    A code is 3 to 24 letters, digits, - and _, at least one of them a letter, and nothing that
    `buy` reads as something else.
    """
    word = code.strip().upper()
    if not code.isascii() or not _CODE.fullmatch(word) or _READ_AS_QUANTITY.fullmatch(word):
        return ""
    return "" if word.lower() in _TAKEN | NUMBER_WORDS.keys() else word


def ends_at(written: str, listing: Listing) -> int:
    """The second at which a code is over, from `2027-02-01` or `2027-02-01 18:00`.

    It holds through that day, or until that time, as the clocks show where the event is.
    """
    zone = "UTC" if listing.all_day else listing.timezone
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", written, re.A):
            return read_local(written, zone)[0]
        midnight = datetime.fromtimestamp(read_day(written) + DAY, UTC).replace(tzinfo=None)
        return int(midnight.replace(tzinfo=ZoneInfo(zone)).timestamp())
    except FieldProblem:
        raise Refused("bad-request", "promo-until", text=quote(written)) from None
