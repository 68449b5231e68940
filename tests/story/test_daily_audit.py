"""The bot compares its books by itself, and says once what is new."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from tests.story.cast import DAY, Organizer, Person, Stage
from ticketbot import bookkeeping
from ticketbot.bookkeeping import Auditor
from ticketbot.errors import Broken
from ticketbot.ledger import verdicts
from ticketbot.ledger.store import Tx
from ticketbot.ledger.verdicts import Verdict
from ticketbot.metrics import metrics


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookkeeping, "PAUSE", 0.02)


def auditor(stage: Stage) -> Auditor:
    return Auditor(stage.app.store, stage.app.engine, stage.wallet, stage.clock)


def spoil(stage: Stage, *statements: str) -> Callable[[], None]:
    """Change the ledger behind its back; what is given mends it again."""
    db = sqlite3.connect(stage.folder / "ledger.db")
    before = db.execute("SELECT * FROM payment").fetchall()
    for sql in statements:
        db.execute(sql)
    db.commit()
    db.close()

    def mend() -> None:
        db = sqlite3.connect(stage.folder / "ledger.db")
        db.execute("DELETE FROM payment")
        db.executemany("INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?, ?)", before)
        db.commit()
        db.close()

    return mend


async def kept(stage: Stage) -> Verdict | None:
    return await stage.app.store.transaction(verdicts.last)


async def test_the_bot_looks_by_itself_and_status_says_what_it_found(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    await stage.operator.says("status")
    assert "books not checked yet" in await stage.operator.hears("Sales open")
    await stage.closes()
    monkeypatch.setattr(bookkeeping, "FIRST", 0.0)
    monkeypatch.setattr(bookkeeping, "TICK", 0.05)
    await stage.opens()
    first = await _until(stage, lambda verdict: verdict is not None)
    assert (first.total, first.silent, first.agreed_at) == (0, None, first.at)
    stage.clock.forward(DAY)
    second = await _until(stage, lambda verdict: verdict is not None and verdict.at > first.at)
    assert second.at - first.at >= DAY
    await stage.operator.says("status")
    assert "books right" in await stage.operator.hears("Sales open")


async def _until(stage: Stage, happened: Callable[[Verdict | None], bool]) -> Verdict:
    async with asyncio.timeout(10):
        while not happened(found := await kept(stage)):
            await asyncio.sleep(0.02)
    assert found is not None
    return found


async def test_a_difference_is_told_once(stage: Stage, organizer: Organizer, alice: Person) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    mend = spoil(stage, "DELETE FROM payment")
    look = auditor(stage)
    with capture_logs() as logs:
        found = await look.audit()
        assert "the audit found differences, 3 in all" in await stage.operator.hears("Alert")
        again = await look.audit()
    assert found.total == again.total == 3
    assert sorted(
        line["about"].split()[0] for line in logs if line["event"] == "audit.differs"
    ) == [
        "I10",
        "I4",
        "I6",
    ]
    assert await stage.operator.hears_nothing()
    assert b"\nticketbot_audit_differences 3.0\n" in metrics().text()

    await alice.buys("lisbon")
    spoil(stage, "DELETE FROM payment")
    await look.audit()  # two more
    assert "5 in all" in await stage.operator.hears("Alert")
    mend()
    both = await look.audit()
    assert both.total == 3
    assert await stage.operator.hears_nothing()
    _credit_the_rest(stage)
    assert (await look.audit()).total == 0


def _credit_the_rest(stage: Stage) -> None:
    db = sqlite3.connect(stage.folder / "ledger.db")
    db.execute(
        "INSERT OR IGNORE INTO payment SELECT payment_hash, order_id, amount_msat, 1, 'tickets',"
        " 0, 0, 0 FROM invoice WHERE payment_hash IS NOT NULL"
    )
    db.commit()
    db.close()


async def test_purchases_that_go_on_meanwhile_are_no_differences(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Whatever is settled before, while and after the wallet is asked."""
    await organizer.has_on_sale()
    look = auditor(stage)

    async def buys(person: Person) -> None:
        for _ in range(6):
            await person.buys("lisbon")

    buying = asyncio.gather(buys(alice), buys(bob))
    looks = 0
    while not buying.done():
        assert (await look.audit()).differences == {}
        looks += 1
    await buying
    assert looks > 3
    assert (await look.audit()).total == 0


