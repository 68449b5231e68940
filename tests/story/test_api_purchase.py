"""A purchase over HTTP, from the list to the JWT, with nothing but a key and a wallet."""

from __future__ import annotations

import asyncio
from typing import Any

import jwt
import pytest

from tests.story.caller import PUBLIC, V1, Caller
from tests.story.cast import DAY, Organizer, Person, Stage
from ticketbot.domain.ticket import read_token
from ticketbot.keys import Keys


@pytest.fixture
def carol(stage: Stage) -> Caller:
    return Caller(stage)


async def test_from_the_list_to_the_jwt(stage: Stage, organizer: Organizer, carol: Caller) -> None:
    await organizer.has_on_sale("Lisbon Meetup", t="bitcoin", summary="An evening.")
    listed = await carol.gets("/events?words=lisbon&category=Bitcoin", signed=False)
    (event,) = listed.body["events"]
    event_id = event["event_id"]
    assert (event["code"], event["price_msat"], event["available"]) == ("LISBON", 5_000_000, 100)
    one = await carol.gets(f"/events/{event_id}", signed=False)
    assert (one.body["summary"], one.body["categories"]) == ("An evening.", ["bitcoin"])

    wish = {"request_id": "r1", "event_id": event_id, "quantity": 2}
    placed = await carol.posts("/orders", **wish)
    order = placed.body
    assert placed.status == 201, placed
    assert placed.headers["Location"] == f"{V1}/orders/{order['order_id']}"
    assert (order["state"], order["amount_msat"], order["tickets"]) == ("invoiced", 10_000_000, 0)
    assert order["invoice"].startswith("lnbc")
    again = await carol.posts("/orders", **wish)
    assert (again.status, again.body) == (200, order)

    await stage.wallet.receive(order["invoice"])
    await becomes(carol, order["order_id"], "paid")
    mine = await carol.gets("/tickets")
    assert (mine.body["count"], mine.body["next"]) == (2, None)
    ticket = mine.body["tickets"][0]
    assert ticket["qr_code"].startswith(f"{PUBLIC}/tickets/")

    keys = (await carol.sends("GET", "/.well-known/jwks.json", signed=False)).body["keys"]
    assert jwt.get_unverified_header(ticket["jwt"])["kid"] == keys[0]["kid"]
    claims = jwt.decode(ticket["jwt"], jwt.PyJWK(keys[0]), algorithms=["EdDSA"])
    token = read_token(ticket["token"], stage.app.desk.ticket_public_key)
    assert claims == {
        "ticket_id": token.ticket_id,
        "event": token.event.hex(),
        "holder": token.holder.hex(),
        "nonce": token.nonce.hex(),
        "version": 1,
        "iat": token.issued_at,
        "exp": token.expires_at,
    }
    alone = await carol.gets(f"/tickets/{ticket['ticket_id']}")
    assert alone.body == ticket
    bare = await carol.gets(f"/tickets/{ticket['ticket_id']}/jwt")
    assert (bare.headers["Content-Type"], bare.body) == (
        "application/jwt; charset=utf-8",
        ticket["jwt"].encode(),
    )
    picture = await carol.gets(f"/tickets/{ticket['ticket_id']}/qr.png")
    assert picture.body.startswith(b"\x89PNG")
    of_order = await carol.gets(f"/orders/{order['order_id']}/tickets")
    assert of_order.body["tickets"] == mine.body["tickets"]

    for text in (ticket["token"], ticket["jwt"]):
        checked = await carol.posts("/validate", signed=False, ticket=text)
        assert (checked.status, checked.body["valid"], checked.body["reason"]) == (200, True, None)
        assert checked.body["title"] == "Lisbon Meetup"
        assert not {"order_id", "holder", "pubkey"} & checked.body.keys()
        other = await carol.posts("/validate", signed=False, ticket=text, event_id="31923:x:y")
        assert (other.body["valid"], other.body["reason"]) == (False, "wrong-event")


