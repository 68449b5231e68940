"""Every address of the API is granted once, as the document says it is, and speaks Spanish.

The callers have chosen Spanish; whatever stands in a `message` or a `detail` must be a sentence of
that language and hold no words of an English one.
"""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
import pytest

from tests.story.caller import Answer, Caller
from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from tests.story.test_api_document import DOCUMENT, STREAM, described
from ticketbot.domain.ticket import group_id
from ticketbot.texts import sentences
from ticketbot.web.api.problems import CODES

OF_THE_PROTOCOL = {meaning for _, meaning in CODES.values()}
"""Details that say what a code means: for who writes the program."""
FREE = {"price": None, "stock": None}


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{4,}", text.lower()))


def fragments(text: str) -> set[str]:
    """What stands between the values of a sentence, where that is two words or more."""
    parts = (part.strip() for part in re.split(r"\{\w+\}", text))
    return {part for part in parts if re.search(r"[^\W\d_]{2,} [^\W\d_]{2,}", part)}


BOTH = [" ".join(sentences(language).values()) for language in ("en", "es")]
ENGLISH = {part for text in sentences("en").values() for part in fragments(text)}
ENGLISH -= {part for part in ENGLISH if part in BOTH[1]}
SPANISH = words(BOTH[1]) - words(BOTH[0])


def is_spanish(text: str) -> bool:
    """Whether it has a word that only Spanish sentences have, and no part of an English one."""
    return bool(SPANISH & words(text)) and not any(one in text for one in ENGLISH)


def test_control_english_is_found() -> None:
    assert is_spanish("No tienes ningún pedido A1B2. Mira los tuyos con: status")
    assert not is_spanish("You have no order A1B2. See yours with: status")
    assert not is_spanish("GREEN · come in. Order A1B2")
    assert len(ENGLISH) > 300 < len(SPANISH)


class Clerk:
    """Asks for one address after the other, and looks at each answer as the document has it."""

    def __init__(self) -> None:
        self.granted: set[tuple[str, str]] = set()
        self.not_spanish: list[str] = []

    async def asks(
        self, who: Caller, method: str, path: str, *, query: str = "", **body: Any
    ) -> Any:
        """`path` has its values in it, each behind a `!`: `/events/!lisbon/queue`."""
        raw = json.dumps(body).encode() if body else b""
        template = self._template(method, path)
        signed = DOCUMENT["paths"][template][method.lower()].get("security") != []
        answer = await who.sends(method, path.replace("!", "") + query, raw, signed=signed)
        assert answer.status in (200, 201), (method, path, answer)
        self._check(template, method, answer, signed)
        self.granted.add((method, template))
        return answer.body

    def _check(self, template: str, method: str, answer: Answer, signed: bool) -> None:
        responses = DOCUMENT["paths"][template][method.lower()]["responses"]
        kinds = responses[str(answer.status)]["content"]
        schema = kinds[answer.headers["Content-Type"].partition(";")[0]].get("schema", {})
        if isinstance(answer.body, dict):
            whole = schema | {"components": DOCUMENT["components"]}
            jsonschema_rs.Draft202012Validator(whole).validate(answer.body)
            if signed:
                self.reads(answer.body, f"{method} {template}")

    def reads(self, body: dict[str, Any], where: str) -> None:
        """Note what is said in no Spanish."""
        for name in ("message", "detail"):
            text = body.get(name)
            if text is not None and text not in OF_THE_PROTOCOL and not is_spanish(text):
                self.not_spanish.append(f"{where}: {text}")

    def _template(self, method: str, path: str) -> str:
        parts = path.split("/")
        fitting = [
            known
            for other, known in described()
            if other == method
            and len(known.split("/")) == len(parts)
            and all(
                one.startswith("!") if part.startswith("{") else one == part
                for one, part in zip(parts, known.split("/"), strict=True)
            )
        ]
        assert len(fitting) == 1, (method, path, fitting)
        return fitting[0]


async def chosen(who: Caller, clerk: Clerk) -> Caller:
    await clerk.asks(who, "PUT", "/language", language="es")
    return who


async def a_ticket(clerk: Clerk, who: Caller, event: str, **wish: Any) -> dict[str, Any]:
    """Bought and paid."""
    name = f"r{len(clerk.granted)}-{wish}"[:60]
    order = await clerk.asks(who, "POST", "/orders", request_id=name, event_id=event, **wish)
    if order["amount_msat"]:
        await who.stage.wallet.receive(order["invoice"])
    for _ in range(200):
        held = await clerk.asks(who, "GET", f"/orders/!{order['order_id']}/tickets")
        if held["tickets"]:
            found: dict[str, Any] = held["tickets"][0]
            return found
    raise AssertionError("no ticket came")


