"""A program among the attendees: it speaks the contract's JSON in kind 24133."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

from tests.story.cast import Person, Stage
from ticketbot.envelopes import Protocol

Message = dict[str, Any]
SATS = 1000


class Program:
    """A client of Nostr that speaks the contract's JSON."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.pubkey = person.pubkey
        self._passed: set[int] = set()

    async def asks(self, kind: str, **fields: Any) -> Message:
        """Send a request under a fresh id, or the one that is given; its first answer."""
        request = {"type": kind, "request_id": secrets.token_hex(8)} | fields
        await self.person.asks(**request)
        return await self.hears(request_id=request["request_id"])

    async def hears(self, **fields: Any) -> Message:
        """The first message with these fields that was not heard before."""
        async with asyncio.timeout(10):
            while True:
                for number, message in self._messages():
                    if number not in self._passed and fields.items() <= message.items():
                        self._passed.add(number)
                        return message
                await asyncio.sleep(0.01)

    async def pays(self, invoice: Message, amount_msat: int | None = None) -> None:
        await self.person.pays(invoice["invoice"], amount_msat)

    async def buys(self, event_id: str, **fields: Any) -> Message:
        """The whole purchase; the first ticket."""
        invoice = await self.asks("buy", event_id=event_id, **fields)
        await self.pays(invoice)
        return await self.hears(type="ticket", order_id=invoice["order_id"])

    async def gets_by_dm(self, ticket: Message) -> Protocol:
        """Wait for the same ticket in a form that relays keep; the form."""
        async with asyncio.timeout(10):
            while True:
                for one in self.person.heard:
                    if one.protocol != "24133" and ticket["token"] in one.text:
                        return one.protocol
                await asyncio.sleep(0.01)

    def has_heard(self, kind: str) -> int:
        """How many messages of a type came so far."""
        return sum(message["type"] == kind for _, message in self._messages())

    async def hears_no_more(self) -> None:
        """Whatever was sent before stays without an answer: a later request is answered first."""
        assert (await self.asks("events"))["type"] == "events"
        await asyncio.sleep(0.3)
        assert [m for number, m in self._messages() if number not in self._passed] == []

    def _messages(self) -> list[tuple[int, Message]]:
        heard = enumerate(self.person.heard)
        return [(n, json.loads(one.text)) for n, one in heard if one.protocol == "24133"]


async def only_order(stage: Stage, *, state: str) -> str:
    """The id of the one order in this state, as soon as there is one."""
    async with asyncio.timeout(10):
        while True:
            rows = await stage.app.store.read(lambda tx: tx.rows("SELECT id, state FROM orders"))
            found = [str(order_id) for order_id, now in rows if now == state]
            if found:
                assert len(found) == 1
                return found[0]
            await asyncio.sleep(0.01)


async def listening(stage: Stage) -> None:
    """Relays do not keep kind 24133: wait until the bot has subscribed."""
    async with asyncio.timeout(10):
        while stage.app.pool.deaf:
            await asyncio.sleep(0.01)
