"""How a sum stands that is to leave, and who decides what becomes of it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ticketbot.domain.spending import State
from ticketbot.handlers.context import Context
from ticketbot.handlers.money.spending import Paid
from ticketbot.ledger.spends import Spend
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply


class Owing(NamedTuple):
    """One sum that is to leave: a refund, or a payout.

    `pubkey` (hex, empty for nobody) is whose it is, `about` what operators know it by. `held`:
    a ledger that is lost may have sent it, so that nothing is paid.
    """

    about: str
    amount_msat: int
    state: State
    decided_at: int
    pubkey: str
    destination: str | None
    held: bool


class Standing(NamedTuple):
    """All that is known of one sum. `spend` may still be paid; `dropped` were given up."""

    ref: str
    about: str
    amount_msat: int
    state: State
    decided_at: int
    pubkey: str
    destination: str | None
    held: bool
    useless: str | None
    spend: Spend | None
    dropped: tuple[Spend, ...]


class Cause(Protocol):
    """What decides about money of one purpose: `handlers/money/`."""

    def job(self, ref: str, /) -> str: ...

    def chosen(
        self, ref: str, seen: str, bolt11: str, now: int, tx: Tx, ctx: Context, /
    ) -> Reply: ...

    def sent(self, ref: str, paid: Paid, tx: Tx, ctx: Context, /) -> Reply: ...

    def failed(self, ref: str, payment_hash: str, tx: Tx, ctx: Context, /) -> Reply: ...

    def useless(
        self, ref: str, seen: str, sentence: str, values: dict[str, object], tx: Tx, ctx: Context, /
    ) -> Reply: ...


class Alerts(NamedTuple):
    """Sentences for operators: too little in the wallet, on its way for long, a refused key."""

    short: str
    stuck: str
    key: str
