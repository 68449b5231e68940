"""What a relay says is read in its order, and what somebody wants of it is verified."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from tests.real.relays import wrap
from ticketbot.domain.nostr import Event
from ticketbot.relay.ear import Brought, Ear
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


def test_a_forged_copy_is_told_from_the_good_one_and_nothing_changes_places() -> None:
    forged = WRAPS[1]._replace(content=WRAPS[2].content)
    frames = [
        event_frame(WRAPS[0]),
        frame("EOSE", "t1"),
        event_frame(forged),
        event_frame(WRAPS[1]),
        frame("OK", WRAPS[0].id, True, ""),
    ]
    assert list(Ear(OneLine(LONGEST, Counts())).hear(frames, everything)) == [
        Brought("t1", WRAPS[0], True),
        ["EOSE", "t1"],
        Brought("t1", forged, False),
        Brought("t1", WRAPS[1], True),
        ["OK", WRAPS[0].id, True, ""],
    ]


def test_what_nobody_wants_is_not_looked_at() -> None:
    names = ("t1", "x", "t1", "x")
    frames = [event_frame(one, name) for one, name in zip(WRAPS, names, strict=True)]
    heard = Ear(OneLine(LONGEST, Counts())).hear(frames, lambda name, event: name == "t1")
    assert [one.genuine for one in heard if isinstance(one, Brought)] == [True, None, True, None]


def test_rubbish_among_it_is_counted_and_the_rest_is_heard() -> None:
    counts = Counts()
    frames = [
        b"rubbish",
        b"{}",
        frame("EVENT", "t1", {"id": "00"}),
        event_frame(WRAPS[0]._replace(content="x" * LONGEST)),
        event_frame(WRAPS[0]),
    ]
    heard = list(Ear(OneLine(LONGEST, counts)).hear(frames, everything))
    assert heard == [Brought("t1", WRAPS[0], True)]
    assert (counts.malformed, counts.oversized) == (3, 1)
