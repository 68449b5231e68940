"""Where the events of all relays come together: each is handed on once, under back-pressure."""

from __future__ import annotations

import asyncio

from ticketbot.domain.nostr import Event
from ticketbot.relay.terms import Caught

MEMORY = 40_000


class Seen:
    """The last `size` to `2 × size` event ids.

    Two generations instead of an order: what is met again moves into the young one, and the old
    one is forgotten as a whole.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def add(self, event_id: str) -> None:
        """Remembers an id (hex)."""
        self._young.add(bytes.fromhex(event_id))
        if len(self._young) >= self._size:
            self._old, self._young = self._young, set()

    def __contains__(self, event_id: str) -> bool:
        key = bytes.fromhex(event_id)
        if key in self._young:
            return True
        if key in self._old:
            self.add(event_id)
            return True
        return False


class Funnel:
    """The mouth of the inbox.

    An id is remembered only when its event has been verified *and* lies in the queue. So neither
    a forged copy nor a cancelled wait can make us drop the good one, and a relay that skips a
    duplicate knows that it lies before its own `Caught`.
    """

    def __init__(self, inbox: asyncio.Queue[Event | Caught]) -> None:
        self._inbox = inbox
        self._seen = Seen(MEMORY // 2)
        self._turn = asyncio.Lock()
        self._stalled_at = float("-inf")
        self._waiting = 0

    def knows(self, event_id: str) -> bool:
        """Whether the event with this id (64 hex digits) was handed on before."""
        return event_id in self._seen

    async def hand_on(self, event: Event) -> bool:
        """Puts a verified event into the inbox, as soon as there is room; False: it was there."""
        async with self._turn:
            if event.id in self._seen:
                return False
            await self._put(event)
            self._seen.add(event.id)
            return True

    async def caught(self, mark: Caught) -> None:
        """Puts a mark behind all that its relay has handed on."""
        await self._put(mark)

    def stalled_since(self, moment: float) -> bool:
        """Whether anybody had to wait for room at or after `moment` (loop time)."""
        return self._waiting > 0 or self._stalled_at >= moment

    async def _put(self, item: Event | Caught) -> None:
        if not self._inbox.full():
            self._inbox.put_nowait(item)
            return
        self._waiting += 1
        try:
            await self._inbox.put(item)
        finally:
            self._waiting -= 1
            self._stalled_at = asyncio.get_running_loop().time()
