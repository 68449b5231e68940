"""What the organizer's desk asks of the ledger."""

from __future__ import annotations

from pathlib import Path

from tests.ledger.shelf import ALICE, BOB, DAY, NOW, SAT, on_sale, order, paid, shelf, ticket
from ticketbot.domain.order import State
from ticketbot.ledger import announcements, attendees, gifts, people, shares, statistics, tickets
from ticketbot.ledger.statistics import Counts, Money
from ticketbot.ledger.store import Tx

PRICE = 5_000 * SAT


def booked(tx: Tx, organizer: str) -> int:
    """What the book says is an organizer's."""
    sql = "SELECT -coalesce(sum(amount_msat), 0) FROM entry WHERE account = ?"
    return int(tx.rows(sql, (f"organizer:{organizer}",))[0][0])


def test_money_is_what_the_organizers_account_says(tmp_path: Path) -> None:
    with shelf(tmp_path) as tx:
        event = on_sale(tx)
        assert statistics.money_of(tx, event.event_id) == Money(0, 0, 0)
        for number in (1, 2):
            one = order(tx, f"order{number}", state=State.PAID)
            paid(tx, one, f"hash{number}")
            commission = 100 * SAT
            tx.change("UPDATE payment SET commission_msat = ?", (commission,))
            shares.sold(tx, event, f"hash{number}", PRICE, commission, NOW)
            ticket(tx, one, f"ticket{number}", payment_hash=f"hash{number}")
        shares.give_back(tx, "hash2", "refund2", PRICE, NOW)
        money = statistics.money_of(tx, event.event_id)
        assert money == Money(2 * PRICE, PRICE, 100 * SAT)
        assert money.net == booked(tx, event.organizer) == PRICE - 100 * SAT


def test_who_came_is_counted_by_tier(tmp_path: Path) -> None:
    with shelf(tmp_path) as tx:
        event = on_sale(tx)
        one = order(tx, "one", quantity=4, amount_msat=4 * PRICE)
        for number, (tier, state) in enumerate(
            [("", "valid"), ("VIP", "admitted"), ("VIP", "out"), ("VIP", "void")]
        ):
            ticket(tx, one, f"t{number}", tier=tier, state=state)
        assert statistics.counts_of(tx, event.event_id) == [Counts("", 1, 0), Counts("VIP", 2, 2)]


def test_sales_are_counted_in_quarters_of_an_hour(tmp_path: Path) -> None:
    with shelf(tmp_path) as tx:
        event = on_sale(tx)
        one = order(tx, "one", quantity=3, amount_msat=3 * PRICE)
        for number, at in enumerate((899, 900, 1799)):
            ticket(tx, one, f"t{number}", issued_at=at)
        sold = statistics.sold_over_time(tx, event.event_id)
        assert sold == [(0, 1, PRICE), (900, 2, 2 * PRICE)]


def test_the_list_goes_on_where_it_ended_whatever_was_given_back(tmp_path: Path) -> None:
    with shelf(tmp_path) as tx:
        event = on_sale(tx)
        one = order(tx, "one", quantity=5, amount_msat=5 * PRICE)
        for letter in "edcba":  # not in the order of their ids
            ticket(tx, one, letter)
        first = attendees.page(tx, event.event_id, 2)
        assert [row.ticket.id for row in first] == ["e", "d"]
        tickets.void(tx, ["d"], None)
        rest = attendees.page(tx, event.event_id, 9, after=first[-1].place)
        assert [row.ticket.id for row in rest] == ["c", "b", "a"]
        skipped = attendees.page(tx, event.event_id, 9, skip=1)
        assert [row.ticket.id for row in skipped] == ["c", "b", "a"]


