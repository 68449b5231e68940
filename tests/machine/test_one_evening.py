"""Evenings that were thought of by people: short, and with every fact looked at.

The same town as of the evenings that hypothesis thinks of; each story takes a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from tests.machine import truth
from tests.machine.money import Bill
from tests.machine.people import Person
from tests.machine.town import BEGIN, DAY, HOLD, HOUR, MINUTE, Town, listing
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.envelopes import Protocol

VIP = [("VIP", 9000, 2)]
SAT = 1000


class Evening:
    """A town, and what people do in it, in verbs."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.alice, self.bob, self.carol = town.buyers

    def goes_on(self, seconds: float = 1) -> None:
        self.town.lives_on(seconds)

    def sells(
        self, d: str = "lisbon", stock: int | None = 3, price: int = 5000, **more: Any
    ) -> str:
        """Put it on sale, or bring it up to date; its event_id."""
        note = listing(self.town, d, price, stock, **({"tiers": []} | more))
        self.town.post.send(note)
        self.goes_on()
        return note.address()

    def says(self, who: Person, text: str, via: Protocol = "nip17") -> str:
        """Write to the bot; everything new that comes back by DM."""
        before = set(who.heard)
        self.town.post.send(who.wrap(who.letter(text, via)))
        self.goes_on()
        new = [m for key, m in who.heard.items() if key not in before and m.protocol != "24133"]
        return "\n--\n".join(m.text for m in new)

    def asks(self, who: Person, kind: str, request_id: str, **more: Any) -> list[dict[str, Any]]:
        """A program's request; all that it hears under this request_id by then."""
        message = {"type": kind, "request_id": request_id} | more
        self.town.post.send(who.wrap(who.letter(orjson.dumps(message).decode(), "24133")))
        self.goes_on()
        return [one for one in who.answers() if one.get("request_id") == request_id]

    def bill(self) -> Bill:
        """The newest invoice."""
        return self.town.wallet.bills()[-1]

    def pays(self, bill: Bill | None = None, wrong: int = 0) -> None:
        bill = bill or self.bill()
        self.town.loop.run_until_complete(self.town.wallet.takes(bill, bill.amount_msat + wrong))
        self.goes_on()

    def hears(self, who: Person, part: str) -> int:
        """How many DMs of this person contain it."""
        return sum(m.protocol != "24133" for m in who.said(part))

    def one(self, sql: str, *params: object) -> Any:
        """What the ledger says: one value, or one row."""
        row = self.town.tx().row(sql, params)
        return row[0] if row is not None and len(row) == 1 else row

    def seats(self, event_id: str, tier: str = "") -> tuple[int | None, int, int]:
        """Capacity, held, sold."""
        row = self.one(
            "SELECT capacity, held, sold FROM seats WHERE event_id = ? AND tier = ?", event_id, tier
        )
        return (row[0], row[1], row[2])


@pytest.fixture
def evening() -> Iterator[Evening]:
    with good_evening() as one:
        yield one


@contextmanager
def good_evening(more: str = "") -> Iterator[Evening]:
    """Whatever happens in it, everything comes to a good end. `more` configures the bot."""
    town = Town(more)
    try:
        town.lives_on(1)
        yield Evening(town)
        truth.settle(town)
        assert [*truth.always(town, _most(town)), *truth.at_the_end(town)] == []
    finally:
        town.close()


def _most(town: Town) -> dict[str, float]:
    rows = town.tx().rows("SELECT event_id, coalesce(capacity, 1e9) FROM seats WHERE tier = ''")
    return dict(rows)


def test_two_tickets_of_a_tier(evening: Evening) -> None:
    lisbon = evening.sells(stock=5, tiers=VIP)
    answer = evening.says(evening.alice, "buy lisbon 2 vip")
    assert "2 × Lisbon Meetup (VIP) = 18,000 sats" in answer
    bill = evening.bill()
    assert answer.endswith(f"\n--\n{bill.bolt11}")
    assert bill.external_id == evening.one("SELECT id FROM orders") + "-1"
    assert evening.seats(lisbon, "VIP") == (2, 2, 0)
    assert evening.seats(lisbon) == (5, 2, 0)
    evening.pays()
    assert evening.seats(lisbon, "VIP") == (2, 0, 2)
    assert evening.seats(lisbon) == (5, 0, 2)
    tokens = evening.alice.tokens()
    assert len(tokens) == 2
    assert evening.says(evening.alice, "resend").count("\nTKT1:") == 2
    assert evening.alice.tokens() == tokens
    listed = evening.says(evening.alice, "tickets")
    assert listed.startswith("You hold 2 tickets") and listed.count("Lisbon Meetup · VIP") == 2
    assert "paid; resend brings" in evening.says(evening.alice, "status")
    assert "There is no" in evening.says(evening.bob, "buy lisbon gold")
    assert evening.says(evening.bob, "buy lisbon 1 vip").startswith("Sold out")
    assert "1 × Lisbon Meetup = 5,000 sats" in evening.says(evening.bob, "buy lisbon")
    assert "3 left" not in evening.says(evening.carol, "event lisbon")


