"""An organizer who wants their money, and understands what the bot says about it in any order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from ticketbot.demo.client import Client
from ticketbot.envelopes import Protocol

_BEGUN = re.compile(r"sats? are on their way to you \(payout (\w+)\)")
_SENT = re.compile(r"sats? were sent to you \(payout (\w+)\)")
_NOTHING = re.compile(
    r"^There is nothing |^Only [0-9,]+ sats? can be paid out|^Nothing was paid for"
)


class Till:
    """What `client` was told of payouts; `within` is the patience for one message."""

    def __init__(self, client: Client, within: float) -> None:
        self.client = client
        self._within = within
        self._asked = 0

    @property
    def told(self) -> list[str]:
        """Every message, once."""
        return list({message.key: message.text for message in self.client.heard}.values())

    @property
    def begun(self) -> list[str]:
        """Payouts that were promised in an answer."""
        return [found[1] for text in self.told if (found := _BEGUN.search(text))]

    @property
    def sent(self) -> list[str]:
        """Payouts that have arrived."""
        return [found[1] for text in self.told if (found := _SENT.search(text))]

    @property
    def refused(self) -> int:
        """How often there was nothing to pay out."""
        return sum(_NOTHING.search(text) is not None for text in self.told)

    async def asks(self, *words: str, via: Protocol = "nip17") -> None:
        """For a payout; this may be one of several letters at once."""
        self._asked += 1
        await self.client.write(" ".join(("payout", *words)), via)

    async def is_answered(self) -> None:
        """Every letter was answered, and what was promised has arrived."""
        await self.hears(lambda: len(self.begun) + self.refused >= self._asked)
        await self.hears(lambda: set(self.begun) <= set(self.sent))

    async def takes_all(self, where: str) -> None:
        """Until nothing is left: what stayed for the way of one payout comes with the next."""
        refused = self.refused
        while self.refused == refused:
            await self.asks("all", where)
            await self.is_answered()

    async def hears(self, is_so: Callable[[], bool]) -> None:
        """Wait until it is so."""
        try:
            async with asyncio.timeout(self._within):
                while not is_so():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            told = "\n".join(self.told)
            raise AssertionError(f"asked {self._asked} times, and was told:\n{told}") from None
