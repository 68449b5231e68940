"""What the API needs of the bot at a door; whoever builds it hands in something that has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from aiohttp import web

from ticketbot.domain.scanning import Scan
from ticketbot.errors import Refused
from ticketbot.handlers.door.scanners import Caller

Json = dict[str, Any]


class Door(Protocol):
    """The bot as scanners see it."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the Ed25519 key that verifies its tickets."""

    async def language(self, caller: Caller, event: str) -> str:
        """In which language who asks is answered; a scanner with a secret in its organizer's."""

    async def scan(self, caller: Caller, event: str, asked: Sequence[Scan]) -> list[Json | Refused]:
        """What comes of each scan; it is durable when this returns."""

    async def checklist(self, caller: Caller, event: str, *, used: bool) -> Json:
        """What a scanner without a network needs; `Refused` for who may not scan there."""

    async def counts(self, caller: Caller, event: str) -> Json:
        """Who came, is inside, has left; `Refused` for who may not scan there."""

    async def conflicts(self, caller: Caller, event: str, first: int) -> Json:
        """Who was let in and should not have been, newest first, from the n-th on."""

    async def latest(self, caller: Caller, event_id: str) -> Json:
        """The counts of an event for who may see them, of half a second ago at most."""


DOOR = web.AppKey("door", Door)
