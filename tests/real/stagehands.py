"""A real evening: ticketbot as a process of its own, a real LNbits, relays and clients that
nobody here wrote.

async with evening(folder) as it:
    await it.on_sale("Lisbon Meetup")
    alice = await it.attendee("nostr-tools")
    await alice.says("buy lisbon")
    await it.pays(await alice.gets_an_invoice())
    ticket = await alice.gets_a_ticket()

However it ends: everybody goes home, the bot stops with 0, `ticketbot audit` finds ledger
and wallet in agreement.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import zxingcpp
from PIL import Image

from tests.real.bot_process import WITHIN, Bot, Json
from tests.real.lnbits import LnbitsServer, WalletKeys, shared_server
from tests.real.people import Attendee, ClientName
from ticketbot.keys import Keys

PRICE = 21
HOUR, DAY, WEEK = 3600, 86_400, 7 * 86_400

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class OnSale(NamedTuple):
    """An event as the bot sells it: its address, and what people type."""

    id: str
    code: str


class Evening:
    """The bot, its wallet, its relays, and the people."""

    def __init__(
        self,
        folder: Path,
        relays: list[str],
        server: LnbitsServer,
        wallet: WalletKeys,
        payer: LnbitsServer,
    ) -> None:
        self.folder = folder
        self.relays = relays
        self.server = server
        self.wallet = wallet
        self._payer = payer
        self._organizer = secrets.token_hex(32)
        self._operator = secrets.token_hex(32)
        self._people: list[Attendee] = []
        self._not_for_logs = {self._organizer, self._operator}
        self.bot: Bot
        self.organizer: Attendee

    @property
    def people(self) -> Json:
        """Those of config.toml."""
        return {"organizer": _pubkey(self._organizer), "operator": _pubkey(self._operator)}

    async def begins(
        self,
        *,
        invoice_key: str | None = None,
        listed: bool = True,
        alone: bool = False,
        spends: bool = False,
        failpoints: str = "",
        client: ClientName = "nostr-sdk",
        **choices: Any,
    ) -> None:
        """The bot starts, and the organizer's `client`, unless the bot is to be `alone`.

        `listed`: the organizer has a DM relay list (10050). `spends`: it has the admin key.
        """
        key = invoice_key or self.wallet.invoice_key
        given = {"relays": self.relays} | self.people | choices
        if spends:
            given["admin_key"] = self.wallet.admin_key
            self._not_for_logs.add(self.wallet.admin_key)
        self.bot = Bot(self.folder, self.server.url, key, **given)
        self._not_for_logs |= {key, self.bot.keys.keypair.secret.hex()}
        home = self.relays[:1]
        self.organizer = Attendee(
            client, self.bot.keys.pubkey, home, home if listed else [], self._organizer
        )
        self._people.append(self.organizer)
        first = [] if alone else [self.organizer.enters()]
        await asyncio.gather(self.bot.start(failpoints), *first)

    async def clears(self) -> None:
        """Everybody but the organizer goes home."""
        leaving, self._people = self._people, [self.organizer]
        await asyncio.gather(*(one.leaves() for one in leaving if one is not self.organizer))

    async def ends(self) -> None:
        """Everybody goes home, and the bot stops."""
        await self.clears()
        await self.organizer.leaves()
        if self.bot.running:
            assert await self.bot.stop() == 0, self.bot.tail()

    async def abandons(self) -> None:
        """Whatever still runs is ended."""
        if self.bot.running:
            await self.bot.kill()
        await asyncio.gather(*(person.leaves() for person in self._people))

    async def on_sale(self, title: str = "Lisbon Meetup", **tags: Any) -> OnSale:
        """The organizer publishes a calendar event a week ahead and hears that it is on sale."""
        rows = self.tags_of(title, **tags)
        await self.organizer.does("publish", kind=31923, tags=rows, content="Among friends.")
        said = await self.organizer.hears(f"On sale: {title}. People buy it with: buy ")
        code = said.splitlines()[0].rsplit(" ", 1)[1]
        return OnSale(f"31923:{self.organizer.pubkey}:{rows[0][1]}", code)

    def tags_of(self, title: str, **tags: Any) -> list[list[str]]:
        """The tags of a calendar event a week ahead; `tags` replace or, if None, leave out.

        A list of lists is as many tags of that name.
        """
        start = int(time.time()) + WEEK
        given: Json = {
            "d": title.lower().replace(" ", "-"),
            "title": title,
            "start": start,
            "end": start + 3 * HOUR,
            "start_tzid": "Europe/Lisbon",
            "D": start // DAY,
            "location": "Praça do Comércio",
            "price": [PRICE, "SAT"],
            "stock": 100,
            "p": self.bot.keys.pubkey,
        } | tags
        return [
            [name, *map(str, one if isinstance(one, list) else [one])]
            for name, value in given.items()
            if value is not None
            for one in (
                value if isinstance(value, list) and isinstance(value[0], list) else [value]
            )
        ]

    async def attendee(
        self,
        client: ClientName = "nostr-tools",
        relays: list[str] | None = None,
        inbox: list[str] | None = None,
        secret: str | None = None,
    ) -> Attendee:
        """Somebody comes, with a client on some of the relays (the first, by default)."""
        where = relays or self.relays[:1]
        person = Attendee(client, self.bot.keys.pubkey, where, inbox, secret)
        self._people.append(person)
        self._not_for_logs |= {person.pubkey, person.secret}
        await person.enters()
        return person

    async def operator(self) -> Attendee:
        """The operator comes."""
        return await self.attendee("nostr-sdk", inbox=self.relays[:1], secret=self._operator)

    async def pays(self, bolt11: str) -> None:
        """The second wallet pays."""
        await asyncio.to_thread(self._payer.pay, bolt11)

    async def verifies(self, token: str) -> None:
        """`ticketbot verify` calls the ticket valid."""
        ran = await self.bot.does("verify", token)
        assert (ran.code, ran.out.splitlines()[0]) == (0, "valid"), ran

    async def audit(self) -> None:
        """Ledger and real wallet agree, and every invariant holds."""
        ran = await self.bot.does("audit")
        assert ran.code == 0, ran

    async def has_sent_everything(self, event: OnSale) -> None:
        """The one order of the event is paid, and nothing waits to be published."""

        async def done() -> bool:
            orders = await self.bot.shows("orders", "--event", event.code)
            status = await self.bot.shows("status")
            return (orders[0]["state"], status["outbox_pending"]) == ("paid", 0)

        await until(done, f"everything of {event.code} was sent")

    def reads_the_log(self) -> None:
        """No bug in it, and nothing that is nobody's business."""
        log = self.bot.log_file.read_text()
        assert "Traceback" not in log, log
        assert [one for one in {*self._not_for_logs, "TKT1:", "nsec1"} if one in log] == [], log

    async def orders(self) -> list[Json]:
        """The orders as `ticketbot orders` shows them, newest first."""
        return list(await self.bot.shows("orders"))


