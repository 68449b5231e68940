"""Who may scan, what they scanned, and what it adds up to: the rooms of the ledger for a door."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger import shelf
from tests.ledger.shelf import ALICE, BOB, DAY, NOW
from ticketbot.domain.admission import Kind, Move, Outcome, State
from ticketbot.ledger import conflicts, scans, staff
from ticketbot.ledger.scans import Count, ScanRow
from ticketbot.ledger.store import Tx

EVENT = shelf.listing().event_id
TICKET = "a" * 16


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    with shelf.shelf(tmp_path) as tx:
        shelf.on_sale(tx)
        shelf.on_sale(tx, "porto")
        one = shelf.order(tx, "e4vr600i6hb7")
        shelf.ticket(tx, one, TICKET)
        yield tx


def row(outcome: Outcome, at: int = NOW, **changes: object) -> ScanRow:
    scan = ScanRow(EVENT, TICKET, Kind.CHECK_IN, outcome, True, at, None, "A", None)
    return scan._replace(**changes)  # type: ignore[arg-type]


def test_scans_are_never_changed(tx: Tx) -> None:
    scans.write(tx, row(Outcome.ADMITTED), None)
    for sql in ("UPDATE scan SET gate = 'B'", "DELETE FROM scan"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            tx.change(sql)


def test_a_nonce_is_of_one_scan_of_one_event(tx: Tx) -> None:
    nonce = scans.nonce_tag(tx, EVENT, "n" * 8)
    assert nonce != scans.nonce_tag(tx, shelf.listing("porto").event_id, "n" * 8)
    assert scans.told(tx, nonce) is None
    written = row(Outcome.ADMITTED, device_at=NOW - 5)
    scans.write(tx, written, nonce)
    assert scans.told(tx, nonce) == written
    assert written.happened == NOW - 5
    with pytest.raises(sqlite3.IntegrityError):
        scans.write(tx, written, nonce)
    for _ in range(2):  # without one there is nothing to collide
        scans.write(tx, written, None)


def test_conflicts_are_counted_once(tx: Tx) -> None:
    """The list is read from the scans, the number from its own row; the audit compares them."""
    scans.write(tx, row(Outcome.ADMITTED), None)
    assert (conflicts.found(tx, EVENT), conflicts.untold(tx, NOW)) == (0, [])
    late = row(Outcome.ALREADY_USED, device_at=NOW - 60, gate="B")
    scans.write(tx, late, None)
    assert conflicts.miscounted(tx) == [f"{EVENT}: 1 scans are in conflict, 0 are counted"]
    conflicts.note(tx, EVENT)
    scans.write(tx, late._replace(ticket=None, outcome=Outcome.UNKNOWN), None)
    conflicts.note(tx, EVENT)
    for other in (late._replace(kind=Kind.UNDO, outcome=Outcome.OVERTAKEN), row(Outcome.VOID)):
        scans.write(tx, other, None)
    assert conflicts.miscounted(tx) == []
    newest, first = conflicts.of_event(tx, EVENT, 1, 5)
    assert (newest.outcome, newest.other) == (Outcome.UNKNOWN, None)
    assert first == (TICKET, Outcome.ALREADY_USED, (NOW - 60, "B", None), (NOW, "A", None))
    assert conflicts.of_event(tx, EVENT, 2, 5) == [first]
    assert conflicts.tell(tx, EVENT, NOW) == (2, 2)
    assert conflicts.untold(tx, NOW + DAY) == []
    conflicts.note(tx, EVENT)
    assert conflicts.untold(tx, NOW - 1) == []
    assert conflicts.untold(tx, NOW) == [EVENT]
    assert conflicts.tell(tx, EVENT, NOW + DAY) == (1, 3)


def test_a_story_has_what_counts_as_it_was_told(tx: Tx) -> None:
    scans.write(tx, row(Outcome.ADMITTED, NOW), None)
    scans.write(tx, row(Outcome.ALREADY_USED, NOW + 1, counts=False), None)
    scans.write(tx, row(Outcome.ALREADY_USED, NOW + 2, device_at=NOW - 9, gate="B"), None)
    assert scans.story(tx, TICKET) == [
        Move(Outcome.ADMITTED, NOW, "A"),
        Move(Outcome.ALREADY_USED, NOW - 9, "B"),
    ]


def test_a_ticket_moves_from_where_it_was_seen(tx: Tx) -> None:
    scans.move(tx, TICKET, State.VALID, State.ADMITTED)
    with pytest.raises(LookupError):
        scans.move(tx, TICKET, State.VALID, State.ADMITTED)


def test_counts_add_up_and_undoing_takes_off_where_it_was_counted(tx: Tx) -> None:
    came, left = Move(Outcome.ADMITTED, NOW, "A"), Move(Outcome.LEFT, NOW, "B")
    back = Move(Outcome.READMITTED, NOW, "B")
    for move in (came, left, back):
        scans.count(tx, EVENT, "VIP", None, move)
    assert scans.counts(tx, EVENT) == [Count("VIP", "A", 1, 0, 0), Count("VIP", "B", 0, 1, 1)]
    scans.count(tx, EVENT, "VIP", back, Move(Outcome.RETURN_UNDONE, NOW, "C"))
    assert scans.counts(tx, EVENT) == [Count("VIP", "A", 1, 0, 0), Count("VIP", "B", 0, 0, 1)]


def test_a_pass_is_of_one_person_at_one_event_for_a_time(tx: Tx) -> None:
    first = staff.give(tx, EVENT, ALICE, NOW, NOW + DAY)
    assert staff.give(tx, EVENT, ALICE, NOW, NOW + 2 * DAY) == first
    tag = staff.person_tag(tx, ALICE)
    held = staff.good(tx, tag, EVENT, NOW + DAY)
    assert held is not None
    assert (held.pubkey, held.expires_at) == (ALICE, NOW + 2 * DAY)
    assert staff.good(tx, tag, EVENT, NOW + 2 * DAY) is None
    assert staff.good(tx, tag, shelf.listing("porto").event_id, NOW) is None
    assert staff.good(tx, staff.person_tag(tx, BOB), EVENT, NOW) is None
    assert staff.anywhere(tx, tag, NOW) == [EVENT]


def test_a_pass_that_was_taken_can_be_given_again(tx: Tx) -> None:
    first = staff.give(tx, EVENT, ALICE, NOW, NOW + DAY)
    assert not staff.take(tx, shelf.listing("porto").event_id, first, NOW)
    assert staff.take(tx, EVENT, first, NOW)
    assert not staff.take(tx, EVENT, first, NOW)
    assert staff.of_event(tx, EVENT, NOW) == []
    second = staff.give(tx, EVENT, ALICE, NOW, NOW + DAY)
    assert second != first
    assert [one.id for one in staff.of_event(tx, EVENT, NOW)] == [second]


def test_a_secret_is_found_by_nothing_but_itself(tx: Tx) -> None:
    number = staff.give_secret(tx, EVENT, "door1secret", "B", NOW, NOW + DAY)
    held = staff.good(tx, staff.secret_tag(tx, "door1secret"), EVENT, NOW)
    assert held is not None
    assert (held.id, held.pubkey, held.gate) == (number, None, "B")
    assert staff.good(tx, staff.secret_tag(tx, "door1secreT"), EVENT, NOW) is None


def test_forgetting_takes_the_key_and_leaves_the_number(tx: Tx) -> None:
    number = staff.give(tx, EVENT, ALICE, NOW, NOW + DAY)
    scans.write(tx, row(Outcome.ADMITTED, by=number), None)
    assert staff.forget_old(tx, NOW + DAY) == 0
    assert staff.forget_old(tx, NOW + DAY + 1) == 1
    assert staff.forget_old(tx, NOW + DAY + 1) == 0
    assert tx.row("SELECT lookup, sealed FROM door_pass") == (None, None)
    staff.give(tx, EVENT, BOB, NOW, NOW + DAY)
    assert staff.forget(tx, BOB, NOW) == 1
    assert staff.anywhere(tx, staff.person_tag(tx, BOB), NOW) == []
