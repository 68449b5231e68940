"""Late, double, wrong: every payment has one named outcome, and the books are right after it."""

from __future__ import annotations

import pytest

from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.ledger import orders, refunds
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.store import Tx
from ticketbot.texts import say
from ticketbot.wallets.fake import FakeWallet

LATE = 601


async def lapses(stage: Stage, person: Person, what: str = "lisbon") -> str:
    """An order whose hold is over; its bolt11."""
    await person.says(f"buy {what}")
    bolt11 = await person.gets_an_invoice()
    stage.clock.forward(LATE)
    await person.hears("lapsed and nothing was charged")
    return bolt11


async def outcome(stage: Stage, person: Person) -> tuple[str, list[tuple[int, str]]]:
    """The state of a person's newest order, and (sats, reason) of what goes back."""

    def look(tx: Tx) -> tuple[str, list[tuple[int, str]]]:
        number = tx.vault.tag(b"person", bytes.fromhex(person.pubkey))
        row = tx.row("SELECT id FROM person WHERE lookup = ?", (number,))
        assert row is not None
        order = orders.latest_of(tx, row[0])[0]
        owed = [(one.amount_msat // 1000, one.reason) for one in refunds.of_order(tx, order.id)]
        return str(order.state), owed

    return await stage.app.store.transaction(look)


async def test_late_with_seats_is_a_ticket_at_the_orders_price(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(stock=1)
    bolt11 = await lapses(stage, alice)
    await organizer.announces(price=["9000", "SAT"], stock=1, at=int(stage.clock()) + 2)
    await organizer.hears("9,000 sats")
    await alice.pays(bolt11)
    assert await alice.gets_a_ticket()
    assert await outcome(stage, alice) == ("paid", [])


async def test_late_without_seats_goes_back(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=1)
    bolt11 = await lapses(stage, alice)
    await bob.buys("lisbon")
    await alice.pays(bolt11)
    told = await alice.hears("goes back to you")
    amount = {"amount": "5,000 sats", "title": "Lisbon Meetup"}
    assert told.startswith(say("refund-sold-out", **amount))
    assert "refund me@example.com" in told
    assert await outcome(stage, alice) == ("closed", [(5000, "refund-sold-out")])


async def test_late_beyond_the_buyers_maximum_goes_back(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(max_per_buyer=1)
    bolt11 = await lapses(stage, alice)
    await alice.buys("lisbon")
    await alice.pays(bolt11)
    await alice.hears("more tickets for Lisbon Meetup than one person may")

    def first(tx: Tx) -> list[str]:
        return [str(one.reason) for one in refunds.owed(tx)]

    assert await stage.app.store.transaction(first) == ["refund-max"]


async def test_an_order_that_was_given_up_and_paid_after_all(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await alice.pays(bolt11)
    assert await alice.gets_a_ticket()
    assert await outcome(stage, alice) == ("paid", [])


async def test_what_the_wallet_called_failed_and_then_received(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    bolt11 = await lapses(stage, alice)

    def payment_hash(tx: Tx) -> str:
        row = tx.row("SELECT payment_hash FROM invoice WHERE bolt11 = ?", (bolt11,))
        assert row is not None
        return str(row[0])

    stage.wallet.give_up(await stage.app.store.transaction(payment_hash))
    await alice.pays(bolt11)
    assert await alice.gets_a_ticket()
    assert await outcome(stage, alice) == ("paid", [])


@pytest.mark.parametrize("sats", [1, 4999, 5001, 1_000_000])
async def test_another_amount_than_the_invoices_goes_back_whole(
    stage: Stage, organizer: Organizer, alice: Person, sats: int
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    await alice.pays(await alice.gets_an_invoice(), sats * 1000)
    await alice.hears("was not the amount of the invoice")
    assert await outcome(stage, alice) == ("closed", [(sats, "refund-amount")])


async def test_the_second_invoice_of_an_order_goes_back(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """The wallet's answer was lost once: there are two invoices, and both are paid."""
    await organizer.has_on_sale()
    stage.wallet.lose_answers = 1
    await alice.says("buy lisbon")
    first = await alice.gets_an_invoice()
    second = await another_invoice(stage, first)
    await alice.pays(first)
    assert await alice.gets_a_ticket()
    await alice.pays(second)
    assert "was paid twice" in await alice.hears("goes back to you")
    assert await outcome(stage, alice) == ("paid", [(5000, "refund-double")])


async def test_an_order_that_is_closed_and_paid_once_more(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    first = await alice.gets_an_invoice()
    second = await another_invoice(stage, first)
    await alice.pays(first, 4_000_000)
    await alice.hears("was not the amount")
    await alice.pays(second)
    await alice.hears("was paid twice")
    both = [(4000, "refund-amount"), (5000, "refund-double")]
    assert await outcome(stage, alice) == ("closed", both)


async def test_money_for_an_event_that_is_over(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    bolt11 = await lapses(stage, alice)
    stage.clock.forward(WEEK + DAY)
    await alice.pays(bolt11)
    await alice.hears("came after the event")
    assert await outcome(stage, alice) == ("closed", [(5000, "refund-over")])


async def test_money_for_an_event_that_was_cancelled(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """While its organizer is asked, and when all was given back."""
    await organizer.has_on_sale()
    early = await lapses(stage, alice)
    later = await lapses(stage, bob)
    await organizer.buys("lisbon")
    await organizer.announces(status="cancelled", at=int(stage.clock()) + 2)
    await organizer.hears("is off sale")
    await alice.pays(early)
    await alice.hears("was cancelled, so your 5,000 sats goes back")
    await organizer.says("cancel lisbon")
    await organizer.hears("Lisbon Meetup: done.")
    await bob.pays(later)
    await bob.hears("was cancelled, so your 5,000 sats goes back")
    assert await outcome(stage, alice) == ("closed", [(5000, "refund-cancelled")])
    assert await outcome(stage, bob) == ("closed", [(5000, "refund-cancelled")])


async def test_money_that_came_while_the_bot_was_down(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(stock=1)
    bolt11 = await lapses(stage, alice)
    await bob.buys("lisbon")
    await stage.closes()
    wallet = FakeWallet(stage.folder / "wallet.db", clock=stage.clock, accept_late=True)
    await wallet.receive(bolt11)
    await wallet.close()
    stage.clock.forward(HOUR)
    await stage.opens()
    await alice.hears("goes back to you")
    assert await outcome(stage, alice) == ("closed", [(5000, "refund-sold-out")])


async def another_invoice(stage: Stage, first: str) -> str:
    """The wallet has made one more for the same order: found, adopted, watched, never shown."""

    def order(tx: Tx) -> str:
        row = tx.row("SELECT order_id FROM invoice WHERE bolt11 = ?", (first,))
        assert row is not None
        return str(row[0])

    order_id = await stage.app.store.transaction(order)
    external_id = f"{order_id}-1"
    known = await stage.wallet.find(external_id)
    if len(known) == 1:
        ask = InvoiceAsk(external_id, known[0].amount_msat, "once more", 660)
        known.append(await stage.wallet.create(ask))
    rows = [
        InvoiceRow(external_id, order_id, 0, one.payment_hash, one.bolt11, *one[3:])
        for one in known
    ]
    await stage.app.engine.invoiced(rows)
    return next(one.bolt11 for one in known if one.bolt11 != first)


async def lapses_while_paused(
    stage: Stage, organizer: Organizer, alice: Person, waits: Person
) -> str:
    """The last seat comes free while somebody waits and nothing is sold; what alice was to pay."""
    await organizer.has_on_sale(stock=1)
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    await waits.says("join lisbon")
    await waits.hears("You are number 1")
    await organizer.says("pause lisbon")
    await organizer.hears("pause")
    stage.clock.forward(LATE)
    await alice.hears("lapsed and nothing was charged")
    return bolt11


async def test_late_money_takes_no_seat_that_somebody_waits_for(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await alice.pays(await lapses_while_paused(stage, organizer, alice, bob))
    await alice.hears("goes back to you")
    assert await outcome(stage, alice) == ("closed", [(5000, "refund-sold-out")])
    await organizer.says("resume lisbon")
    await bob.hears("It is your turn")


async def test_late_money_of_who_is_first_in_the_queue_is_a_ticket(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await alice.pays(await lapses_while_paused(stage, organizer, alice, alice))
    assert await alice.gets_a_ticket()
