"""Orders, by whose they are, of which event, and how long they wait."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import orjson

from ticketbot.domain.order import Order, State
from ticketbot.ledger import listings
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Row, Tx

COLUMNS = (
    "id, person, event_id, tier, quantity, unit_msat, amount_msat, state, via, request_id,"
    " placed_at, hold_until"
)
OPEN = "state IN ('held', 'invoiced')"
PAGE = 200
LAST_PLACE = 2**63 - 1
_STATES = {str(state): state for state in State}


def place(tx: Tx, order: Order) -> None:
    """Write a new order; what a program called it is sealed."""
    asked = order.request_id
    sealed = None if asked is None else tx.vault.seal(asked.encode(), b"request-id")
    values = (*order[:9], sealed, *order[10:])
    tx.change(f"INSERT INTO orders ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", values)


def get(tx: Tx, order_id: str) -> Order | None:
    """The order with this id."""
    row = tx.row(f"SELECT {COLUMNS} FROM orders WHERE id = ?", (order_id,))
    return None if row is None else _order(tx, row)


def exists(tx: Tx, order_id: str) -> bool:
    """Whether there is an order with this id."""
    return tx.row("SELECT 1 FROM orders WHERE id = ?", (order_id,)) is not None


def with_listing(tx: Tx, order_id: str) -> tuple[Order, Listed]:
    """An order that must be there, and its event; LookupError."""
    row = tx.row(_with_listing(), (order_id,))
    if row is None:
        raise LookupError(f"order {order_id}")
    width = len(Order._fields)
    return _order(tx, row[:width]), listings.listed(row[width:])


@functools.cache
def _with_listing() -> str:
    ours, theirs = _of("orders", COLUMNS), _of("listing", listings.COLUMNS)
    return (
        f"SELECT {ours}, {theirs} FROM orders"
        " JOIN listing ON listing.event_id = orders.event_id WHERE orders.id = ?"
    )


def ending(tx: Tx, letters: str, most: int = 5) -> list[Order]:
    """Orders whose id ends so: what people read is the end of it."""
    if not letters.isalnum():  # nothing that LIKE would take for anything else
        return []
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM orders WHERE id LIKE ? ORDER BY rowid DESC LIMIT ?",
        (f"%{letters.lower()}", most),
    )
    return [_order(tx, row) for row in rows]


def move(tx: Tx, order: Order, state: State) -> Order:
    """Set the state that the order's table says."""
    tx.change("UPDATE orders SET state = ? WHERE id = ?", (state, order.id))
    return order._replace(state=state)


def reprice(tx: Tx, order: Order, unit_msat: int) -> Order:
    """An order of a lost ledger costs what its buyer was shown."""
    amount = unit_msat * order.quantity
    tx.change(
        "UPDATE orders SET unit_msat = ?, amount_msat = ? WHERE id = ?",
        (unit_msat, amount, order.id),
    )
    return order._replace(unit_msat=unit_msat, amount_msat=amount)


def move_and_hold(tx: Tx, order: Order, state: State, hold_until: int) -> Order:
    """Set the state, and a hold that runs from when the invoice could be paid."""
    tx.change(
        "UPDATE orders SET state = ?, hold_until = ? WHERE id = ?", (state, hold_until, order.id)
    )
    return order._replace(state=state, hold_until=hold_until)


def open_of(tx: Tx, person: int) -> list[Order]:
    """A person's orders that wait for money, newest first."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM orders WHERE person = ? AND {OPEN} ORDER BY rowid DESC", (person,)
    )
    return [_order(tx, row) for row in rows]


def latest_of(tx: Tx, person: int, most: int = 5) -> list[Order]:
    """A person's newest orders."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM orders WHERE person = ? ORDER BY rowid DESC LIMIT ?", (person, most)
    )
    return [_order(tx, row) for row in rows]


def place_of(tx: Tx, person: int, order_id: str) -> int | None:
    """Where an order stands among all that were ever placed; None where it is not theirs."""
    row = tx.row("SELECT rowid FROM orders WHERE id = ? AND person = ?", (order_id, person))
    return None if row is None else int(row[0])


