"""The reception: from an opened letter to the transaction that answers it, or to silence.

Who has written too much, is new among too many, or is read again, is told apart here; what a
command means is the handlers' business.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from ticketbot import handlers
from ticketbot.domain.command import Command, Hello
from ticketbot.domain.nostr import Event
from ticketbot.domain.requests import read_machine
from ticketbot.domain.speech import read_text
from ticketbot.domain.tongues import guess_language
from ticketbot.domain.when import DAY
from ticketbot.envelopes import WRAP, Opened
from ticketbot.errors import Refused
from ticketbot.failpoints import failpoint
from ticketbot.handlers.buying.again import answered, heard_before
from ticketbot.handlers.context import Context, Request, Settings
from ticketbot.handlers.events.notes import NOTE_KINDS
from ticketbot.ledger import inbox, people, questions
from ticketbot.ledger.people import Person
from ticketbot.ledger.store import Tx
from ticketbot.limits import Budget, Newcomers, Verdict
from ticketbot.metrics import metrics
from ticketbot.posting import post
from ticketbot.replies.outcome import Addressee, Failed, Outcome, Reply, Said

STALE_COMMAND = DAY
FORGOTTEN = 7 * DAY
STALE_MACHINE = 600
FEW_WORDS = 40  # letters: in a rush everybody writes the same

_read_again = functools.lru_cache(256)(read_text)
Work = Callable[[Tx], object]


class _Read(NamedTuple):
    """What a letter says. `said` is answered in place of what a handler would say.

    `language`: the one that its first word tells, if any.
    """

    command: Command | None
    request_id: str | None
    said: Outcome | None
    again: bool
    language: str | None = None


class Reception:
    """Knows who may speak. `earliest()` is the earliest time that any clock shows.

    Letters sent until `restored_at` may have been answered by a ledger that is lost (unix
    seconds; None: none was restored), and while the bot is `catching_up` with them nothing new
    is sold.
    """

    def __init__(self, settings: Settings, earliest: Callable[[], float]) -> None:
        self.restored_at: int | None = None
        self.catching_up = False
        self.newcomers = Newcomers(settings.newcomers_per_minute)
        self._settings = settings
        self._earliest = earliest
        self._budget = Budget(settings.messages_per_minute)

    def is_to_be_opened(self, event: Event, now: int) -> bool:
        """No notes; and no more of a sender who gets no answer anyway, where it shows outside."""
        if event.kind in NOTE_KINDS:
            return False
        return event.kind == WRAP or not self._budget.is_spent(event.pubkey, now)

    def letter(self, letter: Opened, ctx: Context, effort: int) -> Work | None:
        """The transaction that answers one letter; None for what is not answered."""
        read = self._read(letter)
        if read is None:
            return None
        name = "refused" if read.command is None else type(read.command).__name__
        metrics().dm_received.labels(letter.protocol, name).inc()
        verdict: Verdict | None = None  # spent once, however often the ledger makes `work` run
        welcome = read.again or self._needs_no_introduction(letter.sender, effort)

        def work(tx: Tx) -> None:
            nonlocal verdict, welcome
            known = people.known(tx, letter.sender)
            welcome = welcome or known is not None or self.newcomers.admit(ctx.now)
            if not welcome:  # it leaves no trace: read again one day, it may be answered
                metrics().dm_received.labels(letter.protocol, "unanswered").inc()
                return
            if not inbox.claim(tx, letter.key, ctx.now):
                return  # an old letter, read again after a restart, spends nothing
            if read.again:
                asked = known is not None and questions.pending(tx, known.id) is not None
                if self._was_answered(read.command, letter.sent_at) and not asked:
                    return
                verdict = "fine"
            verdict = verdict or self._budget.spend(letter.sender, ctx.now)
            if verdict == "silent":
                return
            first = Failed(Refused("try-later", "slow-down")) if verdict == "warn" else read.said
            person = _person(tx, letter, known, read.language)
            request = Request(
                person,
                letter.protocol,
                read.command or Hello(),
                read.request_id,
                effort,
                key=letter.key,
                sent_at=letter.sent_at,
                again=read.again,
                text="" if letter.protocol == "24133" else letter.text,
            )
            reply: Reply = [first] if first is not None else answer(request, tx, ctx)
            to = Addressee(letter.sender, letter.protocol, read.request_id, person.id)
            post(tx, ctx, to, reply, tx.vault.tag(b"letter", letter.key).hex())
            failpoint("engine.letter-answered")

        return work

    def _read(self, letter: Opened) -> _Read | None:
        age = int(self._earliest()) - letter.sent_at
        again = heard_before(letter.sent_at, self.restored_at, catching_up=self.catching_up)
        machine = letter.protocol == "24133"
        if age > (STALE_MACHINE if machine else FORGOTTEN) and (machine or not again):
            return None
        stale = Said("stale") if age > STALE_COMMAND and not (machine or again) else None
        language = None if machine else guess_language(letter.text)
        try:
            if not machine:
                read = _read_again if len(letter.text) <= FEW_WORDS else read_text
                return _Read(read(letter.text), None, stale, again, language)
            asked = read_machine(letter.text)
            return asked and _Read(asked.command, asked.request_id, None, again)
        except Refused as refused:
            request_id = getattr(refused, "request_id", None)
            return _Read(None, request_id, stale or Failed(refused), again, language)

    def _was_answered(self, command: Command | None, sent_at: int) -> bool:
        return bool(self.restored_at) and answered(command, (self.restored_at or 0) - sent_at)

    def _needs_no_introduction(self, sender: str, effort: int) -> bool:
        settings = self._settings
        return 0 < settings.proof_of_work_bits <= effort or sender in settings.operators


def answer(request: Request, tx: Tx, ctx: Context) -> Reply:
    """A handler's reply, or its refusal with everything it had begun taken back."""
    try:
        with tx.savepoint():
            return handlers.answer(request, tx, ctx)
    except Refused as refused:
        return [Failed(refused)]


def _person(tx: Tx, letter: Opened, known: Person | None, language: str | None) -> Person:
    if known is None:
        person = people.welcome(tx, letter.sender, letter.protocol)
    else:
        person = people.wrote(tx, known, letter.protocol)
    return people.speaks(tx, person, language, chosen=False) if language else person
