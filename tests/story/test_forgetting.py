"""Being forgotten: `purge_days` after the event, or at once when somebody asks for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.story.cast import DAY, HOUR, WEEK, Person, Stage
from ticketbot.demo.stage import run_relay
from ticketbot.ledger import forgetting, journal, marks, money, outbox, people
from ticketbot.ledger.people import NOBODY
from ticketbot.ledger.store import Tx

AFTER = WEEK + 3 * HOUR + 90 * DAY + HOUR  # the event is a week away and takes three hours


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with run_relay(0) as relay:
        stage = Stage(tmp_path, relay)
        await stage.enters(stage.organizer)
        await stage.enters(stage.operator)
        await stage.opens()
        yield stage
        await stage.ends()


@pytest.fixture
async def alice(stage: Stage) -> Person:
    await stage.organizer.has_on_sale()
    return await stage.enters()


async def known(stage: Stage, person: Person) -> int | None:
    """The number by which the ledger knows somebody."""

    def work(tx: Tx) -> int | None:
        lookup = tx.vault.tag(b"person", bytes.fromhex(person.pubkey))
        row = tx.row("SELECT id FROM person WHERE lookup = ?", (lookup,))
        return None if row is None else int(row[0])

    return await stage.app.store.transaction(work)


async def rows(stage: Stage, sql: str) -> list[Any]:
    return await stage.app.store.transaction(lambda tx: tx.rows(sql))


async def settles_down(stage: Stage) -> None:
    """Wait until nothing is on its way any more."""
    async with asyncio.timeout(10):
        while await stage.app.store.transaction(outbox.pending):
            await asyncio.sleep(0.02)


async def passes(stage: Stage, seconds: float) -> None:
    """So much time goes by; then the day's forgetting."""
    await settles_down(stage)
    stage.clock.forward(seconds)
    await stage.app.forget()


async def owes(stage: Stage, person: Person) -> str:
    """Pay an order of `person` twice over; the order's id, and money is owed for it."""
    await person.says("buy lisbon")
    invoice = await person.gets_an_invoice()
    await person.pays(invoice, 6_000_000)
    await person.hears("goes back to you")
    return str((await rows(stage, "SELECT order_id FROM refund"))[0][0])


def sent(tx: Tx) -> None:
    """What an operator does who pays by hand."""
    tx.change("UPDATE refund SET state = 'sent', sent_at = 1 WHERE state <> 'sent'")


# after the event


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
    await owes(stage, alice)
    await alice.says("refund me@example.com")
    await alice.hears("Noted")
    await passes(stage, AFTER)
    assert await known(stage, alice) is not None
    (owed,) = await stage.app.store.transaction(money.refunds_open)
    assert owed.person == await known(stage, alice)
    await stage.app.store.transaction(sent)
    await passes(stage, DAY)
    assert await known(stage, alice) is None
    assert await rows(stage, "SELECT person, destination, state FROM refund") == [
        (NOBODY, None, "sent")
    ]


async def test_a_paid_bolt11_goes_and_an_open_one_stays(stage: Stage, alice: Person) -> None:
    order = await owes(stage, alice)

    def pay(tx: Tx) -> None:
        tx.change("INSERT INTO payment_hash VALUES ('aa', 'refund', 'x'), ('bb', 'refund', 'x')")
        values = "VALUES (?, 'refund', ?, 1, 0, ?, 1, 2, x'00')"
        tx.change(f"INSERT INTO spend {values}", ("aa", f"{order}-r1", "failed"))
        tx.change(f"INSERT INTO spend {values}", ("bb", f"{order}-r1", "open"))

    await stage.app.store.transaction(pay)
    await passes(stage, AFTER)
    assert await rows(stage, "SELECT count(*) FROM spend WHERE bolt11 IS NULL") == [(0,)]
    await stage.app.store.transaction(sent)
    await stage.app.store.transaction(
        lambda tx: tx.change("UPDATE spend SET state = 'paid' WHERE state = 'open'")
    )
    await passes(stage, DAY)
    assert await rows(stage, "SELECT count(*) FROM spend WHERE bolt11 IS NULL") == [(2,)]


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


def outbox_row(tx: Tx) -> int:
    row = tx.row("SELECT id FROM outbox WHERE key = 'late'")
    assert row is not None
    return int(row[0])


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
    assert await stage.app.store.empty_log() is True


# forget me


async def test_forget_me_is_asked_for_twice(stage: Stage, alice: Person) -> None:
    await alice.says("hi")
    await alice.hears()
    await alice.says("forget me")
    assert "forget me yes" in await alice.hears()
    assert await known(stage, alice) is not None
    await alice.says("Forget me: YES!")
    assert (await alice.hears()).startswith("Done")
    await settles_down(stage)
    assert await known(stage, alice) is None
    (noted,) = await stage.app.store.transaction(lambda tx: journal.of(tx, "people"))
    assert (noted.what, noted.detail) == ("forgotten as asked", {"orders": 0})


