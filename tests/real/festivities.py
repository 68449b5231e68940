"""What people do at an event, from its note to the morning after: verbs for a whole evening.

Everybody here has a nostr-tools client and a purse, a wallet of their own at the same LNbits.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from tests.real.bot_process import Json
from tests.real.people import Attendee, Ticket
from tests.real.stagehands import HOUR, Evening, OnSale
from tests.story.scanner import Scanner

TITLE = "Lisbon Meetup"
STANDING, EARLY, TABLE = 1000, 800, 3000  # sats
WINE = "Which wine?"
STARTS, ENDS = 3 * HOUR, 6 * HOUR  # from now on: doors are open six hours before the start


class Party:
    """An evening at which everything happens once."""

    def __init__(self, it: Evening) -> None:
        self.it = it
        self.now = int(time.time())
        self.event: OnSale

    async def guest(self) -> Attendee:
        """Somebody who reads NIP-17 at home."""
        return await self.it.attendee("nostr-tools", inbox=self.it.relays[:1])

    def note(self, **changes: Any) -> Json:
        """The tags of the event: four may stand, two may sit."""
        return {
            "start": self.now + STARTS,
            "end": self.now + ENDS,
            "price": None,
            "stock": 6,
            "tier": [["Standing", STANDING, "SAT", 4], ["Table", TABLE, "SAT", 2]],
            "early_bird": [EARLY, "SAT", "first", 2, "Standing"],
            "question": [WINE, "Red", "White"],
            "age": 18,
            "refund_until": self.now + STARTS - HOUR,
            "refund_fee": "10%",
            "badge": "offered",
            "thanks": "It was a joy.",
        } | changes

    async def moves(self, *told: Attendee, **changes: Any) -> None:
        """The organizer publishes the note again; those who hold tickets hear it."""
        rows = self.it.tags_of(TITLE, **self.note(**changes))
        await self.it.organizer.does("publish", kind=31923, tags=rows, content="Changed.")
        await self.it.organizer.hears(f"{TITLE} was moved")
        await asyncio.gather(*(one.hears("has changed. It is now") for one in told))

    async def buys(self, guest: Attendee, wish: str, wine: str, sats: int) -> list[Ticket]:
        """`buy`, the questions, the invoice of so many sats, the tickets."""
        await guest.says(f"buy {wish}")
        await guest.hears("people of 18 years and over. Are you?")
        await guest.says("yes")
        await guest.hears(f"Question 1 of 1: {WINE}\n1 · Red\n2 · White")
        await guest.says(wine)
        count = int(wish.split()[1])
        await guest.hears(f" = {sats:,} sats · pay by")
        await self.it.pays(await guest.gets_an_invoice())
        return [await guest.gets_a_ticket() for _ in range(count)]

    async def hands_on(self, ticket: Ticket, giver: Attendee, taker: Attendee) -> Ticket:
        """A ticket is offered, accepted, and made anew."""
        await giver.says(f"transfer {code_of(ticket)} {taker.npub}")
        await giver.hears("is offered. It is yours until they accept")
        asked = await taker.hears("would like to give you a ticket")
        await taker.says("accept " + asked.split("accept ")[1].split(".")[0])
        await giver.hears("your code for it works no more")
        return await taker.gets_a_ticket()

    async def gives_back(self, guest: Attendee, to: str, sats: int, kept: int) -> None:
        """A wish, its price, and where the money goes; it has arrived when this returns."""
        await guest.says("refund lisbon")
        await guest.hears(
            f"{sats:,} sats for {TITLE} would go back to you; the organizer keeps {kept}"
        )
        await guest.says("refund lisbon yes")
        await guest.hears(f"your seat at {TITLE} is free")
        await guest.says(f"refund {to}")
        await guest.hears(f"{sats:,} sats of order")

    async def asks_organizer(self, words: str, part: str) -> str:
        """The organizer writes to the bot, and hears this."""
        await self.it.organizer.says(words)
        return await self.it.organizer.hears(part)

    async def table(self, words: str, head: str) -> list[dict[str, str]]:
        """The organizer asks for a table (CSV), which begins with the column `head`."""
        said = await self.asks_organizer(words, head)
        lines = said[said.index(head) :].splitlines()
        return list(csv.DictReader(lines))

    async def sees(self, staff: Attendee, words: str, light: str) -> str:
        """What the door says to whoever stands there; it begins with a colour."""
        await staff.says(words)
        return await staff.hears(light)

    async def signs(self, person: Attendee, path: str) -> Any:
        """What the API gives somebody whose nostr-tools sign the question (NIP-98)."""
        url = self.it.bot.url + path
        head = {"Authorization": await person.does("proof", url=url, method="get")}
        async with aiohttp.ClientSession() as web, web.get(url, headers=head) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json(content_type=None)

    async def hours_pass(self, hours: int) -> None:
        """The bot is stopped, and started again when so many hours have passed for it."""
        assert await self.it.bot.stop() == 0, self.it.bot.tail()
        self.it.bot.wakes_up_later(hours)
        await self.it.bot.start()

    async def bots_wallet(self) -> int:
        """What the bot's real wallet holds, in msat."""
        call, key = self.it.server.call, self.it.wallet.invoice_key
        _, wallet = await asyncio.to_thread(call, "GET", "/api/v1/wallet", None, key)
        return int(wallet["balance"])


def code_of(ticket: Ticket) -> str:
    """A ticket's code, as it stands in its message: `ABCD-EFGH-IJKL-MNOP`."""
    return ticket.text.split("Code ")[1].split(" ")[0]


@contextlib.asynccontextmanager
async def scanner(it: Evening, secret: str) -> AsyncIterator[Scanner]:
    """A scanner that has nothing but the token that the bot gave for it."""
    async with aiohttp.ClientSession(it.bot.url) as web:
        yield Scanner(web, secret, event="LISBON", site=it.bot.url)