@contextlib.asynccontextmanager
async def evening(
    folder: Path, relays: list[str], server: LnbitsServer | None = None, **choices: Any
) -> AsyncIterator[Evening]:
    """An evening with its bot on `relays` and a wallet of its own; audited when it ends.

    `server` is an LNbits for this evening alone, which the shared one pays.
    """
    shared = await asyncio.to_thread(shared_server)
    server = server or shared
    wallet = await asyncio.to_thread(server.new_wallet, "bot")
    it = Evening(folder, relays, server, wallet, shared)
    try:
        await it.begins(**choices)
        yield it
        await it.ends()
        await it.audit()
        it.reads_the_log()
    finally:
        await it.abandons()


def read_picture(picture: bytes) -> str:
    """What a camera reads in a QR picture."""
    with Image.open(io.BytesIO(picture)) as image:
        [found] = zxingcpp.read_barcodes(image)
    return str(found.text)


def fetch_picture(qr_code: str) -> bytes:
    """The picture behind a `qr_code`: a URL of the bot's, or a data URI."""
    head = "data:image/png;base64,"
    if qr_code.startswith(head):
        return base64.b64decode(qr_code.removeprefix(head), validate=True)
    with _DIRECT.open(qr_code, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "image/png"
        return bytes(answer.read())


def get(url: str) -> tuple[int, bytes]:
    """Status and body of a page of the bot's."""
    try:
        with _DIRECT.open(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


async def until(holds: Callable[[], Any], what: str, within: float = WITHIN) -> None:
    """Wait until something is so; it may be an awaitable's result."""
    try:
        async with asyncio.timeout(within):
            while True:
                so = holds()
                if await so if asyncio.iscoroutine(so) else so:
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise TimeoutError(f"not within {within:.0f} s: {what}") from None


def _pubkey(secret: str) -> str:
    return Keys(bytes.fromhex(secret)).pubkey