def test_a_program_buys_once(evening: Evening) -> None:
    lisbon = evening.sells(tiers=VIP)
    wish = {"event_id": lisbon, "quantity": 1, "tier": "VIP"}
    (invoice,) = evening.asks(evening.alice, "buy", "r1", **wish)
    assert invoice["type"] == "invoice" and invoice["amount_msat"] == 9_000 * SAT
    again = evening.asks(evening.alice, "buy", "r1", **wish)
    assert [one["payment_hash"] for one in again] == [invoice["payment_hash"]] * 2
    assert evening.one("SELECT count(*) FROM orders") == 1
    other = evening.asks(evening.alice, "buy", "r1", **wish | {"quantity": 2})
    assert other[-1]["code"] == "bad-request"
    assert evening.asks(evening.bob, "status", "r2", order_id=invoice["order_id"])[0]["code"] == (
        "not-yours"
    )
    evening.pays()
    ticket = next(one for one in evening.alice.answers() if one["type"] == "ticket")
    assert {ticket["token"]} == evening.alice.tokens()
    assert [one["type"] for one in evening.asks(evening.alice, "tickets", "r3")] == [
        "ticket", "tickets",
    ]  # fmt: skip
    order = evening.asks(evening.alice, "status", "r4", order_id=invoice["order_id"])[0]
    assert (order["state"], order["tickets"], order["refunds"]) == ("paid", 1, [])


def test_letters_are_answered_once_whatever_brings_them_again(evening: Evening) -> None:
    evening.sells()
    letter = evening.alice.letter("event nowhere", "nip17")
    for _ in range(3):
        evening.town.post.send(evening.alice.wrap(letter))
        evening.goes_on()
        evening.town.kill()
    evening.goes_on()
    assert evening.hears(evening.alice, "nowhere") == 1
    assert evening.one("SELECT count(*) FROM person WHERE id > 0") >= 2


@pytest.mark.parametrize("via", ["nip17", "nip04"])
def test_what_may_have_arrived_keeps_its_date(evening: Evening, via: Protocol) -> None:
    """No relay said whether it took the answer, and then the bot's clock falls back two days."""
    evening.sells()
    evening.town.post.mood = "forgets to say OK"
    evening.says(evening.alice, "event nowhere", via)
    evening.goes_on(3)
    evening.town.clock_error = -2 * DAY
    evening.goes_on(MINUTE)
    evening.town.post.mood = "fine"
    evening.goes_on(HOUR)
    assert evening.hears(evening.alice, "nowhere") == 1


def test_a_hold_ends_and_late_money_gets_the_seat_if_there_is_one(evening: Evening) -> None:
    lisbon = evening.sells(stock=1)
    evening.says(evening.alice, "buy lisbon")
    first = evening.bill()
    assert evening.says(evening.bob, "buy lisbon").startswith("Sold out")
    evening.goes_on(HOLD + 5)
    assert evening.hears(evening.alice, "lapsed and nothing was charged") == 1
    assert evening.seats(lisbon) == (1, 0, 0)
    evening.says(evening.bob, "buy lisbon")
    second = evening.bill()
    evening.goes_on(HOLD + 5)
    evening.pays(first)
    assert len(evening.alice.tokens()) == 1
    assert evening.seats(lisbon) == (1, 0, 1)
    evening.pays(second)
    assert evening.hears(evening.bob, "the seats were gone, so it goes back") == 1
    assert evening.one("SELECT reason, state FROM refund") == ("refund-sold-out", "due")
    assert "is owed back to you" in evening.says(evening.bob, "status")
    assert "owed" in evening.says(evening.town.operator, "refunds")
    evening.says(evening.bob, "refund bob@pay.example")
    evening.goes_on(5)
    assert evening.hears(evening.bob, "was sent to you") == 1
    assert evening.one("SELECT state, sent_at IS NOT NULL FROM refund") == ("sent", 1)
    assert evening.one("SELECT sum(amount_msat) FROM entry WHERE account = 'refunds'") == 0


