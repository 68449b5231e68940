"""Too many messages: endless talkers and thousands of keys, and whom they may not disturb."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tests.story.cast import WEEK, Organizer, Person, Stage
from tests.story.counter import Counter, key_of
from tests.story.labour import says_with_work
from ticketbot.domain.nostr import Event
from ticketbot.engine import Engine
from ticketbot.envelopes import Envelopes, Letter, Opened, Protocol
from ticketbot.errors import Malformed
from ticketbot.intake import Inbox, comes_first
from ticketbot.keys import Keys, parse_event
from ticketbot.ledger import outbox
from ticketbot.ledger.store import Tx
from ticketbot.texts import say

SLOW_DOWN = say("slow-down")


def letters(stage: Stage, keys: Keys, words: Sequence[str], via: Protocol = "nip17") -> list[Event]:
    """What somebody writes to the bot, one event each."""
    now = int(stage.clock())
    sealed = Envelopes(keys).seal([Letter(via, stage.keys.pubkey, now, word) for word in words])
    return [parse_event(orjson.loads(one.json)) for one in sealed]


async def receives(engine: Engine, events: Sequence[Event]) -> None:
    """As relays bring them: in batches."""
    for at in range(0, len(events), 32):
        await engine.receive(events[at : at + 32], {})


async def people_met(stage: Stage) -> int:
    row = await stage.app.store.transaction(lambda tx: tx.row("SELECT count(*) FROM person"))
    assert row is not None
    return int(row[0])


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Every letter that was decrypted."""
    seen: list[Event] = []
    opens = Envelopes.open

    def listening(self: Envelopes, events: Sequence[Event]) -> list[Opened | Malformed]:
        seen.extend(events)
        return opens(self, events)

    monkeypatch.setattr(Envelopes, "open", listening)
    return seen


@pytest.mark.parametrize("via", ["nip04", "24133"])
@pytest.mark.choices(per_minute=5)
async def test_an_endless_talker_is_not_even_read(
    stage: Stage, opened: list[Event], via: Protocol
) -> None:
    """Where the author shows outside, what gets no answer costs no decryption."""
    keys = Keys(os.urandom(32))
    asks = [orjson.dumps({"type": "events", "request_id": f"{n}"}).decode() for n in range(500)]
    await receives(stage.app.engine, letters(stage, keys, asks, via))
    assert len(opened) <= 32  # the first batch, in which it shows
    stage.clock.forward(60)
    opened.clear()
    await receives(stage.app.engine, letters(stage, keys, asks[:1], via))
    assert len(opened) == 1


@pytest.mark.choices(per_minute=5)
async def test_an_endless_talker_is_answered_once_politely(stage: Stage, alice: Person) -> None:
    await receives(stage.app.engine, letters(stage, alice.keys, [f"hi {n}" for n in range(200)]))
    heard = [await alice.hears() for _ in range(6)]
    assert heard.count(SLOW_DOWN) == 1
    assert await alice.hears_nothing()


@pytest.mark.choices(newcomers=1)
async def test_more_newcomers_than_are_allowed_leave_no_trace(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    before = await people_met(stage)
    flood = [letters(stage, Keys(os.urandom(32)), ["buy lisbon"])[0] for _ in range(200)]
    await receives(stage.app.engine, flood)
    assert await people_met(stage) - before == 10
    assert stage.app.engine.reception.newcomers.refused == 190
    await alice.says("hi")
    assert await alice.hears_nothing()
    stage.clock.forward(60)
    await alice.says("hi")
    assert "tickets" in await alice.hears()


@pytest.mark.choices(newcomers=1, work=8)
async def test_who_is_known_shows_work_or_runs_the_bot_is_heard_nevertheless(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    await alice.says("buy lisbon")
    bolt11 = await alice.gets_an_invoice()
    flood = [letters(stage, Keys(os.urandom(32)), ["hi"])[0] for _ in range(20)]
    await receives(stage.app.engine, flood)
    await alice.pays(bolt11)
    assert await alice.gets_a_ticket()
    await alice.says("resend")
    assert await alice.gets_a_ticket()
    await says_with_work(bob, "events", 8)
    assert await bob.hears("Lisbon Meetup")
    await stage.operator.says("status")
    assert await stage.operator.hears("Sales")


@pytest.mark.choices(work=8)
async def test_who_goes_first_in_a_full_inbox(stage: Stage, organizer: Organizer) -> None:
    await organizer.has_on_sale()
    alice, bob = await stage.enters(), await stage.enters()
    assert await alice.buys("lisbon")
    app = stage.app
    inbox = Inbox(lambda event: comes_first(event, app.interests, app.engine))
    stranger = letters(stage, bob.keys, ["hi"])
    program = letters(stage, bob.keys, ["hi"], "24133")
    customer = letters(stage, alice.keys, ["tickets"], "24133")
    now = int(stage.clock())
    tags = [["d", "lisbon-meetup"], ["start", str(now + WEEK)], ["status", "cancelled"]]
    cancelled = organizer.keys.sign_event(now, 31923, tags, "")
    spam = bob.keys.sign_event(now, 31923, tags, "")
    for event in (*stranger, *program, spam, *customer, cancelled):
        inbox.put_nowait(event)
    order = [inbox.get_nowait() for _ in range(5)]
    assert order == [*customer, cancelled, *stranger, *program, spam]


async def test_work_goes_first(stage: Stage, bob: Person) -> None:
    heard: list[Event] = []
    receive = stage.app.engine.receive

    async def listening(events: Sequence[Event], caught: dict[str, int]) -> None:
        heard.extend(events)
        await receive(events, caught)

    stage.app.engine.receive = listening  # type: ignore[method-assign, assignment]
    await says_with_work(bob, "hi", 8)
    await bob.hears()
    app = stage.app
    first = {}
    for bits in (20, 8, 0):  # 0: no work is asked for, so that none is a reason
        app.engine.settings = replace(app.engine.settings, proof_of_work_bits=bits)
        first[bits] = comes_first(heard[0], app.interests, app.engine)
    assert first == {20: False, 8: True, 0: False}


async def test_what_money_hangs_on_leaves_before_chat(tmp_path: Path) -> None:
    """A thousand answers may wait: invoice and ticket are claimed before them."""
    counter = Counter(tmp_path)
    await counter.opens()

    def a_thousand_answers(tx: Tx) -> None:
        for number in range(1000):
            body = {"to": key_of(1), "via": "24133", "text": '{"type":"chat"}', "chat": True}
            outbox.put(tx, f"chat:{number}", "message", counter.now - 300, body)

    async def first() -> list[str]:
        rows = await counter.store.transaction(
            lambda tx: outbox.due(tx, "message", counter.now, frozenset(), 2)
        )
        return [one.body["text"] for one in rows]

    await counter.store.transaction(a_thousand_answers)
    await counter.engine.receive([counter.wish(7)], {})
    await counter.makes_invoices()
    texts = await first()
    assert '"type":"invoice"' in texts[0] and '"type":"chat"' in texts[1]
    await counter.pays(orjson.loads(texts[0]))
    told, ticket = (await first())[1], "TKT1:"
    assert ticket in told
    await counter.closes()
