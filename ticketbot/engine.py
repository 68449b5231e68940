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

import orjson
import structlog

from ticketbot import handlers
from ticketbot.domain.command import Hello, read_machine
from ticketbot.domain.nostr import Event
from ticketbot.domain.order import Order
from ticketbot.domain.speech import read_text
from ticketbot.domain.ticket import TicketKey
from ticketbot.envelopes import Envelopes, Opened
from ticketbot.errors import Broken, Malformed, Refused, Retry
from ticketbot.failpoints import failpoint
from ticketbot.handlers import cashier, organizer
from ticketbot.handlers.cashier import Credit
from ticketbot.handlers.context import Context, Request, Settings
from ticketbot.ledger import inbox, marks, orders, outbox, people
from ticketbot.ledger.orders import InvoiceRow
from ticketbot.ledger.store import Store, Tx
from ticketbot.limits import Budget, Verdict
from ticketbot.metrics import metrics
from ticketbot.posting import post
from ticketbot.replies.outcome import Addressee, Failed, Outcome, Reply, Said, Told

STALE_COMMAND = 24 * 3600
FORGOTTEN = 7 * 24 * 3600
STALE_MACHINE = 600
TRIES = 3

Work = Callable[[Tx], object]


class Engine:
    """Decides. Calls `wake` when messages must leave, `wake_invoicer` when invoices must be made.

    `notes_seen` is set when organizers wrote; `paused` is the sentence that says why nothing
    new is sold just now, or None.
    """

    def __init__(
        self,
        store: Store,
        envelopes: Envelopes,
        settings: Settings,
        signer: TicketKey,
        clock: Callable[[], float] = time.time,
        dice: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.store = store
        self.settings = settings
        self.wake: Callable[[], None] = lambda: None
        self.wake_invoicer: Callable[[], None] = lambda: None
        self.notes_seen = asyncio.Event()
        self.paused: str | None = None
        self._envelopes = envelopes
        self._signer = signer
        self._clock = clock
        self._dice = dice
        self._budget = Budget(settings.messages_per_minute)
        self._log = structlog.get_logger()

    def context(self) -> Context:
        """What handlers are given now."""
        moment = self._clock()
        return Context(int(moment), self.settings, self._signer, self._dice, moment, self.paused)

    async def receive(self, events: Sequence[Event], caught: Mapping[str, int]) -> None:
        """Answer a batch; then, in the same commit, `caught`: relay → stored up to when."""
        ctx = self.context()
        letters = [event for event in events if event.kind not in organizer.NOTE_KINDS]
        notes = [event for event in events if event.kind in organizer.NOTE_KINDS]
        opened = self._envelopes.open(letters) if letters else []
        works: list[tuple[Work, Event | None]] = [(self._note(note, ctx), note) for note in notes]
        for event, letter in zip(letters, opened, strict=True):
            if isinstance(letter, Malformed):
                metrics().dm_received.labels("?", "malformed").inc()
            elif (work := self._letter(letter, ctx)) is not None:
                works.append((work, event))
        if caught:
            works.append((_advance(caught), None))
        await self._run(works)
        if notes:
            self.notes_seen.set()

    async def invoiced(self, made: Sequence[InvoiceRow], done: int | None = None) -> None:
        """Record what the wallet made; `done` is the outbox row that asked for it."""
        ctx = self.context()

        def work(tx: Tx) -> None:
            for one in made:
                self._post_fact(tx, ctx, cashier.invoiced(one, tx, ctx), one.external_id)
            if done is not None:
                outbox.done(tx, done)

        failpoint("engine.before-invoiced")
        await self._decide(work)
        failpoint("engine.after-invoiced")
        metrics().invoices.labels("made").inc(len(made))

    async def settle(self, credits: Sequence[Credit]) -> int:
        """Credit settled payments, each in its own transaction; how many were news."""
        ctx = self.context()

        def work_for(credit: Credit) -> Callable[[Tx], bool]:
            def work(tx: Tx) -> bool:
                reply = cashier.settled(credit, tx, ctx)
                self._post_fact(tx, ctx, reply, credit.payment_hash)
                return bool(reply)

            return work

        failpoint("engine.before-settle")
        results = await self.store.transactions([work_for(credit) for credit in credits])
        failpoint("engine.after-settle")
        news = sum(result is True for result in results)
        if news:
            self.wake()
            metrics().invoices.labels("settled").inc(news)
        for credit, result in zip(credits, results, strict=True):
            if isinstance(result, Retry):
                raise result
            if isinstance(result, Exception):  # it must not keep the others from their tickets
                self._log.error("payment.undecided", payment=credit.payment_hash, exc_info=result)
                raise Broken(f"payment {credit.payment_hash} could not be decided: {result!r}")
        return news

    async def release(self, order_id: str, why: str) -> None:
        """The hold of an order is over and the wallet says it was not paid."""
        ctx = self.context()
        failpoint("engine.before-release")
        await self._decide(
            lambda tx: self._post_fact(tx, ctx, cashier.released(order_id, why, tx, ctx), order_id)
        )
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
            if not inbox.claim(tx, tx.vault.tag(b"alert", key.encode()), ctx.now):
                return
            told: list[Outcome | Told] = [
                Told(Addressee(operator, "auto"), Said(sentence, values), f"{key}:{operator[:8]}")
                for operator in sorted(self.settings.operators)
            ]
            self._post_fact(tx, ctx, told, key)

        await self._decide(work)

    async def lapsed(self, after: tuple[int, str]) -> list[tuple[Order, InvoiceRow | None]]:
        """A page of open orders whose hold is over, with the invoice they were shown."""
        now = int(self._clock())

        def work(tx: Tx) -> list[tuple[Order, InvoiceRow | None]]:
            found = orders.lapsed(tx, now, after)
            return [(one, orders.invoice_for(tx, one.id)) for one in found]

        return await self.store.transaction(work)

    def _letter(self, letter: Opened, ctx: Context) -> Work | None:
        """The transaction that answers one letter; None for what is not answered."""
        age = ctx.now - letter.sent_at
        if letter.protocol == "24133":
            if age > STALE_MACHINE:
                return None
        elif age > FORGOTTEN:
            return None
        request_id, command = None, None
        said: Outcome | None = None
        try:
            if letter.protocol == "24133":
                machine = read_machine(letter.text)
                if machine is None:
                    return None
                request_id, command = machine.request_id, machine.command
            else:
                command = read_text(letter.text)
        except Refused as refused:
            request_id = getattr(refused, "request_id", None)
            said = Failed(refused)
        if letter.protocol != "24133" and age > STALE_COMMAND:
            said = Said("stale")
        name = "refused" if command is None else type(command).__name__
        metrics().dm_received.labels(letter.protocol, name).inc()
        verdict: Verdict | None = None  # spent once, however often the ledger makes `work` run

        def work(tx: Tx) -> None:
            nonlocal verdict
            if not inbox.claim(tx, letter.key, ctx.now):
                return  # an old letter, read again after a restart, spends nothing
            verdict = verdict or self._budget.spend(letter.sender, ctx.now)
            if verdict == "silent":
                return
            first = Failed(Refused("try-later", "slow-down")) if verdict == "warn" else said
            person = people.meet(tx, letter.sender, letter.protocol)
            request = Request(person, letter.protocol, command or Hello(), request_id)
            reply: Reply = [first] if first is not None else _answer(request, tx, ctx)
            to = Addressee(letter.sender, letter.protocol, request_id, person.id)
            post(tx, ctx, to, reply, tx.vault.tag(b"letter", letter.key).hex())
            failpoint("engine.letter-answered")

        return work

    def _note(self, note: Event, ctx: Context) -> Work:
        def work(tx: Tx) -> None:
            self._post_fact(tx, ctx, organizer.note_seen(note, tx, ctx), note.id[:16])

        return work

    def _post_fact(self, tx: Tx, ctx: Context, reply: Reply, key: str) -> None:
        post(tx, ctx, Addressee(self.settings.bot, "auto"), reply, key)

    async def _decide(self, work: Work) -> None:
        await self.store.transaction(work)
        self.wake()

    async def _run(self, works: Sequence[tuple[Work, Event | None]]) -> None:
        """All of a batch. A full disk is waited out; poison is put aside after `TRIES`."""
        left = list(works)
        for attempt in range(1, TRIES + 1):
            results = await self._until_written([work for work, _ in left])
            failed = [
                (work, event, result)
                for (work, event), result in zip(left, results, strict=True)
                if isinstance(result, Exception)
            ]
            self.wake()
            self.wake_invoicer()
            if not failed:
                return
            left = [(work, event) for work, event, _ in failed]
            if attempt == TRIES:
                for _, event, error in failed:
                    await self._quarantine(event, error)

    async def _until_written(self, works: Sequence[Work]) -> list[object]:
        while True:
            results = await self.store.transactions(works)
            if not any(isinstance(result, Retry) for result in results):
                return results
            self._log.error("ledger.cannot_write", error=str(results[0]))
            await asyncio.sleep(1)

    async def _quarantine(self, event: Event | None, error: Exception) -> None:
        if event is None or isinstance(error, Broken):
            raise error
        now = int(self._clock())
        self._log.error("inbox.quarantined", event_id=event.id, error=repr(error), exc_info=error)
        await self.store.transaction(
            lambda tx: outbox.quarantine(
                tx, "inbox", _guarded(tx, event), repr(error), orjson.dumps(event._asdict()), now
            )
        )


def _answer(request: Request, tx: Tx, ctx: Context) -> Reply:
    """A handler's reply, or its refusal with everything it had begun taken back."""
    try:
        with tx.savepoint():
            return handlers.answer(request, tx, ctx)
    except Refused as refused:
        return [Failed(refused)]


def _guarded(tx: Tx, event: Event) -> str:
    """A name for an event from which nobody finds its author on a relay."""
    return tx.vault.tag(b"quarantine", bytes.fromhex(event.id)).hex()


def _advance(caught: Mapping[str, int]) -> Work:
    def work(tx: Tx) -> None:
        for relay, at in caught.items():
            marks.raise_to(tx, f"relay:{relay}", at)

    return work
