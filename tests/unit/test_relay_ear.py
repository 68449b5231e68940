"""What a relay says is read in its order, and the events in it are verified together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from tests.real.relays import wrap
from ticketbot.domain.nostr import Event
from ticketbot.relay.ear import Brought, Ear, verified_here
from ticketbot.relay.terms import Counts

WRAPS = [wrap(f"buy {n}") for n in range(4)]
LONGEST = 10_000


class OneLine(NamedTuple):
    max_frame: int
    counts: Counts


def frame(*parts: object) -> bytes:
    return orjson.dumps(parts)


def event_frame(event: Event, name: str = "t1") -> bytes:
    return frame("EVENT", name, event._asdict())


def everything(name: str, event: Event) -> bool:
    return True


class Notary:
    """Verifies as ever, and keeps what was asked in which batch."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def __call__(self, events: Sequence[Event]) -> list[bool]:
        self.batches.append([event.id for event in events])
        await asyncio.sleep(0)
        return await verified_here(events)


async def test_the_events_of_a_batch_are_verified_at_once_and_nothing_changes_places() -> None:
    notary, line = Notary(), OneLine(LONGEST, Counts())
    forged = WRAPS[1]._replace(content=WRAPS[2].content)
    frames = [
        event_frame(WRAPS[0]),
        frame("EOSE", "t1"),
        event_frame(forged),
        event_frame(WRAPS[1]),
        frame("OK", WRAPS[0].id, True, ""),
    ]
    heard = await Ear(line, notary).hear(frames, everything)
    assert heard == [
        Brought("t1", WRAPS[0], True),
        ["EOSE", "t1"],
        Brought("t1", forged, False),
        Brought("t1", WRAPS[1], True),
        ["OK", WRAPS[0].id, True, ""],
    ]
    assert notary.batches == [[WRAPS[0].id, WRAPS[1].id, WRAPS[1].id]]


async def test_what_nobody_wants_is_not_looked_at() -> None:
    notary, line = Notary(), OneLine(LONGEST, Counts())
    frames = [
        event_frame(one, name) for one, name in zip(WRAPS, ("t1", "x", "t1", "x"), strict=True)
    ]
    heard = await Ear(line, notary).hear(frames, lambda name, event: name == "t1")
    assert [one.genuine for one in heard if isinstance(one, Brought)] == [True, None, True, None]
    assert notary.batches == [[WRAPS[0].id, WRAPS[2].id]]
    assert await Ear(line, notary).hear(frames, lambda name, event: False)
    assert len(notary.batches) == 1


async def test_rubbish_among_it_is_counted_and_the_rest_is_heard() -> None:
    counts = Counts()
    frames = [
        b"rubbish",
        b"{}",
        frame("EVENT", "t1", {"id": "00"}),
        event_frame(WRAPS[0]._replace(content="x" * LONGEST)),
        event_frame(WRAPS[0]),
    ]
    heard = await Ear(OneLine(LONGEST, counts), verified_here).hear(frames, everything)
    assert heard == [Brought("t1", WRAPS[0], True)]
    assert (counts.malformed, counts.oversized) == (3, 1)
