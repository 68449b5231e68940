"""Bots with a planted fault, to show that the tests would find it.

`python -m tests.chaos.mutants NAME run --config config.toml` is `ticketbot run` with the fault
NAME. Each is a mistake that somebody could make.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from ticketbot import cli
from ticketbot.engine import Engine
from ticketbot.failpoints import failpoint
from ticketbot.handlers import cashier
from ticketbot.handlers.cashier import Credit
from ticketbot.ledger import money, orders
from ticketbot.outbox.invoicer import Invoicer


def orphan() -> None:
    """After a crash the wallet is not asked what it has made: it is just asked again."""
    Invoicer._doubtful = lambda self, row: False  # type: ignore[method-assign]


def split() -> None:
    """The payment is credited in one transaction, the tickets are made in another."""
    whole = Engine.settle

    async def settle(self: Engine, credits: Sequence[Credit]) -> int:
        now = int(self._clock())
        for credit in credits:

            def work(tx: object, credit: Credit = credit) -> None:
                order_id = orders.owner_of(tx, credit.payment_hash)  # type: ignore[arg-type]
                if order_id and not money.credited(tx, credit.payment_hash):  # type: ignore[arg-type]
                    money.credit(  # type: ignore[call-arg]
                        tx,  # type: ignore[arg-type]
                        credit.payment_hash,
                        order_id,
                        credit.amount_msat,
                        now,
                        "tickets",
                    )

            await self.store.transaction(work)
        failpoint("cashier.credited")
        return await whole(self, credits)

    Engine.settle = settle  # type: ignore[method-assign]


def forgetful() -> None:
    """A hold ends when its time is over, whatever the wallet says."""
    from ticketbot.settlement import Settlement

    async def end_hold(self: Settlement, order: object, invoice: object) -> None:
        await self._engine.release(order.id, "order-lapsed")  # type: ignore[attr-defined]

    Settlement._end_hold = end_hold  # type: ignore[method-assign, assignment]


MUTANTS: dict[str, Callable[[], None]] = {"orphan": orphan, "split": split, "forgetful": forgetful}

assert cashier  # the room whose one transaction `split` takes apart


def main() -> int:
    """Plant the fault, then be `ticketbot`."""
    name, *arguments = sys.argv[1:]
    MUTANTS[name]()
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
