"""`status`, `events` and `orders`: what the ledger says, in tables and in JSON."""

from __future__ import annotations

import time

import pytest

from tests.unit.cli_house import BotHouse, Sold, one_sentence
from ticketbot.cli.output import at, count, pairs, sats, span, table, width
from ticketbot.ledger import outbox, verdicts
from ticketbot.ledger.verdicts import Verdict

# status


def test_status_of_a_bot_that_runs(house: BotHouse, sold: Sold) -> None:
    house.beats()
    ran = house.calls("status")
    assert (ran.code, ran.err) == (0, "")
    assert "running for 60 min" in ran.out
    assert "2/3 connected" in ran.out
    assert "received        14,000 sats" in ran.out
    data = house.calls("status", "--json").data
    assert data["running"] is True
    assert data["heartbeat"]["relays"] == "2/3"
    assert (data["orders"], data["orders_open"], data["tickets"]) == (3, 1, 2)
    assert (data["credited_msat"], data["refunds_owed_msat"]) == (14_000_000, 4_000_000)


def test_status_of_a_bot_that_has_just_begun_calls_no_relay_deaf(house: BotHouse) -> None:
    house.sells()
    now = int(time.time())
    house.beats(deaf=True, started=now - 3)
    assert "2/3 connected, not heard yet" in house.calls("status").out
    house.beats(deaf=True, started=now - 60)
    assert "2/3 connected, ALL DEAF" in house.calls("status").out


def test_status_of_one_that_does_not(house: BotHouse, sold: Sold) -> None:
    assert "NOT RUNNING: it has not been started yet" in house.calls("status").out
    house.beats(ago=7200)
    assert "NOT RUNNING: last seen 2 h ago" in house.calls("status").out
    assert house.calls("status", "--json").data["running"] is False


def test_status_shows_poison(house: BotHouse, sold: Sold) -> None:
    house.change(lambda tx: outbox.quarantine(tx, "inbox", "id", "why", b"{}", 0))
    assert house.calls("status", "--json").data["quarantined"] == 1


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        (None, "not yet"),
        (Verdict(0, 0, None, 0, {}), "everything agrees"),
        (Verdict(0, None, "no answer", 0, {}), "the ledger is right, the wallet did not answer"),
        (Verdict(0, None, None, 2, {"I4 ab": "…"}), "DIFFERS in 2 places, see: ticketbot audit"),
    ],
)
def test_status_shows_what_the_last_audit_found(
    house: BotHouse, sold: Sold, verdict: Verdict | None, says: str
) -> None:
    if verdict is not None:
        house.change(lambda tx: verdicts.keep(tx, verdict._replace(at=int(time.time()) - 7300)))
        says = f"2 h ago: {says}"
    line = next(one for one in house.calls("status").out.splitlines() if one.startswith("audit"))
    assert line.removeprefix("audit").strip().startswith(says)
    told = house.calls("status", "--json").data["audit"]
    assert (told is None) == (verdict is None)
    if verdict is not None:
        assert (told["total"], told["differences"]) == (verdict.total, verdict.differences)


def test_status_only_reads(house: BotHouse, sold: Sold) -> None:
    before = house.ledger.read_bytes()
    for words in (["status"], ["events"], ["orders"], ["audit", "--offline"]):
        assert house.calls(*words).code == 0
    assert house.ledger.read_bytes() == before


# events


def test_events_on_sale(house: BotHouse, sold: Sold) -> None:
    house.lists("Old party", "OLD", start=1_700_000_000, end=1_700_003_600)
    house.lists("Endless", "ENDLESS", stock=None, tiers=())
    ran = house.calls("events")
    assert "LISBON" in ran.out
    assert "OLD" not in ran.out
    assert "∞" in ran.out
    codes = {event["code"]: event for event in house.calls("events", "--all", "--json").data}
    assert codes.keys() == {"LISBON", "OLD", "ENDLESS"}
    assert codes["OLD"]["state"] == "over"
    assert codes["LISBON"]["seats"] == [
        {"tier": "", "capacity": 100, "held": 1, "sold": 2, "available": 97},
        {"tier": "VIP", "capacity": 10, "held": 0, "sold": 0, "available": 10},
    ]


