"""What is taken out of a text before anybody reads it: secrets always, people where it is kept."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable

_GONE = b"[redacted]"
_IS = rb"""(?:\\*["'])?\s*[:=]\s*b?(?:\\*["'])?"""  # between a name and its value
_HEX = rb"[0-9a-f]{16,}"
_LONG_PATH = rb"""[^\s"'\\,;}\])]{16,}"""
_VALUE = rb"""[^\s"'\\,;&}\])]"""
_SECRETS = (
    (b"nsec1", rb"nsec1[02-9ac-hj-np-z]{20,}"),
    (b"tkt1:", rb"tkt1:[a-z2-7]+"),
    (b"door1", rb"door1[a-z2-7]{20,}"),
    # JSON in base64 begins so: a ticket as a JWT, what NIP-98 signs in with
    (b"eyj", rb"(?-i:eyJ)[a-z0-9_+/=-]{13,}(?:\.[a-z0-9_-]*)*"),
    (b"walletconnect:", rb"""nostr\+walletconnect:[^\s"'\\]+"""),
    (b"cashu", rb"cashu[ab][a-z0-9_=+/-]{8,}"),
    (b"/tickets/", rb"(?<=/tickets/)[a-z0-9_-]{16,}"),
    (b"/ws/", rb"(?<=/ws/)[a-z0-9_-]{16,}"),  # LNbits wants its key in the push channel's path
    # a relay of one's own may want a token in its address
    (b"ws://", rb"(ws://[^\s/\"'\\]+/)" + _LONG_PATH),
    (b"wss://", rb"(wss://[^\s/\"'\\]+/)" + _LONG_PATH),
    (b"bearer", rb"(bearer\s+)" + _VALUE + rb"+"),
    (b"authorization", rb"(authorization" + _IS + rb"(?:[a-z]+\s+)?)" + _VALUE + rb"+"),
    (b"api-key", rb"(x-api-key" + _IS + rb")" + _VALUE + rb"+"),
    (b"_key", rb"(_key" + _IS + rb")" + _HEX),
    (b"-key", rb"(-key" + _IS + rb")" + _HEX),
    (b"nsec", rb"(nsec" + _IS + rb")" + _HEX),
    (b"secret", rb"(secret" + _IS + rb")" + _VALUE + rb"{8,}"),
    (b"passw", rb"(passw(?:or)?d" + _IS + rb")" + _VALUE + rb"+"),
    (b"@", rb"(?<=://)[^\s/@\"'\\]+(?=@)"),
)
_PEOPLE = (
    (b"npub1", rb"npub1[02-9ac-hj-np-z]{20,}"),
    (b"nprofile1", rb"nprofile1[02-9ac-hj-np-z]{20,}"),
    (b"lnbc", rb"lnbc[0-9a-z]{50,}"),
    (b"lntb", rb"lntb[0-9a-z]{50,}"),
    (b"lnurl1", rb"lnurl1[0-9a-z]{30,}"),
    (b"@", rb"[a-z0-9._+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}"),
)
_SHORTEST = 8  # a shorter "secret" would take half of every line with it


def redactor(secrets: Iterable[str] = (), *, people: bool) -> Callable[[bytes], bytes]:
    """A function that takes the secrets out of a line of UTF-8; `people` may stay in it or not."""
    whole = {secret.strip().lower().encode() for secret in secrets}
    known = sorted(secret for secret in whole if len(secret) >= _SHORTEST)
    rules = _SECRETS if people else (*_SECRETS, *_PEOPLE)
    marks = tuple(dict.fromkeys(mark for mark, _ in rules))
    pattern = re.compile(b"|".join(rule for _, rule in rules), re.IGNORECASE)

    def redact(line: bytes) -> bytes:
        lower = line.lower()
        for secret in known:
            if secret in lower:
                line = re.sub(re.escape(secret), _GONE, line, flags=re.IGNORECASE)
        # looking for a few words is five times as fast as one search for all patterns
        for mark in marks:
            if mark in lower:
                return pattern.sub(_replacement, line)
        return line

    return redact


def _replacement(found: re.Match[bytes]) -> bytes:
    """What stood there, but for the value: its name stays."""
    return b"".join(filter(None, found.groups())) + _GONE


def whereabouts(error: BaseException) -> str:
    """Which errors, and where they were raised: without their words, which may quote somebody.

    The innermost place first: `KeyError at attendee.py:120 < engine.py:214`.
    """
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(whereabouts, error.exceptions))
    frames = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    ]
    said = f"{type(error).__name__} at {' < '.join(frames) or '?'}"
    cause = error.__cause__ or error.__context__
    return said if cause is None else f"{said}, because of {whereabouts(cause)}"
