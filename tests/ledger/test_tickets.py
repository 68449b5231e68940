"""Tickets after they were issued: looked for, rotated, offered to others, doubted at the door."""

from __future__ import annotations

import pytest

from tests.ledger.shelf import BOB, DAY, NOW, listing, on_sale, order, ticket
from ticketbot.domain.admission import State
from ticketbot.domain.order import State as OrderState
from ticketbot.ledger import people, remarks, scans, tickets, transfers
from ticketbot.ledger.remarks import Remark
from ticketbot.ledger.scans import Doubt
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.ledger.transfers import Offer

LISBON, PORTO = listing().event_id, listing("porto").event_id


@pytest.fixture
def tx(tx: Tx) -> Tx:
    on_sale(tx)
    on_sale(tx, "porto")
    return tx


def test_a_ticket_is_named_by_the_end_of_its_code_or_of_its_order(tx: Tx) -> None:
    first, second = order(tx, "a" * 8 + "qqim"), order(tx, "b" * 8 + "22ef")
    names = ("a" * 12 + "22ef", "a" * 12 + "bcde", "b" * 12 + "qqim", "c" * 12 + "qqim")
    ticket(tx, first, names[0])
    ticket(tx, first, names[1])
    ticket(tx, second, names[2])
    ticket(tx, second, names[3], state="void")
    ticket(tx, order(tx, "c" * 12, event_id=PORTO), "d" * 12 + "qqim")

    def found(letters: str) -> list[str]:
        return [row.id for row in tickets.named(tx, LISBON, letters)]

    assert found("qqim") == [names[0], names[1], names[2]]
    assert found("22EF") == [names[0], names[2]]
    assert found("bcde") == [names[1]]
    assert found("zzzz") == []


def test_a_ticket_is_rotated_by_who_saw_it_as_it_is(tx: Tx) -> None:
    one = order(tx, "a" * 12, state=OrderState.PAID)
    before, other = ticket(tx, one, "a" * 16), ticket(tx, one, "b" * 16)
    bob = people.meet(tx, BOB).id
    now = before._replace(
        holder=bob, version=2, expires_at=NOW + DAY, nonce=b"m" * 8, token_hash=b"g" * 32
    )
    assert tickets.rotate(tx, before, now)
    assert tickets.get(tx, before.id) == now
    assert tickets.get(tx, other.id) == other
    assert not tickets.rotate(tx, before, now._replace(version=3))  # an older version
    assert not tickets.rotate(tx, now._replace(holder=one.person), now._replace(version=3))
    scans.move(tx, now.id, State.VALID, State.ADMITTED)
    assert not tickets.rotate(tx, now, now._replace(version=3))  # they are inside
    tickets.void(tx, [now.id], None)
    assert not tickets.rotate(tx, now, now._replace(version=3))
    assert tickets.get(tx, now.id) == now._replace(state="void")


def test_what_a_scanner_without_a_network_must_know(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    rows = {"a": ("valid", 1), "d": ("valid", 2), "c": ("void", 1), "b": ("admitted", 1)}
    for name, (state, version) in rows.items():
        ticket(tx, one, name * 16, state=state, version=version)
    ticket(tx, order(tx, "b" * 12, event_id=PORTO), "e" * 16, state="void")
    gone, later = Doubt("c" * 16, 1, State.VOID), Doubt("d" * 16, 2, State.VALID)
    assert scans.doubtful(tx, LISBON, used=False) == [gone, later]
    shown = Doubt("b" * 16, 1, State.ADMITTED)
    assert scans.doubtful(tx, LISBON, used=True) == [shown, gone, later]


def test_a_ticket_is_offered_to_one_at_a_time(tx: Tx) -> None:
    one = order(tx, "a" * 12)
    alice, bob = one.person, people.meet(tx, BOB).id

    def offer(row: TicketRow, code: str, made_at: int) -> Offer:
        offered = Offer(code, row.id, alice, bob, made_at, made_at + 9)
        transfers.offer(tx, offered)
        return offered

    first = offer(ticket(tx, one, "a" * 16), "BBBB", NOW)
    second = offer(ticket(tx, one, "b" * 16), "AAAA", NOW)
    oldest = offer(ticket(tx, one, "c" * 16), "CCCC", NOW - 1)
    assert transfers.get(tx, "BBBB") == transfers.of_ticket(tx, "a" * 16) == first
    assert transfers.get(tx, "DDDD") is None and transfers.of_ticket(tx, "d" * 16) is None
    assert transfers.to_person(tx, bob) == [oldest, second, first]
    assert transfers.by_person(tx, alice) == [oldest, second, first]
    assert transfers.to_person(tx, alice) == transfers.by_person(tx, bob) == []
    transfers.close(tx, "BBBB")
    assert transfers.get(tx, "BBBB") is None
    assert transfers.to_person(tx, bob) == [oldest, second]


def test_an_order_has_one_note_and_it_is_sealed(tx: Tx) -> None:
    one, other = order(tx, "a" * 12), order(tx, "b" * 12)
    assert remarks.of(tx, one.id) is None
    remarks.keep(tx, one.id, Remark("wheelchair", NOW, "organizer"))
    remarks.keep(tx, other.id, Remark("press", NOW, "organizer"))
    later = Remark("wheelchair, seat 4", NOW + 5, "operator")
    remarks.keep(tx, one.id, later)
    assert remarks.of(tx, one.id) == later
    assert remarks.of(tx, other.id) == Remark("press", NOW, "organizer")
    assert b"wheel" not in tx.row("SELECT said FROM remark")[0]  # type: ignore[index]
    remarks.drop(tx, one.id)
    assert remarks.of(tx, one.id) is None and remarks.of(tx, other.id) is not None
