"""What a scanner or a person at the door gives: a ticket in any of its forms, a gate, a time."""

from __future__ import annotations

import re
from typing import NamedTuple

from ticketbot.domain.admission import Kind, Outcome, Shown
from ticketbot.domain.naming import show
from ticketbot.domain.rehearsal import is_rehearsal
from ticketbot.domain.ticket import Reason, TicketInvalid, read_id, read_token, token_hash
from ticketbot.errors import Malformed

LONGEST_SHOWN = 2_000
LONGEST_GATE = 24
LONGEST_NONCE = 64

_TOKEN = re.compile(r"TKT[0-9]+:[A-Z0-9]+")
_ODD = re.compile(r"[^\w .,:()/#-]")
_FORMULA = "=+-@ .,:/#"  # what a spreadsheet would take for the beginning of one, or is no name


class Scan(NamedTuple):
    """One scan, read: what is asked, and of what. Times in unix seconds.

    `shown` is an Outcome where the text was no ticket of this bot. `device_at` is only there
    where the scan was made without a network and is told now. `nonce` is what the scanner calls
    it: the same scan told twice has the same one.
    """

    kind: Kind
    shown: Shown | Outcome
    gate: str = ""
    nonce: str | None = None
    device_at: int | None = None


def read_shown(text: str, public_key: bytes) -> Shown | Outcome:
    """The ticket that a text claims to be, or why it is none: the one place that reads tickets.

    A token in any of the forms that `verify_token` takes, or the 16 letters that people read.
    """
    if len(text) > LONGEST_SHOWN:
        return Outcome.UNREADABLE
    try:
        return Shown(read_id(text))
    except Malformed:
        pass
    try:
        claims = read_token(text, public_key)
    except TicketInvalid as invalid:
        forged = invalid.reason is Reason.BAD_SIGNATURE
        return Outcome.NOT_GENUINE if forged else Outcome.UNREADABLE
    if is_rehearsal(claims):
        return Outcome.REHEARSAL
    return Shown(claims.ticket_id, claims.version, token_hash(_as_signed(text)))


def read_gate(text: str) -> str:
    """A gate's name as it is kept and repeated: `gate b` is `B`, `<script>` is `script`."""
    name = show(_ODD.sub("", text[: LONGEST_GATE * 4]).lstrip(_FORMULA), LONGEST_GATE)
    first, _, rest = name.partition(" ")
    name = rest if first.lower() == "gate" and rest else name
    return name.upper() if len(name) <= 2 else name


def _as_signed(text: str) -> str:
    """The token of a text that holds a good one, in the form in which it was signed."""
    found = _TOKEN.search("".join(text.split()).upper())
    assert found is not None
    return found[0]
