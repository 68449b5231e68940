"""`kill -9` with many open orders, and how soon the bot sells again.

The orders are made up, with true invoices in a wallet that has them too; the bot runs, answers
somebody, and is killed. What counts is the time from its next start to its first new invoice.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bot import ORDER, ORGANIZER, PRICE_MSAT, on_sale, vault_of
from benchmarks.daemon import pubkey_of, running
from benchmarks.network import run_network
from benchmarks.worker import Worker, cores, wire
from ticketbot.domain.payment import Invoice, InvoiceAsk
from ticketbot.ledger import listings
from ticketbot.ledger.schema import migrate
from ticketbot.ledger.store import Tx, check_owner, connect
from ticketbot.wallets.fake import FakeWallet

Figures = dict[str, float]

HOLD = 3600  # seconds: nothing lapses while this is measured

_ROWS = (
    "INSERT INTO person (id, lookup, sealed, via) VALUES (:n, randomblob(16), randomblob(60),"
    " 'nip17')",
    "INSERT INTO orders (id, person, event_id, tier, quantity, unit_msat, amount_msat, state, via,"
    " placed_at, hold_until) VALUES (:order, :n, :event, '', 1, :amount, :amount, 'invoiced',"
    " 'nip17', :now, :until)",
    "INSERT INTO invoice (external_id, order_id, asked_at, payment_hash, bolt11, amount_msat,"
    " expires_at) VALUES (:external, :order, :now, :hash, :bolt11, :amount, :expires)",
    "INSERT INTO payment_hash (hash, use, ref) VALUES (:hash, 'invoice', :external)",
)


def measure_recovery(folder: Path, orders: int) -> Figures:
    """recovery_ready_s and recovery_s: to READY, and to the first new invoice."""
    fill(folder, orders)
    _, others = cores()
    _, paid = wire()
    with Worker(run_network, paid, core=others) as network:
        relay = network.ask("open")
        with running(folder, relay) as (process, _):
            network.ask("gather", pubkey_of(folder), 1, ORDER)
            network.ask("greet")
            process.kill()
            process.wait()
        with running(folder, relay) as (_, ready):
            network.ask("gather", pubkey_of(folder), 1, ORDER)
            answered: float = network.ask("greet")
    return {"recovery_ready_s": ready, "recovery_s": ready + answered}


def fill(folder: Path, orders: int) -> None:
    """Make a ledger in `folder` with so many open orders, and the wallet that made their bolt11."""
    folder.mkdir(parents=True, exist_ok=True)
    now = int(time.time())
    path = folder / "ledger.db"
    invoices = asyncio.run(_invoices(folder / "fake-wallet.db", orders, now))
    db = connect(path)
    try:
        migrate(db, path)
        vault = vault_of(folder)
        check_owner(db, vault)
        db.execute("BEGIN")
        listings.save(Tx(db, vault), on_sale(ORGANIZER, now), "LISBON")
        _write(db, invoices, now)
        db.execute("COMMIT")
    finally:
        db.close()


async def _invoices(path: Path, number: int, now: int) -> list[Invoice]:
    wallet = FakeWallet(path)
    wallet.stock(number, PRICE_MSAT)
    ids = (f"{now + n:08x}{n:04x}" for n in range(number))
    asks = [InvoiceAsk(f"{one}-1", PRICE_MSAT, "ticket", HOLD) for one in ids]
    made = [await wallet.create(ask) for ask in asks]
    await wallet.close()
    return made


def _write(db: sqlite3.Connection, invoices: Sequence[Invoice], now: int) -> None:
    event = on_sale(ORGANIZER, now).event_id
    rows = [
        {
            "n": number + 1,
            "order": one.external_id.removesuffix("-1"),
            "external": one.external_id,
            "event": event,
            "amount": one.amount_msat,
            "now": now,
            "until": now + HOLD,
            "hash": one.payment_hash,
            "bolt11": one.bolt11,
            "expires": one.expires_at,
        }
        for number, one in enumerate(invoices)
    ]
    for sql in _ROWS:
        db.executemany(sql, rows)
    db.execute("UPDATE seats SET held = ?", (len(rows),))
