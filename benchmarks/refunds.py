"""A sold-out event is called off: how soon every order is given back, and how soon it is paid.

The orders are made up; the bot that gives them back is the whole one, with a relay and the
fake wallet. `cancel_s` lasts until every ticket is void, every refund decided and every holder
told; `refunds_per_s` are refunds that the wallet paid, each to an invoice of its own.
"""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.bot import CODE, ORGANIZER, PRICE_MSAT, Spec, on_sale
from benchmarks.chore import BusyBot, count, made_up
from benchmarks.crowd import BadService
from benchmarks.network import run_network
from benchmarks.worker import Answers, Worker, answer, cores, wire
from ticketbot.domain.command import CancelOrder
from ticketbot.domain.nostr import Event
from ticketbot.domain.spending import read_destination
from ticketbot.handlers.attending import my_orders
from ticketbot.handlers.context import Context, Request
from ticketbot.handlers.money import refunds
from ticketbot.ledger import listings, people
from ticketbot.ledger import refunds as rows
from ticketbot.ledger.store import Tx
from ticketbot.posting import post
from ticketbot.replies.outcome import Addressee, Reply

Figures = dict[str, float]

LIVES = 86_400

_ROWS = (
    "INSERT INTO orders (id, person, event_id, tier, quantity, unit_msat, amount_msat, state, via,"
    " placed_at, hold_until) VALUES (:order, :person, :event, '', 1, :price, :price, 'paid',"
    " 'nip17', :now, :now)",
    "INSERT INTO payment_hash (hash, use, ref) VALUES (:hash, 'invoice', :order || '-1')",
    "INSERT INTO payment (payment_hash, order_id, amount_msat, credited_at, fate)"
    " VALUES (:hash, :order, :price, :now, 'tickets')",
    "INSERT INTO entry (ref, account, amount_msat, at)"
    " VALUES ('payment:' || :hash, 'wallet', :price, :now)",
    "INSERT INTO entry (ref, account, amount_msat, at)"
    " VALUES ('payment:' || :hash, 'organizer:' || :organizer, -:price, :now)",
    "INSERT INTO ticket (id, order_id, event_id, tier, holder, payment_hash, price_msat, state,"
    " issued_at, expires_at, nonce, token_hash) VALUES (:ticket, :order, :event, '', :person,"
    " :hash, :price, 'valid', :now, :now + 999999, randomblob(8), randomblob(32))",
)


def measure_refunds(folder: Path, orders: int, paid: int) -> Figures:
    """Call off an event of so many orders; then pay so many of the refunds."""
    fill(folder, orders)
    bots, others = cores()
    _, hands = wire()
    with Worker(run_network, hands, core=others) as network:
        with Worker(run_refunding, Spec(folder, network.ask("open")), core=bots) as bot:
            bot.ask("start")
            cancelled: float = bot.ask("cancel", orders)
            sent: float = bot.ask("pay", paid)
    return {"cancel_s": cancelled, "refunds_per_s": paid / sent}


def fill(folder: Path, orders: int) -> None:
    """A ledger in which an event to come was sold to so many people, a ticket each."""
    now = int(time.time()) - 3600
    with made_up(folder) as (db, tx):
        event = on_sale(ORGANIZER, now, orders)
        listings.save(tx, event, CODE)
        values = [_sale(tx, number, event.event_id, now) for number in range(orders)]
        for sql in _ROWS:
            db.executemany(sql, values)
        db.execute("UPDATE seats SET sold = ?", (orders,))
        db.execute(
            "INSERT INTO share (event_id, organizer, ends, gross_msat) VALUES (?, ?, ?, ?)",
            (event.event_id, ORGANIZER, event.end, orders * PRICE_MSAT),
        )


def _sale(tx: Tx, number: int, event_id: str, now: int) -> dict[str, object]:
    return {
        "order": f"{now:08x}{number:04x}",
        "ticket": f"{now:08x}{number:08x}",
        "person": people.welcome(tx, os.urandom(32).hex(), "nip17").id,
        "event": event_id,
        "organizer": ORGANIZER,
        "price": PRICE_MSAT,
        "hash": os.urandom(32).hex(),
        "now": now,
    }


class RefundingBot(BusyBot):
    """The bot, and the organizer who calls the event off."""

    async def cancel(self, orders: int) -> float:
        """The note is deleted and the answer given; seconds until nothing waits to leave."""
        began, now = time.monotonic(), int(time.time())
        address = on_sale(ORGANIZER, now).event_id
        deleted = Event(os.urandom(32).hex(), ORGANIZER, now, 5, [["a", address]], "", "")
        await self._app.engine.receive([deleted], {})
        await self._app.engine.decide(_say_yes, "yes")
        await self.until(lambda tx: count(tx, "outbox WHERE kind IN ('closing', 'message')") == 0)
        seconds = time.monotonic() - began
        owed = await self._app.store.transaction(lambda tx: count(tx, "refund WHERE state = 'due'"))
        if owed != orders:
            raise BadService(f"{owed} refunds of {orders} were decided")
        return seconds

    async def pay(self, number: int) -> float:
        """Every one of so many buyers has sent an invoice; seconds until all are paid."""
        await self._wallet.pay_in(PRICE_MSAT * number * 2)
        ctx = self._app.engine.context()
        owed = await self._app.store.transaction(lambda tx: rows.owed(tx, number))
        invoices = [self._wallet.foreign_invoice(PRICE_MSAT, LIVES) for _ in owed]

        def choose(tx: Tx) -> None:
            for one, bolt11 in zip(owed, invoices, strict=True):
                refunds.send_to(one, read_destination(bolt11), "buyer", tx, ctx)

        began = time.monotonic()
        await self._app.store.transaction(choose)
        await self.until(lambda tx: count(tx, "refund WHERE state = 'sent'") == number)
        seconds = time.monotonic() - began
        await self.require_kept()
        return seconds


async def run_refunding(pipe: Connection, spec: Spec) -> None:
    """What the worker does."""
    bot = RefundingBot(spec)
    questions: Answers = {
        "start": bot.start,
        "cancel": bot.cancel,
        "pay": bot.pay,
        "stop": bot.stop,
    }
    await answer(pipe, questions)


def _say_yes(tx: Tx, ctx: Context) -> Reply:
    organizer = people.meet(tx, ORGANIZER, "nip17")
    request = Request(organizer, "nip17", CancelOrder(CODE.lower()))
    post(tx, ctx, Addressee(ORGANIZER, "nip17"), my_orders.cancel(request, tx, ctx), "yes")
    return []
