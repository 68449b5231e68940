"""Codes in the ledger: their uses are counted exactly, and a stolen ledger shows none."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.ledger.shelf import BOB, DAY, NOW, on_sale, order
from ticketbot.domain.order import State
from ticketbot.domain.pricing import Reduction
from ticketbot.ledger import listings, orders, people, promos
from ticketbot.ledger.promos import Applied, Promo
from ticketbot.ledger.store import Store, Tx

TWENTY = Reduction(20)


def code(tx: Tx, most: int | None = 3, word: str = "FRIENDS") -> Promo:
    event = on_sale(tx)
    return promos.save(tx, Promo(0, event.event_id, word, TWENTY, None, most, None, 0, False))


def used(tx: Tx, promo: Promo) -> int:
    found = promos.named(tx, promo.event_id, promo.code)
    assert found is not None
    return found.used


def placed(tx: Tx, promo: Promo, order_id: str, quantity: int = 1) -> bool:
    amounts = {"quantity": quantity, "amount_msat": 5_000_000 * quantity}
    one = order(tx, order_id, **amounts)
    promos.bind(tx, promo.id, one.id, quantity, 1_250_000 * quantity)
    return promos.count(tx, one.id)


async def test_a_code_is_good_for_so_many_tickets(store: Store) -> None:
    def work(tx: Tx) -> None:
        promo = code(tx)
        assert placed(tx, promo, "one", 2)
        assert not placed(tx, promo, "two", 2)
        assert used(tx, promo) == 2
        assert promos.has_room(tx, "one")  # its own uses count already
        assert not promos.has_room(tx, "two")
        assert promos.of_order(tx, "two") == promo.id
        promos.give_back(tx, "one")
        promos.give_back(tx, "one")
        assert used(tx, promo) == 0
        assert promos.has_room(tx, "two")
        assert promos.count(tx, "two")
        assert promos.count(tx, "two")
        assert used(tx, promo) == 2

    await store.transaction(work)


async def test_an_order_without_a_code_is_none_of_its_business(store: Store) -> None:
    def work(tx: Tx) -> None:
        code(tx)
        order(tx, "plain")
        assert promos.count(tx, "plain")
        assert promos.has_room(tx, "plain")
        assert promos.of_order(tx, "plain") is None
        promos.give_back(tx, "plain")

    await store.transaction(work)


async def test_what_an_order_was_made_cheaper_by(store: Store) -> None:
    def work(tx: Tx) -> None:
        promo = code(tx)
        assert placed(tx, promo, "one", 2)
        order(tx, "two")
        assert promos.applied(tx, "one") == Applied("FRIENDS", 2_500_000)
        assert promos.applied(tx, "two") is None
        assert promos.reduction_of(tx, "one") == TWENTY
        assert promos.reduction_of(tx, "two") is None
        promos.save(tx, promo._replace(reduction=Reduction(0, 700_000)))
        assert promos.reduction_of(tx, "one") == Reduction(0, 700_000)
        assert promos.forget(tx, NOW + 99 * DAY) == 1
        assert promos.applied(tx, "one") is None

    await store.transaction(work)


async def test_new_terms_keep_what_was_used(store: Store) -> None:
    def work(tx: Tx) -> None:
        promo = code(tx, most=None)
        assert promo.left is None
        assert placed(tx, promo, "one", 5)
        promos.stop(tx, promo.id)
        again = promos.save(tx, promo._replace(reduction=Reduction(0, 7000), most=2, until=NOW))
        assert (again.id, again.used, again.most, again.left) == (promo.id, 5, 5, 0)
        assert (again.reduction, again.until, again.stopped) == (Reduction(0, 7000), NOW, False)
        assert [one.code for one in promos.of_event(tx, promo.event_id)] == ["FRIENDS"]
        assert promos.named(tx, "another event", "FRIENDS") is None
        assert promos.named(tx, promo.event_id, "FRIEND") is None

    await store.transaction(work)


async def test_the_ledger_itself_refuses_one_use_too_many(store: Store) -> None:
    def work(tx: Tx) -> None:
        promo = code(tx, most=1)
        with pytest.raises(sqlite3.IntegrityError):
            tx.change("UPDATE promo SET used = 2 WHERE id = ?", (promo.id,))

    await store.transaction(work)


async def test_guesses_are_counted_for_an_hour(store: Store) -> None:
    def work(tx: Tx) -> None:
        bob = people.meet(tx, BOB).id
        for second in (0, 60, 120):
            promos.guessed(tx, bob, NOW + second)
        assert promos.guesses(tx, bob, NOW + 120) == 3
        assert promos.guesses(tx, bob, NOW + 3600) == 2
        assert promos.guesses(tx, bob + 1, NOW) == 0
        promos.guessed(tx, bob, NOW + DAY)
        assert tx.rows("SELECT at FROM promo_guess") == [(NOW + DAY,)]
        tx.change("DELETE FROM person WHERE id = ?", (bob,))
        assert tx.rows("SELECT at FROM promo_guess") == []

    await store.transaction(work)


async def test_a_word_is_forgotten_and_its_uses_are_not(store: Store) -> None:
    def work(tx: Tx) -> None:
        promo = code(tx)
        assert placed(tx, promo, "one")
        event = listings.by_id(tx, promo.event_id)
        assert event is not None
        assert promos.forget(tx, event.listing.end) == 0
        assert promos.forget(tx, event.listing.end + 1) == 1
        assert promos.forget(tx, event.listing.end + 1) == 0
        (known,) = promos.of_event(tx, promo.event_id)
        assert (known.code, known.used) == ("", 1)

    await store.transaction(work)


async def test_the_audit_names_what_is_counted_wrongly_and_no_code(store: Store) -> None:
    def work(tx: Tx) -> None:
        promo = code(tx, most=None)
        assert placed(tx, promo, "one")
        assert promos.miscounted(tx) == []
        tx.change("UPDATE promo SET used = 7")
        assert promos.miscounted(tx) == [f"code {promo.id}: used 7 times, by its orders 1 times"]
        tx.change("UPDATE promo SET used = 0")
        tx.change("UPDATE promo_use SET counts = 0")
        assert promos.miscounted(tx) == ["order one is held, and its code is not used"]
        one = orders.get(tx, "one")
        assert one is not None
        orders.move(tx, one, State.RELEASED)
        assert promos.miscounted(tx) == []
        tx.change("UPDATE promo SET used = 1")
        tx.change("UPDATE promo_use SET counts = 1")
        assert promos.miscounted(tx) == ["order one is released, and its code is used"]
        tx.change("UPDATE promo_use SET counts = 0")
        tx.change("UPDATE promo SET used = 0")

    await store.transaction(work)


async def test_a_stolen_ledger_shows_no_code(store: Store, tmp_path: Path) -> None:
    await store.transaction(lambda tx: code(tx, word="WILHELMINA"))
    shown = b"".join(file.read_bytes() for file in tmp_path.glob("ledger.db*")).upper()
    assert b"LISBON" in shown
    assert b"WILHELMINA" not in shown
