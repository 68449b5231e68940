"""The engine: whatever arrives is decided in exactly one transaction, effects and all.

`receive` takes what relays brought, `invoiced`, `settle`, `release` what the wallet said.
Each opens, reads and hands a plain request to a plain handler; the reply goes into the
outbox in the same transaction. Nothing here has a socket.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import orjson
import structlog

from ticketbot.batches import Batches
from ticketbot.crew import Crew
from ticketbot.domain.nostr import Event
from ticketbot.domain.order import Order, State
from ticketbot.domain.scanning import Scan
from ticketbot.domain.speech import read_text
from ticketbot.domain.ticket import TicketKey
from ticketbot.domain.work import proven
from ticketbot.errors import Broken, Malformed, Refused, Retry
from ticketbot.failpoints import failpoint
from ticketbot.handlers.context import Context, Request, Settings
from ticketbot.handlers.door import admitting
from ticketbot.handlers.door.scanners import Caller
from ticketbot.handlers.events.notes import NOTE_KINDS, note_seen
from ticketbot.handlers.money import cashier
from ticketbot.handlers.money.cashier import Credit
from ticketbot.keys import parse_event
from ticketbot.ledger import inbox, invoices, marks, orders, outbox, people, stuck
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.store import Store, Tx
from ticketbot.metrics import metrics
from ticketbot.posting import post
from ticketbot.reception import Reception, Work, answer
from ticketbot.redaction import whereabouts
from ticketbot.replies import dm
from ticketbot.replies.outcome import (
    Addressee,
    Failed,
    Outcome,
    Reply,
    Report,
    Said,
    TicketShown,
    Told,
)
from ticketbot.replies.saying import Manner

CUSTOMERS = 10_000  # to remember
AT_ONCE = 50  # letters that were put aside, heard again


class Spoken(NamedTuple):
    """What is answered to an operator on the bot's own machine. `good`: nothing was refused."""

    good: bool
    text: str


