"""What a treasurer asks: how much came, whose it is now, and what went out again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ticketbot.ledger.audit.wallet import Received, Sent, is_ours, is_spend
from ticketbot.ledger.store import Tx


class Sum(NamedTuple):
    """So many things that are so many msat together."""

    number: int
    msat: int


class Sums(NamedTuple):
    """The ledger's side. Shares are what organizers have earned, less what was set aside.

    `fees` are the operator's, of refunds.
    """

    received: Sum
    tickets: Sum
    refunds_due: Sum
    refunds_sending: Sum
    refunds_sent: Sum
    refunds_by_hand: Sum  # among those that were sent: the operator paid them, not the bot
    kept: Sum  # of tickets that were given back, by the terms of their organizers
    shares: Sum
    payouts_due: Sum
    payouts_sending: Sum
    payouts_sent: Sum
    payouts_by_hand: Sum  # among those that were sent
    payout_fees: int  # the organizers', taken from their shares
    commission: int
    fees: int
    orders: int
    free_tickets: int


class Flows(NamedTuple):
    """The wallet's own list, parted into what is the bot's business and what is not."""

    received: Sum
    sent: Sum
    fees: int
    foreign_in: Sum
    foreign_out: Sum  # fees among it


def sums(tx: Tx) -> Sums:
    """All of it, in one snapshot."""
    live = "FROM ticket WHERE state <> 'void'"
    return Sums(
        received=_sum(tx, "amount_msat", "FROM payment"),
        tickets=_sum(tx, "price_msat", f"{live} AND payment_hash IS NOT NULL"),
        refunds_due=_sum(tx, "amount_msat", "FROM refund WHERE state = 'due'"),
        refunds_sending=_sum(tx, "amount_msat", "FROM refund WHERE state = 'sending'"),
        refunds_sent=_sum(tx, "amount_msat", "FROM refund WHERE state = 'sent'"),
        refunds_by_hand=_sum(
            tx,
            "amount_msat",
            "FROM refund WHERE state = 'sent' AND NOT EXISTS (SELECT 1 FROM spend"
            " WHERE purpose = 'refund' AND ref = refund.id AND spend.state = 'paid')",
        ),
        kept=_sum(tx, "kept_msat", "FROM ticket WHERE kept_msat > 0"),
        shares=_sum(
            tx,
            "share",
            "FROM (SELECT -sum(amount_msat) AS share FROM entry"
            " WHERE account LIKE 'organizer:%' GROUP BY account)",
        ),
        payouts_due=_sum(tx, "amount_msat", "FROM payout WHERE state = 'due'"),
        payouts_sending=_sum(tx, "amount_msat", "FROM payout WHERE state = 'sending'"),
        payouts_sent=_sum(tx, "amount_msat", "FROM payout WHERE state = 'sent'"),
        payouts_by_hand=_sum(
            tx,
            "amount_msat",
            "FROM payout WHERE state = 'sent' AND NOT EXISTS (SELECT 1 FROM spend"
            " WHERE purpose = 'payout' AND ref = payout.id AND spend.state = 'paid')",
        ),
        payout_fees=_sum(tx, "fee_msat", "FROM payout_part").msat,
        commission=-_sum(tx, "amount_msat", "FROM entry WHERE account = 'commission'").msat,
        fees=_sum(tx, "amount_msat", "FROM entry WHERE account = 'fees'").msat,
        orders=_sum(tx, "0", "FROM orders").number,
        free_tickets=_sum(tx, "0", f"{live} AND payment_hash IS NULL").number,
    )


def flows(tx: Tx, received: Sequence[Received], sent: Sequence[Sent]) -> Flows:
    """The wallet's successes, ours and others'."""
    ours_in = [one for one in received if is_ours(tx, one)]
    ours_out = [one for one in sent if is_spend(tx, one)]
    came = Sum(len(received), sum(one.amount_msat for one in received))
    went = Sum(len(sent), sum(one.amount_msat + one.fee_msat for one in sent))
    got = Sum(len(ours_in), sum(one.amount_msat for one in ours_in))
    gave = Sum(len(ours_out), sum(one.amount_msat for one in ours_out))
    fees = sum(one.fee_msat for one in ours_out)
    return Flows(
        received=got,
        sent=gave,
        fees=fees,
        foreign_in=Sum(came.number - got.number, came.msat - got.msat),
        foreign_out=Sum(went.number - gave.number, went.msat - gave.msat - fees),
    )


def _sum(tx: Tx, what: str, source: str) -> Sum:
    row = tx.row(f"SELECT count(*), coalesce(sum({what}), 0) {source}")
    assert row is not None
    return Sum(*row)