def test_an_answer_that_comes_when_nobody_asks_any_more_can_still_be_paid(evening: Evening) -> None:
    evening.sells()
    evening.says(evening.alice, "buy lisbon")
    shown = evening.bill()
    evening.says(evening.alice, "cancel")
    ask = InvoiceAsk(shown.external_id, shown.amount_msat, "asked for long ago", DAY)
    evening.town.loop.run_until_complete(evening.town.wallet.create(ask))
    evening.goes_on()
    late = evening.bill()
    found = "SELECT count(*) FROM invoice WHERE payment_hash = ?"
    assert late.external_id == shown.external_id
    assert evening.one(found, late.payment_hash) == 0
    evening.pays(late)
    evening.goes_on(30)
    assert evening.one(found, late.payment_hash) == 1
    assert len(evening.alice.tokens()) == 1


def test_wrong_and_double_money(evening: Evening) -> None:
    evening.sells(stock=None)
    evening.town.wallet.lose_answers = 2
    evening.says(evening.alice, "buy lisbon")
    evening.goes_on(10)
    one, other = evening.town.wallet.bills()
    assert one.external_id == other.external_id
    evening.pays(one)
    evening.pays(other)
    assert len(evening.alice.tokens()) == 1
    assert evening.hears(evening.alice, "was paid twice") == 1
    for who in (evening.bob, evening.carol):
        evening.says(who, "buy lisbon")
        evening.pays(wrong=-1 * SAT)
    assert evening.hears(evening.bob, "4,999 sats for Lisbon Meetup was not the amount") == 1
    assert not evening.bob.tokens()
    invoice = evening.town.wallet.foreign_invoice(4_999 * SAT, HOUR)
    assert "Noted: 4,999 sats" in evening.says(evening.bob, f"refund {invoice}")
    assert "is an invoice of mine" in evening.says(evening.alice, f"refund {one.bolt11}")
    assert "was used already" in evening.says(evening.carol, f"refund {invoice}")
    evening.goes_on(5)
    assert evening.hears(evening.bob, "was sent to you") == 1


def test_a_refund_that_nobody_knows_the_end_of_is_sent_once(evening: Evening) -> None:
    evening.sells()
    evening.says(evening.alice, "buy lisbon")
    evening.pays(wrong=1 * SAT)
    wallet = evening.town.wallet
    wallet.fate, wallet.lose_payments, wallet.fee_msat = "pending", 1, 2 * SAT
    evening.town.loop.run_until_complete(wallet.pay_in(10_000 * SAT))
    evening.says(evening.alice, "refund alice@pay.example")
    evening.goes_on(MINUTE)
    assert "is on its way" in evening.says(evening.alice, "refund elsewhere@pay.example")
    (waiting,) = wallet.unfinished()
    assert evening.one("SELECT payment_hash, state FROM spend") == (waiting, "open")
    evening.town.kill()
    evening.goes_on(MINUTE)
    wallet.finish(waiting, "failed")
    wallet.fate = "paid"
    evening.goes_on(30 * MINUTE)
    spends = evening.town.tx().rows("SELECT state, fee_msat FROM spend ORDER BY made_at, state")
    assert [row[0] for row in spends].count("paid") == 1
    assert evening.hears(evening.alice, "was sent to you") == 1
    assert evening.one("SELECT sum(amount_msat) FROM entry WHERE account = 'fees'") == 2 * SAT


def test_a_cancelled_event_gives_everything_back(evening: Evening) -> None:
    lisbon = evening.sells(stock=4)
    for who in (evening.alice, evening.bob):
        evening.says(who, "buy lisbon")
        evening.pays()
    evening.says(evening.carol, "buy lisbon 2")
    evening.sells(stock=4, cancelled=True)
    assert evening.hears(evening.carol, "was cancelled by its organizer. Nothing was charged") == 1
    assert evening.seats(lisbon) == (4, 0, 2)
    assert evening.says(evening.carol, "buy lisbon").startswith("Lisbon Meetup is cancelled")
    asked = [m.text for m in evening.town.organizer.said("cancel lisbon")]
    assert len(asked) == 1 and "10,000 sats" in asked[0]
    evening.says(evening.town.organizer, "cancel lisbon")
    evening.goes_on(5)
    assert evening.seats(lisbon)[1:] == (0, 0)
    assert evening.one("SELECT count(*) FROM ticket WHERE state = 'void'") == 2
    assert evening.one("SELECT state FROM listing") == "closed"
    for who in (evening.alice, evening.bob):
        assert evening.hears(who, "was cancelled, so your 5,000 sats goes back") == 1
    assert "You hold no tickets" in evening.says(evening.alice, "tickets")
    assert evening.one("SELECT count(*) FROM refund WHERE reason = 'refund-cancelled'") == 2


