"""Orders, their invoices and their tickets, as the ledger finds them again."""

from __future__ import annotations

import pytest

from tests.ledger.shelf import (
    ALICE,
    BOB,
    DAY,
    NOW,
    SAT,
    invoiced,
    listing,
    on_sale,
    order,
    paid,
    ticket,
)
from ticketbot.domain.order import State
from ticketbot.ledger import invoices, orders, overview, people, tickets
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import Live

HASH, OTHER, THIRD = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def tx(tx: Tx) -> Tx:
    on_sale(tx)
    on_sale(tx, "porto")
    return tx


def ids(found: list[orders.Order]) -> list[str]:
    return [one.id for one in found]


def test_an_order_comes_back_as_it_was_placed(tx: Tx) -> None:
    placed = order(tx, "e4vr60fuqqim", request_id="r-17", tier="VIP", state=State.INVOICED)
    assert orders.get(tx, placed.id) == placed
    assert orders.get(tx, "nobody") is None
    moved = orders.move(tx, placed, State.PAID)
    assert orders.get(tx, placed.id) == moved == placed._replace(state=State.PAID)
    held = orders.move_and_hold(tx, moved, State.INVOICED, NOW + 7)
    assert orders.get(tx, placed.id) == held
    assert (held.state, held.hold_until) == (State.INVOICED, NOW + 7)


def test_a_request_id_is_sealed(tx: Tx) -> None:
    order(tx, "a" * 12, request_id="r-17")
    assert b"r-17" not in tx.row("SELECT request_id FROM orders")[0]  # type: ignore[index]


def test_what_a_program_called_it_is_read_wherever_an_order_is_found(tx: Tx) -> None:
    one = order(tx, "a" * 8 + "qqim", request_id="r-17")
    alice, event_id = one.person, one.event_id
    for found in (
        orders.ending(tx, "qqim"),
        orders.open_of(tx, alice),
        orders.latest_of(tx, alice),
        orders.page_of(tx, alice, 9),
        orders.open_of_event(tx, event_id),
        orders.waiting(tx, (0, ""), 9),
        orders.lapsed(tx, one.hold_until, (0, "")),
        [orders.with_listing(tx, one.id)[0]],
    ):
        assert found == [one]
    assert orders.with_listing(tx, one.id)[1].code == "LISBON"
    with pytest.raises(LookupError, match="order nothing"):
        orders.with_listing(tx, "nothing")


def test_the_end_of_an_id_is_enough(tx: Tx) -> None:
    for order_id in ("aaaaaaaaqqim", "bbbbbbbbqqim", "aaaaaaaa0000"):
        order(tx, order_id)
    assert ids(orders.ending(tx, "QQIM")) == ["bbbbbbbbqqim", "aaaaaaaaqqim"]
    assert ids(orders.ending(tx, "qqim", 1)) == ["bbbbbbbbqqim"]
    assert ids(orders.ending(tx, "0000")) == ["aaaaaaaa0000"]
    assert orders.ending(tx, "%0000") == orders.ending(tx, "") == []
    assert orders.ending(tx, "_im") == []


def test_whose_orders_are_open(tx: Tx) -> None:
    first = order(tx, "1" * 12)
    order(tx, "2" * 12, state=State.RELEASED)
    third = order(tx, "3" * 12, state=State.INVOICED, event_id=listing("porto").event_id)
    order(tx, "4" * 12, BOB)
    alice = first.person
    assert ids(orders.open_of(tx, alice)) == [third.id, first.id]
    assert ids(orders.latest_of(tx, alice)) == [third.id, "2" * 12, first.id]
    assert ids(orders.latest_of(tx, alice, 1)) == [third.id]
    assert ids(orders.open_of_event(tx, first.event_id)) == [first.id, "4" * 12]


def test_which_holds_are_over_by_whose_clock(tx: Tx) -> None:
    for name, state, until in (
        ("a", State.HELD, NOW),
        ("b", State.INVOICED, NOW),
        ("c", State.INVOICED, NOW + 1),
        ("d", State.PAID, NOW),
    ):
        order(tx, name * 12, state=state, hold_until=until)
    start = (0, "")
    assert ids(orders.lapsed(tx, NOW, start, NOW)) == ["a" * 12, "b" * 12]
    assert ids(orders.lapsed(tx, NOW, start, NOW - 1)) == ["a" * 12]
    assert ids(orders.lapsed(tx, NOW - 1, start, NOW + 1)) == ["b" * 12, "c" * 12]
    assert ids(orders.lapsed(tx, NOW, (NOW, "a" * 12), NOW + 1)) == ["b" * 12, "c" * 12]


def test_how_many_holds_should_have_been_over(tx: Tx) -> None:
    for name, state, until in (
        ("a", State.HELD, NOW),
        ("b", State.INVOICED, NOW),
        ("c", State.HELD, NOW + 1),
        ("d", State.RELEASED, NOW),
    ):
        order(tx, name * 12, state=state, hold_until=until)
    assert [orders.stuck(tx, before) for before in (NOW, NOW + 1, NOW + 2)] == [0, 2, 3]


