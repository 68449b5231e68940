"""Organizers who live on what they sell: one short event after another, and then their money.

Their Lightning addresses lead to wallets of their own at the same LNbits. Most ask for their money,
one is paid by the clock.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Sequence

from aiohttp import web

from tests.chaos.cashing import Till
from tests.chaos.crowd import PATIENCE, Crowd
from tests.chaos.evening import Evening, tokens_in
from tests.chaos.paid_out import Earner
from tests.real.lnbits import LnbitsServer
from tests.real.payee import Payee
from tests.real.test_payouts import gives_invoices_of
from tests.real.test_refunds import Purse
from ticketbot.demo.client import Client

LASTS = 14  # seconds that an event is on sale


class Organizer:
    """`asked` is set when their address is asked for an invoice."""

    def __init__(self, name: str, client: Client, home: Payee, server: LnbitsServer) -> None:
        self.name = name
        self.client = client
        self.till = Till(client, PATIENCE)
        self.home = home
        self.asked = asyncio.Event()
        keys = server.new_wallet(name)
        self._purse = Purse(server, keys)
        gives_invoices_of(home, server, keys)
        gives = home.on_invoice
        assert gives is not None

        def invoice(request: web.Request) -> web.StreamResponse:
            self.asked.set()
            return gives(request)

        home.on_invoice = invoice

    async def earned(self) -> Earner:
        """What reached their own wallet, and what they were told."""
        received = [sats * 1000 for sats in await self._purse.received()]
        return Earner(self.client.keys.pubkey, received, self.till.told)


class Season:
    """`done` ends it: whoever has an event finishes it, and then takes what is left."""

    def __init__(self, it: Evening, crowd: Crowd) -> None:
        self.done = asyncio.Event()
        self.counts: Counter[str] = Counter()
        self._it = it
        self._crowd = crowd
        self._number = 0

    async def asks(self, one: Organizer, chance: random.Random) -> None:
        """After each event they want their money, in one way or another."""
        while not self.done.is_set():
            code = await self._holds(one, chance)
            await self._is_asked_for(one, code, chance)
        await one.till.takes_all(one.home.address)

    async def waits(self, one: Organizer, chance: random.Random) -> None:
        """They have said where it shall go, and are paid when it is time."""
        while not self.done.is_set():
            await self._holds(one, chance)
            if not _says(one, "from now on your payouts go"):
                await one.client.write(f"payout to {one.home.address}")
        await one.till.takes_all(one.home.address)

    async def _is_asked_for(self, one: Organizer, code: str, chance: random.Random) -> None:
        where = one.home.address
        match chance.randrange(3):
            case 0:
                await one.till.asks("all", where)
            case 1:
                await one.till.asks(code, where)
            case 2:
                await asyncio.gather(
                    one.till.asks("all", where), one.till.asks("all", where, via="nip04")
                )
        await one.till.is_answered()

    async def _holds(self, one: Organizer, chance: random.Random) -> str:
        """An event with a few buyers, until it is over; its code."""
        price, ends = 1_000 * chance.randrange(1, 4), int(time.time()) + LASTS
        self._number += 1
        title = f"{one.name} {self._number}"
        tags = [
            ["d", title],
            ["title", title],
            ["start", str(ends - 1)],
            ["end", str(ends)],
            ["start_tzid", "UTC"],
            ["price", str(price), "SAT"],
            ["stock", "20"],
            ["refund_until", str(ends - 1)],
            ["refund_fee", "10%"],
            ["p", self._it.daemon.keys.pubkey],
        ]
        await one.client.publish(31923, tags, "")
        said = (await one.client.next(f"On sale: {title}.", PATIENCE)).text
        found = re.search(r"with: buy (\S+)", said)
        assert found is not None, said
        guests = range(chance.randrange(1, 4))
        await asyncio.gather(*(self._comes(found[1], price, chance) for _ in guests))
        await asyncio.sleep(max(0.0, ends + 1 - time.time()))
        self.counts["events"] += 1
        return found[1]

    async def _comes(self, code: str, price: int, chance: random.Random) -> None:
        """Somebody buys, perhaps too late; and perhaps gives it back, less a tenth."""
        buyer = await self._crowd.enters()
        await buyer.write(f"buy {code}")
        said = await _hears(buyer, "lnbc", " is over", "lapsed")
        if said.startswith("lnbc"):
            await asyncio.sleep(chance.choice((0.0, 0.0, 1.0, 3.0)))
            await self._it.pays(said)
            said = await _hears(buyer, "\nTKT1:", "goes back to you")
            if "\nTKT1:" in said:
                await self._has(buyer, said, price, chance)
            else:
                await self._crowd.gets_back(buyer, price)
                self.counts["too late"] += 1
        await self._crowd.leaves(buyer)

    async def _has(self, buyer: Client, said: str, price: int, chance: random.Random) -> None:
        self._crowd.tokens += tokens_in(said)
        self._crowd.live += 1
        self.counts["sold"] += 1
        if chance.random() < 0.3:
            found = re.search(r"Code ([A-Z2-7-]{19})", said)
            assert found is not None, said
            await buyer.write(f"refund {found[1]} yes")
            if "gave back" in await _hears(buyer, "You gave back", "given back until", " is over"):
                self._crowd.live -= 1
                await self._crowd.gets_back(buyer, price - price // 10)
                self.counts["given back"] += 1


async def asked(organizers: Sequence[Organizer], within: float) -> None:
    """Wait until one of them is asked for an invoice, if that is soon."""
    for one in organizers:
        one.asked.clear()
    waiting = [asyncio.create_task(one.asked.wait()) for one in organizers]
    _, others = await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()


def _says(one: Organizer, words: str) -> bool:
    return any(words in text for text in one.till.told)


async def _hears(client: Client, *parts: str) -> str:
    """The next message that contains one of these."""
    while True:
        try:
            text = (await client.next("", PATIENCE)).text
        except TimeoutError:
            heard = [message.text for message in client.heard]
            raise AssertionError(f"none of {parts} came, but {heard}") from None
        if any(part in text for part in parts):
            return text
