"""What may happen twice in the same moment in the life of a ticket and of its money: a payment that
is found twice, an offer that is taken twice, a payout that is asked for twice, a seat that is
offered twice. Each race with its control: with the program's own guard off it breaks.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.story.shop import Shop, build, key_of
from ticketbot.domain.nip19 import npub_encode
from ticketbot.handlers.buying import offering
from ticketbot.handlers.money.cashier import Credit
from ticketbot.ledger import listings, money, shares, tickets, transfers
from ticketbot.ledger.store import Tx
from ticketbot.ledger.transfers import Offer

MANY = 30
THEIRS = "is yours. Nobody else's code for it works any more"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    now = int(time.time())
    await build(tmp_path, now)
    shop = Shop(tmp_path, now)
    await shop.told()
    yield shop
    await shop.closes()


def disarm(tx: Tx) -> None:
    """The tables' own checks would stop a handler that forgets its own."""
    tx.change("PRAGMA ignore_check_constraints = ON")


async def at_once(shop: Shop, who: str, text: str) -> None:
    letters = [shop.letter(who, text) for _ in range(MANY)]
    await asyncio.gather(*(shop.engine.receive([letter], {}) for letter in letters))


async def rows(shop: Shop, sql: str) -> list[Any]:
    return await shop.store.transaction(lambda tx: tx.rows(sql))


# A payment that a hint, a poll and the look at its hold's end all find.


async def settled_many_times(shop: Shop) -> list[object]:
    bolt11 = next(text for text in await shop.says("bob", "link") if "lnbc" in text)
    await shop.wallet.receive(bolt11.removeprefix("lightning:"))
    before = await rows(shop, "SELECT payment_hash FROM payment")
    news = [one for one in await shop.wallet.settled_since(0) if (one.payment_hash,) not in before]
    credits = [Credit(one.payment_hash, one.amount_msat) for one in news if one.external_id]
    found = [shop.engine.settle(credits) for _ in range(MANY)]
    return list(await asyncio.gather(*found, return_exceptions=True))


async def test_a_payment_that_is_found_many_times(shop: Shop) -> None:
    assert sum(await settled_many_times(shop)) == 1  # type: ignore[arg-type]
    assert await shop.broken() == []


async def test_control_a_payment_that_was_looked_at_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def credit(tx: Tx, payment_hash: str, order: str, *rest: object) -> None:
        tx.change(
            "INSERT OR IGNORE INTO payment (payment_hash, order_id, amount_msat, credited_at,"
            " fate, commission_msat) VALUES (?, ?, ?, ?, ?, 0)",
            (payment_hash, order, *rest[:3]),
        )

    monkeypatch.setattr(money, "credited", lambda *_: False)
    monkeypatch.setattr(money, "credit", credit)
    monkeypatch.setattr(money, "post", lambda *_: None)
    await shop.store.transaction(disarm)
    assert sum(one == 1 for one in await settled_many_times(shop)) > 1
    assert "I1" in await shop.broken()


# A ticket that is offered once, and taken many times.


async def taken_many_times(shop: Shop) -> int:
    """How often the recipient hears that it is theirs."""
    await at_once(shop, "dave", "accept")
    told = [one.text for one in await shop.told() if one.to == key_of("dave")]
    return sum(THEIRS in text for text in told)


async def test_an_offer_that_is_taken_many_times(shop: Shop) -> None:
    assert await taken_many_times(shop) == 1
    assert await shop.broken() == []


async def test_an_offer_that_is_taken_and_taken_back(shop: Shop) -> None:
    """Whoever comes first; then it is with one of them, and there is no offer any more."""
    ((ticket,),) = await rows(shop, "SELECT ticket_id FROM transfer")
    back = shop.letter("alice", f"transfer {ticket} cancel")
    await asyncio.gather(
        *(shop.engine.receive([one], {}) for one in (back, shop.letter("dave", "accept")))
    )
    told = Counter(one.to for one in await shop.told() if "\nTKT1:" in one.text)
    ((version,),) = await rows(shop, f"SELECT version FROM ticket WHERE id = '{ticket}'")
    assert told[key_of("dave")] == version - 1
    assert await rows(shop, "SELECT * FROM transfer") == []
    assert await shop.broken() == []


