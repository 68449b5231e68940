"""The stage and its people: a running bot, a real relay, and attendees who speak.

await alice.says("buy lisbon")
await alice.pays(await alice.gets_an_invoice())
token = await alice.gets_a_ticket()
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import orjson

from ticketbot.app import App
from ticketbot.bookkeeping import ask
from ticketbot.config import Config
from ticketbot.config.values import (
    After,
    Bot,
    Commission,
    Ledger,
    Lightning,
    Limits,
    Nostr,
    Payouts,
    Privacy,
    Sales,
    Secret,
    Web,
)
from ticketbot.demo.client import Client
from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Protocol
from ticketbot.keys import Keys
from ticketbot.ledger.audit import check_ledger, check_wallet
from ticketbot.ledger.store import read_ledger
from ticketbot.ledger.vault import open_vault
from ticketbot.wallets.fake import FakeWallet

HOUR, DAY, WEEK = 3600, 86_400, 7 * 86_400


class Clock:
    """The stage's time: the real one, moved on by the story."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def forward(self, seconds: float) -> None:
        self.ahead += seconds


class Person(Client):
    """Somebody with a key and a client, who speaks in verbs."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(Keys(os.urandom(32)), stage.keys.pubkey, stage.clock)
        self.stage = stage
        self.pubkey = self.keys.pubkey

    async def says(self, text: str, via: Protocol = "nip17", *, ago: int = 0) -> bytes:
        return await self.write(text, via, ago)

    async def asks(self, **message: Any) -> None:
        """Send a machine message (kind 24133)."""
        await self.write(orjson.dumps(message).decode(), "24133")

    async def hears(self, part: str = "") -> str:
        """The next message that contains `part`."""
        return (await self.next(part)).text

    async def is_told(self, kind: str) -> dict[str, Any]:
        """The next machine message of this type."""
        answer: dict[str, Any] = orjson.loads((await self.next(f'"type":"{kind}"')).text)
        return answer

    async def hears_nothing(self, seconds: float = 0.7) -> bool:
        """Whether it stays quiet for a while."""
        await asyncio.sleep(seconds)
        return self.unread == 0

    async def gets_an_invoice(self) -> str:
        """The next bare bolt11."""
        while not (text := await self.hears("lnbc")).startswith("lnbc"):
            pass
        return text

    async def pays(self, bolt11: str, amount_msat: int | None = None) -> None:
        await self.stage.wallet.receive(bolt11, amount_msat)

    async def gets_a_ticket(self) -> str:
        """The token of the next ticket that comes as a DM."""
        text = await self.hears("\nTKT1:")
        return next(line for line in text.splitlines() if line.startswith("TKT1:"))

    async def buys(self, what: str) -> str:
        """The whole purchase; the token."""
        await self.says(f"buy {what}")
        await self.pays(await self.gets_an_invoice())
        return await self.gets_a_ticket()


class Organizer(Person):
    """Somebody who publishes events."""

    async def announces(self, title: str | None = "Lisbon Meetup", **tags: Any) -> Event:
        """A NIP-52 time event a week ahead; `tags` overwrite or add, None leaves out."""
        start = int(self.stage.clock()) + WEEK
        given: dict[str, Any] = {
            "d": (title or "untitled").lower().replace(" ", "-"),
            "title": title,
            "start": start,
            "end": start + 3 * HOUR,
            "start_tzid": "Europe/Lisbon",
            "location": "Praça do Comércio",
            "price": ["5000", "SAT"],
            "stock": 100,
            "p": self.stage.keys.pubkey,
        } | tags
        content = str(given.pop("content", "An evening among friends."))
        at = given.pop("at", None)
        rows: list[list[str]] = []
        for name, value in given.items():
            if value is None:
                continue
            many = value if isinstance(value, list) and isinstance(value[0], list) else [value]
            rows += [[name, *map(str, one if isinstance(one, list) else [one])] for one in many]
        return await self.publish(31923, rows, content, at)

    async def has_on_sale(self, title: str = "Lisbon Meetup", **tags: Any) -> Event:
        """Announce, and wait until the bot says what is on sale."""
        event = await self.announces(title, **tags)
        await self.hears("Get a ticket")
        return event


class Stage:
    """A bot on a relay, with a wallet and a ledger of its own."""

    def __init__(self, folder: Path, relay: str, **choices: Any) -> None:
        self.folder = folder
        self.relay = relay
        self.clock = Clock()
        self.wrong = 0.0
        """By how many seconds the clock of the bot's machine is ahead of everybody's."""
        self.wallet = FakeWallet(folder / "wallet.db", clock=self.clock, accept_late=True)
        self.secret = os.urandom(32).hex()
        self.keys = Keys.from_text(self.secret)
        self.operator = Person(self)
        self.organizer = Organizer(self)
        self.choices: dict[str, Any] = choices
        self._people: list[Person] = []
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._app: App | None = None

    @property
    def app(self) -> App:
        assert self._app is not None
        return self._app

    def config(self) -> Config:
        choices = {
            "operators": frozenset({self.operator.pubkey}),
            "organizers": frozenset({self.organizer.pubkey}),
            "public_url": "https://tickets.example",
            "ephemeral": "always",
            "per_minute": 60,
            "newcomers": 2000,
            "work": 20,
            "max_holds": 2,
            "purge_days": 90,
            "relays": (self.relay,),
            "pays": False,
            "ppm": 0,
            "payouts": Payouts(),
            "attendance": "anonymous",
            "thanks": True,
            "requests_per_minute": 10_000,
        } | self.choices
        key = self.folder / "ticket-key"
        ledger = self.folder / "ledger.db"
        return Config(
            file=self.folder / "config.toml",
            bot=Bot(
                "Lisbon Tickets",
                "Tickets for Lisbon meetups. Send me: events",
                Secret(self.secret),
                Secret(key.read_text().strip()) if key.exists() else None,
                key,
                choices["operators"],
                choices["organizers"],
            ),
            nostr=Nostr(choices["relays"], choices["ephemeral"], None, True),
            lightning=Lightning("fake", allow_private_lnurl=True),
            lnbits=None,
            ledger=Ledger(f"sqlite:///{ledger}", ledger),
            web=Web(
                "127.0.0.1",
                0,
                choices["public_url"],
                requests_per_minute=choices["requests_per_minute"],
            ),
            sales=Sales(600, choices["max_holds"], 10),
            limits=Limits(choices["per_minute"], choices["newcomers"], choices["work"]),
            privacy=Privacy(choices["purge_days"]),
            warnings=(),
            commission=Commission(choices["ppm"]),
            payouts=choices["payouts"],
            after=After(choices["attendance"], choices["thanks"]),
        )

    def new_wallet(self) -> FakeWallet:
        """The wallet as the bot opens it."""
        return FakeWallet(self.folder / "wallet.db", clock=self.clock, accept_late=True)

    async def opens(self) -> None:
        """Start the bot, or start it again."""
        self._stop = asyncio.Event()
        self.wallet = self.new_wallet()
        self.wallet.can_pay = self.choices.get("pays", False)
        self._app = App(
            self.config(),
            self.wallet,
            lambda: self.clock() + self.wrong,
            lambda: time.monotonic() + self.clock.ahead,
        )
        self._running = asyncio.create_task(self._app.run(self._stop))
        ready = asyncio.create_task(self._app.ready.wait())
        await asyncio.wait({ready, self._running}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._running.done():
            await self._running

    async def closes(self) -> None:
        """Stop the bot as SIGTERM does."""
        self._stop.set()
        if self._running is not None:
            await self._running
            self._running = None

    async def crashes(self) -> None:
        """Stop the bot in the middle of whatever it does."""
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self._running = None

    async def enters(self, person: Person | None = None) -> Person:
        """A new attendee, connected."""
        person = person or Person(self)
        await person.connect(self.relay)
        self._people.append(person)
        return person

    async def ends(self) -> None:
        """Everybody goes home; the books must be right."""
        for person in self._people:
            await person.disconnect()
        await self.closes()
        await self.audit()

    async def audit(self) -> None:
        """Every invariant, by the code that operators run."""
        wallet = FakeWallet(self.folder / "wallet.db", clock=self.clock)
        shown = await ask(wallet, 0)
        await wallet.close()
        path, vault = self.folder / "ledger.db", open_vault(self.keys)
        findings = read_ledger(path, vault, check_ledger)
        findings += read_ledger(
            path, vault, lambda tx: check_wallet(tx, shown.received, shown.balance, shown.sent)
        )
        broken = [finding for finding in findings if not finding.kept]
        assert not broken, broken
