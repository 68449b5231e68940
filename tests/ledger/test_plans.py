"""No question that is asked per request, per poll or per tick reads through a table that grows.

A recorded session asks everything that a running bot asks; SQLite then says how it would
look for each answer. What may be read through nevertheless stands in `MAY_SCAN`, with why.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import sqlite3
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import pytest

from tests.ledger import scenes
from tests.ledger.porch import is_let_in
from tests.story.caller import Caller
from tests.story.cast import DAY, HOUR, Person, Stage
from tests.story.memory import rows
from ticketbot.demo.stage import run_relay
from ticketbot.domain.holds import REMEMBERED
from ticketbot.keys import event_json
from ticketbot.ledger import (
    announcements,
    attendance,
    attendees,
    badges,
    conflicts,
    forgetting,
    gifts,
    holds,
    inbox,
    invoices,
    listings,
    marks,
    money,
    moves,
    orders,
    orphans,
    outbox,
    payouts,
    people,
    places,
    promos,
    questions,
    refunds,
    remarks,
    scans,
    schema,
    shares,
    spends,
    staff,
    statistics,
    stuck,
    thanks,
    tickets,
    transfers,
    turns,
)
from ticketbot.ledger import store as ledger
from ticketbot.ledger.store import Tx

ROOMS = (
    *(forgetting, holds, inbox, invoices, listings, marks, money, orders, orphans),
    *(moves, outbox, people, places, promos, questions, refunds, remarks, scans, staff, stuck),
    *(announcements, attendance, attendees, badges, gifts, statistics, thanks, tickets, transfers),
    *(payouts, shares, spends, turns, conflicts),
)

# Questions of the command line, of a person who waits for a table: never asked by the bot.
ONLY_OPERATORS_ASK = {
    *("orders.ending", "orphans.is_open"),
    *("shares.organizers", "payouts.of"),
    *("promos.miscounted", "scans.unexplained", "conflicts.miscounted"),
}
ONLY_AFTER_A_RESTORE = {
    *("orphans.adopted", "shares.earned"),
    *("orders.reprice", "promos.reduction_of"),
}

# Which plan steps may read through, and why they stay small or rare.
MAY_SCAN = {
    "SCAN json_each VIRTUAL TABLE INDEX 1:": "the few numbers that were just found to be due",
    "SCAN orders USING INDEX orders_open": "only orders that wait for money are in this index",
    "SCAN refund USING INDEX refund_open": "only refunds that are not sent are in this index",
    "SCAN payout USING INDEX payout_open": "only payouts that are not sent are in this index",
    "SCAN payee": "organizers who said where payouts go, once a day",
    "SCAN orphan USING INDEX orphan_open": "only money that nobody has claimed is in this index",
    "SCAN outbox USING COVERING INDEX outbox_due": "done rows are deleted",
    "SCAN place USING COVERING INDEX place_by_event": "only who waits for a seat is in this table",
    "SCAN announcement USING INDEX announcement_draft": "only drafts are in this index, once a day",
    "SCAN outbox": "done rows are deleted, and an operator asks what is stuck",
    "SCAN quarantine": "each row is a bug, and goes after two weeks",
    "SCAN listing USING COVERING INDEX sqlite_autoindex_listing_2": "codes, once per new event",
}


MESSAGES = "SELECT 1 FROM outbox WHERE +kind = 'message'"


class Recorder:
    """What a ledger is asked: each statement once, with its values, and by which functions."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.statements: dict[str, str] = {}
        self.asked: set[str] = set()
        self.listens = True
        connect = ledger.connect

        def traced(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
            db = connect(path, read_only=read_only)
            db.set_trace_callback(self._hear)
            return db

        patch.setattr(ledger, "connect", traced)
        for room in ROOMS:
            for name, function in _questions(room).items():
                patch.setattr(room, name, self._counted(f"{_name(room)}.{name}", function))

    def _hear(self, sql: str) -> None:
        if self.listens and sql.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            shape = re.sub(r"x?'[^']*'|\b\d+\b", "?", sql, flags=re.I)
            self.statements.setdefault(shape, sql)

    def _counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def counted(*args: Any, **values: Any) -> Any:
            self.asked.add(name)
            return function(*args, **values)

        return counted


@pytest.fixture
async def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder(monkeypatch)
    async with run_relay(0) as relay:
        stage = Stage(tmp_path, relay, pays=True)
        await _play(stage)
        recorder.listens = False  # the audit may read everything
        await stage.ends()
    return recorder


async def test_nothing_reads_through_a_table_that_grows(recorder: Recorder) -> None:
    _every_question_was_asked(recorder)
    db = sqlite3.connect(":memory:")
    for _, sql in schema.steps():
        db.executescript(sql)
    plans = {shape: _plan(db, sql) for shape, sql in recorder.statements.items()}
    db.close()
    assert len(plans) > 60
    scans = {step for plan in plans.values() for step in plan if step.startswith("SCAN ")}
    reading = [
        f"{step}: {shape}"
        for shape, plan in plans.items()
        for step in plan
        if step.startswith("SCAN ") and step not in MAY_SCAN and "CONSTANT ROW" not in step
    ]
    assert reading == [], "\n".join(reading)
    assert MAY_SCAN.keys() <= scans, "a plan that nobody has any more"


async def test_what_is_due_is_found_by_kind(recorder: Recorder) -> None:
    """Invoices do not wait behind ten thousand messages that are due."""
    db = sqlite3.connect(":memory:")
    for _, sql in schema.steps():
        db.executescript(sql)
    asked = recorder.statements.values()
    due = [sql for sql in asked if "SELECT id FROM outbox" in sql and "AND due <= " in sql]
    assert [_plan(db, sql)[0] for sql in due] == [
        "SEARCH outbox USING COVERING INDEX outbox_due (kind=? AND due<?)"
    ]
    db.close()


async def test_a_persons_newest_orders_need_no_sorting(recorder: Recorder) -> None:
    db = sqlite3.connect(":memory:")
    for _, sql in schema.steps():
        db.executescript(sql)
    newest = [sql for sql in recorder.statements.values() if "ORDER BY rowid DESC" in sql]
    assert len(newest) == 3
    assert [sql for sql in newest if "USE TEMP B-TREE FOR ORDER BY" in _plan(db, sql)] == []
    db.close()


def test_a_scan_is_seen() -> None:
    """The control: what such a question looks like."""
    db = sqlite3.connect(":memory:")
    for _, sql in schema.steps():
        db.executescript(sql)
    assert _plan(db, "SELECT id FROM orders WHERE state = 'paid'") == ["SCAN orders"]
    db.close()


def _every_question_was_asked(recorder: Recorder) -> None:
    known = {f"{_name(room)}.{name}" for room in ROOMS for name in _questions(room)}
    assert known >= ONLY_OPERATORS_ASK
    assert known - recorder.asked == ONLY_OPERATORS_ASK | ONLY_AFTER_A_RESTORE, (
        "let the session ask these, too"
    )


def _plan(db: sqlite3.Connection, sql: str) -> list[str]:
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]