async def becomes(who: Caller, order_id: str, state: str) -> dict[str, Any]:
    """Wait as a client does: by asking how the order is."""
    async with asyncio.timeout(20):
        while True:
            order: dict[str, Any] = (await who.gets(f"/orders/{order_id}")).body
            if order["state"] == state:
                return order
            await asyncio.sleep(0.2)


async def test_a_letter_and_a_request_are_of_one_person(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """What was bought over HTTP comes as a DM too; a request_id is one, whichever way it comes."""
    await organizer.has_on_sale()
    caller = Caller(stage, alice.keys)
    (event,) = (await caller.gets("/events", signed=False)).body["events"]
    wish = {"request_id": "both", "event_id": event["event_id"]}
    order = (await caller.posts("/orders", **wish)).body
    await alice.asks(type="buy", **wish)
    assert (await alice.is_told("invoice"))["invoice"] == order["invoice"]
    await stage.wallet.receive(order["invoice"])
    token = await alice.gets_a_ticket()
    assert [one["token"] for one in (await caller.gets("/tickets")).body["tickets"]] == [token]


async def test_a_free_ticket_comes_at_once(organizer: Organizer, carol: Caller) -> None:
    await organizer.has_on_sale("Free Walk", price=None)
    (event,) = (await carol.gets("/events", signed=False)).body["events"]
    order = await carol.posts("/orders", request_id="f", event_id=event["event_id"])
    assert (order.status, order.body["state"], order.body["tickets"]) == (201, "paid", 1)
    tickets = await carol.gets(f"/orders/{order.body['order_id']}/tickets")
    assert len(tickets.body["tickets"]) == 1


async def test_a_wallet_that_is_slow_makes_nobody_wait(
    stage: Stage, organizer: Organizer, carol: Caller
) -> None:
    await organizer.has_on_sale()
    (event,) = (await carol.gets("/events", signed=False)).body["events"]
    stage.wallet.down = True
    order = await carol.posts("/orders", request_id="s", event_id=event["event_id"])
    assert (order.status, order.body["state"], order.headers["Retry-After"]) == (202, "held", "1")
    assert "invoice" not in order.body
    stage.wallet.down = False
    now = await becomes(carol, order.body["order_id"], "invoiced")
    assert now["invoice"].startswith("lnbc")


async def test_given_back(organizer: Organizer, carol: Caller) -> None:
    await organizer.has_on_sale()
    (event,) = (await carol.gets("/events", signed=False)).body["events"]
    order = (await carol.posts("/orders", request_id="c", event_id=event["event_id"])).body
    gone = await carol.posts(f"/orders/{order['order_id']}/cancel")
    assert (gone.status, gone.body["state"]) == (200, "released")
    again = await carol.posts(f"/orders/{order['order_id']}/cancel")
    assert (again.status, again.body["state"]) == (200, "released")
    stranger = Caller(carol.stage)
    assert (await stranger.gets(f"/orders/{order['order_id']}")).code == "not-yours"
    assert (await stranger.posts(f"/orders/{order['order_id']}/cancel")).code == "not-yours"
    assert (await stranger.gets("/tickets")).body == {"tickets": [], "count": 0, "next": None}


async def test_owed_money_goes_where_its_owner_says(
    stage: Stage, organizer: Organizer, carol: Caller
) -> None:
    await organizer.has_on_sale()
    (event,) = (await carol.gets("/events", signed=False)).body["events"]
    order = (await carol.posts("/orders", request_id="m", event_id=event["event_id"])).body
    await stage.wallet.receive(order["invoice"], 4_000_000)
    path = f"/orders/{order['order_id']}"
    await becomes(carol, order["order_id"], "closed")
    noted = await carol.posts(f"{path}/refund", to="carol@pay.example")
    assert noted.body["refunds"] == [{"amount_msat": 4_000_000, "state": "due"}]
    wrong = await carol.posts(f"{path}/refund", to="not a place")
    assert (wrong.status, wrong.code) == (422, "bad-request")


async def test_an_order_says_which_code_was_applied_and_what_it_saves(
    stage: Stage, organizer: Organizer, carol: Caller
) -> None:
    await organizer.has_on_sale()
    await organizer.says("promo lisbon FRIENDS 1000 sats off")
    await organizer.hears("FRIENDS")
    (event,) = (await carol.gets("/events", signed=False)).body["events"]
    wish = {"event_id": event["event_id"], "quantity": 2}
    order = (await carol.posts("/orders", request_id="c", code="friends", **wish)).body
    assert order["amount_msat"] == 8_000_000
    assert order["promo"] == {"code": "FRIENDS", "saved_msat": 2_000_000}
    shown = (await carol.gets(f"/orders/{order['order_id']}")).body
    assert shown["promo"] == order["promo"]
    assert "promo" not in (await carol.posts("/orders", request_id="d", **wish)).body


async def test_a_purchase_that_is_refused(
    stage: Stage, organizer: Organizer, carol: Caller
) -> None:
    await organizer.has_on_sale("Small Room", stock=1)
    (event,) = (await carol.gets("/events", signed=False)).body["events"]
    wish = {"request_id": "r", "event_id": event["event_id"]}
    assert (await carol.posts("/orders", **wish)).status == 201
    assert (await Caller(stage).posts("/orders", **wish)).code == "sold-out"
    assert (await carol.posts("/orders", **wish, quantity=2)).code == "bad-request"
    assert (await carol.posts("/orders", event_id=event["event_id"])).code == "bad-request"
    assert (await carol.posts("/orders", request_id="x" * 65, event_id="y")).code == "bad-request"
    assert (await carol.posts("/orders", request_id="n", event_id="nothing")).status == 404
    many = await carol.posts("/orders", request_id="n", event_id=event["event_id"], quantity=11)
    assert (many.status, many.code) == (409, "too-many")
    stage.clock.forward(9 * DAY)
    over = await Caller(stage).posts("/orders", **wish)
    assert (over.status, over.code) == (409, "not-on-sale")


async def test_operators_see_and_mend(stage: Stage, organizer: Organizer, carol: Caller) -> None:
    await organizer.has_on_sale()
    (event,) = (await carol.gets("/events", signed=False)).body["events"]
    order = (await carol.posts("/orders", request_id="o", event_id=event["event_id"])).body
    operator = Caller(stage, stage.operator.keys)
    status = (await operator.gets("/operator/status")).body
    assert (status["sales"], status["events"], status["owed_msat"]) == ("open", 1, 0)
    pending = (await operator.gets("/operator/pending")).body
    (waiting,) = pending["orders"]
    assert (waiting["order_id"], waiting["payment_hash"]) == (
        order["order_id"],
        order["payment_hash"],
    )
    assert (await operator.gets("/operator/balance")).body == {"balance_msat": 0}
    assert (await operator.gets("/operator/stuck")).body["stuck"] == []
    assert (await operator.posts("/operator/stuck/retry")).body["retried"] == 0
    assert (await operator.posts("/operator/stuck/retry", name="waiting:9")).code == "bad-request"
    shut = await operator.sends("PUT", "/operator/sales", b'{"open":false}')
    assert shut.body["open"] is False
    refused = await carol.posts("/orders", request_id="p", event_id=event["event_id"])
    assert refused.code == "not-on-sale"
    assert (await operator.sends("PUT", "/operator/sales", b'{"open":1}')).code == "bad-request"
    assert (await operator.sends("PUT", "/operator/sales", b'{"open":true}')).body["open"] is True
    for path in ("status", "pending", "refunds", "orphans", "stuck", "balance"):
        assert (await carol.gets(f"/operator/{path}")).code == "not-yours"
        assert (await operator.gets(f"/operator/{path}")).status == 200
    mine = await Caller(stage, Keys(organizer.keys.keypair.secret)).gets("/organizer/events")
    (own,) = mine.body["events"]
    assert own["seats"] == [{"tier": "", "capacity": 100, "held": 1, "sold": 0}]
    assert (await carol.gets("/organizer/events")).body["events"] == []