async def offered_anew(shop: Shop) -> set[str]:
    """Taken back from one and offered to another, and both take it: who hears that it is theirs."""
    ((ticket,),) = await rows(shop, "SELECT ticket_id FROM transfer")
    await shop.says("alice", f"transfer {ticket} cancel")
    await shop.says("alice", f"transfer {ticket} {npub_encode(key_of('heidi'))}")
    both = [shop.letter(who, "accept") for who in ("dave", "heidi")]
    await asyncio.gather(*(shop.engine.receive([one], {}) for one in both))
    return {one.to for one in await shop.told() if THEIRS in one.text}


async def test_an_offer_that_is_made_anew(shop: Shop) -> None:
    assert await offered_anew(shop) == {key_of("heidi")}
    assert await shop.broken() == []


async def test_control_an_offer_that_was_looked_at_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((code, ticket),) = await rows(shop, "SELECT code, ticket_id FROM transfer")
    seen = await shop.store.transaction(lambda tx: transfers.get(tx, code))
    row = await shop.store.transaction(lambda tx: tickets.get(tx, ticket))
    assert seen is not None
    whole = transfers.to_person

    def to_person(tx: Tx, person: int) -> list[Offer]:
        return [seen] if person == seen.recipient else whole(tx, person)

    monkeypatch.setattr(transfers, "to_person", to_person)
    monkeypatch.setattr(tickets, "get", lambda *_: row)
    monkeypatch.setattr(tickets, "rotate", lambda *_: True)
    assert await offered_anew(shop) == {key_of("dave"), key_of("heidi")}


# Money that is asked for many times.


async def asked_for_many_times(shop: Shop) -> list[int]:
    """The payouts that are set aside, in msat."""
    await at_once(shop, "organizer", "payout faro me@example.com")
    return [row[0] for row in await rows(shop, "SELECT amount_msat FROM payout")]


async def test_a_payout_that_is_asked_for_many_times(shop: Shop) -> None:
    assert len(await asked_for_many_times(shop)) == 1
    assert await shop.broken() == []


async def test_control_an_account_that_was_looked_at_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    organizer = key_of("organizer")
    seen = await shop.store.transaction(lambda tx: shares.accounts_of(tx, organizer, 0))
    monkeypatch.setattr(shares, "accounts_of", lambda *_: seen)
    await shop.store.transaction(disarm)
    assert len(await asked_for_many_times(shop)) > 1
    assert "I10" in await shop.broken()


# One seat, and two who wait for it.


async def offered_many_times(shop: Shop) -> int:
    """For how many people a seat is kept."""
    await shop.says("carol", "leave porto")
    await shop.says("carol", "join porto")
    porto = f"31923:{key_of('organizer')}:porto"
    looks = [
        shop.engine.decide(lambda tx, ctx: offering.offer(porto, tx, ctx), "queue")
        for _ in range(MANY)
    ]
    await asyncio.gather(*looks)
    return len(await rows(shop, "SELECT 1 FROM place WHERE kept > 0"))


async def test_a_seat_is_offered_to_one(shop: Shop) -> None:
    assert await offered_many_times(shop) == 1
    assert await shop.broken() == []


async def test_control_a_seat_that_was_looked_at_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(tx: Tx, event_id: str, tier: str, quantity: int) -> None:
        tx.change("UPDATE seats SET held = held + ? WHERE event_id = ?", (quantity, event_id))

    monkeypatch.setattr(listings, "hold", take)
    monkeypatch.setattr(listings, "available", lambda *_: 1)
    await shop.store.transaction(disarm)
    assert await offered_many_times(shop) > 1
    assert "I2" in await shop.broken()
