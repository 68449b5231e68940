"""Refunds, what pays them, and the book: as the ledger finds them again."""

from __future__ import annotations

import pytest

from tests.ledger.shelf import (
    BOB,
    DAY,
    NOW,
    SAT,
    invoiced,
    listing,
    on_sale,
    order,
    owed,
    paid,
    ticket,
)
from ticketbot.domain.order import State
from ticketbot.domain.spending import State as RefundState
from ticketbot.ledger import (
    accounts,
    forgetting,
    marks,
    money,
    orphans,
    outbox,
    overview,
    people,
    refunds,
    spends,
)
from ticketbot.ledger import tickets as ledger_tickets
from ticketbot.ledger.accounts import Flows, Sum
from ticketbot.ledger.audit import Received, Sent
from ticketbot.ledger.audit.refunds import refund_books
from ticketbot.ledger.audit.refunds import refunds as audit_of_refunds
from ticketbot.ledger.audit.tickets import void
from ticketbot.ledger.orphans import Orphan
from ticketbot.ledger.people import NOBODY
from ticketbot.ledger.spends import Spend
from ticketbot.ledger.store import Tx

HASH, OTHER, THIRD, OUT, OUT2 = ("a" * 64, "b" * 64, "c" * 64, "d" * 64, "e" * 64)


@pytest.fixture
def tx(tx: Tx) -> Tx:
    on_sale(tx)
    return tx


def spending(refund_id: str, payment_hash: str = OUT, made_at: int = NOW + 70) -> Spend:
    return Spend(payment_hash, refund_id, 5_000 * SAT, "open", made_at, NOW + 999, "lnbcout")


def test_what_is_owed_to_whom(tx: Tx) -> None:
    alice, bob = order(tx, "aaaaaaaaqqim"), order(tx, "bbbbbbbb1x__", BOB)
    paid(tx, alice, HASH, "refund")
    paid(tx, bob, OTHER, "refund")
    late = owed(tx, alice, "a-r2", HASH, decided_at=NOW + 90)
    soon = owed(tx, alice, "a-r1", HASH, amount_msat=1 * SAT)
    other = owed(tx, bob, "b-r1", OTHER, decided_at=NOW + 70)
    assert refunds.get(tx, "a-r2") == late
    assert refunds.get(tx, "nothing") is None
    assert refunds.of_order(tx, alice.id) == [soon, late]
    assert refunds.owed(tx) == [soon, other, late]
    assert refunds.owed(tx, 1) == [soon]
    assert refunds.owed(tx, event_id=alice.event_id) == [soon, other, late]
    assert refunds.owed(tx, 2, alice.event_id) == [soon, other]
    assert refunds.owed(tx, event_id="another") == []
    assert refunds.owed_to(tx, alice.person) == [soon, late]
    assert refunds.owed_for(tx, "QQIM") == [soon, late]
    assert refunds.owed_for(tx, "%q_qim") == refunds.owed_for(tx, "____") == []
    assert refunds.owed_total(tx) == 10_001 * SAT
    refunds.move(tx, late, RefundState.SENT, NOW + 99)
    assert refunds.owed(tx) == [soon, other]
    assert refunds.owed_to(tx, alice.person) == refunds.owed_for(tx, "qqim") == [soon]
    assert refunds.owed_total(tx) == 5_001 * SAT
    assert tx.row("SELECT sent_at FROM refund WHERE id = 'a-r2'") == (NOW + 99,)


def test_one_of_several_refunds_of_an_order_is_named_by_its_number(tx: Tx) -> None:
    alice, bob = order(tx, "aaaaaaaaqqim"), order(tx, "bbbbbbbbqqim", BOB)
    paid(tx, alice, HASH, "refund")
    paid(tx, bob, OTHER, "refund")
    names = ("aaaaaaaaqqim-r1", "aaaaaaaaqqim-r2", "bbbbbbbbqqim-r1")
    for name, one, payment_hash in zip(
        names, (alice, alice, bob), (HASH, HASH, OTHER), strict=True
    ):
        owed(tx, one, name, payment_hash)

    def found(letters: str) -> list[str]:
        return [one.id for one in refunds.owed_for(tx, letters)]

    assert found("qqim") == list(names)
    assert found("QQIM-r2") == ["aaaaaaaaqqim-r2"]
    assert found("qqim-r1") == ["aaaaaaaaqqim-r1", "bbbbbbbbqqim-r1"]
    assert found("qqim-r3") == found("r1") == found("-") == found("qqim-r%") == []


