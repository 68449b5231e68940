"""Rows of the outbox by their keys, and what relays said of them."""

from __future__ import annotations

from tests.ledger.shelf import NOW
from ticketbot.ledger import outbox
from ticketbot.ledger.store import Tx


def put(tx: Tx, key: str, kind: str = "message", due: int = NOW) -> int:
    """The number of a new row."""
    outbox.put(tx, key, kind, due, {"text": key})
    row = tx.row("SELECT id FROM outbox WHERE key = ?", (key,))
    assert row is not None
    return int(row[0])


def test_rows_are_found_and_dropped_by_how_their_keys_begin(tx: Tx) -> None:
    assert not outbox.has_under(tx, "note:a")
    for key in ("note:a", "note:ab", "note:b", "note"):
        put(tx, key)
    assert outbox.has_under(tx, "note:a") and outbox.has_under(tx, "note:ab")
    assert not outbox.has_under(tx, "note:c") and not outbox.has_under(tx, "ote")
    outbox.drop_under(tx, "note:a")
    assert not outbox.has_under(tx, "note:a")
    assert tx.rows("SELECT key FROM outbox ORDER BY key") == [("note",), ("note:b",)]


def test_a_row_waits_and_then_is_due(tx: Tx) -> None:
    number = put(tx, "a", due=NOW + 5)
    assert outbox.waits(tx, number) and not outbox.waits(tx, number + 1)
    assert [outbox.is_due(tx, number, at) for at in (NOW + 4, NOW + 5)] == [False, True]
    assert not outbox.is_due(tx, number + 1, NOW + 9)
    outbox.done(tx, number)
    assert not outbox.waits(tx, number) and not outbox.is_due(tx, number, NOW + 9)


def test_a_row_that_is_armed_again_begins_anew(tx: Tx) -> None:
    outbox.arm(tx, "a", "errand", NOW + 5, {"say": "hi"})
    (row,) = outbox.due(tx, "errand", NOW + 5, frozenset(), 9)
    assert (row.key, row.attempts, row.body) == ("a", 0, {"say": "hi"})
    assert tx.row("SELECT put_at FROM outbox") == (NOW + 5,)
    outbox.postpone(tx, row.id, NOW + 60)
    outbox.arm(tx, "a", "errand", NOW + 99, {"say": "ho"})
    assert outbox.due(tx, "errand", NOW + 98, frozenset(), 9) == []
    (again,) = outbox.due(tx, "errand", NOW + 99, frozenset(), 9)
    assert (again.id, again.attempts, again.body) == (row.id, 0, {"say": "ho"})


def test_a_relay_says_yes_once(tx: Tx) -> None:
    first, second = put(tx, "a"), put(tx, "b")
    for relay in ("wss://one", "wss://two", "wss://one"):
        outbox.accept(tx, first, relay)
    outbox.accept(tx, second + 1, "wss://one")  # it is done
    assert outbox.accepted(tx, first) == {"wss://one", "wss://two"}
    assert outbox.accepted(tx, second) == set()
    outbox.done(tx, first)
    assert tx.row("SELECT count(*) FROM accepted") == (0,)
