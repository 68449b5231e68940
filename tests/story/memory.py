"""What the ledger remembers of people, and how the stories make it forget."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.story.cast import DAY, HOUR, WEEK, Person, Stage
from ticketbot.ledger.store import Tx

AFTER = WEEK + 3 * HOUR + 90 * DAY + HOUR  # the event is a week away and takes three hours


async def known(stage: Stage, person: Person) -> int | None:
    """The number by which the ledger knows somebody."""

    def work(tx: Tx) -> int | None:
        lookup = tx.vault.tag(b"person", bytes.fromhex(person.pubkey))
        row = tx.row("SELECT id FROM person WHERE lookup = ?", (lookup,))
        return None if row is None else int(row[0])

    return await stage.app.store.transaction(work)


async def rows(stage: Stage, sql: str) -> list[Any]:
    return await stage.app.store.transaction(lambda tx: tx.rows(sql))


async def settles_down(stage: Stage) -> None:
    """Wait until no message is on its way any more."""
    async with asyncio.timeout(10):
        while await rows(stage, "SELECT 1 FROM outbox WHERE kind = 'message'"):
            await asyncio.sleep(0.02)


async def passes(stage: Stage, seconds: float) -> None:
    """So much time goes by; then the day's forgetting."""
    await settles_down(stage)
    stage.clock.forward(seconds)
    await stage.app.forget()


async def owes(stage: Stage, person: Person) -> str:
    """Pay an order of `person` twice over; the order's id, and money is owed for it."""
    await person.says("buy lisbon")
    invoice = await person.gets_an_invoice()
    await person.pays(invoice, 6_000_000)
    await person.hears("goes back to you")
    return str((await rows(stage, "SELECT order_id FROM refund"))[0][0])


async def is_paid_by_hand(stage: Stage, order_id: str, person: Person) -> None:
    """The operator pays from another wallet, and says so."""
    await stage.operator.says(f"refund {order_id[-4:]} sent")
    await stage.operator.hears("was paid by you")
    await person.hears("was sent to you")


def outbox_row(tx: Tx) -> int:
    row = tx.row("SELECT id FROM outbox WHERE key = 'late'")
    assert row is not None
    return int(row[0])