def test_no_more_refunds_are_listed_than_fit(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    paid(tx, one, HASH, "refund")
    for number in range(101):
        owed(tx, one, f"r{number:03}", HASH, amount_msat=1)
    assert len(refunds.owed(tx)) == len(refunds.owed(tx, event_id=one.event_id)) == 100


def test_refunds_that_nothing_carries_out(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    paid(tx, one, HASH, "refund")
    for name in ("a-r1", "a-r2", "a-r3"):
        refund = owed(tx, one, name, HASH)
    refunds.move(tx, refund, RefundState.SENT, NOW)
    assert refunds.without_job(tx) == ["a-r1", "a-r2"]
    outbox.put(tx, "refund:a-r1", "refund", NOW, {})
    assert refunds.without_job(tx) == ["a-r2"]


def test_which_refund_gives_the_price_of_a_ticket_back(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    paid(tx, one, HASH)
    owed(tx, one, "a-r1", HASH)
    ticket(tx, one, "a" * 16)
    ticket(tx, one, "b" * 16)
    ledger_tickets.void(tx, ["a" * 16], "a-r1")
    assert refunds.of_ticket(tx, "a" * 16) == "a-r1"
    assert refunds.of_ticket(tx, "b" * 16) is None
    assert refunds.of_ticket(tx, "z" * 16) is None


def test_where_it_shall_go_is_sealed(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    paid(tx, one, HASH, "refund")
    owed(tx, one, "a-r1", HASH)
    assert refunds.destination(tx, "a-r1") is None
    assert refunds.destination(tx, "nothing") is None
    refunds.set_destination(tx, "a-r1", "me@a.example")
    assert refunds.destination(tx, "a-r1") == "me@a.example"
    assert b"me@a.ex" not in tx.row("SELECT destination FROM refund")[0]  # type: ignore[index]
    refunds.set_destination(tx, "a-r1", None)
    assert refunds.destination(tx, "a-r1") is None


def test_a_bolt11_that_pays_it_has_one_use(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    paid(tx, one, HASH, "refund")
    owed(tx, one, "a-r1", HASH)
    assert refunds.paid_with(tx, HASH) == f"lnbc{HASH}"
    assert refunds.paid_with(tx, OTHER) is None
    assert (spends.use_of(tx, HASH), spends.use_of(tx, OUT)) == ("invoice", None)
    spends.keep(tx, "refund", spending("a-r1"))
    assert spends.use_of(tx, OUT) == "refund"
    assert spends.of(tx, "refund", "a-r1") == [spending("a-r1")]
    assert spends.of(tx, "refund", "b-r1") == []
    assert b"lnbcout" not in tx.row("SELECT bolt11 FROM spend")[0]  # type: ignore[index]
    spends.close(tx, OUT, "failed")
    spends.keep(tx, "refund", spending("a-r1", OUT2, NOW + 60))
    spends.close(tx, OUT2, "paid", 7)
    assert [(one.payment_hash, one.state) for one in spends.of(tx, "refund", "a-r1")] == [
        (OUT2, "paid"), (OUT, "failed"),
    ]  # fmt: skip
    assert overview.spends_of(tx, "a-r1") == [
        overview.Spend(OUT2, 5_000 * SAT, 7, "paid", NOW + 60, NOW + 999),
        overview.Spend(OUT, 5_000 * SAT, 0, "failed", NOW + 70, NOW + 999),
    ]


def test_the_audit_names_what_is_wrong_with_a_refund(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    paid(tx, one, HASH, "refund")
    refund = owed(tx, one, "a-r1", HASH, amount_msat=5_000 * SAT)

    def says(sql: str = "") -> str:
        if sql:
            tx.change(sql)
        broken = audit_of_refunds(tx)
        assert len(broken) <= 1
        return broken[0].removeprefix("refund a-r1 of 5000000 msat is ") if broken else ""

    assert says() == ""
    spends.keep(tx, "refund", spending("a-r1"))
    assert says() == (
        "due, with 0 bolt11s paid, 1 under way, 0 of another amount, not paid by hand"
    )
    refunds.move(tx, refund, RefundState.SENDING, NOW)
    assert says() == ""
    assert "1 of another amount" in says("UPDATE spend SET amount_msat = 1")
    spends.close(tx, OUT, "paid", 7)
    assert says("UPDATE spend SET amount_msat = 5000000").startswith("sending, with 1 bolt11s paid")
    refunds.move(tx, refund, RefundState.SENT, NOW)
    assert says() == ""
    money.post(tx, "sent:a-r1", NOW, ("refunds", 5), ("by hand", -5))
    assert says().endswith("and paid by hand")
    spends.close(tx, OUT, "failed")
    assert says() == ""
    spends.keep(tx, "refund", spending("nobody", OUT2))
    assert audit_of_refunds(tx) == [f"bolt11 {OUT2} pays a refund that is not there"]


def test_the_audit_names_what_the_book_and_the_refunds_say_differently(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    paid(tx, one, HASH)
    ticket(tx, one, "a" * 16, payment_hash=HASH)
    assert refund_books(tx) == [] and void(tx) == []
    owed(tx, one, "a-r1", HASH)
    assert refund_books(tx) == ["the book owes 0 msat back, the refunds 5000000"]
    assert void(tx) == ["refund a-r1 is 5000000 msat, its void tickets cost 0"]
    ledger_tickets.void(tx, ["a" * 16], "a-r1")
    money.post(tx, "refund:a-r1", NOW, ("organizer:x", 5_000 * SAT), ("refunds", -5_000 * SAT))
    assert refund_books(tx) == [] and void(tx) == []
    money.post(tx, "sent:a-r1", NOW, ("fees", 7), ("wallet", -7))
    assert refund_books(tx) == [
        "in the book 7 msat left the wallet for refunds, by bolt11s 0",
    ]


def test_a_payment_is_written_once_with_its_fate_and_what_is_kept(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    for payment_hash in (HASH, OTHER):
        invoiced(tx, one, payment_hash)
    assert not money.credited(tx, HASH)
    money.credit(tx, HASH, one.id, 5_000, NOW + 1, "tickets", 100)
    money.credit(tx, OTHER, one.id, 300, NOW + 2, "refund")
    assert money.credited(tx, HASH) and money.credited(tx, OTHER) and not money.credited(tx, THIRD)
    columns = "payment_hash, order_id, amount_msat, credited_at, fate, commission_msat"
    assert tx.rows(f"SELECT {columns} FROM payment ORDER BY credited_at") == [
        (HASH, one.id, 5_000, NOW + 1, "tickets", 100),
        (OTHER, one.id, 300, NOW + 2, "refund", 0),
    ]


def test_entries_must_be_balanced(tx: Tx) -> None:
    with pytest.raises(AssertionError, match="payment:1 do not sum to zero"):
        money.post(tx, "payment:1", NOW, ("wallet", 5), ("organizer:x", -4))
    money.post(tx, "payment:1", NOW, ("wallet", 5), ("organizer:x", -5))
    assert tx.rows("SELECT ref, account, amount_msat, at FROM entry") == [
        ("payment:1", "wallet", 5, NOW), ("payment:1", "organizer:x", -5, NOW),
    ]  # fmt: skip
    assert not money.credited(tx, HASH)


def test_a_treasurer_sees_where_everything_is(tx: Tx) -> None:
    alice, bob = order(tx, "a" * 12, state=State.PAID), order(tx, "b" * 12, BOB, state=State.CLOSED)
    paid(tx, alice, HASH)
    paid(tx, bob, OTHER, "refund")
    ticket(tx, alice, "a" * 16, payment_hash=HASH)
    ticket(tx, alice, "b" * 16, price_msat=0)
    ticket(tx, alice, "d" * 16, price_msat=0)
    ticket(tx, alice, "c" * 16, payment_hash=HASH, state="void")
    for number, (name, state) in enumerate(
        (("due", "due"), ("going", "sending"), ("sent", "sent"), ("by-hand", "sent"))
    ):
        refund = owed(tx, bob, name, OTHER, amount_msat=(number + 1) * SAT)
        refunds.move(tx, refund, RefundState(state), NOW)
    spends.keep(tx, "refund", spending("sent"))
    spends.close(tx, OUT, "paid", 7)
    money.post(tx, "payment:a", NOW, ("wallet", 100), ("organizer:x", -90), ("commission", -10))
    money.post(tx, "sent:sent", NOW, ("fees", 7), ("wallet", -7))
    money.post(tx, "payment:b", NOW, ("wallet", 5), ("organizer:y", -5))
    assert accounts.sums(tx) == accounts.Sums(
        received=Sum(2, 10_000 * SAT),
        tickets=Sum(1, 5_000 * SAT),
        refunds_due=Sum(1, 1 * SAT),
        refunds_sending=Sum(1, 2 * SAT),
        refunds_sent=Sum(2, 7 * SAT),
        refunds_by_hand=Sum(1, 4 * SAT),
        kept=Sum(0, 0),
        shares=Sum(2, 95),
        payouts_due=Sum(0, 0),
        payouts_sending=Sum(0, 0),
        payouts_sent=Sum(0, 0),
        payouts_by_hand=Sum(0, 0),
        payout_fees=0,
        commission=10,
        fees=7,
        orders=2,
        free_tickets=2,
    )
    came = [Received(HASH, 5_000, None), Received(THIRD, 300, None)]
    went = [Sent(OUT, 4_000, 7), Sent(THIRD, 200, 3)]
    assert accounts.flows(tx, came, went) == Flows(
        received=Sum(1, 5_000),
        sent=Sum(1, 4_000),
        fees=7,
        foreign_in=Sum(1, 300),
        foreign_out=Sum(1, 203),
    )


def test_money_for_an_order_that_is_not_known(tx: Tx) -> None:
    lost = Orphan(HASH, f"{'a' * 12}-1", 5_000 * SAT, NOW)
    assert lost.order_id == "a" * 12
    assert orphans.take_in(tx, lost, NOW)
    assert not orphans.take_in(tx, lost, NOW)
    for foreign in ("shop-1", f"{'a' * 12}-0", f"{'a' * 12}-1x", f"{'A' * 12}-1"):
        assert not orphans.take_in(tx, Orphan(OTHER, foreign, 1, NOW), NOW)
    older = Orphan(OTHER, f"{'b' * 12}-2", 1 * SAT, NOW - 9)
    assert orphans.take_in(tx, older, NOW)
    tag = tx.row("SELECT tag FROM orphan WHERE payment_hash = ?", (HASH,))
    assert tag is not None and orphans.waiting(tx, tag[0]) == [lost]
    assert orphans.unclaimed(tx) == [older, lost]
    assert orphans.unclaimed(tx, 1) == [older]
    assert orphans.total(tx) == (2, 5_001 * SAT)
    assert orphans.is_open(tx, HASH) and not orphans.is_open(tx, THIRD)
    orphans.close(tx, OTHER)
    assert orphans.unclaimed(tx) == [lost] and not orphans.is_open(tx, OTHER)
    assert orphans.is_closed(tx, OTHER) and not orphans.is_closed(tx, HASH)
    orphans.adopted(tx, HASH)
    assert orphans.total(tx) == (0, 0) and orphans.waiting(tx, tag[0]) == []


def test_what_is_over_is_nobodys_and_what_is_owed_stays(tx: Tx) -> None:
    done = order(tx, "a" * 12, state=State.PAID, request_id="r1")
    owing = order(tx, "b" * 12, state=State.CLOSED)
    order(tx, "c" * 12, state=State.INVOICED)
    ticket(tx, done, "a" * 16)
    paid(tx, owing, HASH, "refund")
    refund = owed(tx, owing, "b-r1", HASH)
    ends = listing().end
    assert forgetting.over(tx, ends, 9) == []
    assert forgetting.over(tx, ends + 1, 9) == [done.id]
    assert forgetting.over(tx, ends + 1, 0) == []
    assert forgetting.let_go(tx, [done.id, owing.id]) == 1
    assert tx.rows("SELECT person, request_id IS NULL FROM orders ORDER BY id") == [
        (NOBODY, 1), (owing.person, 1), (owing.person, 1),
    ]  # fmt: skip
    assert [row.holder for row in ledger_tickets.of_order(tx, done.id)] == [NOBODY]
    assert forgetting.over(tx, ends + 1, 9) == []
    refunds.set_destination(tx, refund.id, "me@a.example")
    refunds.move(tx, refund, RefundState.SENT, NOW)
    assert forgetting.over(tx, ends + 1, 9) == [owing.id]
    assert forgetting.let_go(tx, [owing.id]) == 1
    assert refunds.destination(tx, refund.id) is None
    assert refunds.of_order(tx, owing.id)[0].person == NOBODY


def test_somebody_asks_to_be_forgotten(tx: Tx) -> None:
    one = order(tx, "a" * 12, state=State.PAID)
    ticket(tx, one, "a" * 16)
    alice = one.person
    ends = listing().end
    assert forgetting.bound_by(tx, alice, ends - 1) == (one.event_id, False)
    assert forgetting.bound_by(tx, alice, ends) is None
    assert forgetting.unbound(tx, NOW, 9) == []
    assert forgetting.forget(tx, alice) == 1
    assert marks.get(tx, forgetting.TRACES) == "1"
    assert people.known(tx, "a1" * 32) is None
    assert people.person(tx, NOBODY).pubkey == ""


def test_who_has_never_bought_is_forgotten_after_a_while(tx: Tx) -> None:
    quiet, lately = people.meet(tx, "c0" * 32).id, people.meet(tx, "d0" * 32).id
    buyer = order(tx, "a" * 12).person
    for person, at in ((quiet, NOW - DAY), (lately, NOW), (buyer, NOW - DAY)):
        people.next_stamp(tx, person, at)
    assert forgetting.unbound(tx, NOW, 9) == [quiet]
    assert forgetting.unbound(tx, NOW, 0) == []
    assert forgetting.drop(tx, [quiet, lately, buyer], NOW) == 1
    assert people.known(tx, "c0" * 32) is None
    assert people.known(tx, "d0" * 32) is not None
