"""A ledger with a few things on its shelves, put there by its own functions, without a thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ticketbot.domain.listing import Listing
from ticketbot.domain.offer import Tier
from ticketbot.domain.order import Order, State
from ticketbot.domain.refund import Refund
from ticketbot.domain.spending import State as RefundState
from ticketbot.ledger import invoices, listings, money, orders, people, refunds, tickets
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.schema import migrate
from ticketbot.ledger.store import Tx, connect
from ticketbot.ledger.tickets import TicketRow
from ticketbot.ledger.vault import Vault

NOW = 1_900_000_000
DAY = 86_400
ALICE, BOB = "a1" * 32, "b0" * 32
SAT = 1000


@contextmanager
def shelf(folder: Path) -> Iterator[Tx]:
    """A new ledger, every statement of which is written at once."""
    path = folder / "ledger.db"
    db = connect(path)
    migrate(db, path)
    try:
        yield Tx(db, Vault(b"f" * 32, b"l" * 32))
    finally:
        db.close()


def listing(d: str = "lisbon", **changes: object) -> Listing:
    """An event a week ahead, for 5,000 sats."""
    one = Listing(
        event_id=f"31923:{'0a' * 32}:{d}",
        organizer="0a" * 32,
        kind=31923,
        note_id=d.encode().hex().ljust(64, "0"),
        created_at=NOW,
        title=d.title(),
        summary="",
        place="",
        start=NOW + 7 * DAY,
        end=NOW + 8 * DAY,
        timezone="UTC",
        all_day=False,
        price_msat=5_000 * SAT,
        stock=10,
        tiers=(),
        sales_start=None,
        sales_end=None,
        max_per_buyer=None,
        ephemeral=True,
        categories=(),
        cancelled=False,
        image=None,
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def tier(name: str, stock: int | None) -> Tier:
    """A tier of a listing."""
    return Tier(name, 9_000 * SAT, stock)


def on_sale(tx: Tx, d: str = "lisbon", **changes: object) -> Listing:
    """Put an event on sale under a code like `LISBON`."""
    one = listing(d, **changes)
    listings.save(tx, one, d.upper())
    return one


def order(tx: Tx, order_id: str, pubkey: str = ALICE, **changes: object) -> Order:
    """An order of one ticket, held for ten minutes; its seats are not asked for."""
    one = Order(
        order_id,
        people.meet(tx, pubkey).id,
        listing().event_id,
        "",
        1,
        5_000 * SAT,
        5_000 * SAT,
        State.HELD,
        "nip17",
        None,
        NOW,
        NOW + 600,
    )._replace(**changes)
    orders.place(tx, one)
    return one


def invoiced(tx: Tx, one: Order, payment_hash: str) -> InvoiceRow:
    """The wallet has made an invoice for it."""
    external_id = invoices.ask(tx, one, NOW)
    made = InvoiceRow(
        external_id, one.id, NOW, payment_hash, f"lnbc{payment_hash}", one.amount_msat, NOW + 660
    )
    assert invoices.adopt(tx, made)
    return made


def paid(tx: Tx, one: Order, payment_hash: str, fate: str = "tickets") -> None:
    """Its money has come, under an invoice that has this hash."""
    invoiced(tx, one, payment_hash)
    money.credit(tx, payment_hash, one.id, one.amount_msat, NOW + 60, fate)


def ticket(tx: Tx, one: Order, ticket_id: str, **changes: object) -> TicketRow:
    """A live ticket of a paid order."""
    row = TicketRow(
        ticket_id,
        one.id,
        one.event_id,
        one.tier,
        one.person,
        None,
        one.unit_msat,
        "valid",
        1,
        NOW + 60,
        NOW + 38 * DAY,
        b"n" * 8,
        b"h" * 32,
    )._replace(**changes)
    tickets.issue(tx, row)
    return row


def owed(tx: Tx, one: Order, refund_id: str, payment_hash: str, **changes: object) -> Refund:
    """A refund of a payment that is there."""
    refund = Refund(
        refund_id,
        one.id,
        one.person,
        payment_hash,
        one.amount_msat,
        "refund-late",
        RefundState.DUE,
        NOW + 60,
    )._replace(**changes)
    refunds.owe(tx, refund)
    return refund
