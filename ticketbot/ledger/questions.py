"""What buyers are asked before their seats are held, and what they answered. All of it sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from ticketbot.domain.command import Buy
from ticketbot.ledger.store import Tx

SEALED_WISH, SEALED_ANSWERS = b"checkout", b"answer"
Answers = tuple[tuple[str, str], ...]


class Pending(NamedTuple):
    """A purchase that waits for an answer: what is wanted, and since when (unix seconds)."""

    wish: Buy
    at: int


def wait(tx: Tx, person: int, wish: Buy, now: int) -> None:
    """Keep a wish until its buyer has answered; it takes the place of an earlier one."""
    body = [wish.words, wish.quantity, wish.tier, wish.whole, wish.code, wish.answers, wish.of_age]
    tx.change(
        "INSERT INTO checkout (person, at, wish) VALUES (?, ?, ?)"
        " ON CONFLICT (person) DO UPDATE SET at = excluded.at, wish = excluded.wish",
        (person, now, tx.vault.seal(orjson.dumps(body), SEALED_WISH)),
    )


def pending(tx: Tx, person: int) -> Pending | None:
    """The purchase that waits for this person's answer."""
    row = tx.row("SELECT wish, at FROM checkout WHERE person = ?", (person,))
    if row is None:
        return None
    words, quantity, tier, whole, code, said, of_age = orjson.loads(
        tx.vault.open(row[0], SEALED_WISH)
    )
    pairs = tuple((question, answer) for question, answer in said)
    return Pending(Buy(tuple(words), quantity, tier, whole, code, pairs, of_age), row[1])


def give_up(tx: Tx, person: int) -> None:
    """Nobody is asked any more."""
    tx.change("DELETE FROM checkout WHERE person = ?", (person,))


def forget(tx: Tx, before: int) -> int:
    """Drop purchases that have waited since before then; how many."""
    return tx.change("DELETE FROM checkout WHERE at < ?", (before,))


def keep(tx: Tx, order_id: str, said: Sequence[tuple[str, str]]) -> None:
    """Write what the buyer of an order answered, as (question, answer)."""
    if said:
        sealed = tx.vault.seal(orjson.dumps(said), SEALED_ANSWERS)
        tx.change("INSERT INTO answer (order_id, said) VALUES (?, ?)", (order_id, sealed))


def answers(tx: Tx, order_id: str) -> Answers:
    """(question, answer) pairs of an order in the order they were asked; '' was skipped.

    They are the buyer's own words in one line of at most 200 characters; whoever shows them
    says so, and keeps their cells from being read as formulas.
    """
    row = tx.row("SELECT said FROM answer WHERE order_id = ?", (order_id,))
    if row is None:
        return ()
    said = orjson.loads(tx.vault.open(row[0], SEALED_ANSWERS))
    return tuple((question, answer) for question, answer in said)
