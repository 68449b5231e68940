"""What organizers earn and are paid out, as the ledger finds it again."""

from __future__ import annotations

import sqlite3

import pytest

from tests.ledger.shelf import DAY, NOW, SAT, listing, on_sale, order, paid, ticket
from ticketbot.domain.order import State as OrderState
from ticketbot.domain.payout import Account, Part, Payout
from ticketbot.domain.spending import State
from ticketbot.ledger import accounts, outbox, payouts, shares, spends
from ticketbot.ledger.accounts import Sum
from ticketbot.ledger.audit.payouts import payouts as audit_of_payouts
from ticketbot.ledger.audit.payouts import shares as audit_of_shares
from ticketbot.ledger.payouts import Waiting
from ticketbot.ledger.spends import Spend
from ticketbot.ledger.store import Tx

ANNA, BERT = "0a" * 32, "0b" * 32
LISBON, PORTO = listing().event_id, listing("porto").event_id
HASH, OUT, OUT2 = "a" * 64, "d" * 64, "e" * 64


@pytest.fixture
def tx(tx: Tx) -> Tx:
    on_sale(tx)
    on_sale(tx, "porto", end=NOW + 9 * DAY)
    return tx


def decided(tx: Tx, payout_id: str, at: int = NOW, organizer: str = ANNA, sats: int = 10) -> Payout:
    payout = Payout(payout_id, organizer, sats * SAT, State.DUE, at)
    payouts.decide(tx, payout, None)
    return payout


def moved(tx: Tx, payout: Payout, state: State) -> Payout:
    payouts.move(tx, payout, state, NOW + 77)
    return payout._replace(state=state)


def entries(tx: Tx, ref: str) -> dict[str, int]:
    return dict(tx.rows("SELECT account, amount_msat FROM entry WHERE ref = ?", (ref,)))


def test_payouts_are_found_by_whose_they_are_and_whether_they_are_sent(tx: Tx) -> None:
    second, first = decided(tx, "p2", NOW + 2), decided(tx, "p1", NOW + 1)
    berts = decided(tx, "p3", NOW, BERT)
    assert payouts.get(tx, "p1") == first and payouts.get(tx, "nothing") is None
    assert payouts.of(tx, ANNA) == [second, first]
    assert payouts.of(tx, ANNA, 1) == [second]
    assert payouts.open_of(tx, ANNA) == [first, second]
    assert payouts.open_all(tx) == [berts, first, second]
    assert payouts.open_all(tx, 2) == [berts, first]
    for number in range(101):
        decided(tx, f"q{number:03}", NOW + 9, "0c" * 32, 1)
    assert len(payouts.open_all(tx)) == 100
    assert len(payouts.of(tx, "0c" * 32)) == 20
    assert payouts.total(tx) == 131 * SAT
    sending, sent = moved(tx, first, State.SENDING), moved(tx, second, State.SENT)
    assert payouts.of(tx, ANNA) == [sent, sending]
    assert payouts.open_of(tx, ANNA) == [sending]
    assert payouts.total(tx) == 121 * SAT
    assert tx.rows("SELECT id, sent_at FROM payout WHERE organizer = ? ORDER BY id", (ANNA,)) == [
        ("p1", None), ("p2", NOW + 77),
    ]  # fmt: skip


def test_what_operators_see_of_payouts_that_wait(tx: Tx) -> None:
    assert payouts.waiting(tx) == Waiting()
    first, second = decided(tx, "p1", sats=1), decided(tx, "p2", sats=20)
    third, fourth = decided(tx, "p3", sats=300), decided(tx, "p4", sats=4000)
    payouts.set_destination(tx, "p2", "anna@example.com")
    moved(tx, third, State.SENDING)
    moved(tx, fourth, State.SENT)
    for payout, payment_hash in ((second, OUT), (fourth, OUT2)):
        spends.keep(tx, "payout", Spend(payment_hash, payout.id, 1, "open", NOW, NOW + 9, "lnbc"))
        spends.close(tx, payment_hash, "failed")
    seen = payouts.waiting(tx)
    assert seen == Waiting(2, 21 * SAT, 1, 300 * SAT, 1, 1)
    assert seen.msat == 321 * SAT
    outbox.put(tx, "payout:p1", "payout", NOW, {})
    assert payouts.without_job(tx) == ["p2", "p3"]
    assert payouts.get(tx, first.id) == first


