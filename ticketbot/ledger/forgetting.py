"""Forgetting: what is personal goes. What stays of an order, its trail, points to nobody.

Orders, payments, tickets, entries and decisions keep their ids, amounts, times and states: the
books add up as before. Money that is owed keeps its person until it was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from ticketbot.ledger import marks
from ticketbot.ledger.people import NOBODY
from ticketbot.ledger.store import Tx

PAGE = 500
TRACES = "forgotten-traces"  # while this mark is there, the write-ahead log may show them
LISTED = "(SELECT value FROM json_each(?))"
OWED = "EXISTS (SELECT 1 FROM refund WHERE order_id = orders.id AND refund.state <> 'sent')"
DECIDED = f"orders.state NOT IN ('held', 'invoiced') AND NOT {OWED}"
# what an operator has not confirmed yet may still become a refund of every ticket
AWAITED = "(listing.state = 'cancelled' AND orders.state = 'paid')"
UNBOUND = (
    "NOT EXISTS (SELECT 1 FROM orders WHERE orders.person = person.id)"
    " AND NOT EXISTS (SELECT 1 FROM ticket WHERE holder = person.id)"
    " AND NOT EXISTS (SELECT 1 FROM refund WHERE refund.person = person.id)"
    " AND NOT EXISTS (SELECT 1 FROM transfer WHERE sender = person.id)"
    " AND NOT EXISTS (SELECT 1 FROM transfer WHERE recipient = person.id)"
    " AND NOT EXISTS (SELECT 1 FROM place WHERE place.person = person.id)"
)


class Waiting(NamedTuple):
    """Messages on their way: to which people (their numbers), and rows to who is unknown by now."""

    people: frozenset[int]
    strays: list[int]


def over(tx: Tx, before: int, most: int) -> list[str]:
    """Orders of somebody whose event ended before then, and of which nothing is open."""
    rows = tx.rows(
        "SELECT orders.id FROM orders CROSS JOIN listing USING (event_id)"
        f" WHERE person > {NOBODY} AND ends < ? AND {DECIDED} AND NOT {AWAITED} LIMIT ?",
        (before, most),
    )
    return [row[0] for row in rows] + _held_over(tx, before, most - len(rows))


def let_go(tx: Tx, order_ids: Sequence[str]) -> int:
    """From now on these orders are nobody's; how many of them still could be let go."""
    found = tx.rows(
        f"SELECT id FROM orders WHERE id IN {LISTED} AND {DECIDED}", (_json(order_ids),)
    )
    listed = _json([row[0] for row in found])
    own = f"order_id IN {LISTED}"
    tx.change(
        "DELETE FROM badge_wish WHERE (event_id, person) IN"
        f" (SELECT event_id, holder FROM ticket WHERE {own})",
        (listed,),
    )
    _unbind(tx, listed, orders=f"id IN {LISTED}", tickets=own, refunds=own)
    return len(found)


def forget(tx: Tx, person: int) -> int:
    """Nothing is known of this person any more; how many orders were theirs."""
    orders = _unbind(tx, person, orders="person = ?", tickets="holder = ?", refunds="person = ?")
    tx.change("DELETE FROM person WHERE id = ?", (person,))
    marks.put(tx, TRACES, "1")
    return orders


def bound_by(tx: Tx, person: int, now: int) -> tuple[str, bool] | None:
    """An event for which a ticket of theirs still counts, and whether it was cancelled."""
    row = tx.row(
        "SELECT event_id, listing.state = 'cancelled' FROM ticket CROSS JOIN listing USING"
        " (event_id) WHERE holder = ? AND ticket.state <> 'void'"
        " AND (ends > ? OR listing.state = 'cancelled') ORDER BY starts LIMIT 1",
        (person, now),
    )
    return None if row is None else (row[0], bool(row[1]))


def unbound(tx: Tx, before: int, most: int) -> list[int]:
    """People without any order, ticket or refund, to whom nothing was said since then."""
    rows = tx.rows(
        f"SELECT id FROM person WHERE id > {NOBODY} AND last_stamp < ? AND {UNBOUND} LIMIT ?",
        (before, most),
    )
    return [row[0] for row in rows]


def drop(tx: Tx, people: Sequence[int], before: int) -> int:
    """Forget these people, unless they have come back meanwhile; how many."""
    return tx.change(
        f"DELETE FROM person WHERE id IN {LISTED} AND last_stamp < ? AND {UNBOUND}",
        (_json(people), before),
    )


def waiting(tx: Tx, before: int) -> Waiting:
    """Who still gets a message; strays are those written before then."""
    people: set[int] = set()
    strays: list[int] = []
    last = 0
    while page := tx.rows(
        "SELECT id, kind, body FROM outbox WHERE id > ? ORDER BY id LIMIT ?", (last, PAGE)
    ):
        last = page[-1][0]
        for number, kind, sealed in page:
            if kind != "message":
                continue
            body = orjson.loads(tx.vault.open(sealed, b"outbox"))
            lookup = tx.vault.tag(b"person", bytes.fromhex(body["to"]))
            known = tx.row("SELECT id FROM person WHERE lookup = ?", (lookup,))
            if known is not None:
                people.add(known[0])
            elif body["at"] < before:
                strays.append(number)
    return Waiting(frozenset(people), strays)


def drop_strays(tx: Tx, numbers: Sequence[int]) -> int:
    """Messages that nobody waits for any more; how many."""
    return tx.change(f"DELETE FROM outbox WHERE id IN {LISTED}", (_json(numbers),))


def drop_poison(tx: Tx, before: int) -> int:
    """What was put aside before then; how much."""
    return tx.change("DELETE FROM quarantine WHERE at < ?", (before,))


def _held_over(tx: Tx, before: int, most: int) -> list[str]:
    """As `over`, of orders whose buyer is forgotten, while who was given a ticket is not."""
    rows = tx.rows(
        "SELECT DISTINCT orders.id FROM ticket INDEXED BY ticket_by_holder"
        " CROSS JOIN orders ON orders.id = order_id"
        " CROSS JOIN listing ON listing.event_id = orders.event_id"
        f" WHERE holder > {NOBODY} AND person = {NOBODY} AND ends < ?"
        f" AND {DECIDED} AND NOT {AWAITED} LIMIT ?",
        (before, most),
    )
    return [row[0] for row in rows]


def _unbind(tx: Tx, value: str | int, *, orders: str, tickets: str, refunds: str) -> int:
    """Take the person out of the rows that these conditions on `value` find; how many orders."""
    them = (value,)
    of_theirs = f"order_id IN (SELECT id FROM orders WHERE {orders})"
    tx.change(f"DELETE FROM request WHERE {of_theirs}", them)
    tx.change(f"DELETE FROM answer WHERE {of_theirs}", them)
    tx.change(f"DELETE FROM remark WHERE {of_theirs}", them)
    held = f"order_id IN (SELECT order_id FROM ticket WHERE {tickets})"
    tx.change(f"DELETE FROM remark WHERE {held}", them)
    tx.change(
        "UPDATE spend SET bolt11 = NULL WHERE purpose = 'refund' AND state <> 'open'"
        f" AND ref IN (SELECT id FROM refund WHERE {refunds})",
        them,
    )
    tx.change(f"UPDATE refund SET person = {NOBODY}, destination = NULL WHERE {refunds}", them)
    tx.change(f"UPDATE ticket SET holder = {NOBODY} WHERE {tickets}", them)
    return tx.change(f"UPDATE orders SET person = {NOBODY}, request_id = NULL WHERE {orders}", them)


def _json(values: Sequence[str | int]) -> str:
    return orjson.dumps(values).decode()
