"""What a wallet is asked for, and what it answers, as values.

Amounts are millisatoshi, times are unix seconds, hashes and ids are lowercase hex.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from ticketbot.errors import Broken

State = Literal["pending", "settled", "failed", "unknown"]
SpentState = Literal["paid", "pending", "failed", "absent", "unknown"]

_EXTERNAL_ID = re.compile(r"[a-z0-9-]{1,128}")
_MEMO_BYTES = 639  # BOLT-11: a description has at most 1023 characters of five bits
_MEMO_DROPPED = re.compile(r"[<>\x00-\x1f\x7f]+")


class InvoiceAsk(NamedTuple):
    """An invoice to be made. `external_id` is `[a-z0-9-]`, fresh for every attempt."""

    external_id: str
    amount_msat: int
    memo: str
    expiry_seconds: int


class Invoice(NamedTuple):
    """An invoice that exists at the wallet; `expires_at` is the bolt11's own."""

    external_id: str
    payment_hash: str
    bolt11: str
    amount_msat: int
    expires_at: int


class Look(NamedTuple):
    """What the wallet says of one incoming payment.

    `pending`  not paid, as far as the wallet knows
    `settled`  paid: `amount_msat` is what the wallet credited, `settled_at` when
    `failed`   given up by the wallet, but *not final*: late money may still turn it
    `unknown`  nobody knows: the wallet did not answer, could not ask its node, or has no
               such invoice. Never take it for unpaid.
    """

    payment_hash: str
    state: State
    amount_msat: int
    external_id: str | None
    settled_at: int | None


class Spent(NamedTuple):
    """What the wallet says of one outgoing payment; only its outgoing row decides.

    `paid`     gone: `amount_msat` arrived, `fee_msat` was paid on top of it
    `pending`  under way, or stuck: it may still go, for hours
    `failed`   given up by the wallet. *Not final*: it was seen to turn into `paid`
    `absent`   the wallet answered, and has no such payment: never asked for, or refused
               before it began. A request that is still on its way may change that
    `unknown`  the wallet did not answer

    `failed` and `absent` can be relied on once the bolt11 has expired and `pay`, asked once
    more after that, changed nothing. `amount_msat` and `fee_msat` are 0 where they are not
    known, `fee_msat` before `paid` too; `at` is when the wallet last changed its mind.
    """

    payment_hash: str
    state: SpentState
    amount_msat: int
    fee_msat: int
    at: int | None


class Health(NamedTuple):
    """How the wallet's last answer was. `at` is None as long as nothing was asked."""

    good: bool
    at: int | None
    text: str


def check_ask(ask: InvoiceAsk) -> None:
    """Broken for an invoice that a wallet would silently make differently."""
    if ask.amount_msat <= 0 or ask.amount_msat % 1_000:
        raise Broken(f"An invoice of {ask.amount_msat} msat: only whole sats can be asked for.")
    if ask.expiry_seconds <= 0:
        raise Broken(f"An invoice that lives for {ask.expiry_seconds} s.")
    check_external_id(ask.external_id)


def tidy_memo(memo: str) -> str:
    """At most 639 bytes of UTF-8, no markup, no control characters, never empty."""
    text = " ".join(_MEMO_DROPPED.sub(" ", memo).split())
    return text.encode()[:_MEMO_BYTES].decode(errors="ignore").rstrip() or "ticket"


def check_external_id(external_id: str) -> str:
    """The id itself; Broken for one that a wallet would change or refuse."""
    if not _EXTERNAL_ID.fullmatch(external_id):
        raise Broken(f"Not an external id that wallets keep unchanged: {external_id!r}.")
    return external_id