def test_it_is_put_back_on_sale_before_anybody_lost_a_ticket(evening: Evening) -> None:
    lisbon = evening.sells()
    evening.says(evening.alice, "buy lisbon")
    evening.pays()
    evening.sells(cancelled=True)
    evening.sells(stock=9)
    evening.town.skip(2 * DAY)
    evening.goes_on(MINUTE)
    assert evening.one("SELECT state FROM listing WHERE event_id = ?", lisbon) == "on-sale"
    assert evening.one("SELECT count(*) FROM ticket WHERE state = 'valid'") == 1
    assert evening.seats(lisbon) == (9, 0, 1)


def test_fewer_seats_than_are_held_and_sold(evening: Evening) -> None:
    lisbon = evening.sells(stock=6)
    evening.says(evening.alice, "buy lisbon 2")
    evening.pays()
    evening.says(evening.bob, "buy lisbon 3")
    evening.sells(stock=1)
    assert evening.seats(lisbon) == (5, 3, 2)
    evening.says(evening.bob, "cancel")
    assert evening.seats(lisbon) == (2, 0, 2)
    assert evening.says(evening.carol, "buy lisbon").startswith("Sold out")
    evening.sells(stock=3, price=0)
    assert "Your ticket" in evening.says(evening.carol, "buy lisbon")
    assert evening.seats(lisbon) == (3, 0, 3)


def test_old_notes_and_deletions_in_any_order(evening: Evening) -> None:
    organizer = evening.town.organizer
    lisbon = evening.sells(stock=3)
    evening.sells(stock=7, ago=HOUR)
    assert evening.seats(lisbon)[0] == 3
    evening.town.post.send(organizer.note(5, [["a", lisbon]], ago=2 * HOUR))
    evening.goes_on()
    assert evening.one("SELECT state FROM listing") == "on-sale"
    evening.town.post.send(organizer.note(5, [["a", lisbon]]))
    evening.goes_on()
    assert evening.one("SELECT state FROM listing") == "closed"
    assert "is cancelled" in evening.says(evening.alice, "buy lisbon")
    evening.sells("porto")
    assert evening.one("SELECT code, organizer FROM listing WHERE code = 'PORTO'") == (
        "PORTO", organizer.pubkey,
    )  # fmt: skip
    assert "porto ·" in evening.says(evening.alice, "events")


def test_the_operator_stops_and_sees(evening: Evening) -> None:
    evening.sells()
    operator = evening.town.operator
    assert "Sales open · 1 events on sale" in evening.says(operator, "status")
    assert evening.says(operator, "stop sales").startswith("Sales are stopped")
    assert evening.says(evening.alice, "buy lisbon").startswith("Sales are stopped")
    assert evening.says(operator, "resume sales") == "Sales are open."
    assert "Order" in evening.says(evening.alice, "buy lisbon")
    evening.goes_on(MINUTE)
    heartbeat = orjson.loads(evening.one("SELECT value FROM mark WHERE name = 'heartbeat'"))
    assert heartbeat["at"] > BEGIN and heartbeat["wallet"] == "ok"


def test_too_much_for_one(evening: Evening) -> None:
    evening.sells("lisbon", stock=50)
    evening.sells("porto", stock=50)
    evening.sells("faro", stock=50)
    assert "At most 10 tickets" in evening.says(evening.alice, "buy lisbon 11")
    assert "Order" in evening.says(evening.alice, "buy lisbon")
    assert "Order" in evening.says(evening.alice, "buy porto")
    assert "unpaid orders" in evening.says(evening.alice, "buy faro")
    for _ in range(9):
        evening.says(evening.bob, "buy lisbon")
        evening.says(evening.bob, "cancel")
    assert "Order" in evening.says(evening.bob, "buy lisbon")
    evening.says(evening.bob, "cancel")
    assert "You let many orders lapse" in evening.says(evening.bob, "buy lisbon")
