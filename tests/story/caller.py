"""Somebody who asks over HTTP, and signs each request with a key (NIP-98)."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from typing import Any, NamedTuple

import aiohttp
import orjson
from yarl import URL

from tests.story.cast import Stage
from ticketbot.domain.nostr import Tags
from ticketbot.keys import Keys, event_json

PUBLIC = "https://tickets.example"
V1 = "/api/v1"


class Answer(NamedTuple):
    """What came back. `body` is the JSON, or the bytes of what is none."""

    status: int
    headers: Any
    body: Any

    @property
    def code(self) -> str:
        """Of a problem; its form is checked on the way."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        assert self.body["status"] == self.status
        assert self.body["type"] == f"{V1}/problems/{self.body['code']}"
        assert self.body["title"]
        assert self.body["detail"]
        code: str = self.body["code"]
        return code


class Caller:
    """`await alice.gets("/tickets")`; every path is below `/api/v1`."""

    def __init__(self, stage: Stage, keys: Keys | None = None) -> None:
        self.stage = stage
        self.keys = keys or Keys(os.urandom(32))
        self.pubkey = self.keys.pubkey

    async def gets(self, path: str, *, signed: bool = True, **headers: str) -> Answer:
        return await self.sends("GET", path, signed=signed, **headers)

    async def posts(self, path: str, *, signed: bool = True, **body: Any) -> Answer:
        return await self.sends("POST", path, orjson.dumps(body), signed=signed)

    async def sends(
        self, method: str, path: str, body: bytes = b"", *, signed: bool = True, **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        if signed and "Authorization" not in sent:
            sent["Authorization"] = self.signs(method, path, body)
        below = "" if path.startswith("/.well-known/") else V1
        url = URL(f"http://127.0.0.1:{self.stage.app.web_port}{below}{path}", encoded=True)
        data = io.BytesIO(body) if body else None
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=data, headers=sent) as answer,
        ):
            raw = await answer.read()
            is_json = raw and "json" in answer.content_type
            return Answer(answer.status, answer.headers, orjson.loads(raw) if is_json else raw)

    def signs(self, method: str, path: str, body: bytes = b"", /, **changes: Any) -> str:
        """The header. `changes`: u, method, payload (None leaves it out), ago, kind, nonce."""
        tags: Tags = []
        payload = hashlib.sha256(body).hexdigest() if body else None
        given = {"u": f"{PUBLIC}{V1}{path}", "method": method, "payload": payload} | {
            name: value for name, value in changes.items() if name not in ("ago", "kind")
        }
        tags = [[name, value] for name, value in given.items() if value is not None]
        tags.append(["x", os.urandom(8).hex()])  # two alike within a second would be one
        at = int(self.stage.clock()) - changes.get("ago", 0)
        event = self.keys.sign_event(at, changes.get("kind", 27235), tags, "")
        return f"Nostr {base64.b64encode(event_json(event)).decode()}"
