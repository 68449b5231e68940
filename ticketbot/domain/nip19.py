"""Keys, notes and events as people paste them: bech32 with and without TLV (NIP-19, NIP-21).

All keys and ids are lowercase hex outside of this file. Whatever does not decode is
Malformed, in a sentence that never repeats what it was given. `decode` reads any bech32
text, an LNURL too (LUD-01).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bech32 import CHARSET, bech32_encode, bech32_hrp_expand, bech32_polymod, convertbits

from ticketbot.errors import Malformed

LONGEST = 5_000  # NIP-19; far beyond bech32's own 90, which naddr exceeds
_CHECKSUM = 6
_SPECIAL, _RELAY, _AUTHOR, _KIND = range(4)
_MOST_RELAYS = 10
_is_hex32 = re.compile(r"[0-9a-f]{64}").fullmatch


class Profile(NamedTuple):
    """What an nprofile says."""

    pubkey: str
    relays: tuple[str, ...] = ()


class Pointer(NamedTuple):
    """What an nevent says."""

    id: str
    relays: tuple[str, ...] = ()
    author: str | None = None
    kind: int | None = None


class Address(NamedTuple):
    """What an naddr says."""

    kind: int
    pubkey: str
    d: str
    relays: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`kind:pubkey:d`, as `a` tags have it (NIP-01)."""
        return f"{self.kind}:{self.pubkey}:{self.d}"


def npub_encode(pubkey: str) -> str:
    """`npub1…` of a public key."""
    return _encode("npub", bytes.fromhex(pubkey))


def npub_decode(text: str) -> str:
    """The public key of an `npub1…`."""
    return _key(decode("npub", text)).hex()


def nsec_encode(secret: str) -> str:
    """`nsec1…` of a secret key."""
    return _encode("nsec", bytes.fromhex(secret))


def nsec_decode(text: str) -> str:
    """The secret key of an `nsec1…`."""
    return _key(decode("nsec", text)).hex()


def note_encode(note_id: str) -> str:
    """`note1…` of an event id."""
    return _encode("note", bytes.fromhex(note_id))


def note_decode(text: str) -> str:
    """The event id of a `note1…`."""
    return _key(decode("note", text)).hex()


def nprofile_decode(text: str) -> Profile:
    """Key and relays of an `nprofile1…`."""
    rows = list(_rows(decode("nprofile", text)))
    return Profile(_needed(rows, _SPECIAL), _relays(rows))


def nevent_decode(text: str) -> Pointer:
    """Id, relays, author and kind of an `nevent1…`."""
    rows = list(_rows(decode("nevent", text)))
    author = _needed(rows, _AUTHOR) if _first(rows, _AUTHOR) is not None else None
    return Pointer(_needed(rows, _SPECIAL), _relays(rows), author, _kind(rows))


def naddr_encode(kind: int, pubkey: str, d: str, relays: Sequence[str] = ()) -> str:
    """`naddr1…` of an addressable event. ValueError: `d` over 255 bytes of UTF-8."""
    rows = [(_SPECIAL, d.encode())]
    rows += [(_RELAY, relay.encode("ascii")) for relay in relays]
    rows += [(_AUTHOR, bytes.fromhex(pubkey)), (_KIND, kind.to_bytes(4, "big"))]
    return _encode("naddr", b"".join(bytes((kind, len(value))) + value for kind, value in rows))


def naddr_decode(text: str) -> Address:
    """Kind, key, `d` and relays of an `naddr1…`."""
    rows = list(_rows(decode("naddr", text)))
    d, kind = _first(rows, _SPECIAL), _kind(rows)
    if d is None or kind is None:
        raise Malformed("this naddr is incomplete: it lacks its identifier or its kind")
    try:
        return Address(kind, _needed(rows, _AUTHOR), d.decode(), _relays(rows))
    except UnicodeDecodeError:
        raise Malformed("this naddr is damaged: its identifier is no text") from None


def read_pubkey(text: str) -> str:
    """A public key from `npub1…`, `nprofile1…` or 64 hex digits, with or without `nostr:`."""
    word = _bare(text)
    if _is_hex32(word.lower()):
        return word.lower()
    match word.lower().partition("1")[0]:
        case "npub":
            return npub_decode(word)
        case "nprofile":
            return nprofile_decode(word).pubkey
        case "nsec":
            raise Malformed("that is an nsec, a secret key: show it to nobody, give the npub")
    raise Malformed("not a public key: expected npub1… (63 characters) or 64 hex digits")


def read_event_id(text: str) -> str:
    """What the ledger calls the event of an `naddr1…`, `nevent1…` or `note1…`.

    `kind:pubkey:d` for an naddr, else the note's id; with or without `nostr:`.
    """
    word = _bare(text)
    match word.lower().partition("1")[0]:
        case "naddr":
            return str(naddr_decode(word))
        case "nevent":
            return nevent_decode(word).id
        case "note":
            return note_decode(word)
    raise Malformed("not an event: expected naddr1…, nevent1… or note1…")


def _bare(text: str) -> str:
    word = text.strip()
    return word[6:] if word[:6].lower() == "nostr:" else word


def _encode(prefix: str, data: bytes) -> str:
    bits = convertbits(data, 8, 5)
    assert bits is not None  # bytes always fit
    return bech32_encode(prefix, bits)


def decode(prefix: str, text: str) -> bytes:
    """The bytes of a bech32 text with this prefix, all of one case."""
    word = text.strip()
    if len(word) > LONGEST:
        raise Malformed(f"this {prefix} is too long: at most {LONGEST} characters")
    if word not in (word.lower(), word.upper()):
        raise Malformed(f"this {prefix} mixes capital and small letters")
    start, _, tail = word.lower().partition("1")
    if start != prefix:
        raise Malformed(f"expected {prefix}1…")
    values = [CHARSET.find(letter) for letter in tail]
    if len(values) < _CHECKSUM or -1 in values:
        raise Malformed(f"this {prefix} has letters that no {prefix} has, or too few")
    if bech32_polymod(bech32_hrp_expand(prefix) + values) != 1:
        raise Malformed(f"this {prefix} has a typing error: its checksum does not fit")
    data = convertbits(values[:-_CHECKSUM], 5, 8, False)
    if data is None:
        raise Malformed(f"this {prefix} is damaged: its length is wrong")
    return bytes(data)


def _key(data: bytes) -> bytes:
    if len(data) != 32:
        raise Malformed("this key or id is damaged: it must have 32 bytes")
    return data


_Row = tuple[int, bytes]


def _rows(data: bytes) -> Iterator[_Row]:
    while data:
        end = 2 + data[1] if len(data) > 1 else 2
        if len(data) < end:
            raise Malformed("this text is cut short: copy it whole")
        yield data[0], data[2:end]
        data = data[end:]


def _first(rows: Sequence[_Row], kind: int) -> bytes | None:
    return next((value for key, value in rows if key == kind), None)


def _needed(rows: Sequence[_Row], kind: int) -> str:
    return _key(_first(rows, kind) or b"").hex()


def _kind(rows: Sequence[_Row]) -> int | None:
    value = _first(rows, _KIND)
    if value is not None and len(value) != 4:
        raise Malformed("this text is damaged: its kind must have 4 bytes")
    return None if value is None else int.from_bytes(value, "big")


def _relays(rows: Sequence[_Row]) -> tuple[str, ...]:
    found = (value for key, value in rows if key == _RELAY and value.isascii())
    return tuple(value.decode("ascii") for value in found)[:_MOST_RELAYS]
