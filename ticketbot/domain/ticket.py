"""The ticket's token: a few claims and the bot's Ed25519 signature, small enough to scan.

    token = "TKT1:" + base32(117 bytes), upper case, no padding      193 characters

    offset  size  field
         0     1  format       1
         1    10  ticket id    shown to people as 16 base32 letters, in lower case
        11     8  event        the first bytes of sha256(event_id)
        19    16  holder       the first bytes of sha256(salt ‖ holder's key ‖ ticket id)
        35     4  issued at    unix seconds, as all integers big-endian
        39     4  expires at   unix seconds; from this second on the ticket admits nobody
        43     8  nonce
        51     2  version      counts transfers and rotations, starting at 1
        53    64  signature    Ed25519 (RFC 8032) over the 53 bytes before it

The alphabet fits the QR code's alphanumeric mode, so a ticket is a QR code of version 8
at level M. Equal claims under an equal key give an equal token, so none is ever stored.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ticketbot.errors import Malformed

TOKEN_LENGTH = 193
LAST_MOMENT = 2**32 - 1
GRACE_SECONDS = 30 * 86_400
LINK_TEXT_LENGTH = 80


class Reason(StrEnum):
    """Why a token admits nobody."""

    NOT_A_TICKET = "not-a-ticket"
    UNKNOWN_VERSION = "unknown-version"
    DAMAGED = "damaged"
    BAD_SIGNATURE = "bad-signature"
    EXPIRED = "expired"


SENTENCES = {
    Reason.NOT_A_TICKET: "This is not a ticket: a ticket begins with TKT1:",
    Reason.UNKNOWN_VERSION: "This ticket is of a newer kind than this program can read.",
    Reason.DAMAGED: "This ticket is damaged: some of its characters are missing or wrong.",
    Reason.BAD_SIGNATURE: "This ticket is not genuine: its signature is not this bot's.",
    Reason.EXPIRED: "This ticket has expired.",
}


class TicketInvalid(Malformed):
    """A token that admits nobody: `reason` for programs, the text for people."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(SENTENCES[reason])
        self.reason = reason


class Claims(NamedTuple):
    """What a ticket says. Sizes are fixed; see the table at the head of this module."""

    ticket_id: str
    event: bytes
    holder: bytes
    issued_at: int
    expires_at: int
    nonce: bytes
    version: int


