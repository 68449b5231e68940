"""The bot as its web pages see it: what the ledger and the wallet last said, never a wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection

from ticketbot.domain.chart import Picture
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import TicketKey
from ticketbot.engine import Engine
from ticketbot.errors import Retry
from ticketbot.handlers import issuing, viewing
from ticketbot.handlers.context import Settings
from ticketbot.handlers.desk import stats
from ticketbot.ledger import people
from ticketbot.ledger.store import Store, Tx
from ticketbot.lightning import Wallet
from ticketbot.replies.calendar_file import calendar_file
from ticketbot.replies.dm import event_link
from ticketbot.replies.outcome import TicketShown
from ticketbot.replies.pdf import ticket_pdf
from ticketbot.replies.saying import Manner
from ticketbot.texts import DEFAULT

FRESH = 30
LEDGER_ANSWERS = 2.0


class LedgerDesk:
    """A `web.desk.Desk` over the running bot."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        wallet: Wallet,
        settings: Settings,
        signer: TicketKey,
        machine: Callable[[], float] = time.time,
        troubles: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.bot_name = settings.name
        self.bot_npub = npub_encode(settings.bot)
        self.ticket_public_key = signer.public
        self._store = store
        self._engine = engine
        self._wallet = wallet
        self._machine = machine
        self._troubles = troubles

    async def health(self) -> tuple[bool, dict[str, object]]:
        """Good when the ledger answers and the wallet's last answer was good and is fresh.

        What else is wrong is named, and is for people to judge.
        """
        ledger = "cannot be written" if self._store.failing else await self._ledger_answers()
        health = self._wallet.health()
        fresh = health.at is not None and abs(self._machine() - health.at) <= FRESH
        wallet = "ok" if health.good and fresh else health.text or "no answer yet"
        if health.good and not fresh:
            wallet = "silent for more than 30 s"
        details: dict[str, object] = {"ledger": ledger, "wallet": wallet}
        if troubles := sorted(self._troubles()):
            details["troubles"] = troubles
        if self._engine.paused is not None:
            details["paused"] = self._engine.paused
        return ledger == wallet == "ok", details

    async def sales_picture(self, capability: str) -> Picture | None:
        """What is drawn behind the address of an event's sales; None once that is too old."""
        ctx = self._engine.context()
        return await self._store.transaction(lambda tx: stats.by_capability(capability, tx, ctx))

    async def ticket_token(self, capability: str) -> str | None:
        """The token behind a picture's address; None once it was rotated or is void."""
        ctx = self._engine.context()

        def work(tx: Tx) -> str | None:
            row = issuing.by_capability(tx, capability)
            if row is None:
                return None
            return issuing.token_of(tx, ctx, row, people.person(tx, row.holder))

        return await self._store.transaction(work)

    async def ticket_page(self, capability: str) -> bytes | None:
        """The same ticket as a PDF, in its holder's language, under the same capability."""
        found = await self._ticket(capability, issuing.PICTURE)
        if found is None:
            return None
        shown, language = found
        return await asyncio.to_thread(ticket_pdf, shown, self.bot_name, language)

    async def calendar_file(self, capability: str) -> bytes | None:
        """The ticket's event as a calendar file, under a capability of its own."""
        found = await self._ticket(capability, issuing.CALENDAR)
        if found is None:
            return None
        shown, language = found
        settings = self._engine.settings
        link = event_link(shown.listing, Manner(settings.public_url, settings.relays))
        return calendar_file(shown.listing, link, language)

    async def _ticket(self, capability: str, purpose: bytes) -> tuple[TicketShown, str] | None:
        """The ticket that a capability opens, and its holder's language."""
        ctx = self._engine.context()

        def work(tx: Tx) -> tuple[TicketShown, str] | None:
            row = issuing.by_capability(tx, capability, purpose)
            if row is None:
                return None
            holder = people.person(tx, row.holder)
            listing = viewing.listed(tx, row.event_id).listing
            shown = issuing.show(tx, ctx, row, listing, holder, everywhere=False)
            return shown, holder.language or DEFAULT

        return await self._store.transaction(work)

    async def _ledger_answers(self) -> str:
        try:
            async with asyncio.timeout(LEDGER_ANSWERS):
                await self._store.transaction(lambda tx: tx.row("SELECT 1"))
        except (TimeoutError, Retry):
            return "silent"
        return "ok"
