"""Who asks: a Nostr key that has signed this very request (NIP-98, kind 27235).

    Authorization: Nostr <base64 of the event>

The event names the URL (`u`), the `method` and, where there is a body, its SHA-256
(`payload`). It is good for a minute around its `created_at`, for one request, and for
nothing that was asked of another site.

Ids that were shown are remembered in memory. Of the stamps only the latest is kept in the ledger,
for whoever starts next: a stamp may be ahead of the clock, and so of the next start.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
from collections.abc import Callable
from typing import Protocol

import orjson
from aiohttp import web
from yarl import URL

from ticketbot.domain.nostr import Event
from ticketbot.errors import Malformed
from ticketbot.keys import parse_event, verify
from ticketbot.web.api.limits import LIMITS
from ticketbot.web.api.problems import Problem

KIND = 27235
WINDOW = 60  # seconds that a request's stamp may be off the bot's clock
MOST_REMEMBERED = 100_000
SCHEME = "Nostr"


class Stamps(Protocol):
    """What is known of requests before this start."""

    async def latest_stamp(self) -> int:
        """The latest that was kept, in unix seconds; 0 where there is none."""

    async def keep_stamp(self, at: int) -> None:
        """Keep it, unless a later one is kept; durable when this returns."""


class SignIn:
    """Reads signatures off requests, and remembers them as long as they could be shown again.

    `clock` gives unix seconds. `public_url` is how people reach the bot, without a slash at
    its end; where there is none, the address that the request's own socket has.
    """

    def __init__(self, clock: Callable[[], float], public_url: str | None, stamps: Stamps) -> None:
        self._clock = clock
        self._public_url = public_url
        self._stamps = stamps
        self._kept = 0  # the latest stamp of this run that is in the ledger
        self._before = 0  # what is stamped so late at most may have been shown before a restart
        self._since = int(clock())  # what was signed earlier may have been shown before a restart
        self._used: dict[str, int] = {}  # id → until when it could be shown again
        self._tidied_at = 0

    async def begin(self) -> None:
        """Before the first request: from when on stamps are new.

        One that is farther ahead than any may be was kept by a clock that has been put back since.
        """
        latest = await self._stamps.latest_stamp()
        self._before = latest if latest <= self._clock() + WINDOW else 0

    async def read(self, request: web.Request) -> Event:
        """The event that signed this request; `Problem("sign-in")` says what is wrong."""
        event = _read(request.headers.getall("Authorization", []))
        now = int(self._clock())
        self._since = min(self._since, now)  # the clock may have been ahead, and was put right
        if event.kind != KIND:
            raise wrong(f"The event's kind is not {KIND}.")
        if abs(now - event.created_at) > WINDOW:
            raise wrong(f"The event's created_at is more than {WINDOW} s off: it is {now} here.")
        if event.created_at < self._since or event.created_at <= self._before <= now + WINDOW:
            raise wrong("The event was signed before the bot was started: sign another one.")
        self._check_address(event, request)
        await _check_body(event, request)
        if not verify(event):
            raise wrong("The event's id or signature is wrong.")
        self._use_up(event, now)
        if event.created_at >= now and event.created_at > self._kept:
            await self._stamps.keep_stamp(event.created_at)
            self._kept = max(self._kept, event.created_at)
        return event

    def _check_address(self, event: Event, request: web.Request) -> None:
        asked = self._base(request) + request.raw_path
        named = event.tag("u") or ""
        if not _same(named, asked):
            raise wrong(f"The event's u is not the URL of this request: it is {asked} here.")
        if (event.tag("method") or "").upper() != request.method:
            raise wrong(f"The event's method is not {request.method}.")

    def _base(self, request: web.Request) -> str:
        """The Host header does not count: who is signed in to elsewhere could pass that on."""
        if self._public_url is not None:
            return self._public_url
        assert request.transport is not None
        host, port, *_ = request.transport.get_extra_info("sockname")
        if ipaddress.ip_address(host).is_loopback and request.host == f"localhost:{port}":
            host = "localhost"
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def _use_up(self, event: Event, now: int) -> None:
        if not self._tidied_at <= now < self._tidied_at + WINDOW:
            self._tidied_at, latest = now, now + 2 * WINDOW
            self._used = {one: at for one, at in self._used.items() if now <= at <= latest}
        if event.id in self._used:
            raise wrong("This event was shown before: sign another one for each request.")
        if len(self._used) >= MOST_REMEMBERED:
            raise Problem("slow-down", headers={"Retry-After": str(WINDOW)})
        self._used[event.id] = event.created_at + WINDOW


SIGN_IN = web.AppKey("sign_in", SignIn)


async def signed_by(request: web.Request, *, limited: bool = True) -> str:
    """The key (hex) that signed this request; `Problem("sign-in")` when none has, or not rightly.

    It is asked once a request: the signature is used up by it. Unless `limited` is False, the
    request counts among those that this key may send in a minute.
    """
    return (await signed_event(request, limited=limited)).pubkey


async def signed_event(request: web.Request, *, limited: bool = True) -> Event:
    """As `signed_by`, but all of the event: it may carry proof of work (NIP-13)."""
    event = await request.config_dict[SIGN_IN].read(request)
    if limited:
        request.config_dict[LIMITS].spend_key(event.pubkey)
    return event


def wrong(detail: str) -> Problem:
    """Not signed in."""
    return Problem("sign-in", detail, headers={"WWW-Authenticate": SCHEME})


def _read(headers: list[str]) -> Event:
    if len(headers) != 1:
        raise wrong("Sign the request: Authorization: Nostr, and a NIP-98 event in base64.")
    scheme, _, text = headers[0].partition(" ")
    if scheme.lower() != SCHEME.lower():
        raise wrong("The Authorization is not of the scheme Nostr (NIP-98).")
    try:
        text = text.strip()
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        return parse_event(orjson.loads(raw))
    except (binascii.Error, ValueError) as error:
        raise wrong("The Authorization holds no event in base64.") from error
    except Malformed as error:
        raise wrong(f"The Authorization holds no event: {error}.") from error


def _same(named: str, asked: str) -> bool:
    """Two spellings of one URL: case of the host, the usual port, `%7E` and `~` are all one."""
    try:
        return str(URL(named)) == str(URL(asked))
    except ValueError:
        return False


async def _check_body(event: Event, request: web.Request) -> None:
    body = await request.read()
    named = event.tag("payload")
    if not body and named is None:
        return
    digest = hashlib.sha256(body).hexdigest()
    if named is None:
        raise wrong("The event has no payload: the SHA-256 of the body in hex.")
    if named.lower() != digest:
        raise wrong("The event's payload is not the SHA-256 of the body.")