def test_a_clock_put_back_shortens_holds_without_an_invoice(tx: Tx) -> None:
    order(tx, "a" * 12, hold_until=NOW + DAY)
    order(tx, "b" * 12, hold_until=NOW + DAY, state=State.INVOICED)
    order(tx, "c" * 12, hold_until=NOW + 5)
    assert orders.shorten_holds(tx, NOW + 10) == 1
    assert [one.hold_until - NOW for one in orders.open_of_event(tx, listing().event_id)] == [
        10, DAY, 5,
    ]  # fmt: skip


def test_how_much_one_person_asks_for(tx: Tx) -> None:
    first = order(tx, "a" * 12, quantity=2, amount_msat=10_000 * SAT)
    order(tx, "b" * 12, quantity=3, amount_msat=15_000 * SAT, state=State.INVOICED)
    order(tx, "c" * 12, state=State.RELEASED, placed_at=NOW + 1)
    order(tx, "d" * 12, state=State.RELEASED, placed_at=NOW)
    alice, event_id = first.person, first.event_id
    assert orders.held_seats(tx, alice, event_id) == 5
    assert orders.held_seats(tx, alice, listing("porto").event_id) == 0
    assert orders.given_up(tx, alice, NOW) == 1
    assert orders.given_up(tx, alice, NOW - 1) == 2
    assert not orders.has_paid(tx, alice)
    order(tx, "e" * 12, BOB, state=State.PAID, unit_msat=0, amount_msat=0)
    assert not orders.has_paid(tx, people.meet(tx, BOB).id)
    order(tx, "f" * 12, state=State.CLOSED)
    assert orders.has_paid(tx, alice)


