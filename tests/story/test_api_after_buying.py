"""Over HTTP: tickets handed on, given back and printed; what organizers do with their events."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.story.caller import Caller
from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from ticketbot.domain.nip19 import npub_encode


@pytest.fixture
def carol(stage: Stage) -> Caller:
    return Caller(stage)


@pytest.fixture
def seller(stage: Stage, organizer: Organizer) -> Caller:
    return Caller(stage, organizer.keys)


async def buys(who: Caller, **wish: Any) -> dict[str, Any]:
    """A paid ticket of the only event."""
    (event,) = (await who.gets("/events", signed=False)).body["events"]
    wish = {"request_id": "r", "event_id": event["event_id"], **wish}
    order = (await who.posts("/orders", **wish)).body
    if order["amount_msat"]:
        await who.stage.wallet.receive(order["invoice"])
    for _ in range(200):
        found = (await who.gets("/tickets")).body["tickets"]
        if found:
            ticket: dict[str, Any] = found[0]
            return ticket
    raise AssertionError("no ticket came")


async def test_handed_on(stage: Stage, organizer: Organizer, carol: Caller, bob: Person) -> None:
    await organizer.has_on_sale()
    ticket = await buys(carol)
    path, friend = f"/tickets/{ticket['ticket_id']}", Caller(stage, bob.keys)
    offered = await carol.posts(f"{path}/transfer", to=npub_encode(bob.pubkey))
    assert (offered.status, offered.body["state"]) == (200, "offered")
    back = await carol.sends("DELETE", f"{path}/transfer")
    assert back.status == 200, back
    await carol.posts(f"{path}/transfer", to=bob.pubkey)
    asked = [await bob.hears("To take it send: accept") for _ in range(2)]
    gone, code = (re.findall(r"accept (\w+)", text)[0] for text in asked)
    assert (await friend.posts(f"/transfers/{gone}/accept")).code == "not-yours"
    assert (await carol.posts(f"/transfers/{code}/accept")).code == "not-yours"
    assert (await friend.posts(f"/transfers/{code}/accept")).body["state"] == "accepted"
    (his,) = (await friend.gets("/tickets")).body["tickets"]
    assert (his["ticket_id"], his["version"]) == (ticket["ticket_id"], 2)
    assert (await carol.gets("/tickets")).body["count"] == 0
    assert (await carol.gets(path)).code == "not-yours"
    for text in (ticket["token"], ticket["jwt"]):
        old = await carol.posts("/validate", signed=False, ticket=text)
        assert (old.body["valid"], old.body["reason"]) == (False, "replaced")
    new = await carol.posts("/validate", signed=False, ticket=his["jwt"])
    assert new.body["valid"] is True


async def test_given_back(stage: Stage, organizer: Organizer, carol: Caller) -> None:
    until = int(stage.clock()) + WEEK - DAY
    await organizer.has_on_sale(refund_until=until)
    ticket = await buys(carol)
    path = f"/tickets/{ticket['ticket_id']}"
    asked = await carol.posts(f"{path}/return")
    assert (asked.body["amount_msat"], asked.body["kept_msat"]) == (5_000_000, 0), asked
    assert (await carol.gets("/tickets")).body["count"] == 1
    done = await carol.posts(f"{path}/return", sure=True)
    assert done.body["tickets"] == [ticket["ticket_id"]]
    assert (await carol.gets("/tickets")).body["count"] == 0
    void = await carol.posts("/validate", signed=False, ticket=ticket["jwt"])
    assert void.body["reason"] == "void"
    noted = await carol.posts(f"/orders/{ticket['order_id']}/refund", to="me@pay.example")
    assert noted.body["refunds"] == [{"amount_msat": 5_000_000, "state": "due"}]
    assert (await carol.posts(f"/orders/{ticket['order_id']}/refund")).code == "bad-request"
    assert (await Caller(stage).posts(f"{path}/return", sure=True)).code == "not-yours"


async def test_printed_and_in_the_calendar(organizer: Organizer, carol: Caller) -> None:
    await organizer.has_on_sale("Free Walk", price=None)
    ticket = await buys(carol)
    path = f"/tickets/{ticket['ticket_id']}"
    page = await carol.gets(f"{path}/ticket.pdf")
    assert (page.status, page.headers["Content-Type"]) == (200, "application/pdf")
    assert page.body.startswith(b"%PDF")
    entry = await carol.gets(f"{path}/event.ics")
    assert entry.headers["Content-Type"].startswith("text/calendar")
    assert b"SUMMARY:Free Walk" in entry.body
    for form in ("ticket.pdf", "event.ics", "qr.png", "jwt"):
        assert (await Caller(carol.stage).gets(f"{path}/{form}")).code == "not-yours"
        assert (await carol.gets(f"/tickets/aebagbafaydqqcik/{form}")).code == "not-yours"
        assert (await carol.gets(f"{path}/{form}", signed=False)).code == "sign-in"


async def test_codes(organizer: Organizer, seller: Caller, carol: Caller) -> None:
    await organizer.has_on_sale()
    path = "/organizer/events/lisbon/promos"
    made = await seller.posts(path, code="FRIENDS", percent=50, max=1)
    assert (made.status, made.body["code"], made.body["percent"]) == (200, "FRIENDS", 50), made
    listed = await seller.gets(path)
    assert [one["code"] for one in listed.body["promos"]] == ["FRIENDS"]
    assert (await carol.gets(path)).code == "not-yours"
    assert (await carol.posts(path, code="MINE", percent=100)).code == "not-yours"
    assert "FRIENDS" not in str((await carol.gets("/events/lisbon")).body)
    (event,) = (await carol.gets("/events", signed=False)).body["events"]
    wish = {"event_id": event["event_id"], "code": "friends"}
    cheap = await carol.posts("/orders", request_id="p", **wish)
    assert cheap.body["amount_msat"] == 2_500_000
    stopped = await seller.sends("DELETE", f"{path}/FRIENDS")
    assert stopped.body["stopped"] is True
    late = await Caller(carol.stage).posts("/orders", request_id="p", **wish)
    assert late.status in (409, 422)


async def test_the_door(organizer: Organizer, seller: Caller, carol: Caller) -> None:
    await organizer.has_on_sale()
    path = "/organizer/events/lisbon/door"
    staff = await seller.posts(f"{path}/staff", pubkey=npub_encode(carol.pubkey), hours=4)
    assert staff.body["pubkey"] == carol.pubkey
    token = await seller.posts(f"{path}/tokens", gate="North")
    assert token.body["token"].startswith("door1")
    passes = (await seller.gets(f"{path}/staff")).body["passes"]
    assert {one["pubkey"] for one in passes} == {carol.pubkey, None}
    assert "token" not in str(passes)
    for address in (f"{path}/staff/{carol.pubkey}", f"{path}/tokens/{token.body['number']}"):
        assert (await carol.sends("DELETE", address)).code == "not-yours"
        assert (await seller.sends("DELETE", address)).status == 200
    assert (await seller.gets(f"{path}/staff")).body["passes"] == []
    assert (await seller.gets(path)).status == 200
    assert (await seller.sends("DELETE", f"{path}/tokens/first")).code == "bad-request"


async def test_money_given_back_by_the_organizer(
    organizer: Organizer, seller: Caller, carol: Caller
) -> None:
    await organizer.has_on_sale()
    ticket = await buys(carol)
    path = "/organizer/events/lisbon/give-back"
    asked = await seller.posts(path, order_id=ticket["order_id"])
    assert (asked.body["amount_msat"], asked.body["tickets"]) == (5_000_000, [ticket["ticket_id"]])
    assert (await carol.posts(path, order_id=ticket["order_id"], sure=True)).code == "not-yours"
    assert (await carol.gets("/tickets")).body["count"] == 1
    done = await seller.posts(path, order_id=ticket["order_id"], sure=True)
    assert done.status == 200
    order = (await carol.gets(f"/orders/{ticket['order_id']}")).body
    assert (order["state"], order["refunds"][0]["amount_msat"]) == ("closed", 5_000_000)


async def test_questions_are_answered_with_the_order(organizer: Organizer, carol: Caller) -> None:
    await organizer.has_on_sale("Free Walk", price=None, question=["Your shoe size?"], age="18")
    (event,) = (await carol.gets("/events", signed=False)).body["events"]
    assert [one["text"] for one in event["questions"]] == ["Your shoe size?"]
    wish: dict[str, Any] = {"request_id": "q", "event_id": event["event_id"]}
    assert (await carol.posts("/orders", **wish)).code == "bad-request"
    wish["accept_age"] = True
    assert (await carol.posts("/orders", **wish)).code == "bad-request"
    wish["answers"] = {"Your shoe size?": "44"}
    assert (await carol.posts("/orders", **wish)).status == 201


async def test_a_moved_event_is_told_to_who_bought_over_http(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """They read how their order goes on; what happens besides must reach them all the same."""
    note = await organizer.has_on_sale()
    await buys(Caller(stage, alice.keys))
    await alice.gets_a_ticket()
    start = int(stage.clock()) + 2 * WEEK
    await organizer.announces(start=start, end=start + HOUR, at=note.created_at + 1)
    assert "Lisbon Meetup" in await alice.hears("has changed")


async def test_the_organizers_desk(
    stage: Stage, organizer: Organizer, seller: Caller, carol: Caller
) -> None:
    await organizer.has_on_sale(question=["=HYPERLINK(1)?"])
    ticket = await buys(carol, answers={"=HYPERLINK(1)?": "=cmd|' /C calc'!A0"})
    path = "/organizer/events/lisbon"
    for name in ("stats", "attendance", "door", "statement", "promos"):
        assert (await seller.gets(f"{path}/{name}")).status == 200, name
        assert (await carol.gets(f"{path}/{name}")).status == 403, name
    listed = (await seller.gets(f"{path}/attendees")).body
    (row,) = listed["attendees"]
    assert (listed["count"], row["holder"]) == (1, npub_encode(carol.pubkey))
    table = await seller.gets(f"{path}/attendees.csv")
    assert table.headers["Content-Type"].startswith("text/csv")
    head, line = table.body.decode().splitlines()
    assert head.startswith("ticket_id,holder,tier,state,")
    assert ticket["ticket_id"] in line
    assert not re.search(r'(^|,)"?[=+@-]', f"{head}\n{line}", re.M)
    assert (await carol.gets(f"{path}/attendees.csv")).code == "not-yours"
    found = await seller.gets(f"{path}/find?words={ticket['ticket_id']}")
    assert ticket["ticket_id"] in str(found.body)
    story = await seller.gets(f"{path}/orders/{ticket['order_id']}")
    assert story.body["order_id"] == ticket["order_id"]
    again = await seller.posts(f"{path}/orders/{ticket['order_id']}/resend")
    assert again.body["tickets"] == 1


async def test_a_pause_a_gift_and_a_word_to_everybody(
    stage: Stage, organizer: Organizer, seller: Caller, carol: Caller, bob: Person
) -> None:
    await organizer.has_on_sale()
    path = "/organizer/events/lisbon"
    assert (await seller.posts(f"{path}/pause")).body["paused"] is True
    (event,) = (await seller.gets("/organizer/events")).body["events"]
    wish = {"request_id": "p", "event_id": event["event_id"]}
    assert (await carol.posts("/orders", **wish)).code == "not-on-sale"
    assert (await seller.posts(f"{path}/resume")).body["paused"] is False
    given = await seller.posts(f"{path}/comp", to=npub_encode(bob.pubkey), quantity=2)
    assert given.status == 200, given
    friend = Caller(stage, bob.keys)
    assert (await friend.gets("/tickets")).body["count"] == 2
    draft = await seller.posts(f"{path}/announcements", text="Bring a coat.")
    assert draft.body["state"] == "draft"
    sent = await seller.posts(f"{path}/announcements", confirm=True)
    assert sent.body["state"] == "sending"
    assert await bob.hears("Bring a coat.")
    long = await seller.posts(f"{path}/announcements", text="x" * 50_000)
    assert (long.status, long.code) == (413, "too-large")
    played = await seller.posts(f"{path}/rehearse")
    assert played.body["ticket"]["token"].startswith("TKT1:")
    for name in ("pause", "resume", "rehearse", "announcements"):
        assert (await carol.posts(f"{path}/{name}", text="no")).code == "not-yours"
    assert (await carol.posts(f"{path}/comp", to=carol.pubkey)).code == "not-yours"
