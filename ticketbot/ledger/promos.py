"""Codes that make tickets cheaper: what they are worth, and how many tickets they were used for.

A use counts from the moment its seats are held. It is given back when the hold ends unpaid, and
never once it was paid for.
"""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.domain.pricing import Reduction
from ticketbot.domain.when import HOUR
from ticketbot.ledger.store import Row, Tx

COLUMNS = "id, event_id, code, percent, off_msat, tier, most, until, used, stopped"
GUESSED_FOR = HOUR
SEALED = b"promo"


class Promo(NamedTuple):
    """A code and its terms. `code` is empty once it was forgotten; `until` in unix seconds.

    `most` and `used` count tickets. `tier` None: every kind of ticket; '': those without a tier.
    """

    id: int
    event_id: str
    code: str
    reduction: Reduction
    tier: str | None
    most: int | None
    until: int | None
    used: int
    stopped: bool

    @property
    def left(self) -> int | None:
        """For how many more tickets it is good; None = any number."""
        return None if self.most is None else self.most - self.used


def named(tx: Tx, event_id: str, code: str) -> Promo | None:
    """The event's code that is spelled so."""
    row = tx.row(f"SELECT {COLUMNS} FROM promo WHERE lookup = ?", (_lookup(tx, event_id, code),))
    return None if row is None else _promo(tx, row)


def save(tx: Tx, promo: Promo) -> Promo:
    """Make a code, or give one of this name these terms; what was used of it stays used.

    `id`, `used` and `stopped` are the ledger's to say.
    """
    tx.change(
        "INSERT INTO promo (event_id, lookup, code, percent, off_msat, tier, most, until)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (lookup) DO UPDATE SET"
        " code = ?3, percent = ?4, off_msat = ?5, tier = ?6, most = max(?7, used), until = ?8,"
        " stopped = 0",
        (
            promo.event_id,
            _lookup(tx, promo.event_id, promo.code),
            tx.vault.seal(promo.code.encode(), SEALED),
            *promo.reduction,
            promo.tier,
            promo.most,
            promo.until,
        ),
    )
    saved = named(tx, promo.event_id, promo.code)
    assert saved is not None
    return saved


def stop(tx: Tx, promo_id: int) -> None:
    """No more orders with it."""
    tx.change("UPDATE promo SET stopped = 1 WHERE id = ?", (promo_id,))


def of_event(tx: Tx, event_id: str) -> list[Promo]:
    """The codes of an event, oldest first."""
    rows = tx.rows(f"SELECT {COLUMNS} FROM promo WHERE event_id = ? ORDER BY id", (event_id,))
    return [_promo(tx, row) for row in rows]


class Applied(NamedTuple):
    """A code as the buyer of an order sees it: its word, and what it took off in all, in msat."""

    code: str
    saved_msat: int


def bind(tx: Tx, promo_id: int, order_id: str, quantity: int, saved_msat: int) -> None:
    """Remember with which code an order was placed; its uses do not count yet."""
    tx.change(
        "INSERT INTO promo_use (order_id, promo, quantity, counts, saved_msat)"
        " VALUES (?, ?, ?, 0, ?)",
        (order_id, promo_id, quantity, saved_msat),
    )


def applied(tx: Tx, order_id: str) -> Applied | None:
    """What an order was made cheaper by; None without a code, or once its word is forgotten."""
    row = tx.row(
        "SELECT code, saved_msat FROM promo_use JOIN promo ON promo.id = promo_use.promo"
        " WHERE order_id = ? AND code IS NOT NULL",
        (order_id,),
    )
    return None if row is None else Applied(tx.vault.open(row[0], SEALED).decode(), row[1])


def count(tx: Tx, order_id: str) -> bool:
    """Let the uses of an order count; False when the code has not so many left."""
    use = _use(tx, order_id)
    if use is None or use[2]:
        return True
    taken = tx.change(
        "UPDATE promo SET used = used + ?1 WHERE id = ?2 AND (most IS NULL OR used + ?1 <= most)",
        (use[1], use[0]),
    )
    if taken:
        tx.change("UPDATE promo_use SET counts = 1 WHERE order_id = ?", (order_id,))
    return bool(taken)


