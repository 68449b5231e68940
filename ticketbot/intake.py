"""What the bot asks relays for, and the one way in: from the pool's queue to the engine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any

from ticketbot.domain.nostr import Event
from ticketbot.domain.when import HOUR
from ticketbot.domain.work import proven
from ticketbot.engine import Engine
from ticketbot.handlers.events.notes import NOTE_KINDS
from ticketbot.reception import FORGOTTEN, STALE_COMMAND, STALE_MACHINE
from ticketbot.relays import Caught

BATCH = 32
MOST_WAITING = 2048
MOST_BYTES = 16 * 2**20
EVENT, TAG, WORD = 1000, 80, 50
BACKDATED = 2 * 24 * HOUR + HOUR  # NIP-59 stamps lie up to two days; an hour for clocks
MOST_AUTHORS = 500
OTHERS_TELL = 60.0  # seconds that other relays have after the first one told everything
WALLET_TELLS = 600.0

Filter = dict[str, Any]


class Interests:
    """The filters of a subscription. `organizers` are hex keys, set again when they change.

    `earliest()` is the earliest time that any clock shows: who is wrong must not make us deaf.
    """

    def __init__(self, bot: str, earliest: Callable[[], float] = time.time) -> None:
        self._bot = bot
        self._earliest = earliest
        self.organizers: frozenset[str] = frozenset()

    def filters(self, mark: int | None) -> list[Filter]:
        """What to ask a relay that was last read to its end at `mark` (unix seconds)."""
        now = int(self._earliest())
        if mark is not None and mark > now + HOUR:
            mark = now - FORGOTTEN  # written by a clock that was ahead: nobody knows what is read
        mark = min(mark, now) if mark else None
        to_bot = {"#p": [self._bot]}
        wraps_since = (mark or now) - BACKDATED
        letters_since = (mark or now - STALE_COMMAND) - HOUR
        found: list[Filter] = [
            {"kinds": [1059], "since": wraps_since, **to_bot},
            {"kinds": [4], "since": letters_since, **to_bot},
            {"kinds": [24133], "since": now - STALE_MACHINE, **to_bot},
            {"kinds": [31922, 31923], **to_bot} | ({"since": wraps_since} if mark else {}),
            {"kinds": [1], "since": wraps_since, **to_bot},
        ]
        authors = sorted(self.organizers)[:MOST_AUTHORS]
        if authors:  # edits and deletions need not name the bot
            found.append({"kinds": [31922, 31923], "authors": authors})
            deletions: Filter = {"kinds": [5], "authors": authors}
            found.append(deletions | ({"since": wraps_since} if mark else {}))
        return found

    def follow(self, organizers: Iterable[str]) -> bool:
        """Whose notes to read; True when that is news."""
        wanted = frozenset(organizers)
        if wanted == self.organizers:
            return False
        self.organizers = wanted
        return True


class Inbox(asyncio.Queue[Event | Caught]):
    """What waits for the engine, oldest first, but `first` before all others.

    Bounded in number and in bytes. When it is full nobody reads from relays: they keep
    what they have, and nothing is lost. A gift wrap's author is made up, so that nothing but
    work tells one from another before it is opened.
    """

    def __init__(
        self,
        first: Callable[[Event], bool],
        most: int = MOST_WAITING,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._first = first
        self._most = most
        self._room = most_bytes
        self._ahead: deque[Event] = deque()
        self._others: deque[Event | Caught] = deque()
        super().__init__()

    def qsize(self) -> int:
        return len(self._ahead) + len(self._others)

    def empty(self) -> bool:
        return not self._ahead and not self._others

    def full(self) -> bool:
        return self._room <= 0 or self.qsize() >= self._most

    def _put(self, item: Event | Caught) -> None:
        self._room -= _weight(item)
        if isinstance(item, Event) and self._first(item):
            self._ahead.append(item)
        else:  # a mark, too: all that it speaks of was put before it
            self._others.append(item)

    def _get(self) -> Event | Caught:
        item = self._ahead.popleft() if self._ahead else self._others.popleft()
        self._room += _weight(item)
        return item


def _weight(item: Event | Caught) -> int:
    """About its bytes: a list or a text of one letter takes more than a letter's place."""
    if isinstance(item, Caught):
        return 0
    tags = sum(TAG + sum(WORD + len(word) for word in tag) for tag in item.tags)
    return EVENT + len(item.content) + tags


def comes_first(event: Event, interests: Interests, engine: Engine) -> bool:
    """Organizers' notes, customers who write under their own key, and whoever shows work."""
    if event.kind in NOTE_KINDS:
        return event.pubkey in interests.organizers
    return event.pubkey in engine.customers or 0 < engine.settings.proof_of_work_bits <= proven(
        event
    )


async def take_in(queue: asyncio.Queue[Event | Caught], engine: Engine) -> None:
    """Hand what has arrived to the engine, as much at once as is there, without waiting."""
    while True:
        batch = [await queue.get()]
        while len(batch) < BATCH and not queue.empty():
            batch.append(queue.get_nowait())
        events = [item for item in batch if isinstance(item, Event)]
        caught = {item.relay: item.at for item in batch if isinstance(item, Caught)}
        await engine.receive(events, caught)


async def catch_up(
    queue: asyncio.Queue[Event | Caught],
    engine: Engine,
    relays: Collection[str],
    wallet_told: Callable[[], Awaitable[object]],
) -> None:
    """After a restore: hear all that relays kept, then answer it in the order it was written in.

    The wallet comes first, for money shows which orders were paid. Who does not answer for a
    while is not waited for: what it brings later is then answered as it comes.
    """
    letters: list[Event] = []
    caught: dict[str, int] = {}
    try:
        async with asyncio.timeout(None) as patience:
            while not set(relays) <= caught.keys():
                item = await queue.get()
                if isinstance(item, Caught):
                    if not caught:
                        patience.reschedule(asyncio.get_running_loop().time() + OTHERS_TELL)
                    caught[item.relay] = item.at
                elif item.kind in NOTE_KINDS:
                    await engine.receive([item], {})
                else:
                    letters.append(item)
    except TimeoutError:
        pass
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WALLET_TELLS):
            await wallet_told()
    dated = sorted(await engine.dated(letters), key=lambda one: one[0])
    before = [event for sent_at, event in dated if sent_at <= (engine.reception.restored_at or 0)]
    after = [event for sent_at, event in dated if sent_at > (engine.reception.restored_at or 0)]
    await _answer(before, engine)
    engine.reception.catching_up = False
    engine.paused = None
    await _answer(after, engine)
    await engine.receive([], caught)


async def _answer(letters: Sequence[Event], engine: Engine) -> None:
    for at in range(0, len(letters), BATCH):
        await engine.receive(letters[at : at + BATCH], {})
