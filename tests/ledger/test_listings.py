"""Events on sale and their seats, as the ledger finds them again."""

from __future__ import annotations

import pytest

from tests.ledger.shelf import DAY, NOW, listing, on_sale, tier
from ticketbot.errors import Refused
from ticketbot.ledger import listings
from ticketbot.ledger.listings import Seats
from ticketbot.ledger.store import Tx


def test_events_are_found_by_code_note_and_start(tx: Tx) -> None:
    lisbon, porto = on_sale(tx), on_sale(tx, "porto", start=NOW + DAY, end=NOW + 2 * DAY)
    on_sale(tx, "portimao", end=NOW + 9 * DAY)
    assert [one.code for one in listings.by_code(tx, "porto")] == ["PORTO"]
    assert {one.code for one in listings.by_code(tx, "port")} == {"PORTO", "PORTIMAO"}
    assert listings.by_code(tx, "faro") == []
    on_sale(tx, "porto2", end=NOW)
    assert [one.code for one in listings.by_code(tx, "porto")] == ["PORTO"]
    found = listings.by_note(tx, porto.note_id)
    assert found is not None and found.listing == porto and found.state == "on-sale"
    assert listings.by_note(tx, "f" * 64) is None
    assert [one.code for one in listings.upcoming(tx, NOW)] == ["PORTO", "LISBON", "PORTIMAO"]
    assert [one.code for one in listings.upcoming(tx, NOW, most=1)] == ["PORTO"]
    assert [one.code for one in listings.upcoming(tx, porto.end)] == ["LISBON", "PORTIMAO"]
    after = (lisbon.start, lisbon.event_id)
    assert [one.code for one in listings.upcoming(tx, NOW, after)] == ["PORTIMAO"]
    assert sorted(listings.codes(tx, lisbon.end)) == ["PORTIMAO"]
    assert listings.taken(tx) == {"LISBON", "PORTO", "PORTO2", "PORTIMAO"}
    assert listings.organizers(tx, NOW) == [lisbon.organizer]
    assert listings.organizers(tx, NOW + 9 * DAY) == []
    listings.cancel(tx, porto.event_id)
    assert [one.code for one in listings.upcoming(tx, NOW)] == ["LISBON", "PORTIMAO"]
    assert listings.by_id(tx, porto.event_id).state == "cancelled"  # type: ignore[union-attr]


def test_the_next_event_with_seats(tx: Tx) -> None:
    assert listings.next_with_seats(tx, NOW) is None
    on_sale(tx)
    on_sale(tx, "porto", start=NOW + DAY, end=NOW + 2 * DAY, stock=2)
    on_sale(tx, "faro", start=NOW + 8 * DAY, end=NOW + 9 * DAY, stock=None)

    def next_code(now: int = NOW) -> str:
        found = listings.next_with_seats(tx, now)
        return "" if found is None else found.code

    porto, lisbon = listing("porto").event_id, listing().event_id
    assert (next_code(), next_code(NOW + 2 * DAY), next_code(NOW + 9 * DAY)) == (
        "PORTO", "LISBON", "",
    )  # fmt: skip
    listings.hold(tx, porto, "", 1)
    assert next_code() == "PORTO"
    listings.sell_free(tx, porto, "", 1)
    assert next_code() == "LISBON"
    listings.cancel(tx, lisbon)
    assert next_code() == "FARO"


def test_an_organizers_events(tx: Tx) -> None:
    lisbon = on_sale(tx)
    on_sale(tx, "porto", start=NOW + DAY, end=NOW + 2 * DAY)
    on_sale(tx, "faro", organizer="0b" * 32)
    anna, cursor = lisbon.organizer, (lisbon.start, lisbon.event_id)
    of = listings.of_organizer
    assert [one.code for one in of(tx, anna, (0, ""), 9)] == ["PORTO", "LISBON"]
    assert [one.code for one in of(tx, anna, (0, ""), 1)] == ["PORTO"]
    assert [one.code for one in of(tx, anna, (NOW + DAY, "~"), 9)] == ["LISBON"]
    assert of(tx, anna, cursor, 9) == []
    assert {one.code for one in listings.coming_of(tx, anna, NOW)} == {"PORTO", "LISBON"}
    assert [one.code for one in listings.coming_of(tx, anna, NOW + 2 * DAY)] == ["LISBON"]
    assert not listings.paused(tx, lisbon.event_id)
    listings.pause(tx, lisbon.event_id, NOW)
    assert listings.paused(tx, lisbon.event_id)
    assert not listings.paused(tx, listing("porto").event_id)
    listings.resume(tx, lisbon.event_id)
    assert not listings.paused(tx, lisbon.event_id)


