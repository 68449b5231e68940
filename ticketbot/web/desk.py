"""What the web rooms need of the bot; whoever builds them hands in something that has it."""

from __future__ import annotations

from typing import Protocol

from ticketbot.domain.chart import Picture


class Desk(Protocol):
    """The bot as its web pages see it."""

    @property
    def bot_name(self) -> str:
        """The name of the bot's profile."""

    @property
    def bot_npub(self) -> str:
        """The bot's key as people copy it (NIP-19)."""

    @property
    def ticket_public_key(self) -> bytes:
        """The 32 bytes of the Ed25519 key that verifies its tickets."""

    async def health(self) -> tuple[bool, dict[str, object]]:
        """Whether all is well, and the JSON that says what is not; never waits on a network."""

    async def sales_picture(self, capability: str) -> Picture | None:
        """What is drawn behind the address of an event's sales; None once that is too old."""

    async def ticket_token(self, capability: str) -> str | None:
        """The token behind a picture's address; None once it was rotated or is void."""

    async def ticket_page(self, capability: str) -> bytes | None:
        """The same ticket as a PDF, under the same capability."""

    async def calendar_file(self, capability: str) -> bytes | None:
        """The ticket's event as a calendar file, under a capability of its own."""
