"""What was tried in vain or put aside, and a restored ledger that waits for an operator."""

from __future__ import annotations

from tests.ledger.shelf import DAY, NOW, listing, on_sale, order, owed, paid
from ticketbot.domain.payout import Payout
from ticketbot.domain.spending import State
from ticketbot.ledger import outbox, payouts, refunds, restored, shares, stuck
from ticketbot.ledger.store import Tx
from ticketbot.ledger.stuck import SOME_TRIES, Stuck

HASH = "a" * 64


def waits(tx: Tx, key: str, tries: int, kind: str = "message") -> int:
    """A row of the outbox that was tried so often; its number."""
    outbox.put(tx, key, kind, NOW, {"text": key})
    row = tx.row("SELECT id FROM outbox WHERE key = ?", (key,))
    assert row is not None
    for _ in range(tries):
        outbox.postpone(tx, row[0], NOW + 60)
    return int(row[0])


def test_the_oldest_of_what_is_stuck_is_shown(tx: Tx) -> None:
    assert stuck.found(tx, 9) == []
    waits(tx, "young", SOME_TRIES - 1)
    first, second = waits(tx, "old", SOME_TRIES), waits(tx, "older", SOME_TRIES + 1)
    outbox.quarantine(tx, "inbox", "letter", "boom", b"{}", NOW + 1)
    outbox.quarantine(tx, "refund", "refund:r1", "boom", b"{}", NOW + 2)
    shown = [
        Stuck("inbox:1", "inbox", "letter", NOW + 1),
        Stuck("put-aside:2", "refund", "refund:r1", NOW + 2),
        Stuck(f"waiting:{first}", "message", "old", NOW, SOME_TRIES, NOW + 60),
        Stuck(f"waiting:{second}", "message", "older", NOW, SOME_TRIES + 1, NOW + 60),
    ]
    assert stuck.found(tx, 9) == shown
    assert [stuck.found(tx, most) for most in (1, 2, 3)] == [shown[:1], shown[:2], shown[:3]]


def test_what_money_hangs_on_fails_until_it_goes_through(tx: Tx) -> None:
    for kind in ("refund", "payout", "closing", "errand", "message"):
        outbox.put(tx, f"{kind}:1", kind, NOW, {})
        outbox.quarantine(tx, kind, f"{kind}:1", "boom", b"{}", NOW)
    assert stuck.failing(tx) == 4
    outbox.drop(tx, "refund:1")
    assert stuck.failing(tx) == 3


def test_what_is_stuck_is_tried_again(tx: Tx) -> None:
    number = waits(tx, "old", SOME_TRIES)
    other = waits(tx, "other", SOME_TRIES)
    outbox.quarantine(tx, "inbox", "letter", "boom", b"{}", NOW)
    outbox.quarantine(tx, "refund", "refund:r1", "boom", b'{"refund":"r1"}', NOW)
    letter, aside, waiting, _ = stuck.found(tx, 9)
    assert stuck.hasten(tx, waiting, NOW + 5)
    assert tx.row("SELECT due, attempts FROM outbox WHERE id = ?", (number,)) == (NOW + 5, 0)
    assert tx.row("SELECT attempts FROM outbox WHERE id = ?", (other,)) == (SOME_TRIES,)
    assert stuck.hasten(tx, aside, NOW + 6)
    assert outbox.body_of(tx, "refund:r1") == {"refund": "r1"}
    assert tx.row("SELECT kind, due FROM outbox WHERE key = 'refund:r1'") == ("refund", NOW + 6)
    assert not stuck.hasten(tx, aside, NOW + 7)
    assert not stuck.hasten(tx, letter, NOW + 7)
    outbox.done(tx, number)
    assert not stuck.hasten(tx, waiting, NOW + 7)
    assert [one.name for one in stuck.found(tx, 9)] == [letter.name, f"waiting:{other}"]


def test_letters_that_were_put_aside_are_heard_again_once(tx: Tx) -> None:
    for number in (1, 2, 3):
        outbox.quarantine(tx, "inbox", f"k{number}", "boom", b"%d" % number, NOW)
    outbox.quarantine(tx, "refund", "r", "boom", b"{}", NOW)
    assert stuck.take_letters(tx, "inbox:2", 9) == [b"2"]
    assert stuck.take_letters(tx, "inbox:2", 9) == stuck.take_letters(tx, "put-aside:4", 9) == []
    assert stuck.take_letters(tx, None, 1) == [b"1"]
    assert stuck.take_letters(tx, None, 9) == [b"3"]
    assert [one.name for one in stuck.found(tx, 9)] == ["put-aside:4"]


def test_a_restored_ledger_sends_nothing_until_it_is_told_to(tx: Tx) -> None:
    restored.mark(tx, NOW, NOW - DAY)
    assert restored.refunds_wait(tx) == restored.payouts_wait(tx) == NOW - DAY
    restored.mark(tx, NOW + 5, NOW + 1)  # restored again, from a backup that was waiting itself
    assert restored.refunds_wait(tx) == restored.payouts_wait(tx) == NOW - DAY
    restored.payouts_go_on(tx)
    assert restored.payouts_wait(tx) is None and restored.refunds_wait(tx) == NOW - DAY
    restored.refunds_go_on(tx)
    assert restored.refunds_wait(tx) is None


def test_what_may_have_been_paid_by_hand(tx: Tx) -> None:
    on_sale(tx)
    assert not restored.refunded_by_hand(tx) and not restored.paid_out_by_hand(tx)
    outbox.put(tx, "closing:lisbon", "closing", NOW, {})
    assert restored.refunded_by_hand(tx)
    outbox.drop(tx, "closing:lisbon")
    one = order(tx, "a" * 12)
    paid(tx, one, HASH, "refund")
    refund = owed(tx, one, "a-r1", HASH, amount_msat=1)
    assert restored.refunded_by_hand(tx) and not restored.paid_out_by_hand(tx)
    refunds.move(tx, refund, State.SENT, NOW)
    assert not restored.refunded_by_hand(tx)
    payout = Payout("p1", "0a" * 32, 1, State.DUE, NOW)
    payouts.decide(tx, payout, None)
    assert restored.paid_out_by_hand(tx)
    payouts.move(tx, payout, State.SENT, NOW)
    assert not restored.paid_out_by_hand(tx)
    shares.sold(tx, listing(), HASH, 5_000, 0, NOW)
    assert restored.paid_out_by_hand(tx)