def test_every_attempt_at_an_invoice_has_a_name_of_its_own(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    assert invoices.shown(tx, one.id) is None
    first = invoiced(tx, one, HASH)
    assert first.external_id == f"{one.id}-1"
    assert invoices.ask(tx, one, NOW + 5) == f"{one.id}-2"
    asked = "SELECT asked_at, payment_hash FROM invoice WHERE external_id = ?"
    assert tx.row(asked, (f"{one.id}-2",)) == (NOW + 5, None)
    assert invoices.shown(tx, one.id) == first
    assert invoices.named(tx, f"{one.id}-7") == one.id
    assert invoices.named(tx, "ffff-1") is None


def test_a_second_invoice_of_one_attempt_is_watched_and_not_shown(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    first = invoiced(tx, one, HASH)
    twin = first._replace(payment_hash=OTHER, bolt11="lnbctwin", expires_at=NOW + 700)
    assert invoices.adopt(tx, twin)
    assert not invoices.adopt(tx, twin)
    assert invoices.shown(tx, one.id) == first
    assert invoices.owner_of(tx, OTHER) == invoices.owner_of(tx, HASH) == one.id
    assert invoices.owner_of(tx, THIRD) is None
    assert invoices.watched(tx) == [(HASH, NOW + 660), (OTHER, NOW + 700)]
    assert [made.external_id for made in overview.invoices_of(tx, one.id)] == [
        f"{one.id}-1", f"{one.id}-1+{OTHER[:8]}",
    ]  # fmt: skip
    orders.move(tx, one, State.RELEASED)
    assert invoices.watched(tx) == []


def test_tickets_of_a_holder(tx: Tx) -> None:
    one = order(tx, "a" * 12, state=State.PAID)
    rows = [ticket(tx, one, name * 16, issued_at=NOW + at) for name, at in (("b", 0), ("a", 1))]
    ticket(tx, one, "c" * 16, state="void")
    ticket(tx, one, "d" * 16, expires_at=NOW + 5)
    ticket(tx, order(tx, "b" * 12, BOB), "e" * 16)
    alice = one.person
    assert tickets.get(tx, "b" * 16) == rows[0]
    assert tickets.get(tx, "z" * 16) is None
    assert tickets.of_holder(tx, alice, NOW + 5, 9) == rows
    assert tickets.of_holder(tx, alice, NOW + 5, 1) == rows[:1]
    assert tickets.of_holder(tx, alice, NOW + 5, 9, skip=1) == rows[1:]
    assert tickets.of_holder(tx, alice, NOW + 5, 9, after=(NOW, "b" * 16)) == rows[1:]
    assert tickets.count_of_holder(tx, alice, NOW + 5) == 2
    assert tickets.count_of_holder(tx, alice, NOW + 4) == 3
    assert tickets.live_count(tx, alice, one.event_id) == 3
    assert tickets.live_count(tx, alice, listing("porto").event_id) == 0
    assert [row.id[0] for row in tickets.of_order(tx, one.id)] == ["a", "b", "c", "d"]


def test_tickets_of_an_event_page_by_page(tx: Tx) -> None:
    first, second = order(tx, "a" * 12), order(tx, "b" * 12, BOB)
    for one, name in ((first, "a"), (first, "b"), (second, "c")):
        ticket(tx, one, name * 16)
    event_id = first.event_id
    assert tickets.live_of_event(tx, event_id) == Live(2, 3, 15_000 * SAT)
    assert tickets.live_of_event(tx, listing("porto").event_id) == Live(0, 0, 0)
    found, last = tickets.page_of_event(tx, event_id, 0, 2)
    assert (found, last) == ([first.id], 2)
    assert tickets.page_of_event(tx, event_id, last, 2) == ([second.id], 3)
    assert tickets.page_of_event(tx, event_id, 3, 2) == ([], 0)
    tickets.void(tx, ["a" * 16, "c" * 16], None)
    assert tickets.live_of_event(tx, event_id) == Live(1, 1, 5_000 * SAT)
    assert tickets.page_of_event(tx, event_id, 0, 2) == ([first.id], 2)


def test_what_operators_see_of_orders(tx: Tx) -> None:
    first = order(tx, "a" * 12, state=State.PAID)
    order(tx, "b" * 12, event_id=listing("porto").event_id)
    order(tx, "c" * 12)
    paid(tx, first, HASH)
    paid(tx, first, OTHER, "refund")
    newest = overview.newest_orders
    assert ids(newest(tx, None, 9, waiting=False)) == ["c" * 12, "b" * 12, first.id]
    assert ids(newest(tx, None, 2, waiting=False)) == ["c" * 12, "b" * 12]
    assert ids(newest(tx, None, 9, waiting=True)) == ["c" * 12, "b" * 12]
    assert ids(newest(tx, first.event_id, 9, waiting=False)) == ["c" * 12, first.id]
    assert ids(newest(tx, first.event_id, 9, waiting=True)) == ["c" * 12]
    assert overview.counts(tx) == overview.Counts(2, 0)
    assert overview.payments_of(tx, first.id) == [
        overview.Payment(HASH, 5_000 * SAT, NOW + 60, "tickets"),
        overview.Payment(OTHER, 5_000 * SAT, NOW + 60, "refund"),
    ]
    on_sale(tx, "aveiro", start=NOW, end=NOW + 1)
    assert [one.code for one in overview.all_listings(tx)] == ["AVEIRO", "LISBON", "PORTO"]
    assert people.meet(tx, ALICE).id == first.person


def test_a_persons_orders_page_by_page(tx: Tx) -> None:
    names = ("a", "b", "c", "d")
    placed = [order(tx, name * 12) for name in names]
    order(tx, "e" * 12, BOB)
    orders.move(tx, placed[1], State.PAID)
    there = order(tx, "f" * 12, event_id=listing("porto").event_id, state=State.CLOSED)
    alice = there.person
    newest = ["f" * 12, *(name * 12 for name in reversed(names))]
    assert ids(orders.page_of(tx, alice, 9)) == newest
    assert ids(orders.page_of(tx, alice, 2)) == newest[:2]
    assert ids(orders.page_of(tx, alice, 2, skip=1)) == newest[1:3]
    before = orders.place_of(tx, alice, "c" * 12)
    assert ids(orders.page_of(tx, alice, 9, before=before)) == ["b" * 12, "a" * 12]
    assert ids(orders.page_of(tx, alice, 9, states=(State.PAID, State.CLOSED))) == [
        "f" * 12, "b" * 12,
    ]  # fmt: skip
    assert ids(orders.page_of(tx, alice, 9, event_id=there.event_id)) == ["f" * 12]
    assert orders.place_of(tx, alice, "e" * 12) is None
    assert orders.place_of(tx, alice, "nothing") is None


def test_an_order_of_a_lost_ledger_costs_what_its_buyer_was_shown(tx: Tx) -> None:
    other, one = order(tx, "a" * 12), order(tx, "b" * 12, quantity=3, amount_msat=15_000 * SAT)
    cheaper = orders.reprice(tx, one, 4_000 * SAT)
    assert (cheaper.unit_msat, cheaper.amount_msat) == (4_000 * SAT, 12_000 * SAT)
    assert orders.get(tx, one.id) == cheaper
    assert orders.get(tx, other.id) == other


def test_who_waits_for_a_payment_by_the_end_of_their_holds(tx: Tx) -> None:
    for name, state, until in (
        ("c", State.HELD, NOW + 1),
        ("b", State.INVOICED, NOW + 2),
        ("a", State.INVOICED, NOW + 1),
        ("d", State.RELEASED, NOW + 1),
    ):
        order(tx, name * 12, state=state, hold_until=until)
    found = ids(orders.waiting(tx, (0, ""), 9))
    assert found == ["a" * 12, "c" * 12, "b" * 12]
    assert ids(orders.waiting(tx, (0, ""), 2)) == found[:2]
    assert ids(orders.waiting(tx, (NOW + 1, "a" * 12), 9)) == found[1:]
    assert ids(orders.waiting(tx, (NOW + 1, "c" * 12), 9)) == found[2:]
    assert orders.waiting(tx, (NOW + 2, "b" * 12), 9) == []
