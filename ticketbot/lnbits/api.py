"""LNbits over HTTP: one session, one budget, and every failure as somebody's move.

`Retry`   nothing is known: time-out, broken connection, 429, 5xx, an answer that is no JSON
`Broken`  the operator must act: the key, the address, an LNbits that was never set up,
          a request that LNbits refuses for good

A key travels in a header and, for the push channel, in a path (LNbits wants it
there). So no exception of aiohttp leaves this room: some of them print headers or paths.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from ticketbot.errors import Broken, Retry
from ticketbot.lnbits.budget import Budget, Turn

_HASH = re.compile(r"[0-9a-f]{64}")
_BOLT11 = re.compile(r"\bln[a-z]{2,4}[0-9]*[munp]?1[02-9ac-hj-np-z]{50,}", re.IGNORECASE)
_AT_ONCE = 16  # LNbits answers about 60 requests a second; more in flight only wait there
_LARGEST_PUSH = 256 * 1024
_LEAST_PER_MINUTE = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 30.0
_LONGEST_WORDS = 200
_BOLT11 = re.compile(r"\bln(?:bcrt|bc|tbs|tb)[0-9a-z]{6,}", re.IGNORECASE)

WRONG_KEY = (
    "LNbits does not know the key in the file that `lnbits.invoice_key_file` names. It should be "
    "the Invoice/read key of the bot's wallet, 32 characters 0-9 a-f; LNbits shows it on the "
    "wallet's page, under “Node URL, API keys and API docs”."
)
WRONG_ADMIN_KEY = (
    "LNbits does not let the key in the file that `lnbits.admin_key_file` names spend. It should "
    "be the Admin key of the bot's wallet, 32 characters 0-9 a-f."
)
NOT_SET_UP = (
    "LNbits has not been set up yet: open `lnbits.url` in a browser, make its first account, "
    "then write the invoice key of a wallet into the file that `lnbits.invoice_key_file` names."
)


class TooLate(Retry):
    """It was not asked any more, because the moment until which it may be has passed."""


class Declined(Broken):
    """LNbits understood, and did not do it. Of a payment that decides nothing."""


def shared_budget(requests_per_minute: int) -> Budget:
    """What all calls to one LNbits share, whatever their key: it counts by address."""
    if requests_per_minute < _LEAST_PER_MINUTE:
        raise Broken(f"`lnbits.requests_per_minute` must be at least {_LEAST_PER_MINUTE}.")
    return Budget(requests_per_minute, _AT_ONCE)


class LnbitsApi:
    """Authenticated calls to one LNbits wallet. Belongs to one event loop.

    `wrong_key` tells the operator what to do when LNbits does not know the key. `good`,
    `heard_at` (unix seconds, None before the first call) and `text` describe the last
    answer, or that none came.
    """

    def __init__(
        self,
        url: str,
        key: str,
        budget: Budget,
        *,
        clock: Callable[[], float] = time.time,
        timeout: float = 20.0,
        heartbeat: float = 30.0,
        wrong_key: str = WRONG_KEY,
    ) -> None:
        self._base = url.rstrip("/")
        self._key = key
        self._wrong_key = wrong_key
        self._clock = clock
        self._timeout = timeout
        self._heartbeat = heartbeat
        self._budget = budget
        self._pause = _FIRST_PAUSE
        self._calm_until = 0.0
        self._ahead = 0.0  # seconds by which LNbits' clock is ahead of ours, or behind
        self._session: aiohttp.ClientSession | None = None
        self.good = False
        self.heard_at: int | None = None
        self.text = "not asked yet"

    async def get(
        self, path: str, query: Mapping[str, str], turn: Turn, *, before: float = math.inf
    ) -> Any:
        """The JSON of `path`; None when LNbits knows no such payment.

        TooLate instead, once our clock or LNbits' own shows `before` (unix seconds):
        waiting for the budget may take a while.
        """
        encoded = "&".join(f"{quote(name)}={quote(value, ',')}" for name, value in query.items())
        whole = f"{path}?{encoded}" if encoded else path
        return await self._call("GET", whole, None, turn, before)

    async def post(self, path: str, body: Mapping[str, Any], turn: Turn) -> Any:
        """The JSON that LNbits answers to `body`; Declined when it does not do it."""
        return await self._call("POST", path, orjson.dumps(body), turn, math.inf)

    async def pushes(self) -> AsyncGenerator[str | None, None]:
        """One connection to the push channel: None once it is open, then payment hashes.

        Ends when the connection does; Retry when it cannot be opened. A silent one is
        pinged, and ended when nobody answers.
        """
        url = URL(f"{self._base}/api/v1/ws/{self._key}", encoded=True)
        try:
            async with asyncio.timeout(self._timeout):
                socket = await self._open_session().ws_connect(
                    url,
                    heartbeat=self._heartbeat,
                    max_msg_size=_LARGEST_PUSH,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Retry(f"no push channel: {type(error).__name__}") from None
        async with socket:
            yield None
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    payment_hash = read_push(message.data)
                    if payment_hash is not None:
                        yield payment_hash

    def now(self) -> float:
        """LNbits' clock, as far as its last answer showed it; ours before the first."""
        return self._clock() + self._ahead

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _call(
        self, method: str, path: str, body: bytes | None, turn: Turn, before: float
    ) -> Any:
        try:
            async with self._budget.request(turn):
                if max(self._clock(), self.now()) >= before:
                    raise TooLate
                async with (
                    asyncio.timeout(self._timeout),
                    self._open_session().request(
                        method,
                        URL(self._base + path, encoded=True),
                        data=body,
                        headers={"X-Api-Key": self._key, "Content-Type": "application/json"},
                        allow_redirects=False,
                    ) as response,
                ):
                    answer = await response.read()
        except TimeoutError:
            raise self._retry(f"LNbits did not answer within {self._timeout:g} s.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._retry(f"LNbits cannot be reached ({why_unreachable(error)}).") from None
        self._note_clock(response.headers.get("Date"))
        return self._read(response.status, response.headers.get("Location", ""), answer)

    def _read(self, status: int, location: str, answer: bytes) -> Any:
        """What the answer says, or whose move it is."""
        if status == 429:
            self._calm_down()
            raise self._retry("LNbits says that the bot asks too often (429).")
        if 300 <= status < 400:
            raise self._broken(_redirected(location))
        try:
            data = orjson.loads(answer)
        except orjson.JSONDecodeError:
            data = None
        detail = _words(data)
        if status in (401, 403) or (status == 404 and detail == "Wallet not found."):
            raise self._broken(f"{self._wrong_key} (It says: {detail})")
        if status == 404 and detail == "Payment does not exist.":
            self._answered()
            return None
        if status == 520 and isinstance(data, dict) and data.get("status") == "failed":
            raise self._declined(f"LNbits refuses: {detail}")
        if status >= 500:
            raise self._retry(f"LNbits has trouble of its own ({status}): {detail}")
        if status == 404:
            raise self._broken("`lnbits.url` leads to something that is not LNbits (404).")
        if status >= 400:
            raise self._declined(f"LNbits does not understand the bot ({status}): {detail}")
        if data is None:
            raise self._retry("something answered in LNbits' place, and not in JSON.")
        self._answered()
        return data

    def _calm_down(self) -> None:
        """Sixteen refusals at once are one: only a refusal after the pause makes it longer."""
        now = time.monotonic()
        if now > self._calm_until:
            self._calm_until = now + self._pause
            self._budget.pause(self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _answered(self) -> None:
        self.good, self.text = True, "ok"
        self.heard_at = int(self._clock())
        self._pause = _FIRST_PAUSE

    def _retry(self, text: str) -> Retry:
        return Retry(self._failed(text))

    def _broken(self, text: str) -> Broken:
        return Broken(self._failed(text))

    def _failed(self, text: str) -> str:
        """The text as it may be shown to operators and kept: LNbits may have quoted the key."""
        self.good, self.heard_at = False, int(self._clock())
        self.text = re.sub(re.escape(self._key), "…", text, flags=re.IGNORECASE)
        return self.text

    def _declined(self, text: str) -> Declined:
        return Declined(self._failed(text))

    def _note_clock(self, date: str | None) -> None:
        try:
            there = parsedate_to_datetime(date or "").timestamp()
        except ValueError:
            return
        self._ahead = there - self._clock()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            # An unlimited pool: the budget decides how many are in flight.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session


def _words(data: Any) -> str:
    """LNbits' own words, on one line, not too many of them, and without anybody's invoice."""
    detail = data.get("detail") if isinstance(data, dict) else None
    text = detail if isinstance(detail, str) else orjson.dumps(detail).decode()
    return _BOLT11.sub("…", " ".join(text.split()))[:_LONGEST_WORDS]


def _redirected(location: str) -> str:
    where = location.partition("?")[0][:_LONGEST_WORDS]
    if where.endswith("/first_install"):
        return NOT_SET_UP
    return f"`lnbits.url` is redirected: write the address there that it leads to ({where})."


def read_push(message: str) -> str | None:
    """The payment hash of an incoming payment's push; None for anything else.

    Whoever knows the channel can write into it: what stands there is only a hint.
    """
    try:
        push = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    payment = push.get("payment") if isinstance(push, dict) else None
    if not isinstance(payment, dict):
        return None
    amount, payment_hash = payment.get("amount"), payment.get("payment_hash")
    if not isinstance(amount, int) or amount <= 0 or not isinstance(payment_hash, str):
        return None
    return payment_hash if _HASH.fullmatch(payment_hash) else None


def why_unreachable(error: Exception) -> str:
    """In a few words: what a library says of it names its own classes and sockets."""
    if isinstance(error, OSError) and (error.errno or 0) > 0:
        return os.strerror(error.errno or 0).lower()
    return type(error).__name__