def page_of(
    tx: Tx,
    person: int,
    most: int,
    *,
    before: int | None = None,
    skip: int = 0,
    states: Sequence[State] = (),
    event_id: str | None = None,
) -> list[Order]:
    """A person's orders, newest first: those placed before a place, without the first `skip`.

    Of some states and of one event, where they are named.
    """
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM orders WHERE person = ?1 AND rowid < ?2"
        " AND (?3 = '[]' OR state IN (SELECT value FROM json_each(?3)))"
        " AND (?4 IS NULL OR event_id = ?4) ORDER BY rowid DESC LIMIT ?5 OFFSET ?6",
        (person, before or LAST_PLACE, orjson.dumps(states).decode(), event_id, most, skip),
    )
    return [_order(tx, row) for row in rows]


def open_of_event(tx: Tx, event_id: str) -> list[Order]:
    """Orders of an event that still hold seats."""
    rows = tx.rows(f"SELECT {COLUMNS} FROM orders WHERE {OPEN} AND event_id = ?", (event_id,))
    return [_order(tx, row) for row in rows]


def waiting(tx: Tx, after: tuple[int, str], most: int) -> list[Order]:
    """Orders that wait for their payment, by the end of their hold, past (hold_until, id)."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM orders WHERE {OPEN} AND hold_until >= ?1"
        " AND (hold_until, id) > (?1, ?2) ORDER BY hold_until, id LIMIT ?3",
        (*after, most),
    )
    return [_order(tx, row) for row in rows]


def lapsed(tx: Tx, now: int, after: tuple[int, str], at_wallet: int | None = None) -> list[Order]:
    """A page of orders whose hold is over, past the cursor (hold_until, id).

    `now` is our clock, by which a hold without an invoice ends; `at_wallet` the wallet's, where
    it is another.
    """
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM orders WHERE {OPEN} AND hold_until <= max(?1, ?2)"
        " AND hold_until <= iif(state = 'held', ?1, ?2)"
        " AND (hold_until, id) > (?3, ?4) ORDER BY hold_until, id LIMIT ?5",
        (now, now if at_wallet is None else at_wallet, *after, PAGE),
    )
    return [_order(tx, row) for row in rows]


def shorten_holds(tx: Tx, latest: int) -> int:
    """Let no hold without an invoice last past `latest`; how many did: our clock was put back."""
    return tx.change(
        "UPDATE orders SET hold_until = ?1"
        " WHERE state IN ('held', 'invoiced') AND hold_until > ?1 AND state = 'held'",
        (latest,),
    )


def stuck(tx: Tx, before: int) -> int:
    """How many holds should have been over by then, and are not."""
    row = tx.row(f"SELECT count(*) FROM orders WHERE {OPEN} AND hold_until < ?", (before,))
    return int(row[0]) if row else 0


def held_seats(tx: Tx, person: int, event_id: str, tier: str | None = None) -> int:
    """How many seats a person holds unpaid for an event, or of one of its kinds."""
    row = tx.row(
        "SELECT coalesce(sum(quantity), 0) FROM orders"
        f" WHERE person = ?1 AND event_id = ?2 AND {OPEN} AND (?3 IS NULL OR tier = ?3)",
        (person, event_id, tier),
    )
    return int(row[0]) if row else 0


def has_paid(tx: Tx, person: int) -> bool:
    """Whether a person's money has ever come for an order."""
    row = tx.row(
        "SELECT 1 FROM orders"
        " WHERE person = ? AND state IN ('paid', 'closed') AND amount_msat > 0 LIMIT 1",
        (person,),
    )
    return row is not None


def given_up(tx: Tx, person: int, since: int) -> int:
    """How many orders since then a person let go unpaid."""
    row = tx.row(
        "SELECT count(*) FROM orders WHERE person = ? AND state = 'released' AND placed_at > ?",
        (person, since),
    )
    return int(row[0]) if row else 0


def _of(table: str, columns: str) -> str:
    """The columns by their full names."""
    return ", ".join(f"{table}.{name}" for name in columns.split(", "))


def _order(tx: Tx, row: Row) -> Order:
    sealed = row[9]
    asked = None if sealed is None else tx.vault.open(sealed, b"request-id").decode()
    return Order._make((*row[:7], _STATES[row[7]], row[8], asked, *row[10:]))
