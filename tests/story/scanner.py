"""A scanner at the door: a program that speaks the API with a secret, or signs what it asks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from tests.story.cast import HOUR, Organizer, Person, Stage
from ticketbot.domain.ticket import read_token
from ticketbot.keys import Keys

Json = dict[str, Any]
SOON = 2 * HOUR


class Scanner:
    """Whoever has `secret`, or whose key is `keys`; `status` is that of the last answer."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        secret: str | None = None,
        keys: Keys | None = None,
        event: str = "LISBON",
        site: str = "https://tickets.example",
    ) -> None:
        self.session = session
        self.secret = secret
        self.keys = keys
        self.event = event
        self.site = site
        self.status = 0
        self.headers: Mapping[str, str] = {}

    async def scans(self, kind: str, ticket: object, **fields: object) -> Json:
        return await self.sends(kind, {"ticket": ticket, **fields})

    async def tells(self, *scans: object) -> list[Json]:
        answer = await self.sends("scans", {"scans": list(scans)})
        results: list[Json] = answer["results"]
        return results

    async def sends(self, path: str, body: object) -> Json:
        return await self.asks("POST", path, json.dumps(body).encode())

    async def gets(self, path: str, **headers: str) -> Json:
        return await self.asks("GET", path, None, **headers)

    async def asks(self, method: str, path: str, body: bytes | None, **headers: str) -> Json:
        url = f"/api/v1/door/{quote(self.event, safe='')}/{path}"
        headers |= self.signs(method, url, body)
        async with self.session.request(method, _whole(url), data=body, headers=headers) as answer:
            self.status, self.headers = answer.status, answer.headers
            text = await answer.text()
        return json.loads(text) if text else {}

    def signs(self, method: str, url: str, body: bytes | None) -> dict[str, str]:
        """What says who asks."""
        if self.secret is not None:
            return {"Authorization": f"Bearer {self.secret}"}
        if self.keys is None:
            return {}
        tags = [["u", self.site + url], ["method", method], ["nonce", secrets.token_hex(8)]]
        if body:
            tags.append(["payload", hashlib.sha256(body).hexdigest()])
        event = self.keys.sign_event(int(time.time()) + 1, 27235, tags, "")
        return {
            "Authorization": "Nostr "
            + base64.b64encode(json.dumps(event._asdict()).encode()).decode()
        }

    @asynccontextmanager
    async def watches(self) -> AsyncIterator[Watching]:
        """The counts as they come."""
        url = f"/api/v1/door/{self.event}/live"
        async with self.session.get(_whole(url), headers=self.signs("GET", url, None)) as answer:
            self.status, self.headers = answer.status, answer.headers
            yield Watching(answer.content)


class Watching:
    """A stream of server-sent events."""

    def __init__(self, stream: aiohttp.StreamReader) -> None:
        self._stream = stream

    async def next(self) -> Json | None:
        """The next counts; None when the stream has ended."""
        while line := await self.line():
            if line.startswith(b"data: "):
                found: Json = json.loads(line[6:])
                return found
        return None

    async def line(self) -> bytes:
        """The next line that is not empty; nothing at the end."""
        async with asyncio.timeout(10):
            while line := await self._stream.readline():
                if line.strip():
                    return line
        return b""


def _whole(url: str) -> URL:
    return URL(url, encoded=True)


async def opens_soon(organizer: Organizer, title: str = "Lisbon Meetup", **tags: object) -> str:
    """An event on sale that begins in two hours, so that its doors are open; its id."""
    start = int(organizer.stage.clock()) + SOON
    given = {"start": start, "end": start + 3 * HOUR} | tags
    return (await organizer.has_on_sale(title, **given)).address()


async def a_secret(organizer: Organizer, words: str = "lisbon") -> str:
    """A token for the door, as the organizer gets it."""
    await organizer.says(f"door token {words}")
    told = await organizer.hears("door1")
    return next(line for line in told.splitlines() if line.startswith("door1"))


async def free_tickets(person: Person, what: str = "lisbon 10") -> list[str]:
    """Tokens of a free event."""
    await person.says(f"buy {what}")
    return [await person.gets_a_ticket() for _ in range(int(what.split()[-1]))]


@asynccontextmanager
async def at_the_door(stage: Stage) -> AsyncIterator[aiohttp.ClientSession]:
    """The bot's HTTP."""
    base = f"http://127.0.0.1:{stage.app.web_port}"
    connector = aiohttp.TCPConnector(limit=100)
    async with aiohttp.ClientSession(base, connector=connector) as session:
        yield session


def id_of(stage: Stage, token: str) -> str:
    """The id of the ticket that this is the token of."""
    return read_token(token, stage.app.desk.ticket_public_key).ticket_id