@pytest.mark.choices(requests_per_minute=10_000)
async def test_every_address_is_granted_and_speaks_spanish(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    clerk, start = Clerk(), int(stage.clock()) + 2 * HOUR
    until = {"refund_until": start, "start": start, "end": start + 3 * HOUR}
    await organizer.has_on_sale(**until)
    await organizer.has_on_sale("Sunday Walk", **FREE, **until)
    await organizer.has_on_sale("Porto Dinner", price=None, stock=1, end=start + 2 * WEEK)
    seller = await chosen(Caller(stage, organizer.keys), clerk)
    operator = await chosen(Caller(stage, stage.operator.keys), clerk)
    carol = await chosen(Caller(stage, alice.keys), clerk)
    friend = await chosen(Caller(stage, bob.keys), clerk)

    await looks_around(clerk, carol, operator)
    ticket, walk = await a_ticket(clerk, carol, "lisbon"), await a_ticket(clerk, carol, "sunday")
    await reads_the_ticket(clerk, carol, walk)
    await hands_on(clerk, carol, friend, bob, walk)
    await waits_in_the_queue(clerk, carol, friend)
    await sells(clerk, seller, carol, ticket)
    await at_the_doors(stage, clerk, seller, friend, ticket)
    await gives_back(clerk, carol, seller)
    await operates(clerk, operator, ticket)
    stage.clock.forward(4 * DAY)
    await is_paid_out(clerk, seller)
    missing = described() - clerk.granted
    assert missing == {("GET", STREAM)}, "tests/story/test_door_live.py has this one only"
    assert clerk.not_spanish == []


async def test_what_is_refused_is_refused_in_spanish(stage: Stage, organizer: Organizer) -> None:
    """Somebody who may do nothing asks for everything: of an event that is there, and of none."""
    await organizer.has_on_sale()
    clerk = Clerk()
    stranger = await chosen(Caller(stage), clerk)
    asked = {
        one
        for one in described()
        if DOCUMENT["paths"][one[1]][one[0].lower()].get("security") != []
    }
    refused = set()
    for method, template in sorted(asked):
        for word in ("lisbon", "qwertyuiopasdfgh"):
            path = re.sub(r"\{\w+\}", word, template)
            body = b"" if method == "GET" else b"{}"
            answer = await stranger.sends(method, path, body)
            if answer.status >= 400:
                refused.add((method, template))
            clerk.reads(answer.body if isinstance(answer.body, dict) else {}, f"{method} {path}")
    assert clerk.not_spanish == []
    assert asked - refused == {
        *(("GET", path) for path in ("/tickets", "/orders", "/queue", "/organizer/events")),
        ("PUT", "/badge"),
    }


async def looks_around(clerk: Clerk, carol: Caller, operator: Caller) -> None:
    await clerk.asks(carol, "GET", "/events")
    await clerk.asks(carol, "GET", "/events/!lisbon")
    await clerk.asks(carol, "GET", "/problems/!sold-out")
    await clerk.asks(carol, "GET", "/openapi.json")
    await clerk.asks(carol, "GET", "/.well-known/jwks.json")


async def reads_the_ticket(clerk: Clerk, carol: Caller, ticket: dict[str, Any]) -> None:
    path = f"/tickets/!{ticket['ticket_id']}"
    await clerk.asks(carol, "GET", "/tickets")
    await clerk.asks(carol, "GET", path)
    for form in ("jwt", "qr.png", "ticket.pdf", "event.ics"):
        await clerk.asks(carol, "GET", f"{path}/{form}")
    await clerk.asks(carol, "POST", "/validate", ticket=ticket["token"])
    await clerk.asks(carol, "GET", "/orders")
    await clerk.asks(carol, "GET", f"/orders/!{ticket['order_id']}")
    await clerk.asks(carol, "PUT", "/badge", wanted=True)


async def hands_on(
    clerk: Clerk, carol: Caller, friend: Caller, bob: Person, ticket: dict[str, Any]
) -> None:
    path = f"/tickets/!{ticket['ticket_id']}/transfer"
    for answer in ("", "decline", "accept"):
        await clerk.asks(carol, "POST", path, to=friend.pubkey)
        code = re.findall(r"accept (\w+)", await bob.hears("accept "))[0]
        if answer:
            await clerk.asks(friend, "POST", f"/transfers/!{code}/{answer}")
        else:
            await clerk.asks(carol, "DELETE", path)


async def waits_in_the_queue(clerk: Clerk, carol: Caller, friend: Caller) -> None:
    await a_ticket(clerk, carol, "porto")
    await clerk.asks(friend, "POST", "/events/!porto/queue")
    await clerk.asks(friend, "GET", "/queue")
    await clerk.asks(friend, "DELETE", "/events/!porto/queue")


async def sells(clerk: Clerk, seller: Caller, carol: Caller, ticket: dict[str, Any]) -> None:
    event = "/organizer/events/!lisbon"
    await clerk.asks(seller, "GET", "/organizer/events")
    await clerk.asks(seller, "POST", f"{event}/promos", code="FRIENDS", percent=20)
    await clerk.asks(seller, "GET", f"{event}/promos")
    await clerk.asks(seller, "DELETE", f"{event}/promos/!FRIENDS")
    for name in ("stats", "attendees", "attendees.csv", "attendance", "statement"):
        await clerk.asks(seller, "GET", f"{event}/{name}")
    found = group_id(ticket["ticket_id"])
    await clerk.asks(seller, "GET", f"{event}/find", query=f"?words={found}")
    await clerk.asks(seller, "POST", f"{event}/pause")
    await clerk.asks(seller, "POST", f"{event}/resume")
    await clerk.asks(seller, "POST", f"{event}/announcements", text="Las puertas a las 19:00.")
    await clerk.asks(seller, "POST", f"{event}/comp", to=carol.pubkey)
    await clerk.asks(seller, "POST", f"{event}/rehearse")
    await clerk.asks(seller, "GET", f"{event}/orders/!{ticket['order_id']}")
    order = f"orders/!{ticket['order_id']}"
    await clerk.asks(seller, "POST", f"{event}/{order}/resend")
    await keeps_a_note(clerk, seller, f"{event}/{order}/note")


async def keeps_a_note(clerk: Clerk, who: Caller, path: str) -> None:
    await clerk.asks(who, "PUT", path, text="silla de ruedas")
    await clerk.asks(who, "DELETE", path)


async def at_the_doors(
    stage: Stage, clerk: Clerk, seller: Caller, friend: Caller, ticket: dict[str, Any]
) -> None:
    door, own = "/door/!lisbon", "/organizer/events/!lisbon/door"
    await clerk.asks(seller, "POST", f"{own}/staff", pubkey=friend.pubkey)
    made = await clerk.asks(seller, "POST", f"{own}/tokens", gate="B")
    for kind in ("check-in", "checkout", "undo"):
        await clerk.asks(friend, "POST", f"{door}/{kind}", ticket=ticket["token"])
    scan = {"ticket": ticket["token"], "nonce": "nonce-01", "at": int(stage.clock()) - 60}
    told = await clerk.asks(friend, "POST", f"{door}/scans", scans=[scan, {}])
    for one in told["results"]:
        clerk.reads(one, "a scan that is told")
    for name in ("list", "counts", "conflicts"):
        await clerk.asks(friend, "GET", f"{door}/{name}")
    for name in ("", "/conflicts", "/staff"):
        await clerk.asks(seller, "GET", f"{own}{name}")
    await clerk.asks(seller, "DELETE", f"{own}/staff/!{friend.pubkey}")
    await clerk.asks(seller, "DELETE", f"{own}/tokens/!{made['number']}")


async def gives_back(clerk: Clerk, carol: Caller, seller: Caller) -> None:
    where = {"to": "me@pay.example"}
    one = await a_ticket(clerk, carol, "lisbon", quantity=1, tier=None)
    await clerk.asks(carol, "POST", f"/tickets/!{one['ticket_id']}/return", sure=True)
    await clerk.asks(carol, "POST", f"/tickets/!{one['ticket_id']}/refund", **where)
    two = await a_ticket(clerk, carol, "lisbon", quantity=2)
    await clerk.asks(carol, "POST", f"/orders/!{two['order_id']}/return", sure=True)
    await clerk.asks(carol, "POST", f"/orders/!{two['order_id']}/refund", **where)
    three = await a_ticket(clerk, carol, "lisbon", quantity=3)
    back = "/organizer/events/!lisbon/give-back"
    await clerk.asks(seller, "POST", back, order_id=three["order_id"], sure=True)
    open_one = await clerk.asks(
        carol, "POST", "/orders", request_id="four", event_id="lisbon", quantity=4
    )
    await clerk.asks(carol, "POST", f"/orders/!{open_one['order_id']}/cancel")


async def operates(clerk: Clerk, operator: Caller, ticket: dict[str, Any]) -> None:
    for name in ("status", "pending", "refunds", "orphans", "stuck", "balance"):
        await clerk.asks(operator, "GET", f"/operator/{name}")
    for is_open in (False, True):
        await clerk.asks(operator, "PUT", "/operator/sales", open=is_open)
    await clerk.asks(operator, "POST", "/operator/stuck/retry")
    await keeps_a_note(clerk, operator, f"/operator/orders/!{ticket['order_id']}/note")


async def is_paid_out(clerk: Clerk, seller: Caller) -> None:
    await clerk.asks(seller, "GET", "/organizer/balance")
    await clerk.asks(seller, "PUT", "/organizer/payout-to", to="me@pay.example")
    await clerk.asks(seller, "POST", "/organizer/payouts", event_id="lisbon")
