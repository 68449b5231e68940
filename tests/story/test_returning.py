"""Tickets go back: their holder as the note allows it, their organizer when they want to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.story.cast import DAY, HOUR, WEEK, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered, is_scanned
from tests.story.memory import rows, settles_down
from tests.story.program import Program, listening
from tests.story.test_closing import cancels, is_closed
from ticketbot.texts import say

pytestmark = pytest.mark.choices(ephemeral="when-asked")
LISBON = "Lisbon Meetup"


async def owed(stage: Stage) -> list[Any]:
    return await rows(stage, "SELECT amount_msat / 1000, reason FROM refund ORDER BY 1, 2")


async def books(stage: Stage) -> dict[str, int]:
    found = await rows(
        stage, "SELECT substr(account, 1, 9), sum(amount_msat) / 1000 FROM entry GROUP BY account"
    )
    return dict(found)


async def seats(stage: Stage) -> int:
    return int((await rows(stage, "SELECT sold FROM seats WHERE tier = ''"))[0][0])


async def test_less_the_organizers_fee(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(refund_until="48h", refund_fee="10%")
    code = code_of(stage, await alice.buys("lisbon"))
    await alice.says("event lisbon")
    assert ", less 10% of each." in await alice.hears("can be given back until")
    await alice.says(f"refund {code}")
    values = {"title": LISBON, "what": code, "n": 1}
    asked = await alice.hears()
    assert asked == say("return-ask-fee", paid="4,500 sats", kept="500 sats", **values)
    assert await owed(stage) == []
    await alice.says(f"refund {code} yes")
    told = await alice.hears("gave back")
    assert await alice.hears("seat at") == say("return-done", title=LISBON)
    assert told.startswith(say("refund-returned", title=LISBON, amount="4,500 sats"))
    assert await owed(stage) == [(4500, "refund-returned")]
    assert await books(stage) == {"wallet": 5000, "organizer": -500, "refunds": -4500}
    assert await seats(stage) == 0
    await alice.says(f"refund {code} yes")
    assert await alice.hears() == say("ticket-void", title=LISBON)
    await alice.says("status")
    assert "4,500 sats is owed back to you" in await alice.hears()


@pytest.mark.parametrize(
    ("fee", "back"),
    [("500", 4500), (["1", "SAT"], 4999), (["100%"], 0), ("9999", 0), ("33%", 3350), (None, 5000)],
)
async def test_fees_of_every_kind(
    stage: Stage, organizer: Organizer, alice: Person, fee: Any, back: int
) -> None:
    await organizer.has_on_sale(refund_until="48h", refund_fee=fee)
    await alice.buys("lisbon")
    await alice.says("refund lisbon yes")
    await alice.hears("seat at")
    await settles_down(stage)
    assert await owed(stage) == ([(back, "refund-returned")] if back else [])
    kept = await rows(stage, "SELECT kept_msat / 1000, state FROM ticket")
    assert kept == [(5000 - back, "void")]
    if not back:
        assert await alice.hears("void") == say("ticket-returned", title=LISBON)


async def test_one_ticket_of_an_order_and_then_the_rest(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale(refund_until="48h", refund_fee="1000")
    await alice.says("buy lisbon 3")
    shown = await alice.hears("pay by")
    order = shown.split()[1]
    await alice.pays(await alice.gets_an_invoice())
    code = code_of(stage, await alice.gets_a_ticket())
    await settles_down(stage)
    await alice.says(f"refund {code[-4:]} yes")
    await alice.hears("gave back")
    assert await seats(stage) == 2
    assert await rows(stage, "SELECT state FROM orders") == [("paid",)]
    await alice.says("refund lisbon")
    asked = await alice.hears("would go back")
    values = {"title": LISBON, "what": "lisbon", "n": 2}
    assert asked == say("return-ask-fee", paid="8,000 sats", kept="2,000 sats", **values)
    await alice.says("refund lisbon yes")
    await alice.hears("gave back")
    assert await rows(stage, "SELECT state FROM orders") == [("closed",)]
    assert await owed(stage) == [(4000, "refund-returned"), (8000, "refund-returned")]
    await settles_down(stage)
    await alice.says(f"refund {order}")
    assert await alice.hears("Say where") == say("refund-where")


async def test_what_the_terms_do_not_allow(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await organizer.has_on_sale("Porto Dinner", refund_until="48h")
    lisbon = code_of(stage, await alice.buys("lisbon"))
    await alice.says(f"refund {lisbon} yes")
    assert await alice.hears() == say("return-never", title=LISBON)
    await bob.says(f"refund {lisbon} yes")
    assert await bob.hears() == say("ticket-unknown", word=lisbon)
    porto = code_of(stage, await alice.buys("porto"))
    stage.clock.forward(6 * DAY)
    await alice.says(f"refund {porto} yes")
    assert "could be given back until" in await alice.hears("could be")
    stage.clock.forward(WEEK)
    await alice.says(f"refund {porto} yes")
    assert await alice.hears("is over") == say("ticket-event-over", title="Porto Dinner")
    assert await owed(stage) == []


async def test_used_tickets_stay(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(refund_until="1h")
    token = await alice.buys("lisbon")
    code = code_of(stage, token)
    stage.clock.forward(WEEK - HOUR)
    await is_scanned(organizer, token)
    await organizer.hears("GREEN")
    await alice.says(f"refund {code} yes")
    assert await alice.hears() == say("ticket-used", title=LISBON)


async def test_a_free_seat_is_given_back(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon")
    await alice.gets_a_ticket()
    await alice.says("refund lisbon")
    values = {"title": LISBON, "what": "lisbon", "n": 1}
    assert await alice.hears() == say("return-ask-free", **values)
    await alice.says("refund lisbon yes")
    assert await alice.hears("seat at") == say("return-done", title=LISBON)
    assert await alice.hears() == say("ticket-returned", title=LISBON)
    assert await seats(stage) == 0


async def test_the_right_travels_with_the_ticket(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """The new holder gives it back and gets the money; the buyer has nothing to say any more."""
    await organizer.has_on_sale(refund_until="48h")
    code = code_of(stage, await alice.buys("lisbon"))
    await is_offered(alice, bob, code)
    await bob.says("accept")
    await bob.gets_a_ticket()
    await alice.hears("was accepted")
    await alice.says(f"refund {code} yes")
    assert await alice.hears() == say("ticket-unknown", word=code)
    await bob.says(f"refund {code} yes")
    await bob.hears("gave back")
    await bob.says("refund me@example.com")
    assert await bob.hears("Noted") == say("refund-noted-by-hand", amount="5,000 sats")
    await alice.says("refund me@example.com")
    assert await alice.hears() == say("refund-none")


async def test_a_cancelled_event_is_split_by_holder_and_paid_one_by_one(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    event = await organizer.has_on_sale()
    await alice.buys("lisbon 3")
    code = code_of(stage, await alice.gets_a_ticket())
    await alice.gets_a_ticket()
    await is_offered(alice, bob, code)
    await bob.says("accept")
    await bob.gets_a_ticket()
    await cancels(organizer)
    await organizer.says("cancel lisbon")
    await is_closed(stage, event.address())
    assert "5,000 sats" in await bob.hears("was cancelled")
    assert "10,000 sats" in await alice.hears("was cancelled")
    operator = stage.operator
    ((order,),) = await rows(stage, "SELECT DISTINCT order_id FROM refund")
    await operator.says("refunds")
    listed = await operator.hears(f"{order}-r1")
    assert f"{order}-r2" in listed
    await operator.says(f"refund {order[-4:]} sent")
    names = f"{order[-4:]}-r1, {order[-4:]}-r2".upper()
    assert await operator.hears() == say("operator-refund-whose", codes=names)
    ((bobs,),) = await rows(stage, "SELECT id FROM refund WHERE amount_msat = 5000000")
    await operator.says(f"refund {bobs[-7:]} sent")
    await operator.hears("5,000 sats of order")
    await bob.hears("was sent to you")
    states = await rows(stage, "SELECT amount_msat / 1000, state FROM refund ORDER BY 1")
    assert states == [(5000, "sent"), (10000, "due")]
    await operator.says(f"refund {order[-4:]} sent")
    await alice.hears("was sent to you")


async def test_an_open_offer_ends_with_the_ticket(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(refund_until="48h")
    code = code_of(stage, await alice.buys("lisbon"))
    offer = await is_offered(alice, bob, code)
    await alice.says(f"refund {code} yes")
    assert await bob.hears("not there") == say("transfer-withdrawn", title=LISBON)
    await bob.says(f"accept {offer}")
    assert await bob.hears() == say("transfer-unknown", code=offer)
    assert await rows(stage, "SELECT * FROM transfer") == []


async def test_the_organizer_gives_one_order_back(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon 2")
    order = (await alice.hears("pay by")).split()[1]
    await alice.pays(await alice.gets_an_invoice())
    code = code_of(stage, await alice.gets_a_ticket())
    await bob.buys("lisbon")
    await organizer.says(f"give back lisbon {order}")
    values = {"order": order, "title": LISBON, "code": "lisbon"}
    asked = await organizer.hears()
    assert asked == say("give-back-ask", paid="10,000 sats", what=order, n=2, **values)
    await organizer.says(f"give back lisbon {code} yes")
    done = await organizer.hears("is void")
    assert done == say("give-back-done", order=order, title=LISBON, paid="5,000 sats", n=1)
    told = await alice.hears("takes your ticket back")
    assert told.startswith(say("refund-organizer", title=LISBON, amount="5,000 sats"))
    await organizer.says(f"give back lisbon {order} yes")
    await organizer.hears("is void")
    await organizer.says(f"give back lisbon {order} yes")
    unknown = say("give-back-unknown", word=order.lower(), title=LISBON)
    assert await organizer.hears() == unknown
    assert await owed(stage) == [(5000, "refund-organizer")] * 2
    assert await seats(stage) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("give back", "give-back-how"),
        ("give back lisbon", "give-back-how"),
        ("give back lisbon 2", "give-back-how"),
        ("give back lisbon %%%%", "give-back-how"),
        ("give back lisbon <script>", "give-back-unknown"),
    ],
)
async def test_what_the_organizer_must_say(
    stage: Stage, organizer: Organizer, alice: Person, words: str, sentence: str
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    await organizer.says(words)
    expected = say(sentence, word="script", title=LISBON)
    assert await organizer.hears() == expected
    await alice.says(f"{words} yes" if sentence.endswith("unknown") else "give back lisbon abcd")
    assert await alice.hears() == say("event-not-yours", title=LISBON)


async def test_programs_ask_and_are_answered(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await listening(stage)
    event = await organizer.has_on_sale(refund_until="48h", refund_fee="10%")
    buyer, seller = Program(alice), Program(organizer)
    ticket = await buyer.buys(event.address(), quantity=2)
    asked = await buyer.asks("refund", order_id=ticket["order_id"])
    assert (asked["type"], asked["amount_msat"], asked["kept_msat"]) == (
        "refund-quote",
        9_000_000,
        1_000_000,
    )
    assert len(asked["tickets"]) == 2
    request = {"ticket_id": ticket["ticket_id"], "sure": True, "request_id": "back"}
    await buyer.asks("refund", **request)
    due = await buyer.hears(type="refund-due")
    assert due["amount_msat"] == 4_500_000
    fields = {"event_id": event.address(), "order_id": ticket["order_id"]}
    quoted = await seller.asks("give-back", **fields)
    assert (quoted["type"], quoted["amount_msat"]) == ("give-back", 5_000_000)
    await seller.asks("give-back", **fields, sure=True)
    assert (await buyer.hears(type="refund-due"))["amount_msat"] == 5_000_000
    order = await buyer.asks("status", order_id=ticket["order_id"])
    assert (order["state"], order["tickets"]) == ("closed", 0)
    strange = await buyer.asks("give-back", **fields)
    assert strange["code"] == "not-yours"


async def test_an_operator_gives_a_ticket_of_their_own_back(
    stage: Stage, organizer: Organizer
) -> None:
    operator = stage.operator
    await organizer.has_on_sale(refund_until="48h")
    code = code_of(stage, await operator.buys("lisbon"))
    await operator.says(f"refund {code}")
    await operator.hears("would go back to you")
    await operator.says(f"refund {code} yes")
    await operator.hears("gave back")


async def test_of_what_goes_back_the_operator_keeps_no_commission(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    """A tenth of everything is the operator's: also of the fee that the organizer keeps."""
    engine = stage.app.engine
    engine.settings = replace(engine.settings, commission_ppm=100_000)
    await organizer.has_on_sale(refund_until="48h", refund_fee="10%")
    code = code_of(stage, await alice.buys("lisbon 2"))
    await alice.gets_a_ticket()
    assert await books(stage) == {"wallet": 10_000, "organizer": -9000, "commissio": -1000}
    await alice.says(f"refund {code} yes")
    await alice.hears("gave back")
    assert await books(stage) == {
        "wallet": 10_000,
        "refunds": -4500,
        "organizer": -4950,
        "commissio": -550,
    }


async def test_who_was_given_a_ticket_is_who_hears_of_its_money(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(refund_until="48h")
    token = await alice.buys("lisbon")
    code = code_of(stage, token)
    await bob.says(f"accept {await is_offered(alice, bob, code)}")
    await bob.gets_a_ticket()
    await bob.hears("is yours")
    await alice.hears("was accepted")
    await bob.says(f"refund {code} yes")
    owed_to_bob = await bob.next("gave back")
    assert (
        owed_to_bob.protocol == "nip17"
    )  # as Bob writes, so that nobody else sees who writes to him
    await bob.hears("seat at")
    await bob.says("status")
    assert "5,000 sats for Lisbon Meetup is still owed to you" in await bob.hears()
    await alice.says("status")
    assert (await alice.hears()).endswith("closed, no tickets")
    await bob.says("refund bob@example.com")
    await bob.hears("Noted")
