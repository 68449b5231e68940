"""People whose evening goes on whatever happens to the bot: they buy, pay wrongly, give tickets
back, hand them on, and show them at the door.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from collections import Counter

from tests.chaos.evening import Evening, tokens_in
from ticketbot.demo.client import Client
from ticketbot.domain.nip19 import npub_encode
from ticketbot.keys import Keys

PATIENCE = 180.0  # seconds for one message, however many kills lie before it
PRICE = 5  # sats


class Crowd:
    """`keys` of everybody who was ever there; `tokens`: every ticket that anybody was sent.

    `done` ends the arrivals. `counts` says what people did, `live` how many tickets are still
    somebody's. `doomed` are those whose event will be cancelled.
    """

    def __init__(self, it: Evening, relay: str) -> None:
        self.done = asyncio.Event()
        self.tokens: list[str] = []
        self.counts: Counter[str] = Counter()
        self.live = 0
        self.doomed: list[Client] | None = []
        self.keys: dict[str, Keys] = {it.organizer.keys.pubkey: it.organizer.keys}
        self._it = it
        self._relay = relay
        self._at_the_door = asyncio.Lock()
        self._doom = asyncio.Lock()
        self._doomed_tags: list[list[str]] = []

    async def publishes(self) -> None:
        """Two events tomorrow, one of which will not take place."""
        await self._note("Lisbon", ["refund_until", str(int(time.time()) + 86_000)])
        await self._it.organizer.next("On sale", PATIENCE)
        self._doomed_tags = await self._note("Doomed")
        await self._it.organizer.next("On sale", PATIENCE)

    async def comes_and_goes(self, chance: random.Random) -> None:
        """One buyer after another, each a whole story."""
        stories = [self._keeps, self._keeps, self._gives_back, self._hands_on, self._is_let_in]
        stories += [self._will_be_sorry]
        if not self._it.daemon.purse.exact:
            stories += [self._pays_too_much, self._pays_too_much]
        while not self.done.is_set():
            buyer = await self.enters()
            await chance.choice(stories)(buyer, chance)
            self.counts["stories"] += 1
            if self.doomed is None or buyer not in self.doomed:
                await self.leaves(buyer)

    async def is_called_off(self) -> None:
        """The doomed event: paid orders go back, and so does what comes after."""
        late = await self.enters()
        bolt11 = await self._order(late, "doomed")
        async with self._doom:  # nobody is in the middle of buying
            sorry, self.doomed = self.doomed or [], None
        tags = [*self._doomed_tags, ["status", "cancelled"]]
        async with self._at_the_door:
            await self._it.organizer.publish(31923, tags, "", int(time.time()) + 1)
            await self._it.organizer.next("cancel doomed", PATIENCE)
            await self._it.organizer.write("cancel doomed")
            await self._it.organizer.next("are void", PATIENCE)
        await self._it.pays(bolt11)
        for buyer in (*sorry, late):
            await buyer.next("was cancelled, so your", PATIENCE)
            self.live -= buyer is not late
            await self.gets_back(buyer, PRICE)
            await self.leaves(buyer)
        self.counts["called off"] += 1 + len(sorry)

    # The stories.

    async def _keeps(self, buyer: Client, chance: random.Random) -> None:
        await self._buys(buyer, chance)

    async def _gives_back(self, buyer: Client, chance: random.Random) -> None:
        code, _ = await self._buys(buyer, chance)
        await buyer.write(f"refund {code} yes")
        await buyer.next("You gave back your ticket", PATIENCE)
        self.live -= 1
        await self.gets_back(buyer, PRICE)
        self.counts["given back"] += 1

    async def _hands_on(self, buyer: Client, chance: random.Random) -> None:
        code, old = await self._buys(buyer, chance)
        friend = await self.enters()
        await buyer.write(f"transfer {code} {npub_encode(friend.keys.pubkey)}")
        await friend.next("would like to give you", PATIENCE)
        await friend.write("accept")
        (new,) = tokens_in((await friend.next("\nTKT1:", PATIENCE)).text)
        assert new != old
        self.tokens.append(new)
        await buyer.next("was accepted", PATIENCE)
        await self.leaves(friend)
        self.counts["handed on"] += 1

    async def _is_let_in(self, buyer: Client, chance: random.Random) -> None:
        _, token = await self._buys(buyer, chance)
        async with self._at_the_door:
            await self._it.organizer.write(f"checkin {token} gate B")
            await self._it.organizer.next("GREEN", PATIENCE)
        self.counts["let in"] += 1

    async def _pays_too_much(self, buyer: Client, chance: random.Random) -> None:
        bolt11 = await self._order(buyer)
        much = PRICE + chance.randrange(1, 100)
        await self._it.daemon.purse.pay(bolt11, much * 1000)
        await buyer.next("was not the amount of the invoice", PATIENCE)
        await self.gets_back(buyer, much)
        self.counts["too much"] += 1

    async def _will_be_sorry(self, buyer: Client, chance: random.Random) -> None:
        async with self._doom:
            if self.doomed is not None and len(self.doomed) < 10:
                await self._buys(buyer, chance, "doomed")
                self.doomed.append(buyer)

    # What they are made of.

    async def _buys(
        self, buyer: Client, chance: random.Random, what: str = "lisbon"
    ) -> tuple[str, str]:
        """The ticket's code and token."""
        bolt11 = await self._order(buyer, what)
        await asyncio.sleep(chance.choice((0.0, 0.0, 1.0, 6.0)))
        await self._it.pays(bolt11)
        text = (await buyer.next("\nTKT1:", PATIENCE)).text
        (token,) = tokens_in(text)
        self.tokens.append(token)
        self.live += 1
        found = re.search(r"Code ([A-Z2-7-]{19})", text)
        assert found is not None, text
        return found[1], token

    async def _order(self, buyer: Client, what: str = "lisbon") -> str:
        """The bolt11; ordered again when kills took so long that the hold was over before."""
        await buyer.write(f"buy {what}")
        while not (text := (await buyer.next("", PATIENCE)).text).startswith("lnbc"):
            if "lapsed" in text:
                await buyer.write(f"buy {what}")
        return text

    async def gets_back(self, buyer: Client, sats: int) -> None:
        """What is owed to them, by an invoice of their own."""
        bolt11 = await self._it.daemon.purse.asks(sats * 1000)
        await buyer.write(f"refund {bolt11}")
        await buyer.next("was sent to you", PATIENCE)
        self.counts["refunds"] += 1

    async def enters(self) -> Client:
        """Somebody new."""
        client = Client(Keys(os.urandom(32)), self._it.daemon.keys.pubkey)
        self.keys[client.keys.pubkey] = client.keys
        await client.connect(self._relay)
        return client

    async def leaves(self, client: Client) -> None:
        """Who was never told one thing in two ways, nor given or sent anything twice."""
        heard: dict[bytes, str] = {}
        for message in client.heard:
            assert heard.setdefault(message.key, message.text) == message.text  # I3
        assert sum("\nTKT1:" in text for text in heard.values()) <= 1
        assert sum("was sent to you" in text for text in heard.values()) <= 1
        await client.disconnect()

    async def _note(self, title: str, *more: list[str]) -> list[list[str]]:
        tags = [
            ["d", title.lower()],
            ["title", title],
            ["start", str(int(time.time()) + 86_400)],
            ["start_tzid", "UTC"],
            ["price", str(PRICE), "SAT"],
            ["stock", "10000"],
            ["p", self._it.daemon.keys.pubkey],
            *more,
        ]
        await self._it.organizer.publish(31923, tags, "")
        return tags