class TicketKey:
    """The key that signs the bot's tickets; its repr shows no secret."""

    __slots__ = ("_private", "public")

    public: bytes

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()

    @classmethod
    def from_bytes(cls, seed: bytes) -> TicketKey:
        """The key that grows from a 32-byte Ed25519 seed; `ValueError` for another size."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def __repr__(self) -> str:
        return f"TicketKey(public={self.public.hex()})"

    def sign(self, claims: Claims) -> str:
        """The token of these claims; `ValueError` when one has another size than the format."""
        ticket_id, event, holder, *_, nonce, _ = claims
        if (len(ticket_id), len(event), len(holder), len(nonce)) != (16, 8, 16, 8):
            raise ValueError(f"claims of the wrong size: {claims}")
        raw_id = base64.b32decode(ticket_id.upper())
        try:
            signed = struct.pack(">B10s8s16sII8sH", 1, raw_id, *claims[1:])
        except struct.error as error:
            raise ValueError(f"claims out of range: {error}") from error
        return "TKT1:" + base64.b32encode(signed + self._private.sign(signed)).decode().rstrip("=")

    @property
    def private(self) -> Ed25519PrivateKey:
        """The key itself, for who signs a ticket in another form (`jwt_ticket`)."""
        return self._private


def verify_token(text: str, public_key: bytes) -> tuple[str, bytes, bytes, int, int, bytes, int]:
    """The claims of a genuine token; else a `ValueError` that names the reason.

    A door program may copy this function: it needs `base64`, `re`, `struct` and the
    package `cryptography`, and no network. `text` is what was scanned or pasted: the token
    in either case, with or without line breaks, or the link that carries it in its
    fragment. The claims are (ticket id, event, holder, issued at, expires at, nonce,
    version); whether the ticket has expired, was replaced by a newer version or was
    already used is for the caller to find out.
    """
    text = "".join(text.split())
    if text[:8].lower().startswith(("https://", "http://")):
        text = text.partition("#")[2].partition("&")[0]
    shape = re.fullmatch("TKT([0-9]+):(.*)", text.upper() if text.isascii() else "")
    if shape is None:
        raise ValueError("not-a-ticket")
    if shape[1] != "1":
        raise ValueError("unknown-version")
    body = shape[2]
    if re.fullmatch("[A-Z2-7]{188}", body) is None:
        raise ValueError("damaged")
    raw = base64.b32decode(body + "====")
    if base64.b32encode(raw).decode().rstrip("=") != body:
        raise ValueError("damaged")  # the 4 bits after the last byte must be zero
    if raw[0] != 1:
        raise ValueError("unknown-version")
    signed, signature = raw[:53], raw[53:]
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except InvalidSignature:
        raise ValueError("bad-signature") from None
    raw_id, *claims = struct.unpack(">x10s8s16sII8sH", signed)
    return base64.b32encode(raw_id).decode().lower(), *claims


def read_token(text: str, public_key: bytes) -> Claims:
    """The claims of a genuine token, as `verify_token`; `TicketInvalid` for any other text."""
    try:
        return Claims(*verify_token(text, public_key))
    except ValueError as refusal:
        raise TicketInvalid(Reason(refusal.args[0])) from None


def check_time(claims: Claims, now: int) -> None:
    """Refuse a ticket whose time is over; `now` in unix seconds."""
    if now >= claims.expires_at:
        raise TicketInvalid(Reason.EXPIRED)


def expiry(event_end: int) -> int:
    """The `expires_at` of a ticket: 30 days after its event's end, within the format's range."""
    return min(event_end + GRACE_SECONDS, LAST_MOMENT)


def event_hash(event_id: str) -> bytes:
    """The 8 bytes that stand for an event; `event_id` as in the machine messages."""
    return hashlib.sha256(event_id.encode()).digest()[:8]


def holder_hash(salt: bytes, pubkey: str, ticket_id: str) -> bytes:
    """The 16 bytes that stand for a holder; who has the salt can prove whose ticket it is.

    `salt` is 16 bytes, `pubkey` the holder's Nostr key in hex, `ticket_id` the 16 letters.
    """
    if len(salt) != 16:
        raise ValueError("the salt of a holder is 16 bytes long")
    return hashlib.sha256(salt + bytes.fromhex(pubkey) + ticket_id.encode()).digest()[:16]


def token_hash(token: str) -> bytes:
    """The 32 bytes that the ledger keeps of a token, which is given as `sign` made it."""
    return hashlib.sha256(token.encode()).digest()


def group_id(ticket_id: str) -> str:
    """A ticket id for people's eyes: `ABCD-EFGH-IJKL-MNOP`."""
    letters = ticket_id.upper()
    return "-".join(letters[i : i + 4] for i in range(0, len(letters), 4))


def read_id(text: str) -> str:
    """The ticket id that a person typed, with or without groups; `Malformed` if it is none.

    The alphabet has no 0 and no 8, so these are read as the letters they were meant to be.
    """
    letters = re.sub(r"[\s-]", "", text).lower().replace("0", "o").replace("8", "b")
    if re.fullmatch("[a-z2-7]{16}", letters) is None:
        raise Malformed("a ticket's code is 16 letters and digits, like ABCD-EFGH-IJKL-MNOP")
    return letters


def ticket_link(
    public_url: str,
    token: str,
    title: str = "",
    start: int | str | None = None,
    timezone: str = "",
    place: str = "",
) -> str:
    """The page that shows a ticket: `…/t#<token>&e=<title>&p=<place>&w=<start>&z=<zone>`.

    `start` is in unix seconds, or `YYYY-MM-DD` for a whole day; `timezone` an IANA name.
    Nothing after the `#` reaches a server. Empty parts are left out, long texts are cut.
    """
    link = f"{public_url.rstrip('/')}/t#{token}{_extras(title, start, timezone, place)}"
    # a full stop at its end would be taken for the end of a sentence, not for the link's
    return f"{link[:-1]}%2E" if link.endswith(".") else link


@lru_cache(maxsize=256)
def _extras(title: str, start: int | str | None, timezone: str, place: str) -> str:
    parts = {
        "e": _short(title),
        "p": _short(place),
        "w": "" if start is None else str(start),
        "z": timezone if start is not None else "",
    }
    return "".join(f"&{name}={quote(text, safe='')}" for name, text in parts.items() if text)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LINK_TEXT_LENGTH else text[: LINK_TEXT_LENGTH - 1].rstrip() + "…"