def _name(room: ModuleType) -> str:
    return room.__name__.rpartition(".")[2]


def _questions(room: ModuleType) -> dict[str, Callable[..., Any]]:
    """The public functions of a room that are given a transaction."""
    return {
        name: function
        for name, function in inspect.getmembers(room, inspect.isfunction)
        if function.__module__ == room.__name__
        and not name.startswith("_")
        and next(iter(inspect.signature(function).parameters), "") == "tx"
    }


async def _play(stage: Stage) -> None:
    """An evening with everything in it."""
    alice, organizer, operator = Person(stage), stage.organizer, stage.operator
    for person in (organizer, operator, alice):
        await stage.enters(person)
    await stage.opens()
    vip = ["VIP", "9000", "SAT", "2"]
    lisbon = await organizer.has_on_sale(tier=[vip], max_per_buyer=9)
    await organizer.has_on_sale("Porto Dinner", price=None)
    gone = await organizer.has_on_sale("Faro Walk")

    for words in ("hi", "events", "event porto", "status", "link", "tickets", "buy nowhere"):
        await alice.says(words)
        await alice.hears()
    for words in ("buy lisbon", "link", "status", "cancel"):
        await alice.says(words)
        await alice.hears("lnbc" if words in ("buy lisbon", "link") else "")
    await alice.says("buy lisbon vip")
    await alice.pays(await alice.gets_an_invoice())
    await alice.gets_a_ticket()
    await alice.says("buy lisbon")
    late = await alice.gets_an_invoice()
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await alice.pays(late)
    await alice.gets_a_ticket()
    await scenes.buys_with_a_code(stage, alice)
    await alice.says("resend")
    await alice.gets_a_ticket()
    await alice.says("buy porto")
    await alice.gets_a_ticket()
    await scenes.sits_at_the_desk(organizer, alice)
    await _leave_unpaid(stage, gone.address())
    for words in ("buy faro", "cancel"):
        await alice.says(words)
        await alice.hears("lnbc" if words == "buy faro" else "is cancelled")
    await _fetch_its_picture(stage, alice)
    await is_let_in(stage, alice)

    fields = {"event_id": lisbon.address(), "quantity": 1, "request_id": "r1"}
    await alice.asks(type="buy", **fields)
    invoice = await alice.is_told("invoice")
    await alice.asks(type="buy", **fields)
    await alice.is_told("invoice")
    await alice.asks(type="status", request_id="r2", order_id=invoice["order_id"])
    await alice.is_told("order")
    await alice.asks(type="orders", request_id="r3", after=invoice["order_id"], state="open")
    await alice.is_told("orders")
    stage.clock.forward(601)
    await alice.is_told("order")
    await organizer.publish(5, [["a", gone.address()], ["e", gone.id]], "")
    await organizer.hears("is off sale")
    await organizer.announces(status="cancelled", at=int(stage.clock()) + 1)
    await organizer.hears("is off sale")
    await alice.pays(invoice["invoice"])
    await alice.is_told("refund-due")
    await alice.says("refund nobody@127.0.0.1:9")
    await alice.hears("Noted")
    await alice.says(f"refund {stage.wallet.foreign_invoice(5_000_000)}")
    await alice.hears("was sent to you")
    await organizer.says("cancel lisbon")
    await organizer.hears("done. The tickets of 2 orders are void")

    await scenes.plans_change(stage, alice)
    await scenes.somebody_waits(stage, alice)
    for words in ("status", "refunds", "stop sales", "resume sales", "refund 0000 sent"):
        await operator.says(words)
        await operator.hears()
    await _fail_once(stage, alice)
    await _is_asked_over_http(stage)
    await stage.app.look_around()
    stage.wallet.hang_up()
    await scenes.is_paid_for_an_order_that_is_lost(stage)
    await stage.closes()
    stage.clock.forward(DAY + HOUR)
    await stage.opens()
    for words in ("orphans", "orphans done abse"):
        await operator.says(words)
        await operator.hears("5,000 sats")
    await alice.says("thanks")
    await alice.hears("You are welcome")
    await scenes.goes_home(stage, alice)
    await scenes.organizer_is_paid(stage, alice)
    await _is_forgotten(stage, alice)