def test_an_order_is_found_whatever_became_of_it_and_only_of_its_event(tmp_path: Path) -> None:
    with shelf(tmp_path) as tx:
        event, other = on_sale(tx), on_sale(tx, "porto")
        order(tx, "aaaaaaaak7q2", state=State.RELEASED)
        order(tx, "bbbbbbbbk7q2", state=State.INVOICED)
        ticket(tx, order(tx, "ccccccccc7q2", state=State.PAID), "t1")
        order(tx, "ddddddddk7q2", event_id=other.event_id)
        found = [one.id for one in attendees.orders_ending(tx, event.event_id, "K7Q2")]
        assert sorted(found) == ["aaaaaaaak7q2", "bbbbbbbbk7q2"]
        (one,) = attendees.orders_ending(tx, event.event_id, "c7q2")
        assert one.state is State.PAID
        for odd in ("%", "____", "k7q%"):
            assert attendees.orders_ending(tx, event.event_id, f"zzz{odd}") == []


def test_a_ticket_is_found_by_the_end_of_its_code_and_only_of_its_event(tmp_path: Path) -> None:
    with shelf(tmp_path) as tx:
        event, other = on_sale(tx), on_sale(tx, "porto")
        bought = order(tx, "aaaaaaaak7q2", state=State.PAID)
        for name in ("abcdefghijklwxyz", "abcdefghijklmno2"):
            ticket(tx, bought, name)
        for typed in ("WXYZ", "wxyz", "mno2", "mn02"):
            (found,) = attendees.tickets_ending(tx, event.event_id, typed, 5)
            assert found.id.endswith(typed.lower().replace("0", "o"))
            assert attendees.tickets_ending(tx, other.event_id, typed, 5) == []
        for odd in ("%", "____", "wxy%"):
            assert attendees.tickets_ending(tx, event.event_id, odd, 5) == []


def test_gifts_are_counted_for_their_organizer_and_while_they_live(tmp_path: Path) -> None:
    with shelf(tmp_path) as tx:
        event, other = on_sale(tx), on_sale(tx, "porto")
        for event_id, name, at in (
            (event.event_id, "one", NOW),
            (other.event_id, "two", NOW - DAY),
            (event.event_id, "old", NOW - 2 * DAY),
        ):
            one = order(tx, name, event_id=event_id, quantity=2, unit_msat=0, amount_msat=0)
            gifts.give(tx, one, at)
            for number in range(2):
                ticket(tx, one, f"{name}{number}", price_msat=0)
        assert gifts.given_since(tx, event.organizer, NOW - DAY - 1) == 4
        assert gifts.given_since(tx, event.organizer, NOW) == 0
        assert gifts.given_since(tx, "ff" * 32, 0) == 0
        tickets.void(tx, ["one0"], None)
        assert gifts.live(tx, event.event_id) == 3


def test_an_announcement_is_kept_sealed_and_let_go_of(tmp_path: Path) -> None:
    with shelf(tmp_path) as tx:
        event = on_sale(tx)
        announcements.write(tx, "a1", event.event_id, "first words", NOW)
        announcements.write(tx, "a2", event.event_id, "Doors open at 19:00", NOW + 1)
        assert announcements.get(tx, "a1") is None
        assert announcements.draft_of(tx, event.event_id, NOW + 1) is None  # an old one
        draft = announcements.draft_of(tx, event.event_id, NOW)
        assert draft is not None and (draft.id, draft.words) == ("a2", "Doors open at 19:00")
        (sealed,) = tx.rows("SELECT words FROM announcement")[0]
        assert b"Doors" not in sealed
        announcements.begin(tx, "a2", NOW + 2)
        assert announcements.draft_of(tx, event.event_id, 0) is None
        assert announcements.begun_since(tx, event.event_id, NOW) == [NOW + 2]
        announcements.finish(tx, "a2", 7)
        sent = announcements.get(tx, "a2")
        assert sent is not None and (sent.state, sent.words, sent.told) == ("sent", "", 7)


def test_holders_are_people_and_nobody_is_not_one(tmp_path: Path) -> None:
    with shelf(tmp_path) as tx:
        event = on_sale(tx)
        for number, pubkey in enumerate((ALICE, ALICE, BOB)):
            ticket(tx, order(tx, f"o{number}", pubkey), f"t{number}")
        assert announcements.holders(tx, event.event_id) == 2
        bob = people.meet(tx, BOB).id
        tx.change("UPDATE ticket SET holder = 0 WHERE holder = ?", (bob,))
        assert announcements.holders(tx, event.event_id) == 1
