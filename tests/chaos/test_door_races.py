"""One ticket shown a thousand times at once admits once; with the lock off it admits many."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.story.cast import Stage
from tests.story.scanner import Scanner, a_secret, at_the_door, free_tickets, opens_soon
from ticketbot.demo.stage import run_relay
from ticketbot.domain.admission import Kind, State
from ticketbot.domain.scanning import Scan, read_shown
from ticketbot.handlers.door.scanners import Caller
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.vault import Vault

SCANS, SCANNERS = 1_000, 5
TICKET = "CREATE TABLE shown (state TEXT NOT NULL) STRICT"


async def test_control_looking_and_moving_apart_admits_many(tmp_path: Path) -> None:
    store = await _race_track(tmp_path)

    async def scan() -> bool:
        if await store.transaction(_state) is not State.VALID:
            return False
        await store.transaction(_admit)
        return True

    assert sum(await asyncio.gather(*(scan() for _ in range(SCANS)))) > 1
    await store.close()


async def test_looking_and_moving_at_once_does_not(tmp_path: Path) -> None:
    store = await _race_track(tmp_path)
    scans = (
        store.transaction(lambda tx: _state(tx) is State.VALID and _admit(tx)) for _ in range(SCANS)
    )
    assert sum(await asyncio.gather(*scans)) == 1
    await store.close()


@pytest.fixture
def many_sockets() -> Iterator[None]:
    """Room for both ends of a thousand connections, as the bot's own unit has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * SCANS)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_sockets")
async def test_a_thousand_scans_admit_once(tmp_path: Path) -> None:
    """One ticket, shown at five scanners over a thousand connections, and meanwhile by DM."""
    async with run_relay(0) as relay:
        stage = Stage(tmp_path, relay, per_minute=10_000)
        alice = await stage.enters()
        await stage.enters(stage.organizer)
        await stage.opens()
        await opens_soon(stage.organizer, price=None)
        (token,) = await free_tickets(alice, "lisbon 1")
        async with at_the_door(stage, at_once=0) as session:
            scanners = [Scanner(session, await a_secret(stage.organizer)) for _ in range(SCANNERS)]
            asked = [
                scanners[n % SCANNERS].scans("check-in", token, gate=f"{n % 7}")
                for n in range(SCANS)
            ]
            told = [
                scanners[0].tells({"ticket": token, "nonce": f"offline-{n}", "at": 1_900_000_000})
                for n in range(3)
            ]
            by_dm = [stage.organizer.says(f"checkin {token}") for _ in range(3)]
            seen, late, _ = await asyncio.gather(
                asyncio.gather(*asked), asyncio.gather(*told), asyncio.gather(*by_dm)
            )
            words = [await stage.organizer.hears(" · ") for _ in range(3)]
            counts = await scanners[1].gets("counts")
        outcomes = Counter([one["outcome"] for one in seen] + [rows[0]["outcome"] for rows in late])
        greens = sum(text.startswith("GREEN") for text in words)
        assert outcomes["admitted"] + greens == 1
        assert outcomes["already-used"] == SCANS + 3 - outcomes["admitted"]
        assert counts["total"] == {"admitted": 1, "inside": 1, "left": 0, "sold": 1}
        assert counts["conflicts"] == sum(rows[0]["conflict"] for rows in late)
        await stage.ends()


async def test_the_core_takes_them_all_at_once(tmp_path: Path) -> None:
    """Without HTTP between: what is queued together shares a commit, and is still one by one."""
    async with run_relay(0) as relay:
        stage = Stage(tmp_path, relay)
        alice = await stage.enters()
        await stage.enters(stage.organizer)
        await stage.opens()
        event_id = await opens_soon(stage.organizer, price=None)
        (token,) = await free_tickets(alice, "lisbon 1")
        shown = read_shown(token, stage.app.desk.ticket_public_key)
        caller, scan = Caller(stage.organizer.pubkey), Scan(Kind.CHECK_IN, shown)
        engine = stage.app.engine
        asked = (engine.scan(caller, event_id, [scan]) for _ in range(SCANS))
        found = [one for (one,) in await asyncio.gather(*asked)]
        assert Counter(one.facts["outcome"] for one in found) == {  # type: ignore[union-attr]
            "admitted": 1,
            "already-used": SCANS - 1,
        }
        await stage.ends()


async def _race_track(folder: Path) -> Store:
    store = Store(folder / "race.db", Vault(b"f" * 32, b"l" * 32))
    store.start()
    await store.transaction(lambda tx: tx.change(TICKET))
    await store.transaction(lambda tx: tx.change("INSERT INTO shown VALUES ('valid')"))
    return store


def _state(tx: Tx) -> State:
    row = tx.row("SELECT state FROM shown")
    assert row is not None
    return State(row[0])


def _admit(tx: Tx) -> bool:
    return bool(tx.change("UPDATE shown SET state = 'admitted'"))