def test_seats_of_an_event_and_its_tiers(tx: Tx) -> None:
    one = on_sale(tx, stock=5, tiers=(tier("VIP", 2),))
    event_id = one.event_id
    listings.hold(tx, event_id, "VIP", 2)
    assert listings.seats_of(tx, event_id) == [Seats("", 5, 2, 0), Seats("VIP", 2, 2, 0)]
    with pytest.raises(Refused), tx.savepoint():
        listings.hold(tx, event_id, "VIP", 1)
    with pytest.raises(Refused), tx.savepoint():
        listings.hold(tx, event_id, "", 4)
    listings.hold(tx, event_id, "", 3)
    listings.sell_held(tx, event_id, "VIP", 1)
    listings.free_held(tx, event_id, "VIP", 1)
    listings.sell_free(tx, event_id, "VIP", 1)
    assert listings.seats_of(tx, event_id) == [Seats("", 5, 3, 2), Seats("VIP", 2, 0, 2)]
    listings.free_sold(tx, event_id, "VIP", 2)
    seats = listings.seats_of(tx, event_id)
    assert (listings.available(seats, ""), listings.available(seats, "VIP")) == (2, 2)
    assert listings.available([Seats("", None, 9, 9)], "") is None
    for sale in (listings.free_held, listings.sell_held, listings.sell_free):
        with pytest.raises(LookupError, match="seats of"):
            sale(tx, event_id, "no such tier", 1)


def test_a_tier_that_is_gone_sells_no_more(tx: Tx) -> None:
    event_id = on_sale(tx, stock=None, tiers=(tier("VIP", None), tier("Balcony", 4))).event_id
    other = on_sale(tx, "porto", tiers=(tier("Stalls", 3),)).event_id
    listings.hold(tx, event_id, "VIP", 2)
    listings.sell_held(tx, event_id, "VIP", 1)
    on_sale(tx, stock=None, tiers=(tier("Balcony", 4),))
    assert listings.seats_of(tx, event_id) == [
        Seats("", None, 1, 1), Seats("Balcony", 4, 0, 0), Seats("VIP", 2, 1, 1),
    ]  # fmt: skip
    with pytest.raises(Refused, match="sold-out"):
        listings.hold(tx, event_id, "VIP", 1)
    assert listings.seats_of(tx, other) == [Seats("", 10, 0, 0), Seats("Stalls", 3, 0, 0)]


def test_codes_that_begin_so_are_found_to_the_last_letter(tx: Tx) -> None:
    for d in ("porto", "porz", "pos"):
        on_sale(tx, d)
    assert [one.code for one in listings.by_code(tx, "por")] == ["PORTO", "PORZ"]
    for number in range(11):
        on_sale(tx, f"q{number:02}")
    assert len(listings.by_code(tx, "q")) == 10


def test_who_asks_for_too_many_seats_is_told_how_many_there_are(tx: Tx) -> None:
    event_id = on_sale(tx, stock=5, tiers=(tier("VIP", 2),)).event_id

    def refused(tier: str, quantity: int) -> tuple[str, str, dict[str, object]]:
        with pytest.raises(Refused) as refused, tx.savepoint():
            listings.hold(tx, event_id, tier, quantity)
        return refused.value.code, refused.value.sentence, dict(refused.value.values)

    assert refused("VIP", 3) == ("sold-out", "fewer-left", {"n": 2, "wish": "lisbon 3 vip"})
    assert refused("", 6) == ("sold-out", "fewer-left", {"n": 5, "wish": "lisbon 6"})
    listings.hold(tx, event_id, "VIP", 2)
    assert refused("VIP", 1) == ("sold-out", "sold-out", {"wish": "lisbon 1 vip"})


def test_seats_of_a_kind_that_are_taken_and_that_can_be_had() -> None:
    seats = [Seats("", 20, 5, 7), Seats("VIP", 6, 1, 2), Seats("Balcony", 9, 3, 4)]
    taken = {name: listings.seats_taken(seats, name) for name in ("VIP", "Balcony", "", "Stalls")}
    assert taken == {"VIP": 3, "Balcony": 7, "": 2, "Stalls": 0}
    assert [listings.available(seats, name) for name in ("VIP", "Balcony", "")] == [3, 2, 8]
    assert listings.available([Seats("", None, 5, 7), Seats("VIP", 6, 1, 2)], "VIP") == 3
    assert listings.available([Seats("", 20, 5, 7), Seats("VIP", None, 1, 2)], "VIP") == 8
    assert listings.seats_taken([], "") == 0
