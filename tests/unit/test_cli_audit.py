"""`audit`: a table that a treasurer understands, and every difference by its name."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time

import pytest

from tests.unit.cli_house import BotHouse, Sold, one_sentence
from ticketbot.cli import audit
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.keys import Keys
from ticketbot.ledger import journal, money
from ticketbot.ledger.store import Tx
from ticketbot.wallets.fake import FakeWallet

YESTERDAY = "UPDATE refund SET decided_at = decided_at - 86400"
"""What was decided in the very second in which the wallet is asked is not held against it."""


@pytest.fixture
def sold(house: BotHouse) -> Sold:
    """Sold before the second in which the audit begins: what is written in it is not judged."""
    done = house.sells()
    time.sleep(1 - time.time() % 1)
    return done


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command runs in this process: its logs are the test runner's business. Nobody waits."""
    monkeypatch.setattr(audit, "quiet_logs", lambda config: None)
    monkeypatch.setattr(audit, "PAUSE", 0.0)


def refunds(house: BotHouse, refund: str, *, fee: int = 2_000, to_itself: bool = False) -> str:
    """The refund is sent: by the wallet, and in the ledger; the payment's hash."""
    paid = house.spends(4_000_000, fee, to_itself=to_itself)

    def work(tx: Tx) -> None:
        now = int(time.time())
        tx.change("INSERT INTO payment_hash VALUES (?, 'refund', ?)", (paid, refund))
        tx.change(
            "INSERT INTO spend VALUES (?, 'refund', ?, 4000000, ?, 'paid', ?, ?, x'00')",
            (paid, refund, fee, now - 60, now + 60),
        )
        tx.change("UPDATE refund SET state = 'sent', sent_at = ? WHERE id = ?", (now - 9, refund))
        lines = (("refunds", 4_000_000), ("fees", fee), ("wallet", -4_000_000 - fee))
        money.post(tx, f"sent:{refund}", now - 9, *lines)

    house.change(work)
    return paid


# the table


def test_the_books_agree_and_foreign_money_stands_apart(house: BotHouse, sold: Sold) -> None:
    house.wallet(lambda wallet: wallet.pay_in(123_456_000))
    ran = house.run("audit")
    assert (ran.code, ran.err) == (0, "")
    assert "123,456  1 payment, none of the bot's business" in ran.out
    data = house.calls("audit", "--json").data
    assert data["agree"] is True
    assert data["ledger"] == {
        "orders": 3,
        "tickets": 2,
        "credited_msat": 14_000_000,
        "for_tickets_msat": 10_000_000,
        "refunds_due_msat": 4_000_000,
        "refunds_sending_msat": 0,
        "refunds_owed_msat": 4_000_000,
        "refunds_sent_msat": 0,
        "refunds_by_hand_msat": 0,
        "kept_msat": 0,
        "organizers_msat": 10_000_000,
        "payouts_due_msat": 0,
        "payouts_sending_msat": 0,
        "payouts_sent_msat": 0,
        "payouts_by_hand_msat": 0,
        "payout_fees_msat": 0,
        "commission_msat": 0,
        "fees_msat": 0,
    }
    assert data["wallet"] == {
        "received_msat": 137_456_000,
        "received_for_orders_msat": 14_000_000,
        "foreign_msat": 123_456_000,
        "foreign_payments": 1,
        "refunded_msat": 0,
        "refund_fees_msat": 0,
        "foreign_out_msat": 0,
        "foreign_out_payments": 0,
        "balance_msat": 137_456_000,
        "owed_msat": 4_000_000,
        "left_msat": 133_456_000,
    }
    names = {finding["name"] for finding in data["findings"]}
    assert names >= {"I1", "I1b", "I2", "I4", "I4b", "I5", "I6", "I7"}


def test_invariants_come_in_the_order_of_their_numbers(house: BotHouse, sold: Sold) -> None:
    out = house.calls("audit", "--offline").out
    names = [line.split()[1] for line in out.splitlines() if line.startswith("ok ")]
    assert names[:3] == ["I1", "I1b", "I1c"]
    assert names.index("I9") < names.index("I10") < names.index("I11")