def of_order(tx: Tx, order_id: str) -> int | None:
    """The number of the code with which an order was placed."""
    use = _use(tx, order_id)
    return None if use is None else use[0]


def reduction_of(tx: Tx, order_id: str) -> Reduction | None:
    """What the code of an order takes off now."""
    row = tx.row(
        "SELECT percent, off_msat FROM promo_use JOIN promo ON promo.id = promo_use.promo"
        " WHERE order_id = ?",
        (order_id,),
    )
    return None if row is None else Reduction(*row)


def give_back(tx: Tx, order_id: str) -> None:
    """The uses of an order that was not paid for can be had again."""
    use = _use(tx, order_id)
    if use is not None and use[2]:
        tx.change("UPDATE promo SET used = used - ? WHERE id = ?", (use[1], use[0]))
        tx.change("UPDATE promo_use SET counts = 0 WHERE order_id = ?", (order_id,))


def has_room(tx: Tx, order_id: str) -> bool:
    """Whether the code of an order, if it has one, is good for its tickets still."""
    row = tx.row(
        "SELECT 1 FROM promo_use JOIN promo ON promo.id = promo_use.promo"
        " WHERE order_id = ? AND NOT counts AND used + quantity > most",
        (order_id,),
    )
    return row is None


def guessed(tx: Tx, person: int, now: int) -> None:
    """Somebody named a code that is none; what is older than an hour is forgotten."""
    tx.change("DELETE FROM promo_guess WHERE at <= ?", (now - GUESSED_FOR,))
    tx.change("INSERT INTO promo_guess (person, at) VALUES (?, ?)", (person, now))


def guesses(tx: Tx, person: int, now: int) -> int:
    """How often they did so within the last hour."""
    row = tx.row(
        "SELECT count(*) FROM promo_guess WHERE person = ? AND at > ?", (person, now - GUESSED_FOR)
    )
    return int(row[0]) if row else 0


def forget(tx: Tx, before: int) -> int:
    """Lose the words of codes whose event ended before then; what they did stays; how many."""
    return tx.change(
        "UPDATE promo SET code = NULL WHERE code IS NOT NULL"
        " AND event_id IN (SELECT event_id FROM listing WHERE ends < ?)",
        (before,),
    )


def miscounted(tx: Tx) -> list[str]:
    """Codes whose uses are not those of their orders, for the audit. It names none."""
    rows = tx.rows(
        "SELECT promo.id, used, coalesce(sum(quantity * counts), 0) AS counted FROM promo"
        " LEFT JOIN promo_use ON promo_use.promo = promo.id GROUP BY promo.id"
        " HAVING used <> counted"
    )
    broken = [f"code {i}: used {u} times, by its orders {c} times" for i, u, c in rows]
    rows = tx.rows("SELECT id, used, most FROM promo WHERE used > most")
    broken += [f"code {i}: used {u} times, and good for {m}" for i, u, m in rows]
    rows = tx.rows(
        "SELECT orders.id, state, counts FROM promo_use JOIN orders ON orders.id = order_id"
        " WHERE orders.quantity <> promo_use.quantity"
        " OR (counts = 0 AND state IN ('held', 'invoiced', 'paid'))"
        " OR (counts = 1 AND state = 'released')"
    )
    return broken + [
        f"order {i} is {s}, and its code is {'' if c else 'not '}used" for i, s, c in rows
    ]


def _use(tx: Tx, order_id: str) -> tuple[int, int, bool] | None:
    """(code, tickets, whether they count) of an order that was placed with one."""
    row = tx.row("SELECT promo, quantity, counts FROM promo_use WHERE order_id = ?", (order_id,))
    return None if row is None else (row[0], row[1], bool(row[2]))


def _lookup(tx: Tx, event_id: str, code: str) -> bytes:
    return tx.vault.tag(SEALED, f"{event_id}\0{code}".encode())


def _promo(tx: Tx, row: Row) -> Promo:
    number, event_id, sealed, percent, off_msat, tier, most, until, used, stopped = row
    code = "" if sealed is None else tx.vault.open(sealed, SEALED).decode()
    worth = Reduction(percent, off_msat)
    return Promo(number, event_id, code, worth, tier, most, until, used, bool(stopped))
