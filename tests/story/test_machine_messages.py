"""The machine messages of the contract (kind 24133), type by type and field by field."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from typing import Any

import bolt11
import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from ticketbot.domain.ticket import holder_hash, read_token
from ticketbot.envelopes import Protocol

Message = dict[str, Any]
SATS = 1000


class Program:
    """A client of Nostr that speaks the contract's JSON."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.pubkey = person.pubkey
        self._passed: set[int] = set()

    async def asks(self, kind: str, **fields: Any) -> Message:
        """Send a request under a fresh id, or the one that is given; its first answer."""
        request = {"type": kind, "request_id": secrets.token_hex(8)} | fields
        await self.person.asks(**request)
        return await self.hears(request_id=request["request_id"])

    async def hears(self, **fields: Any) -> Message:
        """The first message with these fields that was not heard before."""
        async with asyncio.timeout(10):
            while True:
                for number, message in self._messages():
                    if number not in self._passed and fields.items() <= message.items():
                        self._passed.add(number)
                        return message
                await asyncio.sleep(0.01)

    async def pays(self, invoice: Message, amount_msat: int | None = None) -> None:
        await self.person.pays(invoice["invoice"], amount_msat)

    async def buys(self, event_id: str, **fields: Any) -> Message:
        """The whole purchase; the first ticket."""
        invoice = await self.asks("buy", event_id=event_id, **fields)
        await self.pays(invoice)
        return await self.hears(type="ticket", order_id=invoice["order_id"])

    async def gets_by_dm(self, ticket: Message) -> Protocol:
        """Wait for the same ticket in a form that relays keep; the form."""
        async with asyncio.timeout(10):
            while True:
                for one in self.person.heard:
                    if one.protocol != "24133" and ticket["token"] in one.text:
                        return one.protocol
                await asyncio.sleep(0.01)

    def has_heard(self, kind: str) -> int:
        """How many messages of a type came so far."""
        return sum(message["type"] == kind for _, message in self._messages())

    async def hears_no_more(self) -> None:
        """Whatever was sent before stays without an answer: a later request is answered first."""
        assert (await self.asks("tickets"))["type"] == "tickets"
        await asyncio.sleep(0.3)
        assert [m for number, m in self._messages() if number not in self._passed] == []

    def _messages(self) -> list[tuple[int, Message]]:
        heard = enumerate(self.person.heard)
        return [(n, json.loads(one.text)) for n, one in heard if one.protocol == "24133"]


@pytest.fixture
async def program(stage: Stage, alice: Person) -> Program:
    await _listening(stage)
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
    held = await _only_order(stage, state="held")
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


# --- a request_id buys once ---


