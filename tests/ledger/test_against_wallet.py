"""The ledger beside the wallet's own lists: what differs is named, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.shelf import BOB, NOW, SAT, invoiced, on_sale, order, owed, paid, shelf, ticket
from ticketbot.domain.payout import Payout
from ticketbot.domain.spending import State as RefundState
from ticketbot.ledger import audit, money, payouts, refunds, spends
from ticketbot.ledger.audit import Received, Sent, Totals
from ticketbot.ledger.audit.wallet import is_ours, is_spend
from ticketbot.ledger.spends import Spend
from ticketbot.ledger.store import Tx

HASH, OTHER, THIRD, OUT, STRANGE = ("a" * 64, "b" * 64, "c" * 64, "d" * 64, "e" * 64)
PAID = 5_000 * SAT
AT = NOW + 60  # when shelf.paid credits


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    """One order that became a ticket, one whose money went back, one that waits."""
    with shelf(tmp_path) as tx:
        on_sale(tx)
        bought, returned = order(tx, "a" * 12), order(tx, "b" * 12, BOB)
        paid(tx, bought, HASH)
        paid(tx, returned, OTHER, "refund")
        refund = owed(tx, returned, "b-r1", OTHER)
        spends.keep(
            tx, "refund", Spend(OUT, refund.id, PAID, "open", NOW + 70, NOW + 999, "lnbcout")
        )
        spends.close(tx, OUT, "paid", 7)
        refunds.move(tx, refund, RefundState.SENT, NOW + 80)
        invoiced(tx, order(tx, "c" * 12), THIRD)
        yield tx


CAME = [
    Received(HASH, PAID, f"{'a' * 12}-1"),
    Received(STRANGE, 9, "shop-7"),
    Received(OTHER, PAID, f"{'b' * 12}-1"),
]
WENT = [Sent(STRANGE, 1, 1), Sent(OUT, PAID, 7)]


def differences(tx: Tx, name: str, *args: object, **options: object) -> tuple[str, ...]:
    """What one finding of `check_wallet` says."""
    found = audit.check_wallet(tx, *args, **options)  # type: ignore[arg-type]
    return next(one.broken for one in found if one.name == name)


def test_equal_lists_differ_in_nothing_and_each_finding_says_what_it_means(tx: Tx) -> None:
    found = audit.check_wallet(tx, CAME, 10**9, WENT)
    assert [(one.name, one.kept) for one in found] == [("I4", True), ("I4b", True), ("I7", True)]
    assert all("wallet" in one.says for one in found)
    assert [one.name for one in audit.check_wallet(tx, CAME, None)] == ["I4"]
    assert audit.behind(tx, CAME, WENT) == ([], [])
    assert audit.totals(tx) == Totals(3, 0, 2 * PAID, PAID, 0, PAID)


def test_money_that_came_and_was_not_credited(tx: Tx) -> None:
    waits = Received(THIRD, 7, "an id that the wallet lost")
    assert is_ours(tx, waits)
    assert differences(tx, "I4", [CAME[1], waits, *CAME], None) == (
        f"{THIRD}: the wallet received 7 msat for an id that the wallet lost, "
        "the ledger has nothing",
    )
    assert audit.behind(tx, [waits, *CAME], WENT) == ([waits], [])


def test_money_is_ours_by_the_id_that_it_was_asked_under(tx: Tx) -> None:
    twin = Received(STRANGE, PAID, f"{'c' * 12}-1")
    assert is_ours(tx, twin)
    assert not is_ours(tx, twin._replace(external_id=f"{'c' * 12}-2"))
    assert not is_ours(tx, twin._replace(external_id=None))
    assert not is_ours(tx, Received(OUT, PAID, None))  # it paid itself
    assert is_spend(tx, Sent(OUT, PAID, 7))
    assert not is_spend(tx, Sent(HASH, PAID, 0)) and not is_spend(tx, Sent(STRANGE, 1, 0))


def test_credits_that_the_wallet_does_not_show_in_the_time_it_was_asked_for(tx: Tx) -> None:
    gone = (f"{HASH}: the ledger credits {PAID} msat that the wallet does not show",)
    without = CAME[1:]
    assert differences(tx, "I4", without, None) == gone
    assert differences(tx, "I4", without, None, since=AT, began=AT + 1) == gone
    assert differences(tx, "I4", without, None, since=AT + 1) == ()
    assert differences(tx, "I4", without, None, began=AT) == ()


def test_what_went_out_is_what_the_ledger_calls_paid(tx: Tx) -> None:
    assert differences(tx, "I4b", CAME, None, [WENT[0], Sent(OUT, PAID, 8)]) == (
        f"{OUT}: the wallet paid {PAID} msat and 8 of fee, "
        f"the ledger calls {PAID} msat and 7 of fee paid",
    )
    assert audit.behind(tx, CAME, [Sent(OUT, PAID - 1, 7)])[1] == [Sent(OUT, PAID - 1, 7)]
    gone = (f"{OUT}: the ledger paid {PAID} msat that the wallet does not show",)
    sent_at = NOW + 80
    assert differences(tx, "I4b", CAME, None, WENT[:1]) == gone
    assert differences(tx, "I4b", CAME, None, [], since=sent_at, began=sent_at + 1) == gone
    assert differences(tx, "I4b", CAME, None, [], since=sent_at + 1) == ()
    assert differences(tx, "I4b", CAME, None, [], began=sent_at) == ()


def test_the_wallet_holds_what_is_owed(tx: Tx) -> None:
    owed(tx, order(tx, "d" * 12), "d-r1", OTHER, amount_msat=40)
    money.post(tx, "payment:1", NOW, ("wallet", 100), ("organizer:anna", -100))
    money.post(tx, "payment:2", NOW + 5, ("wallet", 30), ("organizer:bert", -30))
    money.post(tx, "payment:3", NOW, ("wallet", -9), ("organizer:carl", 9))  # paid too much
    later = AT + 1
    assert audit.owed_at(tx, later, ()) == (40, 130)
    assert audit.owed_at(tx, AT, ()) == (0, 130)
    assert audit.owed_at(tx, NOW + 5, ()) == (0, 100)
    assert audit.owed_at(tx, later, ["anna"]) == (40, 30)
    assert differences(tx, "I7", CAME, 170, began=later) == ()
    assert differences(tx, "I7", CAME, 70, began=later, operators=["anna"]) == ()
    assert differences(tx, "I7", CAME, 169, began=later) == (
        "balance: the wallet holds 169 msat; 40 msat are owed to buyers and 130 msat to organizers",
    )


def test_what_is_set_aside_is_owed_until_it_may_have_left(tx: Tx) -> None:
    money.post(tx, "payment:1", NOW, ("wallet", 900_000), ("organizer:anna", -900_000))
    payout = Payout("p1", "anna", 300_000, RefundState.DUE, NOW + 5)
    money.post(tx, "payout:p1", NOW + 5, ("organizer:anna", 300_000), ("payouts", -300_000))
    payouts.decide(tx, payout, None)
    later = NOW + 6
    assert audit.owed_at(tx, NOW + 5, ()) == (0, 900_000)
    assert audit.owed_at(tx, later, ()) == (0, 900_000)  # it is due
    payouts.move(tx, payout, RefundState.SENDING, NOW)
    assert audit.owed_at(tx, later, ()) == (0, 597_000)  # and what its way may cost
    payouts.move(tx, payout, RefundState.SENT, NOW)
    assert audit.owed_at(tx, later, ()) == (0, 600_000)


def test_a_ledger_is_counted_by_what_lives(tx: Tx) -> None:
    one = order(tx, "d" * 12)
    ticket(tx, one, "a" * 16)
    ticket(tx, one, "b" * 16, state="void")
    owed(tx, one, "d-r1", HASH, amount_msat=40)
    assert audit.totals(tx) == Totals(4, 1, 2 * PAID, PAID, 40, PAID)