def test_where_a_payout_goes_is_sealed_and_gone_once_it_is_sent(tx: Tx) -> None:
    payout, other = decided(tx, "p1"), decided(tx, "p2")
    payouts.decide(tx, payout._replace(id="p3"), "bert@example.com")
    assert payouts.destination(tx, "p3") == "bert@example.com"
    assert payouts.destination(tx, "p1") is None
    payouts.set_destination(tx, "p1", "anna@example.com")
    assert payouts.destination(tx, "p1") == "anna@example.com"
    assert payouts.destination(tx, other.id) is None
    assert b"anna@" not in tx.row("SELECT destination FROM payout")[0]  # type: ignore[index]
    moved(tx, payout, State.SENDING)
    assert payouts.destination(tx, "p1") == "anna@example.com"
    moved(tx, payout, State.SENT)
    assert payouts.destination(tx, "p1") is None
    payouts.set_destination(tx, "p3", None)
    assert payouts.destination(tx, "p3") is None


def test_who_has_said_where_their_payouts_go_may_be_forgotten(tx: Tx) -> None:
    assert payouts.payee(tx, ANNA) is None
    payouts.set_payee(tx, BERT, "bert@example.com", NOW)
    payouts.set_payee(tx, ANNA, "anna@example.com", NOW)
    payouts.set_payee(tx, ANNA, "anna@example.org", NOW + 5)
    assert payouts.payee(tx, ANNA) == "anna@example.org"
    assert payouts.payees(tx) == [ANNA, BERT]
    assert tx.row("SELECT since FROM payee WHERE organizer = ?", (ANNA,)) == (NOW + 5,)
    for payout_id, organizer, payment_hash in (("p1", ANNA, OUT), ("p2", BERT, OUT2)):
        decided(tx, payout_id, organizer=organizer)
        one = Spend(payment_hash, payout_id, 10 * SAT, "open", NOW, NOW + 9, f"lnbc{organizer}")
        spends.keep(tx, "payout", one)
    payouts.forget(tx, ANNA)
    assert payouts.payees(tx) == [BERT]
    assert spends.of(tx, "payout", "p1")[0].bolt11 == f"lnbc{ANNA}"  # it may still be paid
    spends.close(tx, OUT, "paid")
    spends.close(tx, OUT2, "paid")
    payouts.forget(tx, ANNA)
    assert spends.of(tx, "payout", "p1")[0].bolt11 == ""
    assert spends.of(tx, "payout", "p2")[0].bolt11 == f"lnbc{BERT}"
    payouts.drop_payee(tx, BERT)
    assert payouts.payees(tx) == []


def test_a_payout_stays_on_the_network_of_what_buyers_paid(tx: Tx) -> None:
    shares.sold(tx, listing(), OUT, 20 * SAT, 0, NOW)
    shares.set_aside(tx, decided(tx, "p1"), [Part(LISBON, 10 * SAT)])
    assert payouts.own_bolt11(tx, "p1") is None
    bought = order(tx, "a" * 12, state=OrderState.PAID)
    ticket(tx, bought, "a" * 16)
    assert payouts.own_bolt11(tx, "p1") is None
    paid(tx, bought, HASH)
    assert payouts.own_bolt11(tx, "p1") == f"lnbc{HASH}"
    assert payouts.own_bolt11(tx, "p2") is None


def test_an_account_from_the_sale_to_the_payout(tx: Tx) -> None:
    assert not shares.earned(tx) and shares.organizers(tx) == []
    event = listing()
    shares.sold(tx, event, HASH, 5_000, 100, NOW)
    assert entries(tx, f"payment:{HASH}") == {
        "wallet": 5_000, f"organizer:{ANNA}": -4_900, "commission": -100,
    }  # fmt: skip
    shares.sold(tx, listing("porto", organizer=BERT, end=NOW + 9 * DAY), OUT, 300, 0, NOW)
    assert entries(tx, f"payment:{OUT}") == {"wallet": 300, f"organizer:{BERT}": -300}
    assert shares.earned(tx) and shares.organizers(tx) == [ANNA, BERT]
    payout = Payout("p1", ANNA, 4_000, State.DUE, NOW + 5)
    payouts.decide(tx, payout, None)
    shares.set_aside(tx, payout, [Part(LISBON, 3_000), Part(PORTO, 1_000)])
    assert entries(tx, "payout:p1") == {f"organizer:{ANNA}": 4_000, "payouts": -4_000}
    assert tx.row("SELECT at FROM entry WHERE ref = 'payout:p1'") == (NOW + 5,)
    assert shares.parts_of(tx, "p1") == [Part(LISBON, 3_000), Part(PORTO, 1_000)]
    assert shares.parts_of(tx, "p2") == []
    shares.paid_out(tx, payout, 8, NOW + 6)
    assert entries(tx, "paid:p1") == {"payouts": 4_000, f"organizer:{ANNA}": 8, "wallet": -4_008}
    assert tx.rows("SELECT event_id, fee_msat FROM payout_part ORDER BY event_id") == [
        (LISBON, 6), (PORTO, 2),
    ]  # fmt: skip
    (account,) = shares.accounts_of(tx, ANNA, 3 * DAY)
    free_at = event.end + 3 * DAY
    assert account == Account(
        LISBON, "LISBON", "Lisbon", 0, free_at, 5_000, 100, 0, 3_000, 6
    )  # fmt: skip
    assert account.balance == 1_894
    tx.change("UPDATE share SET paid_msat = 4894 WHERE event_id = ?", (LISBON,))
    tx.change("UPDATE share SET paid_msat = 300 WHERE event_id = ?", (PORTO,))
    assert not shares.earned(tx)


