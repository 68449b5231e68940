"""The machine messages of the contract (kind 24133), type by type and field by field."""

from __future__ import annotations

import re
import time

import bolt11
import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.program import SATS, Program, listening, only_order
from ticketbot.domain.ticket import holder_hash, read_token


@pytest.fixture
async def program(stage: Stage, alice: Person) -> Program:
    await listening(stage)
    return Program(alice)


@pytest.fixture
async def other(bob: Person) -> Program:
    return Program(bob)


# --- what is on sale ---


async def test_events_field_by_field(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    start = int(note.tag("start") or 0)
    assert await program.asks("events", request_id="r-1") == {
        "type": "events",
        "request_id": "r-1",
        "events": [
            {
                "event_id": note.address(),
                "code": "LISBON",
                "title": "Lisbon Meetup",
                "start": start,
                "end": start + 3 * HOUR,
                "place": "Praça do Comércio",
                "price_msat": 5000 * SATS,
                "available": 100,
                "transferable": True,
                "refund_until": None,
                "tiers": [],
            }
        ],
        "next": None,
    }


async def test_events_show_tiers_and_what_is_left_of_them(
    organizer: Organizer, program: Program
) -> None:
    tiers = [["GA", "1000", "SAT", "5"], ["VIP", "9000", "SAT", "1"]]
    note = await organizer.has_on_sale(price=None, tier=tiers, stock=None)
    assert (await program.asks("buy", event_id=note.address(), tier="VIP"))["type"] == "invoice"
    [event] = (await program.asks("events"))["events"]
    assert event["tiers"] == [
        {"name": "GA", "price_msat": 1000 * SATS, "available": 5},
        {"name": "VIP", "price_msat": 9000 * SATS, "available": 0},
    ]


async def test_unlimited_seats_are_null(organizer: Organizer, program: Program) -> None:
    await organizer.has_on_sale(stock=None)
    [event] = (await program.asks("events"))["events"]
    assert event["available"] is None


async def test_events_come_page_by_page(organizer: Organizer, program: Program) -> None:
    titles = ["Alpha Night", "Beta Night", "Gamma Night"]
    for title in titles:
        await organizer.has_on_sale(title)
    seen, after = [], None
    for expected in (2, 1):
        page = await program.asks("events", limit=2, after=after)
        assert len(page["events"]) == expected
        seen += [event["title"] for event in page["events"]]
        after = page["next"]
    assert after is None
    assert sorted(seen) == titles


async def test_fields_that_nobody_knows_are_ignored(organizer: Organizer, program: Program) -> None:
    await organizer.has_on_sale()
    answer = await program.asks("events", colour="blue", limit=None, error="none of ours")
    assert len(answer["events"]) == 1


# --- a purchase ---


async def test_a_purchase_field_by_field(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    now = int(time.time())
    invoice = await program.asks("buy", request_id="b-1", event_id=note.address(), quantity=2)
    order_id = invoice["order_id"]
    assert invoice == {
        "type": "invoice",
        "request_id": "b-1",
        "order_id": order_id,
        "event_id": note.address(),
        "quantity": 2,
        "amount_msat": 10_000 * SATS,
        "invoice": invoice["invoice"],
        "payment_hash": bolt11.decode(invoice["invoice"]).payment_hash,
        "expires_at": invoice["expires_at"],
    }
    assert re.fullmatch("[a-z0-9-]{1,64}", order_id)
    assert re.fullmatch("lnbc[a-z0-9]+", invoice["invoice"])
    assert bolt11.decode(invoice["invoice"]).amount_msat == 10_000 * SATS
    assert now + 590 <= invoice["expires_at"] <= now + 615

    await program.pays(invoice)
    tickets = [await program.hears(type="ticket") for _ in range(2)]
    assert len({ticket["ticket_id"] for ticket in tickets}) == 2
    for ticket in tickets:
        claims = read_token(ticket["token"], stage.app.desk.ticket_public_key)
        assert ticket == {
            "type": "ticket",
            "request_id": "b-1",
            "order_id": order_id,
            "ticket_id": claims.ticket_id,
            "event_id": note.address(),
            "qr_code": ticket["qr_code"],
            "note": "Your ticket for Lisbon Meetup. Show the QR code at the door.",
            "token": ticket["token"],
            "version": 1,
            "tier": "",
            "holder_salt": ticket["holder_salt"],
        }
        assert re.fullmatch(
            r"https://tickets\.example/tickets/[A-Za-z0-9_-]{22,}\.png", ticket["qr_code"]
        )
        salt = bytes.fromhex(ticket["holder_salt"])
        assert claims.holder == holder_hash(salt, program.pubkey, ticket["ticket_id"])


async def test_a_tier_is_named_by_its_field(organizer: Organizer, program: Program) -> None:
    tiers = [["GA", "1000", "SAT", "5"], ["VIP", "9000", "SAT", "1"]]
    note = await organizer.has_on_sale(price=None, tier=tiers)
    invoice = await program.asks("buy", event_id=note.address(), tier="VIP")
    assert (invoice["quantity"], invoice["amount_msat"]) == (1, 9000 * SATS)
    await program.pays(invoice)
    assert (await program.hears(type="ticket"))["tier"] == "VIP"


async def test_a_free_ticket_comes_at_once(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale(price=None)
    ticket = await program.asks("buy", event_id=note.address())
    assert ticket["type"] == "ticket"
    await program.gets_by_dm(ticket)
    assert program.has_heard("invoice") == 0


async def test_who_says_that_it_is_a_bot_is_served_all_the_same(
    organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    await program.person.publish(0, [], '{"name":"shopping","bot":true}')
    ticket = await program.buys(note.address())
    await program.gets_by_dm(ticket)


# --- the durable copy ---


async def test_without_a_dm_relay_list_the_ticket_comes_by_nip04_too(
    organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    ticket = await program.buys(note.address())
    assert await program.gets_by_dm(ticket) == "nip04"


async def test_with_a_dm_relay_list_the_ticket_comes_by_nip17_too(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    await program.person.publish(10050, [["relay", stage.relay]], "")
    ticket = await program.buys(note.address())
    assert await program.gets_by_dm(ticket) == "nip17"


async def test_an_event_that_forbids_24133_sends_its_tickets_by_dm_alone(
    organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale(ephemeral="never")
    invoice = await program.asks("buy", event_id=note.address())
    await program.pays(invoice)
    token = await program.person.gets_a_ticket()
    assert token.startswith("TKT1:")
    order = await program.asks("status", order_id=invoice["order_id"])
    assert (order["state"], order["tickets"]) == ("paid", 1)
    await program.hears_no_more()
    assert program.has_heard("ticket") == 0


async def test_a_repeated_buy_of_such_an_event_is_answered_with_the_order(
    organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale(ephemeral="never")
    invoice = await program.asks("buy", request_id="once", event_id=note.address())
    await program.pays(invoice)
    await program.person.gets_a_ticket()
    again = await program.asks("buy", request_id="once", event_id=note.address())
    assert (again["type"], again["state"]) == ("order", "paid")


@pytest.mark.choices(ephemeral="never")
async def test_an_operator_who_forbids_24133_still_sells_to_programs(
    organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    await program.pays(await program.asks("buy", event_id=note.address()))
    assert (await program.person.gets_a_ticket()).startswith("TKT1:")
    await program.hears_no_more()
    assert program.has_heard("ticket") == 0


@pytest.mark.choices(ephemeral="when-asked")
async def test_24133_may_be_for_those_who_asked_in_it(
    organizer: Organizer, program: Program, other: Program
) -> None:
    note = await organizer.has_on_sale()
    ticket = await program.buys(note.address())
    await program.gets_by_dm(ticket)
    await other.person.buys("lisbon")
    await other.hears_no_more()
    assert (program.has_heard("ticket"), other.has_heard("ticket")) == (1, 0)


# --- afterwards ---


async def test_tickets_come_again_and_are_counted(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    assert await program.asks("tickets", request_id="t-0") == {
        "type": "tickets",
        "request_id": "t-0",
        "count": 0,
    }
    ticket = await program.buys(note.address())
    again = await program.asks("tickets", request_id="t-1")
    assert again == ticket | {"request_id": "t-1"}
    assert await program.hears(request_id="t-1") == {
        "type": "tickets",
        "request_id": "t-1",
        "count": 1,
    }


async def test_status_in_every_state(stage: Stage, organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    invoice = await program.asks("buy", event_id=note.address(), quantity=2)
    order_id = invoice["order_id"]
    shown = {
        "type": "order",
        "request_id": "s-1",
        "order_id": order_id,
        "event_id": note.address(),
        "quantity": 2,
        "amount_msat": 10_000 * SATS,
        "state": "invoiced",
        "tickets": 0,
        "refunds": [],
    }
    assert await program.asks("status", request_id="s-1", order_id=order_id) == shown
    await program.pays(invoice)
    await program.hears(type="ticket")
    paid = await program.asks("status", request_id="s-2", order_id=order_id)
    assert paid == shown | {"request_id": "s-2", "state": "paid", "tickets": 2}

    stage.wallet.down = True
    await program.person.asks(type="buy", request_id="slow", event_id=note.address())
    held = await only_order(stage, state="held")
    assert (await program.asks("status", order_id=held))["state"] == "held"
    stage.wallet.down = False
    await program.asks("cancel", order_id=held)
    assert (await program.asks("status", order_id=held))["state"] == "released"

    wrong = await program.asks("buy", event_id=note.address())
    await program.pays(wrong, 4999 * SATS)
    await program.hears(type="refund-due")
    closed = await program.asks("status", order_id=wrong["order_id"])
    assert (closed["state"], closed["tickets"]) == ("closed", 0)
    assert closed["refunds"] == [{"amount_msat": 4999 * SATS, "state": "due"}]


async def test_cancel_is_answered_with_the_order(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale(stock=1)
    invoice = await program.asks("buy", event_id=note.address())
    assert await program.asks("cancel", request_id="c-1", order_id=invoice["order_id"]) == {
        "type": "order",
        "request_id": "c-1",
        "order_id": invoice["order_id"],
        "event_id": note.address(),
        "quantity": 1,
        "amount_msat": 5000 * SATS,
        "state": "released",
        "tickets": 0,
        "refunds": [],
    }
    [event] = (await program.asks("events"))["events"]
    assert event["available"] == 1


async def test_a_paid_order_is_not_cancelled(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    ticket = await program.buys(note.address())
    order = await program.asks("cancel", order_id=ticket["order_id"])
    assert (order["state"], order["tickets"]) == ("paid", 1)


async def test_the_end_of_a_hold_is_told(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    invoice = await program.asks("buy", request_id="b-1", event_id=note.address())
    stage.clock.forward(601)
    told = await program.hears(type="order")
    assert (told["request_id"], told["order_id"]) == ("b-1", invoice["order_id"])
    assert told["state"] == "released"


async def test_the_end_of_an_event_is_told(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    invoice = await program.asks("buy", event_id=note.address())
    await organizer.announces(status="cancelled", at=note.created_at + 1)
    told = await program.hears(type="order", order_id=invoice["order_id"])
    assert told["state"] == "released"


async def test_money_that_goes_back_is_told_and_collected(
    stage: Stage, organizer: Organizer, program: Program, other: Program
) -> None:
    note = await organizer.has_on_sale(stock=1)
    late = await program.asks("buy", request_id="late", event_id=note.address())
    stage.clock.forward(601)
    await program.hears(type="order", state="released")
    await other.buys(note.address())
    await program.pays(late)
    due = await program.hears(type="refund-due")
    assert due == {
        "type": "refund-due",
        "request_id": "late",
        "order_id": late["order_id"],
        "amount_msat": 5000 * SATS,
        "message": due["message"],
    }
    assert "5,000 sats" in due["message"]
    order_id = late["order_id"]
    refused = await program.asks("refund", order_id=order_id, to="the usual place")
    assert (refused["type"], refused["code"]) == ("error", "bad-request")
    answer = await program.asks("refund", order_id=order_id, to="me@wallet.example")
    assert (answer["type"], answer["order_id"]) == ("order", order_id)
    assert answer["refunds"] == [{"amount_msat": 5000 * SATS, "state": "due"}]
    foreign = await other.asks("refund", order_id=order_id, to="other@wallet.example")
    assert (foreign["type"], foreign["code"]) == ("error", "not-yours")


async def test_where_nothing_is_owed_a_refund_is_answered_with_the_order(
    organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    ticket = await program.buys(note.address())
    answer = await program.asks("refund", order_id=ticket["order_id"], to="me@wallet.example")
    assert (answer["type"], answer["state"], answer["refunds"]) == ("order", "paid", [])
