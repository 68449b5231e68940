"""The queue of an event that is sold out, as the ledger finds it again."""

from __future__ import annotations

import pytest

from tests.ledger.shelf import ALICE, BOB, NOW, listing, on_sale, order
from ticketbot.domain.waiting import Turns
from ticketbot.ledger import people, places, turns
from ticketbot.ledger.places import MOST, Place
from ticketbot.ledger.store import Tx

CAROL = "ca" * 32
LISBON, PORTO = listing().event_id, listing("porto").event_id


@pytest.fixture
def tx(tx: Tx) -> Tx:
    on_sale(tx)
    on_sale(tx, "porto")
    return tx


def joins(tx: Tx, pubkey: str, quantity: int = 1, event_id: str = LISBON, **more: object) -> Place:
    person = people.meet(tx, pubkey).id
    tier, standing = str(more.get("tier", "")), int(str(more.get("standing", 0)))
    return places.join(tx, event_id, tier, person, quantity, NOW, standing)


def test_a_place_comes_back_as_it_was_taken(tx: Tx) -> None:
    alice = joins(tx, ALICE, 2, tier="VIP", standing=1)
    assert alice == Place(alice.id, LISBON, "VIP", alice.person, 2, NOW, 0, None, 1)
    assert places.of(tx, alice.person, LISBON, "VIP") == alice
    assert places.of(tx, alice.person, LISBON, "") is None
    assert places.of(tx, alice.person, PORTO, "VIP") is None
    assert places.of(tx, alice.person + 1, LISBON, "VIP") is None
    for changed in (
        places.change(tx, alice, 5),
        places.raise_to(tx, alice._replace(quantity=5), 2),
        places.keep(tx, alice._replace(quantity=5, standing=2), 4, NOW + 9),
        places.keep(tx, alice._replace(quantity=5, standing=2), 0, None),
    ):
        assert changed != alice
    assert places.of(tx, alice.person, LISBON, "VIP") == changed
    assert changed == alice._replace(quantity=5, standing=2)
    places.leave(tx, alice)
    assert places.of(tx, alice.person, LISBON, "VIP") is None
    assert places.join(tx, LISBON, "", alice.person, 1, NOW).standing == 0
    assert places.first(tx, LISBON, "") == places.of(tx, alice.person, LISBON, "")


def test_what_happens_to_one_place_happens_to_no_other(tx: Tx) -> None:
    alice, bob = joins(tx, ALICE), joins(tx, BOB)
    after = places.keep(tx, places.raise_to(tx, places.change(tx, alice, 5), 2), 4, NOW + 9)
    assert after == Place(alice.id, LISBON, "", alice.person, 5, NOW, 4, NOW + 9, 2)
    assert places.of_event(tx, LISBON, 9) == [after, bob]
    places.leave(tx, alice)
    assert places.of_event(tx, LISBON, 9) == [bob]


def test_where_somebody_waits(tx: Tx) -> None:
    here = joins(tx, ALICE)
    vip, there = joins(tx, ALICE, tier="VIP"), joins(tx, ALICE, event_id=PORTO)
    bob = joins(tx, BOB, event_id=PORTO)
    assert places.of_person(tx, here.person) == [here, vip, there]
    assert places.of_person(tx, here.person, LISBON) == [here, vip]
    assert places.of_person(tx, bob.person, LISBON) == []
    for number in range(MOST):
        joins(tx, BOB, tier=str(number))
    assert len(places.of_person(tx, bob.person)) == MOST
    assert places.of_person(tx, bob.person)[0] == bob
    assert len(places.of_person(tx, bob.person, LISBON)) == MOST
    assert places.events(tx) == [LISBON, PORTO]
    assert (places.waiting(tx, LISBON), places.waiting(tx, PORTO)) == (2 + MOST, 2)
    assert places.waiting(tx, "another") == 0


def test_who_is_first_and_how_many_are_before_whom(tx: Tx) -> None:
    first, second = joins(tx, ALICE, standing=1), joins(tx, BOB, standing=2)
    third = joins(tx, CAROL, standing=2)
    joins(tx, ALICE, tier="VIP", standing=2)
    joins(tx, ALICE, event_id=PORTO, standing=2)
    assert [places.ahead(tx, one) for one in (first, second, third)] == [0, 1, 2]
    favoured = [places.ahead(tx, one, favoured=True) for one in (first, second, third)]
    assert favoured == [2, 0, 1]
    assert places.first(tx, LISBON, "") == first
    assert places.favoured(tx, LISBON, "") == second
    places.keep(tx, second, 1, NOW + 9)  # it is their turn: nobody waits for them any more
    assert [places.ahead(tx, one) for one in (first, third)] == [0, 1]
    assert places.favoured(tx, LISBON, "") == third
    places.keep(tx, first, 1, NOW + 9)
    assert places.first(tx, LISBON, "") == third
    assert places.first(tx, PORTO, "VIP") is None and places.favoured(tx, "another", "") is None


def test_seats_that_are_kept_and_seats_that_are_wanted(tx: Tx) -> None:
    here = joins(tx, ALICE, 2)
    vip = joins(tx, ALICE, 3, tier="VIP")
    there, bob = joins(tx, ALICE, 4, event_id=PORTO), joins(tx, BOB, 5)
    assert places.wanted(tx, LISBON) == {"": 7, "VIP": 3}
    assert places.kept_besides(tx, here.person, LISBON, "") == 0
    for one, until in ((here, NOW + 2), (vip, NOW + 1), (there, NOW)):
        places.keep(tx, one, one.quantity, until)
    assert places.wanted(tx, LISBON) == {"": 5}
    assert places.kept_besides(tx, here.person, LISBON, "") == 3
    assert places.kept_besides(tx, here.person, LISBON, "VIP") == 2
    assert places.kept_besides(tx, bob.person, LISBON, "VIP") == 0
    assert [one.id for one in places.over(tx, NOW + 1, 9)] == [there.id, vip.id]
    assert [one.id for one in places.over(tx, NOW + 9, 1)] == [there.id]
    assert places.over(tx, NOW - 1, 9) == []
    assert [one.id for one in places.of_event(tx, LISBON, 2)] == [here.id, vip.id]


def test_what_became_of_seats_that_were_offered(tx: Tx) -> None:
    for name in ("a", "b", "c"):
        order(tx, name * 12)
    assert turns.of(tx, LISBON) == Turns()
    turns.taken(tx, LISBON, "a" * 12)
    turns.taken(tx, LISBON, "b" * 12)
    assert turns.of(tx, LISBON) == Turns().taken().taken()
    turns.left_unpaid(tx, LISBON, "a" * 12)
    after = Turns().taken().taken().left_unpaid()
    assert after != Turns().taken().taken()
    assert turns.of(tx, LISBON) == after
    turns.left_unpaid(tx, LISBON, "a" * 12)  # it is known
    turns.left_unpaid(tx, LISBON, "c" * 12)  # it did not come by the queue
    assert turns.of(tx, LISBON) == after
    assert turns.of(tx, PORTO) == Turns()
