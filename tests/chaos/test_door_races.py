"""One ticket shown a thousand times at once admits once; with the lock off it admits many."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.story.cast import Stage
from tests.story.scanner import Scanner, a_secret, at_the_door, free_tickets, opens_soon
from tests.story.shop import TICKET_KEY, Shop, build, key_of
from ticketbot.demo.stage import run_relay
from ticketbot.domain.admission import Kind, State
from ticketbot.domain.scanning import Scan, read_shown
from ticketbot.domain.ticket import TicketKey
from ticketbot.engine import Engine
from ticketbot.errors import Refused
from ticketbot.handlers.door import admitting, scanners
from ticketbot.handlers.door.admitting import Judged
from ticketbot.handlers.door.scanners import Caller
from ticketbot.ledger import scans
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import Report

SCANS, SCANNERS = 1_000, 5
Looked = tuple[Scan, TicketRow | None]


async def scanned(folder: Path) -> tuple[Counter[str], list[str]]:
    """What a thousand scans of one ticket at once are told, and which invariants hold no more."""
    now = int(time.time())
    token = (await build(folder, now))["token"]
    shop = Shop(folder, now)
    shown = read_shown(token, TicketKey.from_bytes(TICKET_KEY).public)
    caller, scan = Caller(key_of("organizer")), Scan(Kind.CHECK_IN, shown)
    lisbon = f"31923:{key_of('organizer')}:lisbon"
    asked = (shop.engine.scan(caller, lisbon, [scan]) for _ in range(SCANS))
    found = await asyncio.gather(*asked, return_exceptions=True)
    broken = await shop.broken()
    await shop.closes()
    return Counter(
        str(one[0].facts["outcome"]) if isinstance(one, list) else type(one).__name__  # type: ignore[union-attr]
        for one in found
    ), broken


def look_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ticket is looked at and judged in one transaction, and acted upon in the next."""
    look_up, judge = admitting._looked_up, admitting._judge

    async def scan(
        self: Engine, caller: Caller, event: str, asked: Sequence[Scan]
    ) -> list[Report | Refused]:
        ctx = self.context()

        def look(tx: Tx) -> tuple[Looked, Judged]:
            listed, _ = scanners.admit_caller(caller, event, tx, ctx)
            looked = look_up(asked[0], tx, ctx)
            return looked, judge(listed, *looked, ctx.now, tx, ctx)

        looked, judged = await self.store.transaction(look)

        def act(tx: Tx) -> Report | Refused:
            monkeypatch.setattr(admitting, "_looked_up", lambda *_: looked)
            monkeypatch.setattr(admitting, "_judge", lambda *_: judged)
            return admitting.attempt(caller, event, asked[0], tx, ctx)

        return [await self.store.transaction(act)]

    monkeypatch.setattr(Engine, "scan", scan)


async def test_one_ticket_admits_once(tmp_path: Path) -> None:
    assert await scanned(tmp_path) == ({"admitted": 1, "already-used": SCANS - 1}, [])


async def test_control_looking_and_moving_apart_admits_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def move(tx: Tx, ticket_id: str, before: State, after: State) -> None:
        tx.change("UPDATE ticket SET state = ? WHERE id = ?", (after, ticket_id))

    look_apart(monkeypatch)
    monkeypatch.setattr(scans, "move", move)
    outcomes, broken = await scanned(tmp_path)
    assert outcomes["admitted"] > 1
    assert "I5b" in broken


async def test_the_tickets_own_row_stops_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at before, and moved only if it stands where it was seen."""
    look_apart(monkeypatch)
    outcomes, broken = await scanned(tmp_path)
    assert outcomes == {"admitted": 1, "LookupError": SCANS - 1}
    assert broken == []


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