async def _leave_unpaid(stage: Stage, event_id: str) -> None:
    """So many orders lapsed that the next one is looked at twice."""
    now = int(stage.clock())
    for _ in range(REMEMBERED):
        await stage.app.store.transaction(lambda tx: holds.lapsed(tx, event_id, now))


async def _is_asked_over_http(stage: Stage) -> None:
    operator = Caller(stage, stage.operator.keys)
    seen = await operator.gets("/operator/stuck")
    assert [one["key"] for one in seen.body["stuck"]] == ["bad"]
    letter = event_json(operator.keys.sign_event(int(stage.clock()), 4, [], "nothing in it"))
    await stage.app.store.transaction(
        lambda tx: outbox.quarantine(tx, "inbox", "odd", "why", letter, int(stage.clock()))
    )
    assert (await operator.posts("/operator/stuck/retry")).status == 200
    async with asyncio.timeout(20):
        while await rows(stage, "SELECT 1 FROM quarantine WHERE room = 'inbox'"):
            await asyncio.sleep(0.05)
    for path in ("/operator/pending", "/organizer/events"):
        assert (await operator.gets(path)).status == 200


async def _fetch_its_picture(stage: Stage, alice: Person) -> None:
    told = [one.text for one in alice.heard if one.protocol == "24133"]
    capability = re.search(r"/tickets/([\w-]+\.png)", told[-1])
    assert capability is not None
    url = f"http://127.0.0.1:{stage.app.web_port}"
    async with aiohttp.ClientSession() as web:
        for path in (f"/tickets/{capability[1]}", "/health"):
            async with web.get(url + path) as answer:
                assert answer.status == 200


async def _is_forgotten(stage: Stage, alice: Person) -> None:
    """Somebody who asks for it, and half a year later everybody else."""
    bob = await stage.enters()
    await bob.says("forget me yes")
    await bob.hears("Done")
    await _is_quiet(
        stage,
        "SELECT 1 FROM listing INDEXED BY listing_by_start WHERE state = 'cancelled' AND ends > 0",
    )
    owed = await stage.app.store.transaction(refunds.owed)
    for order_id in {refund.order_id for refund in owed}:
        await stage.operator.says(f"refund {order_id} sent")
        await stage.operator.hears("was paid by you")
    await _is_quiet(stage, MESSAGES)
    stray = {"to": bob.pubkey, "via": "24133", "at": 1, "until": 2**40, "text": "no"}
    await stage.app.store.transaction(lambda tx: outbox.put(tx, "stray", "message", 2**40, stray))
    stage.clock.forward(200 * DAY)
    await stage.app.forget()
    await _is_quiet(stage, MESSAGES)
    nobodys = "SELECT event_id FROM orders WHERE person = 0"
    assert await stage.app.store.transaction(lambda tx: tx.row(nobodys)) is not None


async def _is_quiet(stage: Stage, unless: str) -> None:
    async with asyncio.timeout(20):
        while await stage.app.store.transaction(lambda tx: tx.rows(unless)):
            await asyncio.sleep(0.05)


async def _fail_once(stage: Stage, alice: Person) -> None:
    """A row that cannot leave, one that is tried again, and one that is wrapped anew."""
    now = int(stage.clock())
    body = {"to": alice.pubkey, "via": "24133", "at": now, "until": now + 9 * DAY, "text": "no"}
    body["mould"] = (bytes(32).hex(), now)

    def work(tx: Tx) -> None:
        outbox.put(tx, "bad", "message", 1, body | {"draw": True})
        outbox.put(tx, "good", "message", 2**40, body)
        waiting = outbox.due(tx, "message", 2**40, frozenset(), 9)
        good = next(row.id for row in waiting if row.key == "good")
        outbox.accept(tx, good, "ws://relay")
        outbox.accepted(tx, good)
        outbox.replace_body(tx, good, body)
        outbox.done(tx, good)

    await stage.app.store.transaction(work)
    async with asyncio.timeout(10):
        while await stage.app.store.transaction(outbox.pending):
            stage.clock.forward(5)
            stage.app.engine.wake()
            await asyncio.sleep(0.05)
