"""Events as NIP-01 has them: values, and the id that commits to them."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import orjson

Tags = list[list[str]]


class Event(NamedTuple):
    """A signed event (NIP-01). Keys, ids and signatures are lowercase hex."""

    id: str
    pubkey: str
    created_at: int
    kind: int
    tags: Tags
    content: str
    sig: str

    def tag(self, name: str) -> str | None:
        """The first value of the first tag called `name`, or None."""
        for tag in self.tags:
            if len(tag) > 1 and tag[0] == name:
                return tag[1]
        return None

    def rows(self, name: str) -> list[list[str]]:
        """The values of every tag called `name`, each without its name."""
        return [tag[1:] for tag in self.tags if tag and tag[0] == name]

    def address(self) -> str:
        """`kind:pubkey:d` of an addressable event (NIP-01)."""
        return f"{self.kind}:{self.pubkey}:{self.tag('d') or ''}"


class Rumor(NamedTuple):
    """An unsigned event (NIP-59) with its computed id."""

    id: str
    pubkey: str
    created_at: int
    kind: int
    tags: Tags
    content: str


def event_id(pubkey: str, created_at: int, kind: int, tags: Tags, content: str) -> str:
    """SHA-256 of the NIP-01 serialization, as hex."""
    body = orjson.dumps([0, pubkey, created_at, kind, tags, content])
    return hashlib.sha256(body).hexdigest()
