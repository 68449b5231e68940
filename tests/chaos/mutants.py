"""Bots with a planted fault, to show that the tests would find it.

`python -m tests.chaos.mutants NAME run --config config.toml` is `ticketbot run` with the fault
NAME, `… hurried NAME run …` one with less patience (see hurried.py), too. Each is a mistake that
somebody could make.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial

from tests.chaos.hurried import hurry
from ticketbot import cli
from ticketbot.domain.nostr import Event
from ticketbot.domain.payment import Spent
from ticketbot.domain.payout import Account
from ticketbot.domain.when import DAY
from ticketbot.engine import Engine
from ticketbot.failpoints import failpoint
from ticketbot.handlers.context import Context
from ticketbot.handlers.money import payouts
from ticketbot.handlers.money.cashier import Credit
from ticketbot.handlers.money.spending import Paid
from ticketbot.ledger import invoices, money, shares
from ticketbot.ledger.outbox import Due
from ticketbot.ledger.spends import Spend
from ticketbot.ledger.store import Tx
from ticketbot.outbox import spender
from ticketbot.outbox.invoicer import Invoicer
from ticketbot.outbox.payer import Payer
from ticketbot.outbox.spender import GO_ON
from ticketbot.outbox.standing import Standing
from ticketbot.relay.funnel import Funnel
from ticketbot.replies.outcome import Reply


def orphan() -> None:
    """After a crash the wallet is not asked what it has made: it is just asked again."""
    Invoicer._doubtful = lambda self, row: False  # type: ignore[method-assign]


def split() -> None:
    """The payment is credited in one transaction, its tickets are made in another."""
    whole = Engine.settle

    async def settle(self: Engine, credits: Sequence[Credit]) -> int:
        now = int(self._clock())
        for one in credits:
            await self.store.transaction(partial(_credit_only, one, now))
        failpoint("cashier.credited")
        return await whole(self, credits)

    Engine.settle = settle  # type: ignore[method-assign]


def _credit_only(one: Credit, now: int, tx: Tx) -> None:
    order_id = invoices.owner_of(tx, one.payment_hash)
    if order_id is not None and not money.credited(tx, one.payment_hash):
        money.credit(tx, one.payment_hash, order_id, one.amount_msat, now, "tickets")


def hasty() -> None:
    """An event's id is remembered before its signature is verified."""
    known = Funnel.knows

    def knows(self: Funnel, event_id: str) -> bool:
        before = known(self, event_id)
        self._seen.add(event_id)
        return before

    async def hand_on(self: Funnel, event: Event) -> bool:
        await self._put(event)
        return True

    Funnel.knows = knows  # type: ignore[method-assign]
    Funnel.hand_on = hand_on  # type: ignore[method-assign]


def anew() -> None:
    """After a crash nobody looks what became of a bolt11: its organizer's address gives another."""
    follow = Payer._follow

    async def forget(self: Payer, spend: Spend, standing: Standing) -> int:
        if spend.payment_hash in self._called:
            return await follow(self, spend, standing)
        gone = partial(payouts.failed, standing.ref, spend.payment_hash)
        await self._engine.decide(gone, spend.payment_hash)
        return GO_ON

    Payer._follow = forget  # type: ignore[method-assign, assignment]
    spender.LOOKED_BACK = -30 * DAY


def unwritten() -> None:
    """The bolt11 is paid first, and then written down."""

    async def choose(self: Payer, standing: Standing, seen: str, row: Due) -> int:
        bolt11 = await self._bolt11(seen, standing.amount_msat)
        assert bolt11 is not None
        await self._wallet.pay(bolt11)
        failpoint("spender.after-pay")
        chosen = partial(payouts.chosen, standing.ref, seen, bolt11, self._wallet.now())
        await self._engine.decide(chosen, standing.ref)
        return GO_ON

    Payer._choose = choose  # type: ignore[method-assign, assignment]


def untold() -> None:
    """That a payout is sent is written in one transaction, and said in another."""

    async def is_paid(self: Payer, standing: Standing, spent: Spent) -> int:
        paid, said = Paid(spent.payment_hash, spent.fee_msat), list[Reply]()

        def silently(tx: Tx, ctx: Context) -> Reply:
            said.append(payouts.sent(standing.ref, paid, tx, ctx))
            return []

        await self._engine.decide(silently, spent.payment_hash)
        failpoint("spender.before-sent")
        await self._engine.decide(lambda tx, ctx: said[0], spent.payment_hash)
        return GO_ON

    Payer._is_paid = is_paid  # type: ignore[method-assign, assignment]


def generous() -> None:
    """What was set aside for an organizer is in their account still."""
    accounts = shares.accounts_of

    def untouched(tx: Tx, organizer: str, delay: int) -> list[Account]:
        return [one._replace(paid=0) for one in accounts(tx, organizer, delay)]

    shares.accounts_of = untouched


MUTANTS: dict[str, Callable[[], None]] = {
    one.__name__: one for one in (orphan, split, hasty, anew, unwritten, untold, generous)
}


def main() -> int:
    """Plant the fault, then be `ticketbot`."""
    name, *arguments = sys.argv[1:]
    if name == "hurried":
        hurry()
        name, *arguments = arguments
    MUTANTS[name]()
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