def test_a_payout_by_hand_leaves_the_wallet_alone(tx: Tx) -> None:
    shares.paid_by_hand(tx, Payout("p1", ANNA, 4_000, State.DUE, NOW), NOW + 3)
    assert entries(tx, "paid:p1") == {"payouts": 4_000, "by hand": -4_000}
    assert tx.row("SELECT at FROM entry") == (NOW + 3,)


def test_money_is_free_after_the_latest_end_that_was_promised_and_not_while_it_goes_back(
    tx: Tx,
) -> None:
    shares.sold(tx, listing(), HASH, 5_000, 0, NOW)
    shares.sold(tx, listing("porto", end=NOW + DAY), OUT, 300, 0, NOW)
    on_sale(tx, end=NOW + DAY)  # moved forward after the sale
    accounts = shares.accounts_of(tx, ANNA, 60)
    promised, moved_back = listing().end + 60, NOW + 9 * DAY + 60
    assert [(one.code, one.free_at) for one in accounts] == [
        ("LISBON", promised), ("PORTO", moved_back),
    ]  # fmt: skip
    outbox.put(tx, f"closing:{LISBON}", "closing", NOW, {})
    assert [one.free_at for one in shares.accounts_of(tx, ANNA, 60)] == [None, moved_back]
    assert shares.accounts_of(tx, BERT, 60) == []


def test_what_goes_back_takes_its_commission_along(tx: Tx) -> None:
    bought = order(tx, "a" * 12, state=OrderState.PAID)
    paid(tx, bought, HASH)
    tx.change("UPDATE payment SET amount_msat = 5000, commission_msat = 101")
    shares.sold(tx, listing(), HASH, 5_000, 101, NOW)
    shares.give_back(tx, HASH, "a-r1", 2_500, NOW + 1)
    assert entries(tx, "refund:a-r1") == {
        f"organizer:{ANNA}": 2_450, "commission": 50, "refunds": -2_500,
    }  # fmt: skip
    shares.give_back(tx, HASH, "a-r2", 2_500, NOW + 2)
    assert entries(tx, "refund:a-r2")["commission"] == 51
    assert tx.row("SELECT back_msat, returned_msat FROM payment") == (5_000, 101)
    (account,) = shares.accounts_of(tx, ANNA, 0)
    assert (account.gross, account.commission, account.refunded) == (5_000, 0, 5_000)
    assert account.balance == 0
    assert audit_of_shares(tx) == [f"{HASH}: 5000 msat of it went back, the refunds say 0"]


def test_nothing_is_not_written_into_the_book(tx: Tx) -> None:
    paid(tx, order(tx, "a" * 12, state=OrderState.PAID), HASH)
    shares.sold(tx, listing(), HASH, 5_000 * SAT, 0, NOW)
    shares.give_back(tx, HASH, "a-r1", 1_000 * SAT, NOW + 1)
    assert entries(tx, "refund:a-r1") == {
        f"organizer:{ANNA}": 1_000 * SAT, "refunds": -1_000 * SAT,
    }  # fmt: skip
    payout = decided(tx, "p1")
    shares.set_aside(tx, payout, [Part(LISBON, 10 * SAT)])
    shares.paid_out(tx, payout, 0, NOW + 2)
    assert entries(tx, "paid:p1") == {"payouts": 10 * SAT, "wallet": -10 * SAT}


