"""What the API needs of the bot; whoever builds it hands in something that has it."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from aiohttp import web

from ticketbot.domain.command import Command

Message = dict[str, Any]


class Bot(Protocol):
    """The bot as programs see it over HTTP."""

    @property
    def public_url(self) -> str | None:
        """How people reach it, without a slash at its end."""

    def now(self) -> float:
        """The bot's clock, in unix seconds."""

    def is_operator(self, pubkey: str) -> bool:
        """Whether this key (hex) is an operator's."""

    def jwt_of(self, token: str) -> str:
        """The claims of a ticket's token as a JWT."""

    async def ask(
        self, pubkey: str | None, command: Command, request_id: str, work: int = 0
    ) -> list[Message]:
        """What is answered to this key, or to nobody in particular: machine messages, in order.

        `work`: the bits of proof of work that the request carried (NIP-13). `Retry` while the
        ledger cannot be written.
        """

    async def ticket_file(
        self, pubkey: str, ticket_id: str, form: Literal["pdf", "ics"]
    ) -> bytes | None:
        """A ticket of theirs as a page to print, or its event for a calendar; None: not theirs."""

    async def invoice_made(self, order_id: str, patience: float) -> bool:
        """Wait, for so many seconds at most, until the invoice of this order is there."""

    async def latest_stamp(self) -> int:
        """The latest stamp of a signed request that was kept, in unix seconds; 0: none was."""

    async def keep_stamp(self, at: int) -> None:
        """Keep it for after a restart, unless a later one is kept."""

    async def balance(self) -> int:
        """What the wallet holds, in msat; `Retry` or `Broken` when it does not say."""


BOT = web.AppKey("bot", Bot)