@pytest.mark.parametrize("protocol", ["nip17", "nip04"])
async def test_the_last_word_arrives_also_after_a_crash(
    stage: Stage, alice: Person, protocol: Any
) -> None:
    await alice.says("hi", protocol)
    await alice.hears()
    await alice.says("forget me yes", protocol)
    while await known(stage, alice) is not None:
        pass
    await stage.crashes()
    await stage.opens()
    assert (await alice.hears("Done")).startswith("Done")
    await settles_down(stage)
    assert await known(stage, alice) is None


async def test_an_open_order_is_finished_first(stage: Stage, alice: Person) -> None:
    await alice.says("buy lisbon")
    await alice.gets_an_invoice()
    for words in ("forget me", "forget me yes"):
        await alice.says(words)
        assert "send cancel" in await alice.hears("waits for your payment.")
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await alice.says("forget me yes")
    await alice.hears("Done")
    assert await known(stage, alice) is None
    assert await rows(stage, "SELECT person, state FROM orders") == [(NOBODY, "released")]


async def test_a_ticket_for_what_is_to_come_is_used_first(stage: Stage, alice: Person) -> None:
    await alice.buys("lisbon")
    await alice.says("forget me yes")
    assert "tickets for Lisbon Meetup" in await alice.hears("would lose")
    stage.clock.forward(WEEK + 4 * HOUR)
    await alice.says("forget me yes")
    await alice.hears("Done")
    assert await rows(stage, "SELECT holder FROM ticket") == [(NOBODY,)]


async def test_money_comes_home_first(stage: Stage, alice: Person) -> None:
    await owes(stage, alice)
    await alice.says("forget me yes")
    assert "6,000 sats" in await alice.hears("would be lost")
    await stage.app.store.transaction(sent)
    await alice.says("forget me yes")
    await alice.hears("Done")
    assert await known(stage, alice) is None


async def test_a_cancelled_event_pays_back_first(stage: Stage, alice: Person) -> None:
    await alice.buys("lisbon")
    await stage.organizer.announces(status="cancelled", at=int(stage.clock()) + 2)
    await stage.organizer.hears("is off sale")
    stage.clock.forward(2 * WEEK)
    await alice.says("forget me yes")
    assert "Lisbon Meetup was cancelled" in await alice.hears()


async def test_money_for_nobody_is_owed_back_and_operators_hear_of_it(
    stage: Stage, alice: Person
) -> None:
    await alice.says("buy lisbon")
    invoice = await alice.gets_an_invoice()
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await alice.says("forget me yes")
    await alice.hears("Done")
    await alice.pays(invoice)
    await stage.operator.hears("must go back to its buyer")
    (refund,) = await stage.app.store.transaction(money.refunds_open)
    assert (refund.person, refund.reason) == (NOBODY, "refund-forgotten")
    assert await rows(stage, "SELECT count(*) FROM ticket") == [(0,)]
    assert await alice.hears_nothing(0.2)
    assert await known(stage, alice) is None


async def test_a_word_of_somebody_else_forgets_nobody(stage: Stage, alice: Person) -> None:
    bob = await stage.enters()
    await alice.buys("lisbon")
    await bob.says("forget me yes")
    await bob.hears("Done")
    assert await known(stage, bob) is None
    await alice.says("resend")
    await alice.gets_a_ticket()


@pytest.mark.parametrize(
    "words", ["forget", "forgt me", "forget me not", "please forget me and my orders"]
)
async def test_it_is_only_offered_where_it_was_not_said_clearly(
    stage: Stage, alice: Person, words: str
) -> None:
    await alice.says(words)
    assert "Did you mean: forget me?" in await alice.hears()
    assert await known(stage, alice) is not None


async def test_programs_cannot_ask_for_it(stage: Stage, alice: Person) -> None:
    await alice.asks(type="forget", request_id="r1")
    await alice.says("hi")
    await alice.hears("tickets for a key")
    assert [one for one in alice.heard if one.protocol == "24133"] == []


async def test_what_is_on_its_way_does_not_trip_over_who_was_forgotten(
    stage: Stage, alice: Person
) -> None:
    """A row that the courier has in hand may be gone when it comes back."""
    await alice.says("hi")
    await alice.hears()
    await settles_down(stage)
    body = {"to": alice.pubkey, "via": "nip17", "at": 1, "text": "x", "until": 2**40}

    def work(tx: Tx) -> tuple[int, list[int]]:
        outbox.put(tx, "late", "message", 2**40, body)
        number = outbox_row(tx)
        forgetting.forget(tx, people.meet(tx, alice.pubkey).id)
        strays = forgetting.waiting(tx, 2).strays
        forgetting.drop_strays(tx, strays)
        outbox.keep_signed(tx, number, b"signed")
        outbox.accept(tx, number, "wss://relay.example")
        outbox.postpone(tx, number, 5)
        outbox.done(tx, number)
        return number, strays

    number, strays = await stage.app.store.transaction(work)
    assert strays == [number]
    assert await rows(stage, "SELECT count(*) FROM signed") == [(0,)]
    assert await rows(stage, "SELECT count(*) FROM accepted") == [(0,)]
