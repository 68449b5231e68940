"""`payouts`: what organizers have earned, in a table, in JSON, as CSV."""

from __future__ import annotations

from tests.unit.cli_house import BotHouse, Sold
from ticketbot.ledger.store import Tx


def test_nobody_has_earned_anything(house: BotHouse) -> None:
    house.change(lambda tx: None)
    assert house.calls("payouts").out == "No organizer has earned anything yet.\n"
    assert house.calls("payouts", "--json").data == {"organizers": [], "payouts": []}


def test_accounts_and_what_is_on_its_way(house: BotHouse, sold: Sold) -> None:
    ran = house.calls("payouts")
    assert (ran.code, ran.err) == (0, "")
    assert "npub1" in ran.out
    assert "Nothing is on its way to them." in ran.out
    house.change(
        lambda tx: tx.change(
            "INSERT INTO payout SELECT 'p1', organizer, 7000, 'due', 1, NULL, NULL FROM share"
        )
    )
    assert "not told yet" in house.calls("payouts").out
    data = house.calls("payouts", "--json").data
    (one,) = data["organizers"]
    assert one["earned_msat"] == one["balance_msat"] == 10_000_000
    assert sum(event["balance_msat"] for event in one["events"]) == one["balance_msat"]
    (payout,) = data["payouts"]
    assert (payout["payout_id"], payout["amount_msat"], payout["state"]) == ("p1", 7_000, "due")


def test_status_says_what_is_to_be_paid_out(house: BotHouse, sold: Sold) -> None:
    def line() -> str:
        found = [one for one in house.calls("status").out.splitlines() if "to pay out" in one]
        return found[0].removeprefix("to pay out").strip()

    assert line() == "0 sats"
    rows = [("p1", 7_000_000, "due"), ("p2", 5_000_000, "sending"), ("p3", 1_000, "sent")]

    def work(tx: Tx) -> None:
        for name, msat, state in rows:
            sent_at = 2 if state == "sent" else None
            tx.change(
                "INSERT INTO payout SELECT ?, organizer, ?, ?, 1, NULL, ? FROM share LIMIT 1",
                (name, msat, state, sent_at),
            )
        tx.change("INSERT INTO payment_hash VALUES (?, 'payout', 'p1')", ("f" * 64,))
        tx.change(
            "INSERT INTO spend VALUES (?, 'payout', 'p1', 7000000, 0, 'failed', 1, 2, x'00')",
            ("f" * 64,),
        )

    house.change(work)
    assert line() == (
        "12,000 sats: 1 due, 1 on the way; 1 tried in vain; 1 without a place to go to"
    )
    assert house.calls("status", "--json").data["payouts"] == {
        "due": 1,
        "due_msat": 7_000_000,
        "sending": 1,
        "sending_msat": 5_000_000,
        "failed": 1,
        "unplaced": 1,
    }


def test_a_statement_as_a_table(house: BotHouse, sold: Sold) -> None:
    house.change(
        lambda tx: tx.change("UPDATE listing SET body = json_set(body, '$.title', '=cmd|x')")
    )
    head, *rows = house.calls("payouts", "--csv").out.splitlines()
    assert head.split(",")[:3] == ["code", "title", "sold"]
    assert len(rows) == 1
    assert ",'=cmd|x," in rows[0]
