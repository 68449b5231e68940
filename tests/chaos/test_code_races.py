"""Many buyers for a code that is good for few: exactly so many get its price, however they come."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.story.counter import Counter
from ticketbot.domain.pricing import Reduction
from ticketbot.ledger import promos
from ticketbot.ledger.promos import Promo
from ticketbot.ledger.store import Tx

BUYERS, CAP = 1000, 10
WORD = "FRIENDS"


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    counter = await opened(tmp_path)
    yield counter
    await counter.closes()


async def opened(folder: Path) -> Counter:
    """Seats for everybody, and a code for ten."""
    counter = Counter(folder, newcomers_per_minute=100_000)
    await counter.opens(stock=2 * BUYERS)
    await counter.store.transaction(lambda tx: _make(tx, counter))
    return counter


def _make(tx: Tx, counter: Counter, cap: int = CAP) -> Promo:
    event_id = counter.listing.event_id
    return promos.save(tx, Promo(0, event_id, WORD, Reduction(50), None, cap, None, 0, False))


def _code(tx: Tx, counter: Counter) -> Promo:
    found = promos.named(tx, counter.listing.event_id, WORD)
    assert found is not None
    return found


async def rush(counter: Counter) -> Tally[str]:
    """What a thousand are told who all want the code at once."""
    event_id = counter.listing.event_id
    wishes = [counter.asks(who, "buy", event_id=event_id, code=WORD) for who in range(BUYERS)]
    parts = [counter.engine.receive(wishes[at : at + 20], {}) for at in range(0, BUYERS, 20)]
    await asyncio.gather(*parts)
    return Tally(messages[0]["type"] for messages in (await counter.answers()).values())


async def test_control_a_code_that_was_looked_at_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The uses are counted without asking whether so many are left."""
    counter = await opened(tmp_path)

    def count(tx: Tx, order_id: str) -> bool:
        sql = "SELECT promo, quantity FROM promo_use WHERE order_id = ?"
        if (use := tx.row(sql, (order_id,))) is not None:
            tx.change("UPDATE promo SET used = used + ?2 WHERE id = ?1", use)
            tx.change("UPDATE promo_use SET counts = 1 WHERE order_id = ?", (order_id,))
        return True

    seen = await counter.store.transaction(lambda tx: _code(tx, counter))
    monkeypatch.setattr(promos, "named", lambda *_: seen)
    monkeypatch.setattr(promos, "count", count)
    await counter.store.transaction(lambda tx: tx.change("PRAGMA ignore_check_constraints = ON"))
    told, broken = await rush(counter), await counter.broken()
    await counter.store.close()
    assert told["invoice"] > CAP
    assert "I12" in broken


async def test_a_thousand_buyers_for_a_code_that_is_good_for_ten(counter: Counter) -> None:
    event_id = counter.listing.event_id
    wishes = [counter.asks(who, "buy", event_id=event_id, code=WORD) for who in range(BUYERS)]
    parts = [counter.engine.receive(wishes[at : at + 20], {}) for at in range(0, BUYERS, 20)]
    await asyncio.gather(*parts)
    first = [messages[0] for messages in (await counter.answers()).values()]
    assert Tally(one["type"] for one in first) == {"invoice": CAP, "error": BUYERS - CAP}
    assert {one["message"] for one in first if one["type"] == "error"} == {
        f"The code {WORD} is used up. Buy without it."
    }
    half = counter.listing.price_msat // 2
    assert {one["amount_msat"] for one in first if one["type"] == "invoice"} == {half}
    seats = await counter.seats()
    assert (seats.held, seats.sold) == (CAP, 0)


async def test_uses_that_lapse_are_given_to_others_and_never_twice(counter: Counter) -> None:
    event_id = counter.listing.event_id

    async def rush(people: range) -> list[dict[str, object]]:
        wishes = [counter.asks(who, "buy", event_id=event_id, code=WORD) for who in people]
        answers = await counter.hears(wishes)
        return [m[0] for m in answers.values() if m[0]["type"] == "invoice"]

    early = await rush(range(100))
    assert len(early) == CAP
    for invoice in early[:4]:
        await counter.pays(invoice)
    await counter.waits(601)
    assert (await counter.store.transaction(lambda tx: _code(tx, counter))).left == 6
    later = await rush(range(100, 200))
    assert len(later) == 6
    await asyncio.gather(*(counter.pays(invoice) for invoice in (*early[4:], *later)))
    promo = await counter.store.transaction(lambda tx: _code(tx, counter))
    assert (promo.used, promo.left) == (CAP, 0)
    seats = await counter.seats()
    assert (seats.held, seats.sold) == (0, CAP)
    owed = await counter.store.transaction(lambda tx: tx.rows("SELECT reason FROM refund"))
    assert owed == [("refund-code",)] * 6


async def test_a_code_of_many_tickets_is_never_used_for_more(counter: Counter) -> None:
    event_id = counter.listing.event_id
    wishes = [
        counter.asks(who, "buy", event_id=event_id, code=WORD, quantity=who % 4 + 1)
        for who in range(200)
    ]
    answers = await counter.hears(wishes)
    invoices = [m[0] for m in answers.values() if m[0]["type"] == "invoice"]
    assert sum(one["quantity"] for one in invoices) == CAP
