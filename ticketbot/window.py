"""The bot's ticket window: what is asked over HTTP is decided as a letter is, and answered at once.

One transaction, the same commands, handlers and outcomes. What is to be told to others leaves
through the outbox; what is told later to who asked, they come back for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from ticketbot.domain.command import (
    Buy,
    Command,
    ListEvents,
    OnlyAsked,
    ShowEvent,
    ShowTickets,
    Validate,
)
from ticketbot.domain.jwt_ticket import sign_jwt
from ticketbot.domain.ticket import TicketKey, read_token
from ticketbot.engine import Engine
from ticketbot.errors import Refused
from ticketbot.handlers.context import Context, Request, Settings
from ticketbot.ledger import marks, people
from ticketbot.ledger.people import Person
from ticketbot.ledger.store import Store, Tx
from ticketbot.lightning import Wallet
from ticketbot.posting import post
from ticketbot.reception import answer
from ticketbot.replies import machine
from ticketbot.replies.machine import Message
from ticketbot.replies.outcome import Addressee, Failed, Outcome, TicketShown, Told
from ticketbot.texts import DEFAULT
from ticketbot.web.desk import Desk

Form = Literal["pdf", "ics"]
BEFORE_LETTERS = (OnlyAsked, Buy)
"""What is answered while letters that a lost ledger knew are read: all else comes after them, or
a ticket that was passed on could be given back by who had it. A purchase has a rule of its own."""
FOR_ANYBODY = (ListEvents, ShowEvent, Validate)
STRANGER = -1  # the number of nobody's row: whoever reads, and was never met
KEY_BYTES = 32
STAMP, FARTHEST = "signed-until", 120  # seconds between the stamps of two requests at one time
MOST_MADE = 1_000  # invoices, to know of one that was made before somebody waited for it


class Window:
    """A `web.api.port.Bot` over the running bot."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        wallet: Wallet,
        settings: Settings,
        signer: TicketKey,
        desk: Desk,
    ) -> None:
        self.public_url = settings.public_url
        self._store = store
        self._engine = engine
        self._wallet = wallet
        self._settings = settings
        self._signer = signer
        self._desk = desk
        self._made: dict[str, None] = {}
        self._awaited: dict[str, asyncio.Event] = {}
        engine.invoices_made = self._note_invoices

    def now(self) -> float:
        """The bot's clock, in unix seconds."""
        return self._engine.context().moment

    def is_operator(self, pubkey: str) -> bool:
        """Whether this key (hex) is an operator's."""
        return pubkey in self._settings.operators

    def jwt_of(self, token: str) -> str:
        """The claims of a ticket's token as a JWT."""
        return sign_jwt(read_token(token, self._signer.public), self._signer)

    async def ask(
        self, pubkey: str | None, command: Command, request_id: str, work: int = 0
    ) -> list[Message]:
        """What is answered to this key, or to nobody in particular: machine messages, in order."""
        said, language = await self._decide(pubkey, command, request_id, work)
        written = [machine.write(one, request_id, self.public_url, language) for one in said]
        return [message for message in written if message is not None]

    async def ticket_file(self, pubkey: str, ticket_id: str, form: Form) -> bytes | None:
        """A ticket of theirs as a page to print, or its event for a calendar; None: not theirs."""
        said, _ = await self._decide(pubkey, ShowTickets(ticket_id=ticket_id), "file", 0)
        for one in said:
            if isinstance(one, TicketShown) and form == "pdf":
                return await self._desk.ticket_page(one.capability)
            if isinstance(one, TicketShown):
                return await self._desk.calendar_file(one.calendar)
        return None

    async def invoice_made(self, order_id: str, patience: float) -> bool:
        """Wait, for so many seconds at most, until the invoice of this order is there."""
        if order_id in self._made:
            return True
        awaited = self._awaited.setdefault(order_id, asyncio.Event())
        try:
            async with asyncio.timeout(patience):
                await awaited.wait()
        except TimeoutError:
            return False
        finally:
            self._awaited.pop(order_id, None)
        return True

    async def latest_stamp(self) -> int:
        """The latest stamp of a signed request that was kept, in unix seconds; 0: none was."""
        return await self._store.transaction(lambda tx: marks.number(tx, STAMP))

    async def keep_stamp(self, at: int) -> None:
        """Keep it, unless a later one is; one far later is of a clock that has been put back."""

        def work(tx: Tx) -> None:
            if not at <= marks.number(tx, STAMP) <= at + FARTHEST:
                marks.put(tx, STAMP, str(at))

        await self._store.transaction(work)

    async def balance(self) -> int:
        """What the wallet holds, in msat; `Retry` or `Broken` when it does not say."""
        return await self._wallet.balance()

    async def _decide(
        self, pubkey: str | None, command: Command, request_id: str, work: int
    ) -> tuple[list[Outcome], str]:
        """One transaction: what is answered, and in which language its sentences shall be."""
        ctx = self._engine.context()
        key = ctx.dice(KEY_BYTES)  # no request comes twice: its signature is good for one

        def decide(tx: Tx) -> tuple[list[Outcome], str]:
            person = self._asker(pubkey, command, tx, ctx)
            if person is None:
                return [Failed(Refused("try-later", "slow-down"))], DEFAULT
            if self._engine.reception.catching_up and not isinstance(command, BEFORE_LETTERS):
                return [Failed(Refused("try-later", "catching-up-first"))], DEFAULT
            asked = Request(person, "api", command, request_id, work, key=key, sent_at=ctx.now)
            reply = answer(asked, tx, ctx)
            told: list[Outcome | Told] = [one for one in reply if isinstance(one, Told)]
            post(tx, ctx, Addressee(self._settings.bot, "auto"), told, "api")
            language = person.language if person.chosen else DEFAULT
            return [one for one in reply if not isinstance(one, Told)], language

        answered = await self._store.transaction(decide)
        self._engine.wake()
        self._engine.wake_invoicer()
        return answered

    def _asker(self, pubkey: str | None, command: Command, tx: Tx, ctx: Context) -> Person | None:
        """Who asks. Whoever only reads leaves no row; None: too many new keys just now."""
        if pubkey is None:
            return Person(STRANGER, "", "auto") if isinstance(command, FOR_ANYBODY) else None
        known = people.known(tx, pubkey)
        if known is not None:
            return known
        if isinstance(command, OnlyAsked):
            return Person(STRANGER, pubkey, "auto")
        if not self._engine.reception.newcomers.admit(ctx.now):
            return None
        return people.welcome(tx, pubkey, "auto")

    def _note_invoices(self, order_ids: Sequence[str]) -> None:
        for order_id in order_ids:
            self._made[order_id] = None
            if (awaited := self._awaited.get(order_id)) is not None:
                awaited.set()
        while len(self._made) > MOST_MADE:
            del self._made[next(iter(self._made))]
