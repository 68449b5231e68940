"""What a relay says of itself: the limits in its NIP-11 document."""

from __future__ import annotations

import ssl
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import orjson

from ticketbot.domain.when import DAY
from ticketbot.relay.guard import Guard, NotDiallable

_MAX_BYTES = 64 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_WRAP_AGE = 2 * DAY
"""How far gift wraps date themselves back (NIP-59)."""


class Limits(NamedTuple):
    """The fields that concern us; None where the relay does not say."""

    max_message_length: int | None = None
    """Bytes of one frame."""
    created_at_lower_limit: int | None = None
    """Seconds into the past beyond which events are refused."""
    min_pow_difficulty: int | None = None
    auth_required: bool = False
    payment_required: bool = False
    restricted_writes: bool = False

    def warnings(self) -> tuple[str, ...]:
        """What hampers the bot on this relay, for the operator."""
        found: list[str] = []
        age = self.created_at_lower_limit
        if age is not None and age < _WRAP_AGE:
            found.append(f"refuses events older than {age} s: gift wraps may be 2 days old")
        if self.min_pow_difficulty:
            found.append(f"asks for proof of work: {self.min_pow_difficulty} bits")
        if self.auth_required:
            found.append("asks for authentication")
        if self.payment_required:
            found.append("asks for payment")
        if self.restricted_writes:
            found.append("restricts who may write")
        return tuple(found)


def read_limits(document: bytes) -> Limits:
    """The limits in a NIP-11 document; whatever is not what it should be counts as unsaid."""
    try:
        decoded = orjson.loads(document)
    except orjson.JSONDecodeError:
        return Limits()
    said = decoded.get("limitation") if isinstance(decoded, dict) else None
    if not isinstance(said, dict):
        return Limits()
    return Limits(
        max_message_length=_positive(said.get("max_message_length")),
        created_at_lower_limit=_positive(said.get("created_at_lower_limit")),
        min_pow_difficulty=_positive(said.get("min_pow_difficulty")),
        auth_required=said.get("auth_required") is True,
        payment_required=said.get("payment_required") is True,
        restricted_writes=said.get("restricted_writes") is True,
    )


async def fetch_limits(
    session: aiohttp.ClientSession, guard: Guard, url: str, tls: ssl.SSLContext | None
) -> Limits:
    """The limits of the relay at a normal `url`, with at most 5 s, 64 kB and no redirect.

    A relay without a readable document has said nothing: that is no error.
    """
    try:
        addresses = await guard.addresses(url)
        parts = urlsplit(url.replace("ws", "http", 1))
        target, headers = parts.geturl(), {"Accept": "application/nostr+json"}
        if addresses is not None:
            # The checked address itself, so that no second look-up can lead elsewhere.
            headers["Host"] = parts.netloc
            host = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
            target = parts._replace(netloc=f"{host}:{parts.port or 443}").geturl()
        async with session.get(
            target,
            headers=headers,
            timeout=_TIMEOUT,
            allow_redirects=False,
            auto_decompress=False,
            ssl=tls or True,
            server_hostname=parts.hostname if addresses is not None else None,
        ) as response:
            if response.status != 200:
                return Limits()
            return read_limits(await _at_most(response.content, _MAX_BYTES))
    except (aiohttp.ClientError, NotDiallable, OSError, UnicodeError, TimeoutError):
        return Limits()


async def _at_most(stream: aiohttp.StreamReader, size: int) -> bytes:
    """All of a stream, or nothing when it is longer than `size` bytes."""
    body = b""
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) > size:
            return b""
    return body


def _positive(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
