"""Money that leaves: everything that moves it lives here, in one table; and where it may go.

What is owed, a refund or an organizer's payout, is sent at most once. `step(state, happening)`
answers with the next state and the effects that the same transaction must carry out. The
diagram in docs/architecture.md is drawn by `diagram()`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Literal, NamedTuple

from ticketbot.domain.bolt11 import Bolt11, read_bolt11
from ticketbot.domain.payee import read_payee
from ticketbot.domain.when import DAY
from ticketbot.errors import Malformed, Refused

TYPED_LIVES = 120  # seconds that an invoice must still live when a person sends it
RESOLVED_LIVES = 20  # and one that an address gave: some services give no more than a minute
LONGEST_LIFE = 8 * DAY  # until an invoice has expired, nobody knows that it will never be paid


class State(StrEnum):
    """Where it stands."""

    DUE = "due"  # owed; nobody was asked to pay it
    SENDING = "sending"  # a bolt11 is in the ledger, and the wallet may have been asked to pay it
    SENT = "sent"  # the wallet's own outgoing row says paid, or the operator paid it by hand


class Happening(StrEnum):
    """What can happen to it."""

    CHOSEN = "bolt11 chosen"
    PAID = "the wallet paid it"
    FAILED = "failed and expired"
    BY_HAND = "paid by hand"


class Effect(StrEnum):
    """What the deciding transaction must do."""

    KEEP_BOLT11 = "keep the bolt11"
    DROP_BOLT11 = "give the bolt11 up"
    BOOK_PAYMENT = "book amount and fee"
    BOOK_BY_HAND = "book it as paid by hand"
    TELL = "tell whose it is"


class Step(NamedTuple):
    """The next state and the effects, in the order they are carried out."""

    state: State
    effects: tuple[Effect, ...] = ()


S, H, E = State, Happening, Effect

TABLE: dict[tuple[State, Happening], Step] = {
    (S.DUE, H.CHOSEN): Step(S.SENDING, (E.KEEP_BOLT11,)),
    (S.SENDING, H.CHOSEN): Step(S.SENDING),  # somebody else was first: only theirs is paid
    (S.SENT, H.CHOSEN): Step(S.SENT),
    (S.SENDING, H.PAID): Step(S.SENT, (E.BOOK_PAYMENT, E.TELL)),
    (S.DUE, H.PAID): Step(S.SENT, (E.BOOK_PAYMENT, E.TELL)),  # given up, and went through after all
    (S.SENT, H.PAID): Step(S.SENT),
    (S.SENDING, H.FAILED): Step(S.DUE, (E.DROP_BOLT11, E.TELL)),
    (S.DUE, H.FAILED): Step(S.DUE),
    (S.SENT, H.FAILED): Step(S.SENT),
    (S.DUE, H.BY_HAND): Step(S.SENT, (E.BOOK_BY_HAND, E.TELL)),
    (S.SENDING, H.BY_HAND): Step(S.SENDING),  # what is under way may arrive: not twice
    (S.SENT, H.BY_HAND): Step(S.SENT),
}


def step(state: State, happening: Happening) -> Step:
    """The line of the table: there is one for everything in every state."""
    return TABLE[state, happening]


def diagram() -> str:
    """The table as a Mermaid state diagram (docs/architecture.md shows it)."""
    lines = ["stateDiagram-v2", "    [*] --> due : decided"]
    for (before, happening), (after, effects) in TABLE.items():
        if effects:
            lines.append(f"    {before} --> {after} : {happening} / {', '.join(effects)}")
    return "\n".join(lines)


class Destination(NamedTuple):
    """Where money shall go. `invoice` is what a bolt11 says; `text` is lower case."""

    kind: Literal["invoice", "address", "lnurl"]
    text: str
    invoice: Bolt11 | None = None


_BOLT11 = re.compile(r"ln(bcrt|bc|tbs|tb)([0-9a-z]{20,}|([0-9]+[munp]?)?1[0-9a-z])")


def read_destination(text: str) -> Destination:
    """What a person wrote; Refused when it is nothing that money can be sent to."""
    plain = text.strip().lower().removeprefix("lightning:")
    is_invoice = "@" not in plain and _BOLT11.match(plain) is not None
    try:
        if is_invoice:
            return Destination("invoice", plain, read_bolt11(plain))
        payee = read_payee(plain)
    except Malformed:
        broken = is_invoice or plain.startswith("lnurl1")
        raise Refused("bad-request", "refund-broken" if broken else "refund-where") from None
    return Destination("lnurl" if payee.startswith("lnurl1") else "address", payee)


class Asked(NamedTuple):
    """What an invoice must fit: the amount owed, and the network of the payments it comes from.

    `used` is what the ledger knows of its payment hash: invoice, refund, payout, or None.
    """

    amount_msat: int
    network: str
    used: str | None


def judge(invoice: Bolt11, asked: Asked, now: int, lives: int = TYPED_LIVES) -> None:
    """Refused, saying what to send instead, for an invoice that cannot be paid as it is.

    `lives`: for how many seconds it must still be valid.
    """
    amount = asked.amount_msat
    if asked.used == "invoice":  # the wallet would pay itself, and the buyer nothing
        raise Refused("bad-request", "refund-invoice-own", amount=amount)
    if asked.used is not None:
        raise Refused("bad-request", "refund-invoice-used", amount=amount)
    if invoice.network != asked.network:
        raise Refused("bad-request", "refund-invoice-network", amount=amount)
    if invoice.amount_msat is None:
        raise Refused("bad-request", "refund-invoice-open", amount=amount)
    if invoice.amount_msat != amount:
        raise Refused("bad-request", "refund-invoice-amount", amount=amount)
    if invoice.expires_at < now + lives:
        raise Refused("bad-request", "refund-invoice-expired", amount=amount)
    if invoice.expires_at > now + LONGEST_LIFE:
        raise Refused("bad-request", "refund-invoice-long", amount=amount)
