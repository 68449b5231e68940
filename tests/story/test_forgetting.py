"""`purge_days` after an event the bot forgets who was there. The books stay whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import aiohttp
import pytest

from tests.story.cast import DAY, HOUR, WEEK, Person, Stage
from tests.story.memory import (
    AFTER,
    is_paid_by_hand,
    known,
    outbox_row,
    owes,
    passes,
    rows,
    settles_down,
)
from ticketbot.ledger import journal, marks, outbox, refunds, spends
from ticketbot.ledger.people import NOBODY


@pytest.fixture
async def alice(stage: Stage) -> Person:
    await stage.organizer.has_on_sale()
    return await stage.enters()


async def test_who_was_there_is_forgotten_and_the_trail_stays(stage: Stage, alice: Person) -> None:
    await alice.buys("lisbon 2")
    await alice.gets_a_ticket()
    trail = "SELECT id, event_id, quantity, amount_msat, state, placed_at FROM orders"
    tickets = "SELECT id, order_id, state, version, token_hash FROM ticket ORDER BY id"
    entries = "SELECT * FROM entry ORDER BY id"
    before = [await rows(stage, sql) for sql in (trail, tickets, entries)]
    await passes(stage, AFTER)
    assert await known(stage, alice) is None
    assert await rows(stage, "SELECT person FROM orders") == [(NOBODY,)]
    assert await rows(stage, "SELECT DISTINCT holder FROM ticket") == [(NOBODY,)]
    assert [await rows(stage, sql) for sql in (trail, tickets, entries)] == before
    (noted,) = await stage.app.store.transaction(lambda tx: journal.of(tx, "people"))
    assert noted.what == "forgotten"
    assert noted.detail["orders"] == 1
    assert (noted.detail["poison"], noted.detail["messages"]) == (0, 0)


async def test_a_day_too_early_nobody_is_forgotten(stage: Stage, alice: Person) -> None:
    await alice.buys("lisbon")
    await passes(stage, AFTER - DAY)
    assert await known(stage, alice) is not None
    assert await rows(stage, "SELECT count(*) FROM orders WHERE person = 0") == [(0,)]


async def test_it_happens_once_a_day_also_when_the_clock_was_wrong(
    stage: Stage, alice: Person
) -> None:
    await passes(stage, 1000 * DAY)
    stage.clock.forward(-1000 * DAY)
    await alice.buys("lisbon")
    await stage.app.forget()
    assert await rows(stage, "SELECT value FROM mark WHERE name = 'forgotten-at'") != []
    await passes(stage, AFTER)
    assert await known(stage, alice) is None
    last = await stage.app.store.transaction(lambda tx: marks.number(tx, "forgotten-at"))
    await passes(stage, DAY - 10)
    assert await stage.app.store.transaction(lambda tx: marks.number(tx, "forgotten-at")) == last


async def test_a_machine_whose_clock_is_wrong_forgets_nobody(stage: Stage, alice: Person) -> None:
    await alice.buys("lisbon")
    await settles_down(stage)
    stage.wrong = 1000 * DAY
    await stage.app.forget()
    assert await known(stage, alice) is not None
    assert await rows(stage, "SELECT count(*) FROM orders WHERE person = 0") == [(0,)]


async def test_a_big_crowd_is_forgotten_at_several_looks(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketbot.forgetting.MOST", 3)
    monkeypatch.setattr("ticketbot.forgetting.AT_ONCE", 2)
    await stage.organizer.has_on_sale()
    for _ in range(4):
        await (await stage.enters()).buys("lisbon")
    await passes(stage, AFTER)
    assert await rows(stage, "SELECT count(*) FROM orders WHERE person > 0") == [(1,)]
    await stage.app.forget()
    assert await rows(stage, "SELECT count(*) FROM orders WHERE person > 0") == [(0,)]


async def test_who_comes_back_is_somebody_new(stage: Stage, alice: Person) -> None:
    await alice.buys("lisbon")
    await passes(stage, AFTER)
    await alice.says("status")
    assert "no orders yet" in await alice.hears()
    await alice.says("tickets")
    assert "no tickets" in await alice.hears()
    start = int(stage.clock()) + WEEK
    await stage.organizer.has_on_sale("Porto Dinner", start=start, end=start + HOUR)
    await alice.buys("porto")
    assert await known(stage, alice) not in (None, NOBODY)


async def test_an_old_evening_is_let_go_also_of_who_comes_every_week(
    stage: Stage, alice: Person
) -> None:
    await alice.buys("lisbon")
    stage.clock.forward(AFTER)
    start = int(stage.clock()) + WEEK
    await stage.organizer.has_on_sale("Porto Dinner", start=start, end=start + HOUR)
    await alice.buys("porto")
    await stage.app.forget()
    assert await known(stage, alice) is not None
    await alice.says("status")
    answer = await alice.hears("Order")
    assert "Porto Dinner" in answer
    assert alice.unread == 0
    assert await rows(stage, "SELECT count(*) FROM orders WHERE person = 0") == [(1,)]


async def test_who_never_bought_is_forgotten_too(stage: Stage, alice: Person) -> None:
    await alice.says("hi")
    await alice.hears()
    assert await known(stage, alice) is not None
    await passes(stage, 91 * DAY)
    assert await known(stage, alice) is None
    noted = await stage.app.store.transaction(lambda tx: journal.of(tx, "people"))
    assert noted[0].detail["orders"] == 0
    assert isinstance(noted[0].detail["people"], int)


async def test_who_is_owed_money_is_known_until_it_was_sent(stage: Stage, alice: Person) -> None:
    order = await owes(stage, alice)
    await alice.says("refund me@example.com")
    await alice.hears("Noted")
    await passes(stage, AFTER)
    assert await known(stage, alice) is not None
    (owed,) = await stage.app.store.transaction(refunds.owed)
    assert owed.person == await known(stage, alice)
    await is_paid_by_hand(stage, order, alice)
    await passes(stage, DAY)
    assert await rows(stage, "SELECT person, destination FROM refund") == [(NOBODY, None)]
    assert await known(stage, alice) is not None, "for 90 days after the last word"
    await passes(stage, 91 * DAY)
    assert await known(stage, alice) is None
    assert await rows(stage, "SELECT person, destination, state FROM refund") == [
        (NOBODY, None, "sent")
    ]


@pytest.mark.choices(pays=True)
async def test_the_bolt11_that_was_paid_goes_too(stage: Stage, alice: Person) -> None:
    await stage.wallet.pay_in(1_000_000)
    await owes(stage, alice)
    await alice.says(f"refund {stage.wallet.foreign_invoice(6_000_000)}")
    await alice.hears("was sent to you")
    kept = "SELECT count(*), count(bolt11) FROM spend"
    assert await rows(stage, kept) == [(1, 1)]
    await passes(stage, AFTER)
    assert await rows(stage, kept) == [(1, 0)]
    assert await rows(stage, "SELECT person, destination FROM refund") == [(NOBODY, None)]
    (refund,) = await stage.app.store.transaction(lambda tx: tx.rows("SELECT id FROM refund"))
    (spend,) = await stage.app.store.transaction(lambda tx: spends.of(tx, "refund", refund[0]))
    assert (spend.state, spend.bolt11) == ("paid", "")


async def test_refunds_that_are_still_to_be_decided_keep_their_people(
    stage: Stage, alice: Person
) -> None:
    await alice.buys("lisbon")
    await stage.organizer.announces(status="cancelled", at=int(stage.clock()) + 2)
    await stage.organizer.hears("is off sale")
    await passes(stage, AFTER)
    assert await known(stage, alice) is not None


async def test_a_message_that_still_waits_keeps_its_addressee(stage: Stage, alice: Person) -> None:
    await alice.says("hi")
    await alice.hears()
    await settles_down(stage)
    body = {"to": alice.pubkey, "via": "nip17", "at": 1, "text": "x", "until": 2**40}
    stage.clock.forward(91 * DAY)
    await stage.app.store.transaction(
        lambda tx: outbox.put(tx, "late", "message", 2**40, body)  # due in a far future
    )
    await stage.app.forget()
    assert await known(stage, alice) is not None
    await stage.app.store.transaction(lambda tx: outbox.done(tx, outbox_row(tx)))
    await passes(stage, DAY)
    assert await known(stage, alice) is None


async def test_what_was_put_aside_is_kept_for_two_weeks(stage: Stage, alice: Person) -> None:
    now = int(stage.clock())
    await stage.app.store.transaction(
        lambda tx: outbox.quarantine(tx, "inbox", "k", "ValueError", b"a letter", now)
    )
    await passes(stage, 13 * DAY)
    assert await rows(stage, "SELECT count(*) FROM quarantine") == [(1,)]
    await passes(stage, 2 * DAY)
    assert await rows(stage, "SELECT count(*) FROM quarantine") == [(0,)]


async def test_the_picture_of_a_forgotten_ticket_is_gone(stage: Stage, alice: Person) -> None:
    event = stage.organizer.events  # its own answers; the address comes from the listing
    assert event
    listing = (await rows(stage, "SELECT event_id FROM listing"))[0][0]
    await alice.asks(type="buy", request_id="mine", event_id=listing, quantity=1)
    await alice.pays((await alice.is_told("invoice"))["invoice"])
    ticket = await alice.is_told("ticket")
    path = ticket["qr_code"].removeprefix("https://tickets.example")
    assert await status_of(stage, path) == 200
    await passes(stage, AFTER)
    assert await status_of(stage, path) == 404
    assert await rows(stage, "SELECT request_id FROM orders") == [(None,)]
    assert await rows(stage, "SELECT count(*) FROM request") == [(0,)]


async def status_of(stage: Stage, path: str) -> int:
    url = f"http://127.0.0.1:{stage.app.web_port}{path}"
    async with aiohttp.ClientSession() as web, web.get(url) as answer:
        return answer.status


async def test_nothing_of_it_lingers_in_the_files(stage: Stage, alice: Person) -> None:
    """Not even what was sealed: the tag and the sealed key are overwritten, the log is cut."""
    crowd = [await stage.enters() for _ in range(30)]
    for one in crowd:
        await one.says("hi")
        await one.hears()
    await alice.buys("lisbon")
    await settles_down(stage)
    kept = await rows(stage, f"SELECT lookup, sealed FROM person WHERE id > {NOBODY}")
    files = [stage.folder / "ledger.db", stage.folder / "ledger.db-wal"]
    there = b"".join(file.read_bytes() for file in files)
    assert all(tag in there and sealed in there for tag, sealed in kept)
    await passes(stage, AFTER)
    assert files[1].stat().st_size < 100_000, "the log was cut; little was written since"
    left = await rows(stage, f"SELECT lookup, sealed FROM person WHERE id > {NOBODY}")
    gone = set(kept) - set(left)
    assert len(gone) > 30
    there = b"".join(file.read_bytes() for file in files)
    assert [1 for tag, sealed in gone if tag in there or sealed in there] == []


async def test_a_reader_does_not_stop_it_only_the_cutting_of_the_log(
    stage: Stage, alice: Person
) -> None:
    await alice.buys("lisbon")
    await settles_down(stage)
    with closing(sqlite3.connect(stage.folder / "ledger.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM person").fetchone()
        stage.clock.forward(AFTER)
        await stage.app.forget()
        assert await known(stage, alice) is None
        assert (stage.folder / "ledger.db-wal").stat().st_size > 0
        assert await stage.app.store.empty_log() is False
    await stage.app.forget()
    assert (stage.folder / "ledger.db-wal").stat().st_size < 20_000, "at the next look"
