"""What an organizer lets holders do: read from a note's tags, and what it costs."""

from __future__ import annotations

import pytest

from tests.unit.test_listing import DAY, HOUR, START, event, problems, read
from ticketbot.domain.command import Accept, Command, Decline, GiveBack, Refund, Transfer
from ticketbot.domain.listing import Listing
from ticketbot.domain.speech import read_text
from ticketbot.domain.terms import Terms

SAT = 1000
NPUB = "npub1ujfahuwppkq0xkq7fqzfxzc5qnxxcyuspmsawsu5lf22h6xye5fsdev64k"


@pytest.mark.parametrize(
    ("tags", "terms"),
    [
        ([], Terms()),
        ([["transfer", "always"]], Terms()),
        ([["transfer", "Never"]], Terms(transferable=False)),
        ([["refund_until", "48h"]], Terms(refund_until=START - 48 * HOUR)),
        ([["refund_until", "3 days"]], Terms(refund_until=START - 3 * DAY)),
        ([["refund_until", "0h"]], Terms(refund_until=START)),
        ([["refund_until", str(START - 5)]], Terms(refund_until=START - 5)),
        ([["refund_until", str(START + DAY)]], Terms(refund_until=START)),
        ([["refund_until", "1d"], ["refund_fee", "10%"]], Terms(True, START - DAY, 10)),
        ([["refund_until", "1d"], ["refund_fee", "10", "%"]], Terms(True, START - DAY, 10)),
        ([["refund_until", "1d"], ["refund_fee", "500"]], Terms(True, START - DAY, 0, 500 * SAT)),
        (
            [["refund_until", "1d"], ["refund_fee", "0.00001", "btc"]],
            Terms(True, START - DAY, 0, 1000 * SAT),
        ),
    ],
)
def test_terms_are_read(tags: list[list[str]], terms: Terms) -> None:
    listing = read(*tags)
    assert listing.terms == terms
    assert Listing.from_json(listing.to_json()) == listing


def test_a_listing_of_before_has_no_terms() -> None:
    plain = read().to_json()
    del plain["terms"]
    assert Listing.from_json(plain).terms == Terms()


@pytest.mark.parametrize(
    ("tags", "field", "sentence"),
    [
        ([["transfer", "nver"]], "transfer", "transfer-value"),
        ([["refund_until", "soon"]], "refund_until", "time-number"),
        ([["refund_until", "-3h"]], "refund_until", "time-number"),
        ([["refund_fee", "10%"]], "refund_fee", "refund-fee-alone"),
        ([["refund_until", "1h"], ["refund_fee", "101%"]], "refund_fee", "refund-fee-high"),
        ([["refund_until", "1h"], ["refund_fee", "5", "EUR"]], "refund_fee", "price-fiat"),
        ([["refund_until", "1h"], ["refund_fee", "-5"]], "refund_fee", "price-negative"),
        ([["refund_until", "1h"], ["refund_until", "2h"]], "refund_until", "given-twice"),
        (
            [["refund_until", "1h"], ["refund_fee", "1%"], ["refund_fee", "2%"]],
            "refund_fee",
            "given-twice",
        ),
    ],
)
def test_what_is_wrong_with_terms(tags: list[list[str]], field: str, sentence: str) -> None:
    assert problems(event(*tags)) == {field: sentence}


@pytest.mark.parametrize(
    ("terms", "price", "fee"),
    [
        (Terms(), 5000 * SAT, 0),
        (Terms(fee_percent=10), 5000 * SAT, 500 * SAT),
        (Terms(fee_percent=33), 5 * SAT, 1 * SAT),
        (Terms(fee_percent=10), 5 * SAT, 0),
        (Terms(fee_percent=100), 5 * SAT, 5 * SAT),
        (Terms(fee_msat=500 * SAT), 5000 * SAT, 500 * SAT),
        (Terms(fee_msat=9000 * SAT), 5000 * SAT, 5000 * SAT),
        (Terms(fee_percent=50), 0, 0),
    ],
)
def test_fees_are_whole_sats_and_never_more_than_the_price(
    terms: Terms, price: int, fee: int
) -> None:
    assert terms.fee(price) == fee


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("transfer", Transfer(())),
        (f"transfer IK2D {NPUB}", Transfer(("ik2d",), NPUB)),
        (f"Transfer my ticket IK2D to nostr:{NPUB}!", Transfer(("ik2d",), f"nostr:{NPUB}")),
        (f"transfer {NPUB} AAAA-BBBB-CCCC-DDDD", Transfer(("aaaa-bbbb-cccc-dddd",), NPUB)),
        (f"transfer lisbon {'AB' * 32}", Transfer(("lisbon",), "AB" * 32)),
        ("transfer IK2D cancel", Transfer(("ik2d",), cancel=True)),
        ("transfer back IK2D", Transfer(("ik2d",), cancel=True)),
        ("transfer IK2D bob@example.com", Transfer(("ik2d",), "bob@example.com")),
        ("transfer AAAA BBBB CCCC DDDD", Transfer(("aaaa", "bbbb", "cccc", "dddd"))),
        ("accept", Accept()),
        ("accept K5DW3A", Accept("k5dw3a")),
        ("accept the ticket please", Accept()),
        ("decline it", Decline()),
        ("decline k5dw3a", Decline("k5dw3a")),
        ("refund AAAA-BBBB-CCCC-DDDD", Refund((), "AAAA-BBBB-CCCC-DDDD")),
        ("refund lisbon yes", Refund(("yes",), "lisbon")),
        ("refund K7Q2-R2 sent", Refund(("sent",), "K7Q2-R2")),
        ("refund my order K7Q2", Refund((), "K7Q2")),
        ("give back", GiveBack(())),
        ("give back lisbon K7Q2", GiveBack(("lisbon", "k7q2"))),
        ("give back lisbon order K7Q2 2 yes", GiveBack(("lisbon", "k7q2"), 2, True)),
        ("give back lisbon 1234", GiveBack(("lisbon", "1234"))),
    ],
)
def test_what_people_say_whose_plans_change(text: str, command: Command) -> None:
    assert read_text(text) == command