def test_a_refund_that_was_sent_is_explained(house: BotHouse, sold: Sold) -> None:
    house.wallet(lambda wallet: wallet.pay_in(1_000_000))
    refunds(house, f"{sold.owed}-r1")
    house.spends(500_000, 1_000)
    ran = house.calls("audit")
    assert (ran.code, ran.err) == (0, "")
    lines = {line[:31].strip(): line[31:].split() for line in ran.out.splitlines()}
    assert lines["are refunds due"][0] == "0"
    assert lines["are refunds sent"][:3] == ["4,000", "1", "refund"]
    assert lines["Fees for sending refunds"][0] == "2"
    assert lines["The wallet paid out for orders"] == [
        "4,002",
        "1",
        "payment,",
        "2",
        "sats",
        "of",
        "it",
        "fees",
    ]
    assert lines["The wallet paid besides"][:3] == ["501", "1", "payment,"]
    assert lines["The wallet holds now"] == ["10,497"]
    assert "are not in its list" not in lines
    data = house.calls("audit", "--json").data
    assert data["ledger"]["fees_msat"] == 2_000
    assert (data["wallet"]["refunded_msat"], data["wallet"]["foreign_out_msat"]) == (
        4_000_000,
        501_000,
    )


def test_one_that_the_operator_paid_stands_as_such(house: BotHouse, sold: Sold) -> None:
    refund = f"{sold.owed}-r1"

    def work(tx: Tx) -> None:
        tx.change("UPDATE refund SET state = 'sent', sent_at = 1 WHERE id = ?", (refund,))
        money.post(tx, f"sent:{refund}", 1, ("refunds", 4_000_000), ("by hand", -4_000_000))

    house.change(work)
    ran = house.calls("audit")
    assert (ran.code, ran.err) == (0, "")
    assert "1 refund, 1 of them by hand" in ran.out


# what differs


def test_a_broken_invariant_is_named(house: BotHouse, sold: Sold) -> None:
    house.spoil("UPDATE ticket SET state = 'void'")
    ran = house.calls("audit", "--offline")
    one_sentence(ran, 1, "I1", "I2")
    assert "FAIL  I1 " in ran.out
    assert "14000000" not in ran.out.split("FAIL")[0]
    assert house.calls("audit", "--offline", "--json").data["agree"] is False


def test_money_that_nobody_credited(house: BotHouse, sold: Sold) -> None:
    bolt11 = house.invoice_of(sold.waiting)["bolt11"]
    house.wallet(lambda wallet: wallet.receive(bolt11))
    ran = house.calls("audit")
    one_sentence(ran, 1, "the books do not add up: I4")
    assert "FAIL  I4 " in ran.out
    assert "the ledger has nothing" in ran.out


def test_what_went_out_is_compared_too(house: BotHouse, sold: Sold) -> None:
    paid = refunds(house, f"{sold.owed}-r1")
    house.wallet(lambda wallet: wallet.pay_in(9_000))
    assert house.differences() == {}
    house.spoil("UPDATE spend SET fee_msat = 1")
    assert house.differences()["I4b"] == [
        f"{paid}: the wallet paid 4000000 msat and 2000 of fee, "
        "the ledger calls 4000000 msat and 1 of fee paid"
    ]
    house.spoil("UPDATE spend SET fee_msat = 2000, state = 'failed'")
    (line,) = house.differences()["I4b"]
    assert line.endswith("the ledger calls 4000000 msat and 2000 of fee failed")
    house.spoil("DELETE FROM spend")
    (line,) = house.differences()["I4b"]
    assert line.endswith("the ledger has nothing")


def test_one_refund_paid_twice_is_found(house: BotHouse, sold: Sold) -> None:
    """The first bolt11 was given up, went through all the same, and the second one too."""
    refunds(house, f"{sold.owed}-r1")
    twice = house.spends(4_000_000, 0)

    def work(tx: Tx) -> None:
        tx.change("INSERT INTO payment_hash VALUES (?, 'refund', ?)", (twice, f"{sold.owed}-r1"))
        tx.change(
            "INSERT INTO spend VALUES (?, 'refund', ?, 4000000, 0, 'failed', 1, 2, x'00')",
            (twice, f"{sold.owed}-r1"),
        )

    house.change(work)
    found = house.differences()
    assert [line.partition(":")[0] for line in found["I4b"]] == [twice]


def test_what_only_looks_like_ours_is_foreign(house: BotHouse, sold: Sold) -> None:
    """An id in our form that we never asked under; a refund that the wallet paid to itself."""
    refunds(house, f"{sold.owed}-r1", to_itself=True)

    async def come(wallet: FakeWallet) -> None:
        for external_id in ("abcdefghjkmn-1", f"{sold.paid}-2", sold.paid):
            made = await wallet.create(InvoiceAsk(external_id, 7_000, "not ours", 600))
            await wallet.receive(made.bolt11)

    house.wallet(come)
    data = house.calls("audit", "--json").data
    assert data["agree"] is True
    assert data["wallet"]["received_for_orders_msat"] == 14_000_000
    assert (data["wallet"]["foreign_msat"], data["wallet"]["foreign_payments"]) == (4_021_000, 4)


