"""Canaries where money leaves and where programs come in: the admin key, what is signed in with,
door tokens, JWTs, links that are tickets, and what buyers answered.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.real.canary_house import House, Wallet, buys, evening, shows_itself, until
from tests.story.scanner import Scanner
from tests.unit.lnbits_stand import row
from ticketbot.demo.client import Client

WITHIN = 40.0
QUESTION, ANSWER = "What do you wish for?", "canary-wish-4711-yellow"
MODES = [
    "500",
    "400",
    *(pytest.param(one, marks=pytest.mark.long) for one in ("520", "401", "text", "redirect")),
]


async def wants_it_back(guest: Client) -> bytes:
    """The ticket is given back; the invoice to which its price shall go."""
    await guest.write("refund lisbon yes")
    await guest.next("goes back to you", WITHIN)
    bolt11 = str(row(4711)["bolt11"])
    await guest.write(f"refund {bolt11}")
    await guest.next("Noted", WITHIN)
    return bolt11.encode()


@pytest.mark.parametrize("mode", MODES)
async def test_no_secret_when_the_wallet_does_not_pay(tmp_path: Path, mode: str) -> None:
    """It is asked with the admin key, and quotes it, whatever it says."""
    async with evening(tmp_path) as (house, guest, wallet):
        private = await buys(guest, wallet)
        wallet.paying = mode
        private.append(await wants_it_back(guest))
        await until(lambda: wallet.asked_to_pay > 0 and "spend." in house.log_file.read_text())
        wallet.mode = mode
        house.looks_into_proc()
        await asyncio.gather(*(house.asked(one) for one in ("doctor", "audit", "status")))
        wallet.mode = "good"
        assert await house.stop() == 0
    if mode in ("500", "400"):
        said = house.log_file.read_text()
        assert "'X-Api-Key': '[redacted]'" in said, "the control: LNbits' words, but for the key"
    assert house.finds(*private) == []


async def test_no_secret_of_whoever_comes_by_http(tmp_path: Path) -> None:
    async with evening(tmp_path, question=QUESTION) as (house, guest, wallet):
        async with aiohttp.ClientSession(house.url) as session:
            web = Web(house, wallet, Scanner(session, keys=guest.keys, site=house.url))
            door = Scanner(session, await a_door_token(house))
            private = [door.secret or "", *await web.buys()]
            for shown in (web.ticket["token"], web.ticket["jwt"], web.ticket["jwt"][:-9]):
                await door.scans("check-in", shown)
                assert door.status == 200
                await web.asks("POST", "/validate", {"ticket": shown})
            wallet.mode = "500"
            await web.asks("POST", "/orders", web.wish("r2"))
            wallet.mode = "good"
            private += await web.is_turned_away(door)
        await needs_more_hands(house, guest)
        house.looks_into_proc()
        assert len([name for name in house.written if name.endswith("cmdline")]) > 1
        await shows_itself(house)
        assert await house.stop() == 0
    assert all(private)
    assert house.finds(*(one.encode() for one in private)) == []


async def needs_more_hands(house: House, guest: Client) -> None:
    """So many letters at once that another process helps to open them."""
    many = [guest.seal(f"hi {number}", "nip17") for number in range(40)]
    async with asyncio.timeout(WITHIN):
        while not house.helpers():
            await asyncio.gather(*map(guest.send, many))
            await asyncio.sleep(0.5)


async def a_door_token(house: House) -> str:
    """As its organizer gets it."""
    assert house.announcer is not None
    while True:  # the note may still be on its way
        await house.announcer.write("door token lisbon")
        text = (await house.announcer.next(within=WITHIN)).text
        if found := re.search(r"door1[a-z2-7]+", text):
            return found[0]


class Web:
    """A guest's program. `ticket` is what it holds; all that it signs with is a secret."""

    def __init__(self, house: House, wallet: Wallet, guest: Scanner) -> None:
        self._house = house
        self._wallet = wallet
        self._guest = guest
        self._signed: list[str] = []
        self.ticket: dict[str, Any] = {}
        self.event_id = ""

    def wish(self, name: str) -> dict[str, Any]:
        fields = {"request_id": name, "event_id": self.event_id, "quantity": 1}
        return fields | {"answers": {QUESTION: ANSWER}}

    async def asks(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The answer, whatever it is: JSON or bytes."""
        data = None if body is None else json.dumps(body).encode()
        url = f"/api/v1{path}"
        headers = self._guest.signs(method, url, data) | headers
        self._signed.append(headers["Authorization"].split()[-1])
        async with self._guest.session.request(method, url, data=data, headers=headers) as answer:
            raw = await answer.read()
            return json.loads(raw) if "json" in answer.content_type else raw

    async def buys(self) -> list[str]:
        """Whatever is secret about a whole purchase."""
        while not (events := (await self.asks("GET", "/events"))["events"]):
            await asyncio.sleep(0.1)
        self.event_id = events[0]["event_id"]
        placed = await self.asks("POST", "/orders", self.wish("r1"))
        await self._wallet.settle()
        async with asyncio.timeout(WITHIN):
            while not (found := (await self.asks("GET", "/tickets"))["tickets"]):
                await asyncio.sleep(0.2)
        self.ticket = found[0]
        number = self.ticket["ticket_id"]
        for form in ("qr.png", "ticket.pdf", "event.ics", "jwt"):
            assert await self.asks("GET", f"/tickets/{number}/{form}")
        links = set(re.findall(r"/tickets/([\w-]{16,})\.", json.dumps(found)))
        for link in links:
            for form in ("png", "pdf", "ics"):
                async with self._guest.session.get(f"/tickets/{link}.{form}") as answer:
                    await answer.read()
        assert links and placed["order_id"]
        token, jwt = self.ticket["token"], self.ticket["jwt"]
        return [token, token[60:120], jwt, jwt.split(".")[1], *links, ANSWER]

    async def is_turned_away(self, door: Scanner) -> list[str]:
        """Whatever is wrong with a request; and all that was signed with."""
        for headers in (
            {"Authorization": f"Bearer {door.secret}x"},
            {"Authorization": f"Nostr {self._signed[0]}"},
            {"Authorization": f"Nostr {self._signed[0][:-8]}!"},
            {"Authorization": f"Bearer {self.ticket['jwt']}"},
        ):
            await self.asks("GET", "/tickets", **headers)
            await self.asks("POST", "/orders", {"answers": ANSWER}, **headers)
        await self.asks("POST", "/orders", self.wish("r1") | {"quantity": ANSWER})
        await self.asks("GET", f"/tickets/{self.ticket['jwt']}")
        await door.asks("GET", self.ticket["jwt"], None)
        return [one for one in set(self._signed) if len(one) > 60 and not one.startswith("door1")]
