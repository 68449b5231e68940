"""Organizers' accounts in the ledger: brought up from older ledgers, and kept beside the book."""

from __future__ import annotations

import sqlite3
from importlib import resources

import pytest

from ticketbot.ledger.audit.payouts import shares
from ticketbot.ledger.store import Tx
from ticketbot.ledger.vault import Vault

EVENT = "31923:anna:lisbon"
OLD = f"""
INSERT INTO listing VALUES ('{EVENT}', 'LISBON', 'anna', 'n', 1, 10, 20, 'on-sale', '{{}}');
INSERT INTO person VALUES (1, x'01', x'01', 'auto', 0);
INSERT INTO orders VALUES ('a', 1, '{EVENT}', '', 2, 5, 10, 'paid', 'nip17', NULL, 1, 2);
INSERT INTO orders VALUES ('b', 1, '{EVENT}', '', 1, 5, 5, 'closed', 'nip17', NULL, 1, 2);
INSERT INTO payment_hash VALUES ('h1', 'invoice', 'a-1'), ('h2', 'invoice', 'b-1');
INSERT INTO payment VALUES ('h1', 'a', 10, 3, 'tickets'), ('h2', 'b', 4, 3, 'refund');
INSERT INTO refund VALUES ('a-r1', 'a', 1, 'h1', 5, 'why', 'due', 4, NULL, NULL);
INSERT INTO refund VALUES ('b-r1', 'b', 1, 'h2', 4, 'why', 'due', 4, NULL, NULL);
"""


def step(number: str) -> str:
    folder = resources.files("ticketbot.ledger") / "migrations"
    (found,) = [one for one in folder.iterdir() if one.name.startswith(number)]
    return found.read_text("utf-8")


@pytest.fixture
def db() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.executescript(step("0001"))
    return db


def test_an_older_ledger_gets_its_accounts(db: sqlite3.Connection) -> None:
    db.executescript(OLD + step("0005"))
    rows = db.execute("SELECT * FROM share").fetchall()
    assert rows == [(EVENT, "anna", 20, 10, 0, 5, 0, 0)]
    back = db.execute("SELECT payment_hash, back_msat FROM payment").fetchall()
    assert back == [("h1", 5), ("h2", 0)]
    assert shares(Tx(db, Vault(b"f" * 32, b"l" * 32))) == []


@pytest.mark.parametrize(
    ("column", "name", "msat"),
    [
        ("gross_msat", "gross", 10),
        ("commission_msat", "commission", 0),
        ("refunded_msat", "refunded", 5),
        ("paid_msat", "paid out", 0),
        ("fees_msat", "fees", 0),
    ],
)
def test_an_account_that_is_changed_is_found(
    db: sqlite3.Connection, column: str, name: str, msat: int
) -> None:
    db.executescript(OLD + step("0005") + f"UPDATE share SET {column} = {column} + 1;")
    assert shares(Tx(db, Vault(b"f" * 32, b"l" * 32))) == [
        f"{EVENT}: its account says {name} {msat + 1} msat, the rows {msat}"
    ]


def test_more_cannot_go_back_than_came(db: sqlite3.Connection) -> None:
    db.executescript(OLD + step("0005"))
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE share SET refunded_msat = 11")
