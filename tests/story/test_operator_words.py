"""What operators ask by message or on the bot's own machine, as their programs do over HTTP."""

from __future__ import annotations

import pytest

from tests.story.caller import Caller
from tests.story.cast import Organizer, Person, Stage
from tests.story.memory import rows
from ticketbot.domain.command import Command, ListPending, ListStuck, Validate
from ticketbot.domain.jwt_ticket import sign_jwt
from ticketbot.domain.speech import read_text
from ticketbot.domain.ticket import read_token
from ticketbot.texts import say


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("pending", ListPending()),
        ("Stuck?", ListStuck()),
        ("validate TKT1:ABC", Validate("TKT1:ABC")),
        ("Verify: TKT1:AB\nCD", Validate("TKT1:ABCD")),
        ("validar a.b-c_d.e", Validate("a.b-c_d.e")),
    ],
)
def test_words(text: str, command: Command) -> None:
    assert read_text(text) == command


async def test_orders_that_wait(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(tier=[["VIP", "9000", "SAT", "9"]])
    await stage.operator.says("pending")
    assert await stage.operator.hears() == say("operator-pending-none")
    await alice.says("buy lisbon 2 vip")
    await alice.gets_an_invoice()
    ((order,),) = await rows(stage, "SELECT id FROM orders")
    await stage.operator.says("pending")
    _, line = (await stage.operator.hears("Orders that wait")).splitlines()
    assert line.startswith(f"{order} · 2 × lisbon (VIP) · ")
    assert "18,000 sats · until " in line
    console = await stage.app.engine.command("pending")
    assert console.good and line in console.text
    await alice.says("pending")
    assert await alice.hears("operator") == say("operators-only")
    await alice.says("stuck")
    assert await alice.hears("operator") == say("operators-only")
    for number in range(9):
        buyer = Caller(stage)
        (event_id,) = (await rows(stage, "SELECT event_id FROM orders"))[0]
        wish = {"request_id": f"r{number}", "event_id": event_id}
        assert (await buyer.posts("/orders", **wish)).status == 201
    await stage.operator.says("pending")
    lines = (await stage.operator.hears("ticketbot orders --open")).splitlines()
    assert len(lines) == 1 + 8 + 1


async def test_whether_a_ticket_admits(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale(price=None)
    await alice.says("buy lisbon")
    token = await alice.gets_a_ticket()
    claims = read_token(token, stage.app.desk.ticket_public_key)
    jwt = sign_jwt(claims, stage.app.window._signer)
    good = say("ticket-valid", title="Lisbon Meetup")
    for shown in (token, token.lower(), jwt, f"https://tickets.example/t#{token}"):
        for person in (stage.operator, alice):
            await person.says(f"validate {shown}")
            assert await person.hears("This ticket") == good
        assert (await stage.app.engine.command(f"validate {shown}")).text == good
    for shown, said in (
        (f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}", "This ticket"),
        ("<script>", say("ticket-not-a-ticket")),
        ("ABCD-EFGH-IJKL-MNOP", say("ticket-not-a-ticket")),
        ("", say("validate-what")),
    ):
        await stage.operator.says(f"validate {shown}")
        told = await stage.operator.hears()
        assert told.startswith(said) and told != good
    assert await rows(stage, "SELECT state FROM ticket") == [("valid",)]
