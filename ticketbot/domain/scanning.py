"""What a scanner or a person at the door gives: a ticket in any of its forms, a gate, a time."""

from __future__ import annotations

import base64
import re
import struct
from typing import NamedTuple

from ticketbot.domain.admission import Kind, Outcome, Shown
from ticketbot.domain.jwt_ticket import read_ticket
from ticketbot.domain.naming import show
from ticketbot.domain.rehearsal import is_rehearsal
from ticketbot.domain.ticket import Reason, TicketInvalid, read_id, read_token, token_hash
from ticketbot.errors import Malformed

LONGEST_SHOWN = 2_000
LONGEST_GATE = 24
LONGEST_NONCE = 64

_TOKEN = re.compile(r"TKT1:[A-Z2-7]{188}")
_NOSTR = re.compile(r"\s*nostr:", re.IGNORECASE)
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

    A token in any of the forms that `verify_token` takes, a JWT, or the 16 letters that people
    read. Of a token the signature is left to `objection`, which mostly need not look at it.
    """
    if len(text) > LONGEST_SHOWN:
        return Outcome.UNREADABLE
    text = _NOSTR.sub("", text, count=1) if _NOSTR.match(text) else text
    try:
        return Shown(read_id(text))
    except Malformed:
        pass
    if (token := _token_in(text)) is not None:
        raw = base64.b32decode(token.removeprefix("TKT1:") + "====")
        ticket_id, version = struct.unpack(">x10s40xH64x", raw)
        letters = base64.b32encode(ticket_id).decode().lower()
        return Shown(letters, version, token_hash(token), token)
    try:
        claims = read_ticket(text, public_key)
    except TicketInvalid as invalid:
        return _why(invalid)
    if is_rehearsal(claims):
        return Outcome.REHEARSAL
    return Shown(claims.ticket_id, claims.version, claims=claims)


def objection(shown: Shown, known: bytes | None, public_key: bytes) -> Outcome | None:
    """Why a token is no ticket, or None. `known`: the ledger's hash of that ticket's token.

    The ledger has hashed what the bot has signed, so a text of that hash needs no other proof.
    """
    if shown.token is None or shown.token_hash == known:
        return None
    try:
        claims = read_token(shown.token, public_key)
    except TicketInvalid as invalid:
        return _why(invalid)
    return Outcome.REHEARSAL if is_rehearsal(claims) else None


def read_gate(text: str) -> str:
    """A gate's name as it is kept and repeated: `gate b` is `B`, `<script>` is `script`."""
    name = show(_ODD.sub("", text[: LONGEST_GATE * 4]).lstrip(_FORMULA), LONGEST_GATE)
    first, _, rest = name.partition(" ")
    name = rest if first.lower() == "gate" and rest else name
    name = name.rstrip(" …")  # of a long one the beginning is enough, and no more is said again
    return name.upper() if len(name) <= 2 and name.isascii() else name


def _token_in(text: str) -> str | None:
    """What looks like a token, as it would have been signed: alone, or in a ticket's link."""
    bare = "".join(text.split())
    if bare[:8].lower().startswith(("https://", "http://")):
        bare = bare.partition("#")[2].partition("&")[0]
    return bare.upper() if bare.isascii() and _TOKEN.fullmatch(bare.upper()) else None


def _why(invalid: TicketInvalid) -> Outcome:
    is_forged = invalid.reason is Reason.BAD_SIGNATURE
    return Outcome.NOT_GENUINE if is_forged else Outcome.UNREADABLE
