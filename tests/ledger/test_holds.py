"""What an event remembers of its last holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.bot import ORGANIZER, on_sale
from ticketbot.domain.holds import FORGOTTEN_AFTER, REMEMBERED, Holds, Room
from ticketbot.ledger import holds, listings
from ticketbot.ledger.store import Store
from ticketbot.ledger.vault import Vault

NOW = 1_900_000_000
EVENT = on_sale(ORGANIZER, NOW).event_id


async def opened(path: Path) -> Store:
    store = Store(path, Vault(b"f" * 32, b"l" * 32))
    store.start()
    return store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await opened(tmp_path / "ledger.db")
    await store.transaction(lambda tx: listings.save(tx, on_sale(ORGANIZER, NOW), "LISBON"))
    yield store
    await store.close()


async def happens(store: Store, fates: str, now: int = NOW) -> Holds:
    """`l`: one lapsed, `p`: one was paid; what is remembered then."""
    for fate in fates:
        if fate == "l":
            await store.transaction(lambda tx: holds.lapsed(tx, EVENT, now))
        else:
            await store.transaction(lambda tx: holds.paid(tx, EVENT))
    return await store.transaction(lambda tx: holds.of(tx, EVENT, ""))


async def test_the_last_fifty_in_their_order(store: Store) -> None:
    assert (await happens(store, "ppp")).fates == 0
    assert (await happens(store, "llpl")).fates == 0b1101
    assert (await happens(store, "p" * 46)).fates == 0b1101 << 46
    assert (await happens(store, "p")).fates == 0b101 << 47
    assert (await happens(store, "l" * 200)).fates == 2**REMEMBERED - 1


async def test_payments_end_the_doubt(store: Store) -> None:
    assert (await happens(store, "l" * 50)).doubtful(NOW)
    assert (await happens(store, "p" * 39)).doubtful(NOW)
    assert not (await happens(store, "p")).doubtful(NOW)


async def test_an_hour_without_a_lapse_is_a_new_beginning(store: Store) -> None:
    await happens(store, "l" * 50)
    later = NOW + FORGOTTEN_AFTER
    assert not (await happens(store, "")).doubtful(later)
    assert (await happens(store, "l", later)).fates == 1


async def test_it_survives_a_restart(store: Store) -> None:
    before = await happens(store, "l" * 20 + "p")
    await store.close()
    again = await opened(store.path)
    assert await again.transaction(lambda tx: holds.of(tx, EVENT, "")) == before
    assert before.doubtful(NOW)
    await again.close()


async def test_rooms_are_those_that_are_limited(store: Store) -> None:
    found = await happens(store, "")
    assert found.rooms == (Room(10_000_000, 0),)
    await store.transaction(lambda tx: tx.change("UPDATE seats SET capacity = NULL"))
    assert (await happens(store, "")).rooms == ()
    await store.transaction(
        lambda tx: tx.change(
            "INSERT INTO seats (event_id, tier, capacity, held, sold) VALUES (?, 'VIP', 9, 2, 4)",
            (EVENT,),
        )
    )
    assert (await store.transaction(lambda tx: holds.of(tx, EVENT, "VIP"))).rooms == (Room(5, 2),)
    assert (await happens(store, "")).rooms == ()
