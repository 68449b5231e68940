"""A door without a network: the function that docs/protocol.md prints, on lists of a running bot.

What it says of a ticket is what the bot itself says, when the same ticket is scanned right after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.story.cast import DAY, HOUR, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered
from tests.story.scanner import Json, Scanner, a_secret, free_tickets, opens_soon
from tests.story.test_changes import moves
from tests.story.test_closing import cancels
from tests.story.test_protocol_document import blocks
from ticketbot.domain.ticket import TicketKey, read_token

Judge = Callable[..., str]


@pytest.fixture(scope="module")
def judge() -> Judge:
    """As it is printed."""
    (program,) = [block.text for block in blocks("python") if block.part == "judge"]
    names: dict[str, Any] = {}
    exec(compile(program, "docs/protocol.md", "exec"), names)
    found: Judge = names["judge"]
    return found


class Gate:
    """A scanner that has taken the list."""

    def __init__(self, stage: Stage, judge: Judge, scanner: Scanner, listed: Json) -> None:
        self.stage = stage
        self.judge = judge
        self.scanner = scanner
        self.listed = listed

    def says(self, token: str, after: float = 0, **known: object) -> str:
        """What the list alone comes to."""
        return self.judge(self.listed, token, int(self.stage.clock() + after), **known)

    async def and_the_bot_says(self, token: str) -> str:
        outcome: str = (await self.scanner.scans("check-in", token))["outcome"]
        return outcome


async def test_the_printed_function_judges_as_the_bot_does(
    stage: Stage,
    organizer: Organizer,
    scanner: Scanner,
    judge: Judge,
    alice: Person,
    bob: Person,
) -> None:
    """Good, handed on, given back, of another event, and what was never a ticket."""
    await opens_soon(organizer, "Porto Dinner", price=None)
    good, old, void = await free_tickets(alice, "lisbon 3")
    (other,) = await free_tickets(alice, "porto 1")
    await bob.says(f"accept {await is_offered(alice, bob, code_of(stage, old))}")
    new = await bob.gets_a_ticket()
    await organizer.says(f"give back lisbon {code_of(stage, void)} yes")
    await organizer.hears("back")
    await organizer.says("rehearse lisbon")
    rehearsal = await organizer.gets_a_ticket()
    stranger = TicketKey.from_bytes(b"\7" * 32)
    forged = stranger.sign(read_token(good, stage.app.desk.ticket_public_key))
    gate = Gate(stage, judge, scanner, await scanner.gets("list"))
    assert gate.listed["void"] and gate.listed["versions"]
    for token, outcome in (
        (good, "admitted"),
        (good.lower(), "already-used"),
        (old, "replaced"),
        (new, "admitted"),
        (void, "void"),
        (other, "wrong-event"),
        (forged, "not-genuine"),
        (good[:-3], "unreadable"),
        ("no ticket", "unreadable"),
    ):
        inside = [id_of(stage, good)] if outcome == "already-used" else []
        assert gate.says(token, let_in=inside) == outcome
        assert await gate.and_the_bot_says(token) == outcome
    assert gate.says(rehearsal) == "wrong-event"
    assert await gate.and_the_bot_says(rehearsal) == "rehearsal"
    used = await scanner.gets("list?used=1")
    assert judge(used, good, int(stage.clock())) == "already-used"


async def test_the_time_is_judged_too(
    stage: Stage, organizer: Organizer, scanner: Scanner, judge: Judge, alice: Person
) -> None:
    """Too early and too late by the list's own times, and by the token's."""
    (token,) = await free_tickets(alice, "lisbon 1")
    gate = Gate(stage, judge, scanner, await scanner.gets("list"))
    now = int(stage.clock())
    opens, ends = gate.listed["opens"] - now, gate.listed["ends"] - now
    assert [gate.says(token, after) for after in (opens - 60, opens + 60)] == [
        "not-yet",
        "admitted",
    ]
    assert [gate.says(token, after) for after in (ends - 60, ends + 60)] == ["admitted", "over"]
    endless = gate.listed | {"ends": 2**40}
    expires = read_token(token, stage.app.desk.ticket_public_key).expires_at
    assert [judge(endless, token, expires + at) for at in (-1, 0)] == ["admitted", "over"]
    stage.clock.forward(6 * HOUR)
    assert gate.says(token) == await gate.and_the_bot_says(token) == "over"
    await opens_soon(organizer, "Tomorrow Walk", price=None, start=now + 2 * DAY, end=now + 3 * DAY)
    (early,) = await free_tickets(alice, "tomorrow 1")
    soon = Scanner(scanner.session, await a_secret(organizer, "tomorrow"), event="TOMORROW")
    gate = Gate(stage, judge, soon, await soon.gets("list"))
    assert gate.says(early) == await gate.and_the_bot_says(early) == "not-yet"


async def test_tickets_that_were_made_again_and_a_cancelled_event(
    stage: Stage, organizer: Organizer, scanner: Scanner, judge: Judge, alice: Person
) -> None:
    (old,) = await free_tickets(alice, "lisbon 1")
    stale = await scanner.gets("list")
    start = int(stale["start"])
    await moves(organizer, price=None, start=start, end=start + 5 * DAY)
    new = await alice.gets_a_ticket()
    gate = Gate(stage, judge, scanner, await scanner.gets("list"))
    assert [gate.says(old), gate.says(new)] == ["replaced", "admitted"]
    assert judge(stale, new, int(stage.clock())) == "admitted", "made after the list was taken"
    assert await gate.and_the_bot_says(old) == "replaced"
    await cancels(organizer, 4, price=None, start=start, end=start + 5 * DAY)
    gate = Gate(stage, judge, scanner, await scanner.gets("list"))
    assert gate.says(new) == await gate.and_the_bot_says(new) == "cancelled"


def id_of(stage: Stage, token: str) -> str:
    return read_token(token, stage.app.desk.ticket_public_key).ticket_id
