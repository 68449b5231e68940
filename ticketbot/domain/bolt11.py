"""Invoices as BOLT-11 has them: reading what one asks for, and writing one.

Reading does not recover the signature: who needs it (a node that pays) checks it anyway,
and what the bot's own wallet made came over that wallet's authenticated connection. The
bech32 checksum is verified, so a slip of the finger is noticed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import NamedTuple

from ticketbot.errors import Malformed

_LONGEST = 7_089  # what one QR code can hold, and the limit that nodes keep
_CHARSET = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_VALUES = bytes(_CHARSET.find(byte) & 0xFF for byte in range(256))
_TO_BASE32 = bytes.maketrans(bytes(range(32)), _BASE32)
_FROM_BASE32 = bytes.maketrans(_BASE32, bytes(range(32)))
_TO_CHARSET = bytes.maketrans(bytes(range(32)), _CHARSET)
_INVALID = 0xFF

_PREFIX = re.compile(r"ln(bcrt|bc|tbs|tb)(?:([1-9][0-9]{0,19})([munp]?))?")
_MOST_MSAT = 21_000_000 * 100_000_000_000
_MSAT = {"": 100_000_000_000, "m": 100_000_000, "u": 100_000, "n": 100}

_TIMESTAMP, _SIGNATURE, _CHECKSUM = 7, 104, 6  # lengths in characters of five bits
_HASH_TAG, _SECRET_TAG, _MEMO_TAG, _EXPIRY_TAG, _FEATURES_TAG = map(_CHARSET.index, b"psdx9")
_MEMO_HASH_TAG = _CHARSET.index(b"h")
_HASH_LENGTH = 52
_EXPIRY_LENGTH = 8  # 40 bits of seconds
_DEFAULT_EXPIRY = 3_600
_FEATURES = bytes((16, 8, 0))  # bits 8 and 14: the payer must send the payment secret


class Bolt11(NamedTuple):
    """What a bolt11 says about itself; times are unix seconds, hashes lowercase hex."""

    network: str
    payment_hash: str
    amount_msat: int | None
    created_at: int
    expires_at: int
    description_hash: str | None = None


def read_bolt11(text: str) -> Bolt11:
    """Reads a bolt11, upper or lower case; Malformed if it is not one."""
    if len(text) > _LONGEST or not text.isascii():
        raise Malformed("not a bolt11: too long, or not plain letters")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise Malformed("not a bolt11: upper and lower case are mixed")
    prefix, _, rest = lower.rpartition("1")
    found = _PREFIX.fullmatch(prefix)
    if found is None:
        raise Malformed("not a bolt11: it does not begin like one")
    values = rest.encode().translate(_VALUES)
    if _INVALID in values or len(values) < _TIMESTAMP + _SIGNATURE + _CHECKSUM:
        raise Malformed("not a bolt11: too short, or with foreign characters")
    if _checksum(prefix, values) != 1:
        raise Malformed("not a bolt11: its checksum does not hold")

    created_at = _number(values[:_TIMESTAMP])
    fields = values[_TIMESTAMP : -_SIGNATURE - _CHECKSUM]
    payment_hash, lifetime, description_hash = _read_fields(fields)
    return Bolt11(
        network=found[1],
        payment_hash=payment_hash,
        amount_msat=_amount(found[2], found[3]),
        created_at=created_at,
        expires_at=created_at + lifetime,
        description_hash=description_hash,
    )


def write_bolt11(
    *,
    network: str,
    payment_hash: bytes,
    payment_secret: bytes,
    amount_msat: int | None,
    memo: str | bytes,
    created_at: int,
    expiry_seconds: int,
    sign: Callable[[bytes], bytes],
) -> str:
    """A signed bolt11. Bytes as `memo` are its SHA-256; no `amount_msat` leaves it to the payer.

    `sign` gets the bytes to be hashed (SHA-256) and signed, and gives the 65 bytes of a
    recoverable signature: r, s and the recovery id.
    """
    prefix = "ln" + network + ("" if amount_msat is None else _write_amount(amount_msat))
    values = _values(created_at, _TIMESTAMP)
    for tag, data in (
        (_HASH_TAG, _fives(payment_hash)),
        (_SECRET_TAG, _fives(payment_secret)),
        (_MEMO_TAG, _fives(memo.encode()))
        if isinstance(memo, str)
        else (_MEMO_HASH_TAG, _fives(memo)),
        (_EXPIRY_TAG, _values(expiry_seconds, (expiry_seconds.bit_length() + 4) // 5)),
        (_FEATURES_TAG, _FEATURES),
    ):
        values += bytes((tag, len(data) // 32, len(data) % 32)) + data
    signed = prefix.encode() + _bytes(values)[: (len(values) * 5 + 7) // 8]
    values += _fives(sign(signed))
    checksum = _checksum(prefix, values + bytes(_CHECKSUM)) ^ 1
    values += _values(checksum, _CHECKSUM)
    return f"{prefix}1{values.translate(_TO_CHARSET).decode()}"


def _read_fields(fields: bytes) -> tuple[str, int, str | None]:
    """Payment hash, lifetime in seconds, description hash; of repeated fields the first counts."""
    payment_hash: str | None = None
    description_hash: str | None = None
    lifetime: int | None = None
    at = 0
    while at < len(fields):
        if at + 3 > len(fields):
            raise Malformed("not a bolt11: a field is cut off")
        end = at + 3 + fields[at + 1] * 32 + fields[at + 2]
        if end > len(fields):
            raise Malformed("not a bolt11: a field is cut off")
        data = fields[at + 3 : end]
        if fields[at] == _HASH_TAG and len(data) == _HASH_LENGTH and payment_hash is None:
            payment_hash = _bytes(data)[:32].hex()
        elif fields[at] == _MEMO_HASH_TAG and len(data) == _HASH_LENGTH and not description_hash:
            description_hash = _bytes(data)[:32].hex()
        elif fields[at] == _EXPIRY_TAG and lifetime is None:
            if len(data) > _EXPIRY_LENGTH:
                raise Malformed("not a bolt11: it would outlive everybody")
            lifetime = _number(data)
        at = end
    if payment_hash is None:
        raise Malformed("not a bolt11: it has no payment hash")
    return payment_hash, _DEFAULT_EXPIRY if lifetime is None else lifetime, description_hash


def _amount(digits: str | None, unit: str) -> int | None:
    """Millisatoshi; None when the invoice leaves the amount to the payer."""
    if digits is None:
        return None
    tenths = int(digits) * (1 if unit == "p" else _MSAT[unit] * 10)
    if tenths % 10:
        raise Malformed("not a bolt11: an amount below one millisatoshi")
    if tenths > _MOST_MSAT * 10:
        raise Malformed("not a bolt11: it asks for more than there is")
    return tenths // 10


def _write_amount(amount_msat: int) -> str:
    for unit, msat in _MSAT.items():
        if amount_msat % msat == 0:
            return f"{amount_msat // msat}{unit}"
    return f"{amount_msat * 10}p"


def _number(values: bytes) -> int:
    number = 0
    for value in values:
        number = number << 5 | value
    return number


def _values(number: int, length: int) -> bytes:
    return bytes(number >> 5 * place & 31 for place in reversed(range(length)))


def _fives(data: bytes) -> bytes:
    """Bytes as groups of five bits, the last filled up with zeros."""
    return base64.b32encode(data).rstrip(b"=").translate(_FROM_BASE32)


def _bytes(values: bytes) -> bytes:
    """Groups of five bits as bytes, followed by zeros."""
    text = values.translate(_TO_BASE32)
    return base64.b32decode(text + b"A" * (-len(text) % 8))


def _polymod_table() -> tuple[int, ...]:
    generators = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    table = []
    for top in range(32):
        entry = 0
        for bit, generator in enumerate(generators):
            if top >> bit & 1:
                entry ^= generator
        table.append(entry)
    return tuple(table)


_POLYMOD = _polymod_table()


def _checksum(prefix: str, values: bytes) -> int:
    """The bech32 checksum (BIP-173): 1 when it holds. One table step per character."""
    letters = prefix.encode()
    expanded = bytes(b >> 5 for b in letters) + b"\0" + bytes(b & 31 for b in letters) + values
    state, table = 1, _POLYMOD
    for value in expanded:
        state = (state & 0x1FFFFFF) << 5 ^ value ^ table[state >> 25]
    return state
