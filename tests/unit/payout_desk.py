"""A bot without relays whose organizer has earned something: sales, refunds, payouts."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tests.unit.refund_desk import DAY, HOUR, NOON, Buyer, Desk
from ticketbot.bookkeeping import ask
from ticketbot.domain.command import Buy, Command
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.domain.payout import Account, Payout
from ticketbot.domain.spending import State
from ticketbot.engine import Engine
from ticketbot.handlers import answer
from ticketbot.handlers.buying import checkout
from ticketbot.handlers.context import Request
from ticketbot.handlers.money import refunds
from ticketbot.handlers.money.cashier import Credit
from ticketbot.ledger import audit, listings, orders, payouts, people, shares, tickets
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.store import Tx
from ticketbot.lnurl import Lnurl
from ticketbot.outbox.payer import Payer, Schedule
from ticketbot.posting import post
from ticketbot.relay.directory import Directory
from ticketbot.replies.outcome import Addressee, Reply, Told

PRICE = 5_000_000
ENDS = NOON + 301 * DAY
OVER = ENDS + 2 * DAY
PAYEE = "anna@example.com"


class PayoutDesk(Desk):
    """`sells()`, `ends_event()`; while `paying()` runs, payouts leave."""

    def __init__(self, folder: Path, *, pays: bool = True, ppm: int = 20_000) -> None:
        super().__init__(folder, pays=pays)
        self.ppm(ppm)
        self.payers: list[Payer] = []

    def ppm(self, ppm: int) -> None:
        """The operator edits the configuration."""
        self._settings(commission_ppm=ppm)

    def delay(self, seconds: int) -> None:
        """How long after an event its money is kept."""
        self._settings(payout_delay=seconds)

    def _settings(self, **changes: Any) -> None:
        self.engine.settings = replace(self.engine.settings, **changes)

    async def opens(self) -> None:
        """Two events; the wallet is empty but for what buyers pay."""
        for code in ("lisbon", "porto"):
            listing = replace(
                self._listing(),
                event_id=f"31923:{self.organizer}:{code}",
                title=code.title(),
                stock=None,
            )
            named = code.upper()
            await self.store.transaction(lambda tx, one=listing, c=named: listings.save(tx, one, c))

    async def closes(self) -> None:
        """The books and the wallet must agree, whatever happened."""
        await self.proves()
        await super().closes()

    async def proves(self) -> None:
        """Every invariant, I7 among them."""
        shown = await ask(self.wallet, 0)
        findings = await self.store.transaction(audit.check_ledger)
        findings += await self.store.transaction(
            lambda tx: audit.check_wallet(tx, shown.received, shown.balance, shown.sent)
        )
        assert [one for one in findings if not one.kept] == []

    async def sells(self, code: str = "lisbon", quantity: int = 1) -> str:
        """A paid order; its id."""
        self.now += 1
        buyer = Buyer(self)

        def buy(tx: Tx) -> tuple[str, int]:
            person = people.meet(tx, buyer.pubkey, "nip17")
            command = Buy((code,), quantity)
            checkout.buy(Request(person, "nip17", command), tx, self.engine.context())
            order = orders.latest_of(tx, person.id)[0]
            return order.id, order.amount_msat

        order_id, amount = await self.store.transaction(buy)
        made = await self.wallet.create(InvoiceAsk(f"{order_id}-1", amount, "ticket", 660))
        rest = (made.payment_hash, made.bolt11, made.amount_msat, made.expires_at)
        await self.engine.invoiced([InvoiceRow(made.external_id, order_id, NOON, *rest)])
        await self.wallet.receive(made.bolt11, amount)
        await self.engine.settle([Credit(made.payment_hash, amount)])
        return order_id

    async def gives_back(self, order_id: str, count: int = 1) -> str:
        """So many tickets of an order become void, and their price is owed; the refund's id."""

        def work(tx: Tx) -> str:
            ctx = self.engine.context()
            order = orders.get(tx, order_id)
            assert order is not None
            live = [one for one in tickets.of_order(tx, order_id) if one.state != "void"][:count]
            payment = live[0].payment_hash
            assert payment is not None
            amount = sum(one.price_msat for one in live)
            debt = refunds.Debt(payment, amount, "refund-cancelled", order.person)
            refund_id, _ = refunds.owe(debt, order, tx, ctx)
            shares.give_back(tx, payment, refund_id, amount, ctx.now)
            tickets.void(tx, [one.id for one in live], refund_id)
            listings.free_sold(tx, order.event_id, order.tier, len(live))
            if not any(one.state != "void" for one in tickets.of_order(tx, order_id)):
                tx.change("UPDATE orders SET state = 'closed' WHERE id = ?", (order_id,))
            return refund_id

        return await self.store.transaction(work)

    async def says(self, command: Command, who: str | None = None, **more: Any) -> list[Any]:
        """What the organizer, or somebody else, is answered. Raises Refused."""

        key = more.pop("key", os.urandom(8))

        def work(tx: Tx) -> Reply:
            person = people.meet(tx, who or self.organizer, "nip17")
            request = Request(person, "nip17", command, key=key, **more)
            ctx = self.engine.context()
            with tx.savepoint():
                reply = answer(request, tx, ctx)
            post(tx, ctx, Addressee(person.pubkey, "nip17"), reply, key.hex())
            return reply

        reply = await self.store.transaction(work)
        self.stir()
        return [one.outcome if isinstance(one, Told) else one for one in reply]

    async def account(self, code: str = "lisbon") -> Account:
        found = await self.accounts()
        return next(one for one in found if one.code == code.upper())

    async def accounts(self) -> list[Account]:
        return await self.store.transaction(lambda tx: shares.accounts_of(tx, self.organizer, DAY))

    async def payouts(self) -> list[Payout]:
        return await self.store.transaction(lambda tx: payouts.of(tx, self.organizer))

    async def is_paid(self) -> Payout:
        """The only payout, once it was sent."""
        await self.until(lambda tx: payouts.total(tx) == 0)
        (payout,) = await self.payouts()
        assert payout.state is State.SENT
        return payout

    @contextlib.asynccontextmanager
    async def paying(
        self, payers: int = 1, schedule: Schedule = "on-request"
    ) -> AsyncIterator[Payer]:
        """As long as the block lasts, payouts are carried out."""
        self.payers = [self.payer(schedule) for _ in range(payers)]
        tasks = [asyncio.create_task(one.run()) for one in self.payers]
        try:
            yield self.payers[0]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def payer(self, schedule: Schedule = "on-request") -> Payer:
        return Payer(
            self.store,
            self.engine,
            self.wallet,
            cast(Lnurl, self.services),
            cast(Directory, self.profiles),
            lambda: self.now,
            schedule,
        )

    def stir(self) -> None:
        super().stir()
        for one in self.payers:
            one.claims.stirred.set()

    async def settles_down(self) -> None:
        await super().settles_down()
        due = "SELECT 1 FROM outbox WHERE kind = 'payout' AND due <= ?"
        await self.until(lambda tx: tx.row(due, (int(self.now),)) is None)

    async def organizer_hears(self) -> list[str]:
        return await _texts(self, self.organizer)


async def _texts(desk: Desk, pubkey: str) -> list[str]:
    from tests.unit.refund_desk import _messages

    rows = await desk.store.transaction(_messages)
    return [body["text"] for body in rows if body["to"] == pubkey]


__all__ = ["DAY", "ENDS", "HOUR", "NOON", "OVER", "PAYEE", "PRICE", "Engine", "PayoutDesk"]
