"""Whatever is changed behind the ledger's back, `audit` names."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from tests.unit.cli_house import BotHouse, Sold, one_sentence
from ticketbot.cli import audit


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command runs in this process: its logs are the test runner's business. Nobody waits."""
    monkeypatch.setattr(audit, "quiet_logs", lambda config: None)
    monkeypatch.setattr(audit, "PAUSE", 0.0)
    # what is written in the second of an audit is not judged: it is held in the next one
    monkeypatch.setattr(audit, "time", SimpleNamespace(time=lambda: time.time() + 1))


PLANTED = {
    "a payment is gone": (
        "DELETE FROM payment WHERE fate = 'refund'",
        {"I4": "{owed}: the wallet received", "I6": "payment:{owed}: 0 msat moved, 4000000"},
    ),
    "a payment is less": (
        "UPDATE payment SET amount_msat = 1 WHERE fate = 'refund'",
        {"I1": "{owed}: 1 msat came", "I4": "the ledger has 1", "I6": "payment:{owed}: 1 msat"},
    ),
    "a payment that the wallet never had": (
        "UPDATE invoice SET bolt11 = 'x', payment_hash = 'x' WHERE order_id = '{waiting_order}';"
        " INSERT INTO payment SELECT hash, '{waiting_order}', 7, 1, 'refund', 0, 0, 0"
        " FROM payment_hash WHERE ref = '{waiting_order}-1'",
        {
            "I1": "7 msat came, 0 became tickets",
            "I4": "{waiting}: the ledger credits 7 msat that the wallet does not show",
            "I6": "payment:{waiting}: 7 msat moved, 0 are booked",
        },
    ),
    "an entry too much": (
        "INSERT INTO entry VALUES (99, 'payment:{paid}', 'fees', 5, 0)",
        {"I6": "payment:{paid}: entries sum to 5 msat"},
    ),
    "entries that are balanced, and wrong": (
        "INSERT INTO entry VALUES (98, 'payment:{paid}', 'wallet', 7, 0),"
        " (99, 'payment:{paid}', 'fees', -7, 0)",
        {"I6": "payment:{paid}: 10000000 msat moved, 10000007 are booked"},
    ),
    "a ticket too much": (
        "INSERT INTO ticket SELECT 'x', order_id, event_id, tier, holder, payment_hash, price_msat,"
        " state, 1, issued_at, expires_at, nonce, token_hash, NULL, 0 FROM ticket LIMIT 1",
        {
            "I1": "{paid}: 10000000 msat came, 15000000 became tickets",
            "I1b": "order {order}: it is paid with 3 of 2 tickets",
            "I2": "sold 2 (tickets 3)",
        },
    ),
    "a fee of a ticket that was never given back": (
        "PRAGMA ignore_check_constraints = ON;"
        " UPDATE ticket SET state = 'void', kept_msat = 3 WHERE payment_hash = '{paid}'",
        {
            "I1": "{paid}: 10000000 msat came, 6 became tickets",
            "I1c": "is void, and no refund gives its price back",
        },
    ),
    "a refund that nobody owes": (
        "INSERT INTO refund SELECT 'x', order_id, person, payment_hash, 3, reason, state,"
        " decided_at, NULL, NULL FROM refund",
        {"I1": "{owed}: 4000000 msat came, 0 became tickets, 4000003 go back"},
    ),
    "somebody inside whom nobody let in": (
        "UPDATE ticket SET state = 'admitted' WHERE payment_hash = '{paid}'",
        {"I5b": "it is admitted, and came 0 times, went 0"},
    ),
    "somebody counted whom nobody saw": (
        "INSERT INTO door_count SELECT event_id, '', 'A', 1, 0, 0 FROM listing LIMIT 1",
        {"I5b": "scans leave 0 inside, the counts 1"},
    ),
    "a scan that moved nothing": (
        "INSERT INTO scan SELECT 1, NULL, event_id, id, 'check-in', 'admitted', 1, 9, NULL, '',"
        " NULL FROM ticket WHERE payment_hash = '{paid}' LIMIT 1",
        {"I5b": "it is valid, and came 1 times, went 0"},
    ),
    "a spend too much": (
        "INSERT INTO spend VALUES ('{paid}', 'refund', 'nobody', 9, 0, 'paid', 1, 2, x'00')",
        {
            "I4b": "{paid}: the ledger paid 9 msat that the wallet does not show",
            "I6": "sent:nobody: -9 msat moved, 0 are booked",
        },
    ),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_difference_is_named(house: BotHouse, sold: Sold, what: str) -> None:
    sql, expected = PLANTED[what]
    names = {
        "owed": house.invoice_of(sold.owed)["payment_hash"],
        "paid": house.invoice_of(sold.paid)["payment_hash"],
        "order": sold.paid,
        "waiting": house.invoice_of(sold.waiting)["payment_hash"],
        "waiting_order": sold.waiting,
    }
    assert house.differences() == {}
    house.spoil(sql.format(**names))
    found = house.differences()
    assert found.keys() >= expected.keys()
    for name, part in expected.items():
        assert part.format(**names) in " | ".join(found[name])
    ran = house.calls("audit")
    assert ("UNEXPLAINED" in ran.out) == ("I1" in found or what == "a payment is gone")
    one_sentence(ran, 1, "the books do not add up: " + ", ".join(sorted(found)))