def test_a_treasurer_sees_what_is_paid_out(tx: Tx) -> None:
    shares.sold(tx, listing(), HASH, 100_000 * SAT, 0, NOW)
    states = {"p1": State.DUE, "p2": State.SENDING, "p3": State.SENT, "p4": State.SENT}
    for number, (payout_id, state) in enumerate(states.items(), 1):
        payout = decided(tx, payout_id, sats=10**number)
        shares.set_aside(tx, payout, [Part(LISBON, payout.amount_msat)])
        moved(tx, payout, state)
    spends.keep(tx, "payout", Spend(OUT, "p3", 1_000 * SAT, "open", NOW, NOW + 9, "lnbc"))
    spends.close(tx, OUT, "paid", 7)
    shares.paid_out(tx, payout._replace(id="p3", amount_msat=1_000 * SAT), 7, NOW)
    seen = accounts.sums(tx)
    assert (seen.payouts_due, seen.payouts_sending) == (Sum(1, 10 * SAT), Sum(1, 100 * SAT))
    assert seen.payouts_sent == Sum(2, 11_000 * SAT)
    assert seen.payouts_by_hand == Sum(1, 10_000 * SAT)
    assert (seen.payout_fees, seen.fees) == (7, 0)
    assert seen.shares == Sum(1, 88_890 * SAT - 7)


def test_the_audit_names_what_is_wrong_with_an_account_and_a_payout(tx: Tx) -> None:
    payout = decided(tx, "p1")
    tx.change("INSERT INTO share (event_id, organizer, ends) VALUES (?, ?, ?)", (LISBON, ANNA, NOW))
    shares.set_aside(tx, payout, [Part(LISBON, 10 * SAT)])
    assert audit_of_payouts(tx) == []
    assert audit_of_shares(tx) == [f"{LISBON}: 10000 msat were paid out, and it brought 0 msat"]
    moved(tx, payout, State.SENT)
    (broken,) = audit_of_payouts(tx)
    assert broken == (
        "payout p1 of 10000 msat is sent, with 0 bolt11s paid, 0 under way, 0 of another amount,"
        " not paid by hand; its parts are 10000 msat, 0 of fee odd"
    )
    shares.paid_by_hand(tx, payout, NOW)
    assert audit_of_payouts(tx) == []
    moved(tx, payout, State.SENDING)
    assert audit_of_payouts(tx) == [
        "payout p1 of 10000 msat is sending, with 0 bolt11s paid, 0 under way, 0 of another amount,"
        " and paid by hand; its parts are 10000 msat, 0 of fee odd"
    ]
    moved(tx, payout, State.SENT)
    spends.keep(tx, "payout", Spend(OUT, "nobody", 1, "open", NOW, NOW + 9, "lnbc"))
    assert audit_of_payouts(tx) == [f"bolt11 {OUT} pays a payout that is not there"]


def test_a_payout_on_its_way_has_one_bolt11_under_way(tx: Tx) -> None:
    shares.sold(tx, listing(), HASH, 50 * SAT, 0, NOW)
    payout = decided(tx, "p1")
    shares.set_aside(tx, payout, [Part(LISBON, 10 * SAT)])
    spends.keep(tx, "payout", Spend(OUT, "p1", 10 * SAT, "open", NOW, NOW + 9, "lnbc"))
    assert len(audit_of_payouts(tx)) == 1  # it is due
    moved(tx, payout, State.SENDING)
    assert audit_of_payouts(tx) == []
    with pytest.raises(sqlite3.IntegrityError), tx.savepoint():
        spends.keep(tx, "payout", Spend(OUT2, "p1", 10 * SAT, "open", NOW, NOW + 9, "lnbc"))
    spends.close(tx, OUT, "failed")
    (broken,) = audit_of_payouts(tx)
    assert "is sending, with 0 bolt11s paid, 0 under way, 0 of another amount, not" in broken
    spends.keep(tx, "payout", Spend(OUT2, "p1", 10 * SAT, "open", NOW, NOW + 9, "lnbc"))
    assert audit_of_payouts(tx) == []
    spends.close(tx, OUT2, "paid", 7)
    moved(tx, payout, State.SENT)
    (broken,) = audit_of_payouts(tx)
    assert "is sent, with 1 bolt11s paid, 0 under way" in broken and "-7 of fee odd" in broken
    shares.paid_out(tx, payout, 7, NOW)
    assert audit_of_payouts(tx) == []
    tx.change("UPDATE spend SET amount_msat = 1 WHERE payment_hash = ?", (OUT,))
    (broken,) = audit_of_payouts(tx)
    assert "1 of another amount" in broken