class Engine:
    """Decides. Calls `wake` when messages must leave, `wake_invoicer` when invoices must be made,
    and `invoices_made` with the ids of orders whose invoices were.

    `notes_seen` is set when organizers wrote; `customers` are keys that have lately been sent a
    ticket they paid for; `paused` is the sentence that says why nothing new is sold just now, or
    None. `earliest()` is the earliest time that any clock shows: what is late by it is late.
    """

    def __init__(
        self,
        store: Store,
        crew: Crew,
        settings: Settings,
        signer: TicketKey,
        clock: Callable[[], float] = time.time,
        earliest: Callable[[], float] | None = None,
        dice: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.store = store
        self.settings = settings
        self.wake: Callable[[], None] = lambda: None
        self.wake_invoicer: Callable[[], None] = lambda: None
        self.invoices_made: Callable[[Sequence[str]], None] = lambda orders: None
        self.notes_seen = asyncio.Event()
        self.customers: dict[str, None] = {}
        self.paused: str | None = None
        self.reception = Reception(settings, earliest or clock)
        self._crew = crew
        self._batches = Batches(store, clock)
        self._signer = signer
        self._clock = clock
        self._dice = dice
        self._log = structlog.get_logger()

    def context(self) -> Context:
        """What handlers are given now."""
        moment = self._clock()
        return Context(int(moment), self.settings, self._signer, self._dice, moment, self.paused)

    async def receive(self, events: Sequence[Event], caught: Mapping[str, int]) -> None:
        """Answer a batch; then, in the same commit, `caught`: relay → stored up to when."""
        ctx = self.context()
        letters = [event for event in events if self.reception.is_to_be_opened(event, ctx.now)]
        notes = [event for event in events if event.kind in NOTE_KINDS]
        opened = await self._crew.open(letters) if letters else []
        works: list[tuple[Work, Event | None]] = [(self._note(note, ctx), note) for note in notes]
        for event, letter in zip(letters, opened, strict=True):
            if isinstance(letter, Malformed):
                metrics().dm_received.labels("?", "malformed").inc()
            elif (work := self.reception.letter(letter, ctx, proven(event))) is not None:
                works.append((work, event))
        if caught:
            works.append((_advance(caught), None))
        await self._batches.run(works, self._wake_all)
        if notes:
            self.notes_seen.set()

    async def hear_again(self, name: str | None) -> int:
        """Letters that were put aside, or the one of this name, once more; how many they were."""
        letters = await self.store.transaction(lambda tx: stuck.take_letters(tx, name, AT_ONCE))
        await self.receive([parse_event(orjson.loads(letter)) for letter in letters], {})
        return len(letters)

    async def dated(self, letters: Sequence[Event]) -> list[tuple[int, Event]]:
        """Letters with the time at which each was sent (unix seconds); what opens not, last."""
        opened = await self._crew.open(letters)
        return [
            (int(self._clock()) if isinstance(one, Malformed) else one.sent_at, event)
            for event, one in zip(letters, opened, strict=True)
        ]

    async def command(self, line: str) -> Spoken:
        """What an operator types on the bot's own machine, decided as their DM would be."""
        ctx = self.context()
        try:
            command = read_text(line)
        except Refused as refused:
            return self._spoken([Failed(refused)])

        def work(tx: Tx) -> list[Outcome]:
            person = people.meet(tx, self.settings.bot)
            reply = answer(Request(person, "auto", command, console=True), tx, ctx)
            told = [one for one in reply if isinstance(one, Told)]
            self._post_fact(tx, ctx, list(told), "console")
            return [one for one in reply if not isinstance(one, Told)]

        said = await self.store.transaction(work)
        self.wake()
        return self._spoken(said)

    async def invoiced(self, made: Sequence[InvoiceRow], done: Sequence[int] = ()) -> None:
        """Record what the wallet made; `done` are the outbox rows that asked for it."""
        ctx = self.context()

        def work(tx: Tx) -> None:
            for one in made:
                self._post_fact(tx, ctx, cashier.invoiced(one, tx, ctx), one.external_id)
            outbox.done_all(tx, done)

        failpoint("engine.before-invoiced")
        await self._decide(work)
        failpoint("engine.after-invoiced")
        self.invoices_made([one.order_id for one in made])
        metrics().invoices.labels("made").inc(len(made))

    async def settle(self, credits: Sequence[Credit]) -> int:
        """Credit settled payments, each in its own transaction; how many were news."""
        ctx = self.context()

        def work_for(credit: Credit) -> Callable[[Tx], bool]:
            def work(tx: Tx) -> bool:
                reply = cashier.settled(credit, tx, ctx)
                self._post_fact(tx, ctx, reply, credit.payment_hash)
                self._remember_customers(reply)
                return bool(reply)

            return work

        failpoint("engine.before-settle")
        results = await self.store.transactions([work_for(credit) for credit in credits])
        failpoint("engine.after-settle")
        news = sum(result is True for result in results)
        if news:
            self.wake()
            metrics().invoices.labels("settled").inc(news)
        for result in results:
            if isinstance(result, Retry):
                raise result
        for credit, result in zip(credits, results, strict=True):
            if isinstance(result, Exception):  # it has not kept the others from their tickets
                await self._undecided(credit.payment_hash, result)
                raise Broken(f"payment {credit.payment_hash} could not be decided")
        return news

    async def scan(
        self, caller: Caller, event: str, scans: Sequence[Scan]
    ) -> list[Report | Refused]:
        """What comes of scans at an event, in their order; all of it is durable by then.

        Whatever is asked at the same time shares its commits.
        """
        ctx = self.context()

        def work_for(one: Scan) -> Callable[[Tx], Report | Refused]:
            return lambda tx: admitting.attempt(caller, event, one, tx, ctx)

        failpoint("engine.before-scan")
        results = await self.store.transactions([work_for(one) for one in scans])
        failpoint("engine.after-scan")
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, Refused):
                raise result
        return [result for result in results if isinstance(result, Report | Refused)]

    async def release(self, order_id: str, why: str, judged: State | None = None) -> None:
        """The hold of an order is over and the wallet says it was not paid.

        `judged`: the state in which it was found so; in another nothing is done.
        """
        ctx = self.context()

        def work(tx: Tx) -> None:
            reply = cashier.released(order_id, why, tx, ctx, judged)
            self._post_fact(tx, ctx, reply, order_id)

        failpoint("engine.before-release")
        await self._decide(work)
        metrics().invoices.labels("released").inc()

    async def delayed(self, order_id: str) -> None:
        """The wallet does not make this invoice yet: the buyer hears so, once."""
        ctx = self.context()
        await self._decide(
            lambda tx: self._post_fact(tx, ctx, cashier.delayed(order_id, tx, ctx), order_id)
        )

    async def decide(self, handler: Callable[[Tx, Context], Reply], key: str) -> None:
        """What no message brought: decided in one transaction, its reply posted under `key`."""
        ctx = self.context()
        await self._decide(lambda tx: self._post_fact(tx, ctx, handler(tx, ctx), key))

    async def alert(self, key: str, sentence: str, values: dict[str, object]) -> None:
        """Tell the operators; the same `key` is told once as long as it waits or was sent."""
        ctx = self.context()

        def work(tx: Tx) -> None:
            if inbox.claim(tx, tx.vault.tag(b"alert", key.encode()), ctx.now):
                self.tell_operators(tx, key, sentence, values)

        await self._decide(work)

    def tell_operators(self, tx: Tx, key: str, sentence: str, values: dict[str, object]) -> None:
        """A sentence to every operator, in a transaction that somebody else has begun."""
        told: list[Outcome | Told] = [
            Told(Addressee(operator, "auto"), Said(sentence, values), f"{key}:{operator[:8]}")
            for operator in sorted(self.settings.operators)
        ]
        self._post_fact(tx, self.context(), told, key)

    async def lapsed(
        self, after: tuple[int, str], at_wallet: int | None = None
    ) -> list[tuple[Order, InvoiceRow | None]]:
        """A page of open orders whose hold is over, with the invoice they were shown.

        A hold without an invoice ends by our clock, one with an invoice by the wallet's.
        """
        now = int(self._clock())

        def work(tx: Tx) -> list[tuple[Order, InvoiceRow | None]]:
            found = orders.lapsed(tx, now, after, at_wallet)
            return [(one, invoices.shown(tx, one.id)) for one in found]

        return await self.store.transaction(work)

    def _wake_all(self) -> None:
        self.wake()
        self.wake_invoicer()

    def _remember_customers(self, reply: Reply) -> None:
        for told in reply:
            if isinstance(told, Told) and isinstance(told.outcome, TicketShown):
                self.customers[told.to.pubkey] = None
        while len(self.customers) > CUSTOMERS:
            del self.customers[next(iter(self.customers))]

    def _note(self, note: Event, ctx: Context) -> Work:
        def work(tx: Tx) -> None:
            self._post_fact(tx, ctx, note_seen(note, tx, ctx), note.id[:16])

        return work

    def _post_fact(self, tx: Tx, ctx: Context, reply: Reply, key: str) -> None:
        post(tx, ctx, Addressee(self.settings.bot, "auto"), reply, key)

    def _spoken(self, said: Sequence[Outcome]) -> Spoken:
        how = Manner(self.settings.public_url, self.settings.relays)
        texts = [text for outcome in said for text in dm.speak(outcome, how)]
        return Spoken(not any(isinstance(one, Failed) for one in said), "\n".join(texts))

    async def _undecided(self, payment: str, error: Exception) -> None:
        self._log.error("payment.undecided", payment=payment, where=whereabouts(error))
        await self.alert(f"undecided:{payment}", "alert-undecided", {"payment": payment[:16]})

    async def _decide(self, work: Work) -> None:
        await self.store.transaction(work)
        self.wake()


def _advance(caught: Mapping[str, int]) -> Work:
    def work(tx: Tx) -> None:
        for relay, at in caught.items():
            marks.raise_to(tx, f"relay:{relay}", at)

    return work