def test_an_event_that_is_not_sold_says_why(house: BotHouse) -> None:
    house.lists("Later", "LATER", sales_start=4_000_000_000)
    house.lists("Closed", "CLOSED", sales_end=1_700_000_000)
    house.lists("Off", "OFF", cancelled=True)
    events = house.calls("events", "--all", "--json").data
    states = {event["code"]: event["state"] for event in events}
    assert states == {"LATER": "not yet", "CLOSED": "closed", "OFF": "cancelled"}


def test_no_event(house: BotHouse) -> None:
    house.change(lambda tx: None)
    assert house.calls("events").out == "No event is on sale.\n"
    assert house.calls("orders").out == "There is no order yet.\n"
    assert house.calls("orders", "--open").out == "No order waits for money.\n"
    assert house.calls("orders", "--refunds").out == "Nobody is owed anything.\n"
    assert house.calls("orders", "--json").data == []


# orders


def test_orders_newest_first(house: BotHouse, sold: Sold) -> None:
    ids = [order["order_id"] for order in house.calls("orders", "--json").data]
    assert ids == [sold.owed, sold.waiting, sold.paid]
    last = house.calls("orders", "--json", "--last", "1").data
    assert [order["order_id"] for order in last] == [sold.owed]


def test_orders_that_wait(house: BotHouse, sold: Sold) -> None:
    ran = house.calls("orders", "--open")
    assert sold.waiting in ran.out
    assert sold.paid not in ran.out
    (order,) = house.calls("orders", "--open", "--json").data
    assert order["state"] == "invoiced"


def test_orders_of_one_event(house: BotHouse, sold: Sold) -> None:
    house.lists("Porto", "PORTO")
    mine = house.orders(1, "porto")
    (order,) = house.calls("orders", "--event", "porto", "--json").data
    assert order["order_id"] == mine
    assert len(house.calls("orders", "--event", "LISB", "--json").data) == 3
    one_sentence(house.calls("orders", "--event", "faro"), 1, "no event has the code faro")
    house.lists("Portugal", "PORTUGAL")
    one_sentence(house.calls("orders", "--event", "po"), 1, "PORTO, PORTUGAL")


def test_what_is_owed_back(house: BotHouse, sold: Sold) -> None:
    ran = house.calls("orders", "--refunds")
    assert sold.owed in ran.out
    assert "1 refund, 4,000 sats in all." in ran.out
    (refund,) = house.calls("orders", "--refunds", "--json").data
    assert (refund["order_id"], refund["amount_msat"]) == (sold.owed, 4_000_000)
    assert house.calls("orders", "--refunds", "--event", "lisbon", "--json").data == [refund]


def test_an_order_that_is_not_there(house: BotHouse, sold: Sold) -> None:
    for text in ("zzzzzzzz", "%", "", "½"):
        one_sentence(house.calls("orders", "show", text), 1, "no order")


def test_an_ending_that_fits_two(house: BotHouse) -> None:
    house.lists()
    seen: set[str] = set()
    while (letter := house.orders(1)[-1]) not in seen:  # there are 32, so some two meet soon
        seen.add(letter)
    one_sentence(house.calls("orders", "show", letter), 1, "several orders end in")


def test_no_list_names_a_buyer(house: BotHouse, sold: Sold) -> None:
    for words in (["orders"], ["orders", "show", sold.paid], ["orders", "--refunds"]):
        for extra in ([], ["--json"]):
            out = house.calls(*words, *extra).out
            assert "npub" not in out
            assert "person" not in out


# how it is shown


def test_columns_are_aligned_whatever_the_script() -> None:
    shown = table(("a", ">n"), [("東京", "1"), ("x", "1,000"), ("é", "")])
    assert [width(line.rstrip()) for line in shown.splitlines()] == [11, 11, 11, 1]
    assert pairs([("a", 1), ("long", "")]) == "a     1\nlong"


def test_numbers_and_times_for_people() -> None:
    assert [sats(msat) for msat in (0, 1_000, 42_000_000, 1_500, -2_000_000)] == [
        "0",
        "1",
        "42,000",
        "1.5",
        "-2,000",
    ]
    assert [span(seconds) for seconds in (0, 59, 119, 120, 7_300, 172_800)] == [
        "0 s",
        "59 s",
        "119 s",
        "2 min",
        "2 h",
        "2 days",
    ]
    assert at(None) == "-"
    assert at(1_800_000_000).startswith("2027-01-15 ")
    assert [count(number, "order") for number in (0, 1, 2_000)] == [
        "0 orders",
        "1 order",
        "2,000 orders",
    ]
