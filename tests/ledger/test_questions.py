"""Purchases that wait for an answer, and answers: sealed, and gone when their time is over."""

from __future__ import annotations

from tests.ledger.shelf import ALICE, BOB, NOW, on_sale, order
from ticketbot.domain.command import Buy
from ticketbot.ledger import forgetting, people, questions
from ticketbot.ledger.store import Store, Tx

WISH = Buy(("31923:x:y",), 2, "VIP", True, "FRIENDS", (("Size?", "M"), ("Food?", "")), True)


async def test_a_wish_waits_until_it_is_given_up(store: Store) -> None:
    def work(tx: Tx) -> None:
        alice, bob = people.meet(tx, ALICE).id, people.meet(tx, BOB).id
        assert questions.pending(tx, alice) is None
        questions.wait(tx, alice, Buy(("lisbon",)), NOW)
        questions.wait(tx, alice, WISH, NOW + 5)
        assert questions.pending(tx, alice) == (WISH, NOW + 5)
        assert questions.pending(tx, bob) is None
        questions.give_up(tx, alice)
        assert questions.pending(tx, alice) is None

    await store.transaction(work)


async def test_wishes_are_dropped_by_age_and_with_their_person(store: Store) -> None:
    def work(tx: Tx) -> None:
        alice, bob = people.meet(tx, ALICE).id, people.meet(tx, BOB).id
        questions.wait(tx, alice, WISH, NOW)
        questions.wait(tx, bob, WISH, NOW + 1)
        assert questions.forget(tx, NOW + 1) == 1
        assert questions.pending(tx, alice) is None
        forgetting.forget(tx, bob)
        assert tx.rows("SELECT 1 FROM checkout") == []

    await store.transaction(work)


async def test_answers_belong_to_their_order_and_go_with_its_buyer(store: Store) -> None:
    def work(tx: Tx) -> None:
        on_sale(tx)
        for order_id in ("one", "two"):
            one = order(tx, order_id)
        questions.keep(tx, "one", WISH.answers)
        questions.keep(tx, "two", ())
        assert questions.answers(tx, "one") == WISH.answers
        assert questions.answers(tx, "two") == ()
        row = tx.row("SELECT said FROM answer")
        assert row is not None
        assert b"Size" not in row[0]
        forgetting.forget(tx, one.person)
        assert questions.answers(tx, "one") == ()

    await store.transaction(work)