async def owes_a_ticket(stage: Stage, organizer: Organizer, alice: Person) -> None:
    """The wallet was paid and gives no hint: the bot finds it at its next poll."""
    await organizer.has_on_sale()
    stage.wallet.deaf = True
    await alice.says("buy lisbon")
    await alice.pays(await alice.gets_an_invoice())


async def test_what_the_bot_has_not_written_yet_is_waited_for(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bookkeeping, "ROUNDS", 1_000)
    await owes_a_ticket(stage, organizer, alice)
    looking = asyncio.create_task(auditor(stage).audit())
    await asyncio.sleep(0.3)
    assert not looking.done()
    stage.wallet.hang_up()  # so that the poll comes now
    assert (await looking).differences == {}


async def test_control_without_waiting_it_would_be_called_a_difference(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bookkeeping, "ROUNDS", 1)
    await owes_a_ticket(stage, organizer, alice)
    found = await auditor(stage).audit()
    assert [about.split()[0] for about in found.differences] == ["I4"]
    stage.wallet.hang_up()
    await alice.gets_a_ticket()


async def test_a_silent_wallet_is_not_a_difference_and_hides_none(
    stage: Stage, organizer: Organizer, alice: Person
) -> None:
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    look = auditor(stage)
    good = await look.audit()
    stage.wallet.down = True
    with capture_logs() as logs:
        silent = await look.audit()
    assert (silent.silent, silent.total) == ("the fake wallet is down", 0)
    assert silent.agreed_at == good.at
    assert "audit.put_off" in [line["event"] for line in logs]
    stage.wallet.down = False
    mend = spoil(stage, "DELETE FROM payment")
    await look.audit()
    stage.wallet.down = True
    still = await look.audit()
    assert (still.silent, still.total) == ("the fake wallet is down", 3)
    stage.wallet.down = False
    await look.audit()
    assert "3 in all" in await stage.operator.hears("Alert: the audit")
    assert stage.operator.unread == 0
    mend()


async def test_only_what_is_new_is_asked_of_the_wallet(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wallet with a long history is not listed from its beginning every day."""
    asked: list[int] = []
    spent_since = stage.wallet.spent_since

    async def listen(since: int) -> object:
        asked.append(since)
        return await spent_since(since)

    monkeypatch.setattr(stage.wallet, "spent_since", listen)
    await organizer.has_on_sale()
    await alice.buys("lisbon")
    look = auditor(stage)
    first = await look.audit()
    stage.clock.forward(9 * DAY)
    second = await look.audit()
    mend = spoil(stage, "DELETE FROM payment")
    third = await look.audit()
    assert asked == [0, first.at - 2 * DAY, second.at - 2 * DAY]
    assert third.total == 2, "the book knows what the list does not show any more"
    mend()


async def test_the_writer_goes_on_while_the_books_are_read(stage: Stage) -> None:
    """The audit's own connection is read-only, and a stop does not wait for it."""
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(tx: Tx) -> object:
        loop.call_soon_threadsafe(started.set)
        return tx.row(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
        )

    reading = asyncio.create_task(stage.app.store.read(endless))
    await started.wait()
    async with asyncio.timeout(5):
        assert await stage.app.store.transaction(lambda tx: tx.row("SELECT 1")) == (1,)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    with pytest.raises(Broken, match="readonly"):
        await stage.app.store.read(lambda tx: tx.change("DELETE FROM mark"))
