"""What sending a refund and sending a payout have in common."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.domain.spending import Asked, Destination, judge
from ticketbot.handlers.context import Context
from ticketbot.ledger import spends
from ticketbot.ledger.spends import Purpose, Spend
from ticketbot.ledger.store import Tx


class Paid(NamedTuple):
    """A bolt11 that the wallet's own outgoing row calls paid. Amounts in msat."""

    payment_hash: str
    fee_msat: int


def fits(amount_msat: int, ours: str | None, to: Destination, now: int, lives: int, tx: Tx) -> None:
    """Refused when this sum cannot be paid to this invoice. `ours`: a bolt11 of its network."""
    assert to.invoice is not None
    network = read_bolt11(ours).network if ours else to.invoice.network
    used = spends.use_of(tx, to.invoice.payment_hash)
    judge(to.invoice, Asked(amount_msat, network, used), now, lives)


def begin(
    purpose: Purpose, ref: str, amount_msat: int, to: Destination, tx: Tx, ctx: Context
) -> str:
    """Write down the bolt11 that is going to be paid; its payment hash."""
    assert to.invoice is not None
    spend = Spend(
        to.invoice.payment_hash, ref, amount_msat, "open", ctx.now, to.invoice.expires_at, to.text
    )
    spends.keep(tx, purpose, spend)
    return spend.payment_hash
