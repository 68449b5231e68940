"""What a relay says is read in its order; rubbish among it is counted."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from tests.real.relays import wrap
from ticketbot.domain.nostr import Event
from ticketbot.relay.ear import Brought, hear
from ticketbot.relay.terms import Counts

WRAPS = [wrap(f"buy {n}") for n in range(2)]
LONGEST = 10_000


class OneLine(NamedTuple):
    max_frame: int
    counts: Counts


def frame(*parts: object) -> bytes:
    return orjson.dumps(parts)


def event_frame(event: Event, name: str = "t1") -> bytes:
    return frame("EVENT", name, event._asdict())


def test_nothing_changes_places() -> None:
    frames = [
        event_frame(WRAPS[0]),
        frame("EOSE", "t1"),
        event_frame(WRAPS[1], "x"),
        frame("OK", WRAPS[0].id, True, ""),
    ]
    assert list(hear(frames, OneLine(LONGEST, Counts()))) == [
        Brought("t1", WRAPS[0]),
        ["EOSE", "t1"],
        Brought("x", WRAPS[1]),
        ["OK", WRAPS[0].id, True, ""],
    ]


def test_rubbish_among_it_is_counted_and_the_rest_is_heard() -> None:
    counts = Counts()
    frames = [
        b"rubbish",
        b"{}",
        frame("EVENT", "t1", {"id": "00"}),
        event_frame(WRAPS[0]._replace(content="x" * LONGEST)),
        event_frame(WRAPS[0]),
    ]
    assert list(hear(frames, OneLine(LONGEST, counts))) == [Brought("t1", WRAPS[0])]
    assert (counts.malformed, counts.oversized) == (3, 1)
