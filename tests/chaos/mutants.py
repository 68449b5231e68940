"""Bots with a planted fault, to show that the tests would find it.

`python -m tests.chaos.mutants NAME run --config config.toml` is `ticketbot run` with the fault
NAME. Each is a mistake that somebody could make.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial

from ticketbot import cli
from ticketbot.domain.nostr import Event
from ticketbot.engine import Engine
from ticketbot.failpoints import failpoint
from ticketbot.handlers.money.cashier import Credit
from ticketbot.ledger import invoices, money
from ticketbot.ledger.store import Tx
from ticketbot.outbox.invoicer import Invoicer
from ticketbot.relay.funnel import Funnel


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


MUTANTS: dict[str, Callable[[], None]] = {"orphan": orphan, "split": split, "hasty": hasty}


def main() -> int:
    """Plant the fault, then be `ticketbot`."""
    name, *arguments = sys.argv[1:]
    MUTANTS[name]()
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
