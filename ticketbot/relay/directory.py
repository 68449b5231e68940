"""Where people can be reached: their relay lists (NIP-17's 10050, NIP-65's 10002) and kind 0."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import orjson

from ticketbot.domain.nostr import Event
from ticketbot.domain.payee import read_address
from ticketbot.domain.when import HOUR
from ticketbot.errors import Malformed, Retry
from ticketbot.relay.filters import Filter
from ticketbot.relay.guard import NotDiallable, normal

PROFILE, READ_RELAYS, DM_RELAYS = 0, 10002, 10050

AUTHORS = 100
"""Most authors in one filter: relays refuse long ones."""
MAX_RELAYS = 5
"""NIP-17 and NIP-65 advise two to four; more are not worth a connection each."""
KNOWN_FOR = HOUR
UNKNOWN_FOR = 300
"""Seconds that an answer is believed: one with a relay list, and one without."""
MEMORY = 10_000
LINGER = 1.0
"""Seconds that slow relays get once one of them has told all it has."""


class Reach(NamedTuple):
    """What a person's own events say; relays in their normal spelling, only those we may dial."""

    dm_relays: tuple[str, ...] = ()
    """Where NIP-17 messages are to be published (10050)."""
    read_relays: tuple[str, ...] = ()
    """Where the person reads what others address to them (10002)."""
    is_bot: bool = False
    """Kind 0 says `bot: true`: never answered, or two bots would talk for ever (NIP-24)."""
    lud16: str | None = None
    """The Lightning address that kind 0 gives (LUD-16); it looks like one, no more is known."""


class Permits(Protocol):
    """Which relay URLs may be dialled."""

    def permits(self, url: str) -> bool:
        """Whether a normal URL may be."""


class Library(Protocol):
    """Where the directory looks things up: the relay pool."""

    @property
    def guard(self) -> Permits:
        """Which of the relays that people name may be dialled."""

    async def fetch(
        self,
        filters: list[Filter],
        relays: Sequence[str] | None = None,
        timeout: float = 5,  # noqa: ASYNC109
        linger: float | None = None,
    ) -> list[Event]:
        """Verified stored events; raises Retry when nobody answered."""


class Directory:
    """Looks people up, a hundred at a time, and remembers them for a while."""

    def __init__(self, pool: Library, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._clock = clock
        self._known: dict[str, tuple[Reach, float]] = {}
        self._wanted: dict[str, None] = {}
        self._turn = asyncio.Lock()
        self._failures = 0

    async def reach(self, pubkeys: Sequence[str]) -> dict[str, Reach]:
        """Public key (hex) → how to reach that person; raises Retry when no relay answered."""
        self._forget_the_oldest()
        people = list(dict.fromkeys(pubkeys))
        wanted = [person for person in people if not self._fresh(person)]
        if wanted:
            self._wanted.update(dict.fromkeys(wanted))
            failures = self._failures
            # Whoever's turn it is asks for everybody who waits behind.
            async with self._turn:
                if failures != self._failures:
                    raise Retry("no relay answered")
                while missing := [person for person in people if not self._fresh(person)]:
                    self._wanted.update(dict.fromkeys(missing))
                    await self._look_up()
        return {person: self._known[person][0] for person in people}

    def _fresh(self, person: str) -> bool:
        return person in self._known and self._known[person][1] > self._clock()

    def _forget_the_oldest(self) -> None:
        while len(self._known) > MEMORY:
            del self._known[next(iter(self._known))]

    async def _look_up(self) -> None:
        people = list(self._wanted)[:AUTHORS]
        for person in people:
            del self._wanted[person]
        asked: Filter = {"kinds": [PROFILE, READ_RELAYS, DM_RELAYS], "authors": people}
        try:
            events = await self._pool.fetch([asked], linger=LINGER)
        except Retry:
            self._failures += 1
            raise
        newest = _newest(events)
        for person in people:
            reach = self._reach(person, newest)
            known_for = KNOWN_FOR if reach.dm_relays or reach.read_relays else UNKNOWN_FOR
            self._known.pop(person, None)
            self._known[person] = reach, self._clock() + known_for

    def _reach(self, person: str, newest: Mapping[tuple[str, int], Event]) -> Reach:
        profile = _profile(newest.get((person, PROFILE)))
        reading = newest.get((person, READ_RELAYS))
        inbox = newest.get((person, DM_RELAYS))
        return Reach(
            dm_relays=self._dialled(
                row[0] for row in (inbox.rows("relay") if inbox else ()) if row
            ),
            read_relays=self._dialled(
                row[0]
                for row in (reading.rows("r") if reading else ())
                if row and (len(row) == 1 or row[1] in ("", "read"))
            ),
            is_bot=profile.get("bot") is True,
            lud16=_lightning_address(profile.get("lud16")),
        )

    def _dialled(self, urls: Iterable[str]) -> tuple[str, ...]:
        """The first few of `urls` that may be dialled, in their normal spelling."""
        found: dict[str, None] = {}
        for url in urls:
            with suppress(NotDiallable):
                if self._pool.guard.permits(spelled := normal(url)):
                    found[spelled] = None
        return tuple(found)[:MAX_RELAYS]


def _newest(events: Iterable[Event]) -> dict[tuple[str, int], Event]:
    """The valid version of each author's replaceable events: the newest, of two the lowest id."""
    newest: dict[tuple[str, int], Event] = {}
    for event in sorted(events, key=lambda event: (-event.created_at, event.id)):
        newest.setdefault((event.pubkey, event.kind), event)
    return newest


def _profile(event: Event | None) -> Mapping[str, Any]:
    """What a kind 0 says; nothing when it is rubbish, or there is none."""
    try:
        profile = orjson.loads(event.content) if event else None
    except orjson.JSONDecodeError:
        return {}
    return profile if isinstance(profile, dict) else {}


def _lightning_address(text: object) -> str | None:
    if not isinstance(text, str):
        return None
    try:
        return read_address(text)
    except Malformed:
        return None