async def test_repeated_while_the_seats_are_held(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    stage.wallet.down = True
    wish = {"type": "buy", "request_id": "once", "event_id": note.address(), "quantity": 1}
    await program.person.asks(**wish)
    held = await _only_order(stage, state="held")
    await program.person.asks(**wish)
    answer = await program.hears(request_id="once")
    assert (answer["type"], answer["order_id"], answer["state"]) == ("order", held, "held")
    stage.wallet.down = False
    assert (await program.hears(type="invoice"))["order_id"] == held


async def test_repeated_while_it_waits_for_money(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    first = await program.asks("buy", request_id="once", event_id=note.address())
    assert await program.asks("buy", request_id="once", event_id=note.address()) == first
    assert await _only_order(stage, state="invoiced") == first["order_id"]


async def test_repeated_when_it_is_paid(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    ticket = await program.buys(note.address(), request_id="once")
    assert await program.asks("buy", request_id="once", event_id=note.address()) == ticket
    assert await _only_order(stage, state="paid") == ticket["order_id"]


async def test_repeated_when_it_has_lapsed(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    first = await program.asks("buy", request_id="once", event_id=note.address())
    stage.clock.forward(601)
    await program.hears(type="order", state="released")
    again = await program.asks("buy", request_id="once", event_id=note.address())
    assert (again["type"], again["state"]) == ("order", "released")
    assert await _only_order(stage, state="released") == first["order_id"]


async def test_repeated_after_a_restart(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    first = await program.asks("buy", request_id="once", event_id=note.address())
    await stage.closes()
    await stage.opens()
    await _listening(stage)
    assert await program.asks("buy", request_id="once", event_id=note.address()) == first


@pytest.mark.parametrize("change", [{"quantity": 2}, {"tier": "VIP"}, {"event_id": "31923:ab:c"}])
async def test_other_content_under_the_same_id_is_refused(
    organizer: Organizer, program: Program, change: Message
) -> None:
    note = await organizer.has_on_sale()
    wish = {"request_id": "once", "event_id": note.address()}
    first = await program.asks("buy", **wish)
    answer = await program.asks("buy", **wish | change)
    assert (answer["type"], answer["code"]) == ("error", "bad-request")
    assert await program.asks("buy", **wish) == first


async def test_the_same_wish_in_other_words_is_the_same_content(
    organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    first = await program.asks("buy", request_id="once", event_id=note.address())
    wish = {"quantity": 1, "tier": None, "event_id": note.address(), "colour": "blue"}
    assert await program.asks("buy", request_id="once", **wish) == first


async def test_errors_are_not_remembered(
    organizer: Organizer, program: Program, other: Program
) -> None:
    note = await organizer.has_on_sale(stock=1)
    last = await other.asks("buy", event_id=note.address())
    refused = await program.asks("buy", request_id="patient", event_id=note.address())
    assert refused["code"] == "sold-out"
    await other.asks("cancel", order_id=last["order_id"])
    answer = await program.asks("buy", request_id="patient", event_id=note.address())
    assert answer["type"] == "invoice"


async def test_a_new_id_is_a_new_order(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    first = await program.asks("buy", request_id="one", event_id=note.address())
    second = await program.asks("buy", request_id="two", event_id=note.address())
    assert first["order_id"] != second["order_id"]
    assert first["payment_hash"] != second["payment_hash"]


async def test_a_request_id_belongs_to_its_buyer(
    organizer: Organizer, program: Program, other: Program
) -> None:
    note = await organizer.has_on_sale()
    mine = await program.asks("buy", request_id="same", event_id=note.address())
    theirs = await other.asks("buy", request_id="same", event_id=note.address())
    assert mine["order_id"] != theirs["order_id"]


async def test_reads_are_always_fresh(organizer: Organizer, program: Program) -> None:
    await organizer.has_on_sale("Alpha Night")
    assert len((await program.asks("events", request_id="same"))["events"]) == 1
    await organizer.has_on_sale("Beta Night")
    assert len((await program.asks("events", request_id="same"))["events"]) == 2


# --- every error code ---


def _error(request_id: str | None, code: str, message: str) -> Message:
    return {"type": "error", "request_id": request_id, "code": code, "message": message}


async def test_sold_out(organizer: Organizer, program: Program, other: Program) -> None:
    note = await organizer.has_on_sale(stock=1)
    await other.asks("buy", event_id=note.address())
    assert await program.asks("buy", request_id="e", event_id=note.address()) == _error(
        "e",
        "sold-out",
        "Sold out, or the last seats are in somebody's basket for a few minutes. "
        "Try again in ten minutes.",
    )


async def test_unknown_event(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    unknown = note.address() + "-2"
    answer = await program.asks("buy", request_id="e", event_id=unknown)
    assert (answer["type"], answer["code"]) == ("error", "unknown-event")


async def test_not_on_sale(stage: Stage, organizer: Organizer, program: Program) -> None:
    later = int(stage.clock()) + HOUR
    note = await organizer.has_on_sale(sales_start=later)
    answer = await program.asks("buy", event_id=note.address())
    assert answer["code"] == "not-on-sale"
    assert answer["message"].startswith("Tickets for Lisbon Meetup are on sale from ")


async def test_too_many(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    assert await program.asks(
        "buy", request_id="e", event_id=note.address(), quantity=11
    ) == _error("e", "too-many", "At most 10 tickets in one order. Buy the rest in another.")


@pytest.mark.parametrize("quantity", [0, -1, "2", "two", 1.5, True, [1]], ids=repr)
async def test_a_quantity_that_is_none_is_a_bad_request(
    organizer: Organizer, program: Program, quantity: object
) -> None:
    note = await organizer.has_on_sale()
    answer = await program.asks("buy", event_id=note.address(), quantity=quantity)
    assert (answer["type"], answer["code"]) == ("error", "bad-request")
    assert "quantity" in answer["message"]


async def test_an_absurd_quantity_is_too_many(organizer: Organizer, program: Program) -> None:
    note = await organizer.has_on_sale()
    answer = await program.asks("buy", event_id=note.address(), quantity=10**9)
    assert answer["code"] == "too-many"


@pytest.mark.parametrize("request_id", [None, "", "x" * 65, 7], ids=repr)
async def test_a_request_without_a_usable_id_is_a_bad_request(
    program: Program, request_id: object
) -> None:
    await program.person.asks(type="events", request_id=request_id)
    answer = await program.hears(type="error")
    assert answer == _error(None, "bad-request", answer["message"])
    assert "request_id" in answer["message"]


async def test_the_longest_request_id(program: Program) -> None:
    assert (await program.asks("events", request_id="x" * 64))["type"] == "events"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("buy", {}),
        ("buy", {"event_id": 7}),
        ("buy", {"event_id": "x" * 301}),
        ("events", {"limit": 0}),
        ("events", {"after": "no cursor of ours"}),
        ("status", {}),
        ("cancel", {"order_id": ["a"]}),
        ("refund", {"order_id": "abc"}),
    ],
)
async def test_missing_and_misshapen_fields(program: Program, kind: str, fields: Message) -> None:
    answer = await program.asks(kind, **fields)
    assert (answer["type"], answer["code"]) == ("error", "bad-request")


@pytest.mark.choices(per_minute=2)
async def test_try_later(program: Program) -> None:
    await _early_in_a_minute()
    answers = [await program.asks("events") for _ in range(3)]
    assert [answer["type"] for answer in answers] == ["events", "events", "error"]
    assert answers[-1]["code"] == "try-later"
    await program.person.asks(type="events", request_id="one more")
    assert await program.person.hears_nothing(0.3) is False  # what came before
    assert program.has_heard("error") == 1
    assert program.has_heard("events") == 2


async def test_not_yours(organizer: Organizer, program: Program, other: Program) -> None:
    note = await organizer.has_on_sale()
    invoice = await other.asks("buy", event_id=note.address())
    order_id = invoice["order_id"]
    for kind in ("status", "cancel"):
        answer = await program.asks(kind, order_id=order_id)
        assert (answer["type"], answer["code"]) == ("error", "not-yours")
        unknown = await program.asks(kind, order_id="a" * len(order_id))
        assert unknown["code"] == "not-yours"
    assert (await other.asks("status", order_id=order_id))["state"] == "invoiced"


# --- what is never answered ---

SILENT = [
    '{"type":"hello","request_id":"x"}',
    '{"type":"invoice","request_id":"x","order_id":"y"}',
    '{"type":"ticket","request_id":"x"}',
    '{"type":"error","request_id":"x","code":"sold-out","message":"m"}',
    '{"type":"order","request_id":"x","order_id":"y","state":"paid"}',
    '{"type":"refund-due","order_id":"y","amount_msat":1,"message":"m"}',
    '{"type":"events","request_id":"x","events":[],"next":null}',
    '{"type":"tickets","request_id":"x","count":3}',
    '{"id":"1","method":"connect","params":[]}',
    '{"id":"1","result":"ack","error":null}',
    '{"id":"1","error":"denied"}',
    '{"type":"events","request_id":"x","method":"get_public_key"}',
    '{"type":"events","request_id":"x","result":"ok"}',
    '{"request_id":"x"}',
    '{"type":7,"request_id":"x"}',
    '["events"]',
    '"events"',
    "events",
    "{",
    '{"type":"events","request_id":"x"' + " " * 20_000 + "}",
]


@pytest.mark.parametrize("text", SILENT, ids=lambda text: text[:60])
async def test_silence(program: Program, text: str) -> None:
    await program.person.says(text, "24133")
    await program.hears_no_more()


async def test_after_ten_minutes_a_request_is_no_longer_answered(
    stage: Stage, program: Program
) -> None:
    stage.clock.forward(300)  # so that the relay still hands such a message on
    fresh = json.dumps({"type": "events", "request_id": "fresh"})
    stale = json.dumps({"type": "events", "request_id": "stale"})
    await program.person.says(stale, "24133", ago=610)
    await program.person.says(fresh, "24133", ago=590)
    assert (await program.hears())["request_id"] == "fresh"
    await program.hears_no_more()


async def test_the_same_event_twice_is_one_request(
    stage: Stage, organizer: Organizer, program: Program
) -> None:
    note = await organizer.has_on_sale()
    wish = {"type": "buy", "request_id": "once", "event_id": note.address()}
    event = await program.person.says(json.dumps(wish), "24133")
    await program.hears(type="invoice")
    await program.person.send(event)
    await program.hears_no_more()


async def _only_order(stage: Stage, *, state: str) -> str:
    """The id of the one order in this state, as soon as there is one."""
    async with asyncio.timeout(10):
        while True:
            rows = await stage.app.store.read(lambda tx: tx.rows("SELECT id, state FROM orders"))
            found = [str(order_id) for order_id, now in rows if now == state]
            if found:
                assert len(found) == 1
                return found[0]
            await asyncio.sleep(0.01)


async def _listening(stage: Stage) -> None:
    """Relays do not keep kind 24133: wait until the bot has subscribed."""
    async with asyncio.timeout(10):
        while stage.app.pool.deaf:
            await asyncio.sleep(0.01)


async def _early_in_a_minute() -> None:
    """Messages are counted by the minute: wait for a new one rather than cross its end."""
    left = 60 - time.time() % 60
    if left < 5:
        await asyncio.sleep(left)