def test_exactly_an_id_that_we_asked_under_is_ours(house: BotHouse, sold: Sold) -> None:
    """Nobody was shown that invoice: that it was paid must not pass for foreign money."""

    async def come(wallet: FakeWallet) -> None:
        made = await wallet.create(InvoiceAsk(f"{sold.paid}-1", 7_000, "a twin", 600))
        await wallet.receive(made.bolt11)

    house.wallet(come)
    (line,) = house.differences()["I4"]
    assert f"received 7000 msat for {sold.paid}-1, the ledger has nothing" in line


def test_the_wallet_must_hold_what_is_owed(house: BotHouse, sold: Sold) -> None:
    house.spends(10_000_000, 0)  # the organizer is the operator: it is theirs
    house.spoil(YESTERDAY)
    assert house.differences() == {}
    house.spends(1_000, 0)
    (line,) = house.differences()["I7"]
    assert line == (
        "balance: the wallet holds 3999000 msat; 4000000 msat are owed to buyers and "
        "0 msat to organizers"
    )


def test_another_organizers_share_is_not_the_operators(house: BotHouse, sold: Sold) -> None:
    other = Keys(os.urandom(32)).pubkey
    entry = f"('payment:x', 'organizer:{other}', -2000, 1), ('payment:x', 'commission', 2000, 1)"
    house.spoil(f"INSERT INTO entry (ref, account, amount_msat, at) VALUES {entry}; {YESTERDAY}")
    house.spends(9_999_000, 0)
    (line,) = house.differences()["I7"]
    assert "holds 4001000 msat; 4000000 msat are owed to buyers and 2000 msat to organ" in line
    ran = house.calls("audit")
    assert "-1  \n" in ran.out or "-1\n" in ran.out


# what is under way


def test_what_settles_while_we_look_is_waited_for(
    house: BotHouse, sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wallet has it, the bot credits it a moment later: that is no difference."""
    bolt11 = house.invoice_of(sold.waiting)["bolt11"]
    house.wallet(lambda wallet: wallet.receive(bolt11))
    rounds = []
    sleep = asyncio.sleep

    async def meanwhile(seconds: float) -> None:
        rounds.append(seconds)
        await asyncio.to_thread(house.credits, sold.waiting)
        await sleep(0)

    monkeypatch.setattr("ticketbot.bookkeeping.asyncio.sleep", meanwhile)
    assert house.differences() == {}
    assert len(rounds) == 1


def test_what_is_credited_after_the_wallet_was_asked_is_no_difference(
    house: BotHouse, sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger is a moment ahead of the list: neither it nor the balance is held against it."""
    house.spends(10_000_000, 0)
    balance = FakeWallet.balance

    async def then_somebody_pays(self: FakeWallet) -> int:
        held = await balance(self)
        await self.receive(bolt11)
        await asyncio.to_thread(house.credits, sold.waiting)
        return held

    bolt11 = house.invoice_of(sold.waiting)["bolt11"]
    monkeypatch.setattr(FakeWallet, "balance", then_somebody_pays)
    assert house.differences() == {}
    assert house.calls("audit", "--offline", "--json").data["ledger"]["credited_msat"] == 19_000_000


# the wallet


def test_a_wallet_that_does_not_answer(house: BotHouse, sold: Sold) -> None:
    house.configure('wallet = "fake"', 'wallet = "lnbits"\n\n[lnbits]\nurl = "http://127.0.0.1:9"')
    house.write("lnbits-invoice-key", "ab" * 16)
    ran = house.run("audit")
    one_sentence(ran, 1, "the wallet could not be asked", "LNbits cannot be reached", "--offline")
    assert "ok    I1 " in ran.out
    data = house.run("audit", "--json").data
    assert (data["agree"], data["wallet"]) == (False, None)
    assert house.calls("audit", "--offline").code == 0


def test_the_journal_is_append_only(house: BotHouse, sold: Sold) -> None:
    for sql in ("UPDATE decision SET what = 'nothing'", "DELETE FROM decision"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            house.spoil(sql)
    assert house.change(lambda tx: len(journal.of(tx, sold.paid))) == 4
