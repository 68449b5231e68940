"""The town: a whole bot with its ledger on disk, between a post and a wallet that misbehave.

Only the network is played. `Town` builds the real `App`, lets time pass, kills it at named
places and starts it again on the same file. `truth.py` says whether all was right.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import random
import re
import sqlite3
import tempfile
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import structlog.testing

import ticketbot
from tests.machine.clockwork import Clockwork, Death, LedgerAtOnce
from tests.machine.money import Addresses, Purse
from tests.machine.people import RELAY, Person, Pool, Post
from ticketbot import app, failpoints, settlement
from ticketbot.app import App
from ticketbot.config import load
from ticketbot.domain.nostr import Event
from ticketbot.errors import Retry
from ticketbot.keys import Keys
from ticketbot.ledger.store import Tx, connect
from ticketbot.ledger.vault import open_vault
from ticketbot.outbox import claims

BEGIN = 1_900_000_000
MINUTE, HOUR, DAY = 60, 3600, 86_400
HOLD = 60
LEISURE = 5.0  # seconds between two looks at the clock: everybody is woken when there is news
Way = Literal["dies", "raises", "disk full"]

CONFIG = """\
[bot]
name = "Machine Tickets"
about = "Send me: events"
operators = ["{operator}"]
organizers = ["{organizer}"]

[nostr]
relays = ["{relay}"]

[lightning]
wallet = "fake"

[sales]
hold_seconds = {hold}

[limits]
messages_per_minute = 10000
"""


class Town:
    """Everybody, and the time. `true_time` is the world's and the wallet's, `bot_time` what the
    bot's machine shows.

    `deaths` counts what ended the bot, `errors` what a failpoint raised in it. `more` are further
    lines of its configuration.
    """

    def __init__(self, more: str = "") -> None:
        self._stack = contextlib.ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(dir=_fast())))
        self.loop = Clockwork()
        self.chance = random.Random(20270301)
        self.skipped, self.clock_error = 0, 0
        self.keys = Keys((7).to_bytes(32, "big"))
        self._vault = open_vault(self.keys)
        self.post = Post(self.true_time)
        self.wallet = Purse(self.true_time)
        self.wallet.fee_msat = 2000
        self.addresses = Addresses(self.wallet)
        people = [Person(n, self.keys.pubkey, self.true_time) for n in range(100, 105)]
        self.operator, self.organizer, *self.buyers = people
        self.post.people = {one.pubkey: one for one in people}
        self.deaths = self.errors = 0
        self._bot: asyncio.Task[None] | None = None
        self._app: App | None = None
        self._way: Way = "dies"
        self._look_in: sqlite3.Connection | None = None
        self._replace_the_world()
        self._write_config(more)

    def true_time(self) -> float:
        return BEGIN + self.skipped + self.loop.time()

    def bot_time(self) -> float:
        return self.true_time() + self.clock_error

    # Time and death.

    def lives_on(self, seconds: float) -> None:
        """Let everybody do what they do for a while; a bot that died is started again."""
        if self._bot is None:
            self._start()
        self.loop.pass_time(seconds)
        self._see_whether_it_died()

    def skip(self, seconds: int) -> None:
        """Time passes in which nobody does anything."""
        self.skipped += seconds

    def sabotage(self, place: str, visit: int, way: Way) -> None:
        """The `visit`-th time that the bot comes by this place, it dies, raises or cannot write."""
        self._way = way
        failpoints.arm(f"{place}=raise@{visit}")

    def calm(self) -> None:
        """Nothing will break any more."""
        failpoints.arm("")

    def kill(self) -> None:
        """`kill -9`, now."""
        if self._app is not None:
            self._store.dead = True
        self._bury()

    def tx(self) -> Tx:
        """The ledger, to look at."""
        if self._look_in is None:
            self._look_in = connect(self.folder / "ledger.db", read_only=True)
        return Tx(self._look_in, self._vault)

    @property
    def running(self) -> bool:
        return self._bot is not None

    @property
    def payout_delay(self) -> int:
        """Seconds after an event's end, before which nothing of it is paid out."""
        assert self._app is not None
        return self._app.engine.settings.payout_delay

    @property
    def signer_key(self) -> bytes:
        assert self._app is not None
        return self._app.desk.ticket_public_key

    def close(self) -> None:
        """Leave nothing behind."""
        failpoints.arm("")
        self.kill()
        self.wallet.shut()
        if self._look_in is not None:
            self._look_in.close()
        self.loop.close()
        self._stack.close()

    # What only the town does.

    @property
    def _store(self) -> LedgerAtOnce:
        assert self._app is not None and isinstance(self._app.store, LedgerAtOnce)
        return self._app.store

    def _start(self) -> None:
        config = load(self.folder / "config.toml", {})
        one = self._app = App(config, self.wallet, self.bot_time, self._steady)
        one.engine.settings = dataclasses.replace(  # pictures by address need no drawing
            one.engine.settings, public_url="https://tickets.example"
        )
        one.engine._dice = self.chance.randbytes
        self._bot = self.loop.create_task(one.run(asyncio.Event()))

    def _see_whether_it_died(self) -> None:
        if self._bot is None or not self._bot.done():
            return
        error = self._bot.exception()
        if error is None or not is_sabotage(error):
            raise AssertionError(f"the bot ended by itself: {error!r}") from error
        self._bury()

    def _bury(self) -> None:
        failpoints.arm("")
        self.post.pool = None
        if self._bot is None:
            return
        self._bot.cancel()
        self.loop.run_until_complete(asyncio.wait({self._bot}))
        if not self._bot.cancelled():
            self._bot.exception()  # has been seen
        self._store.vanish()
        self._bot, self.deaths = None, self.deaths + 1

    def _strike(self, place: str) -> BaseException:
        """What a failpoint raises."""
        if self._way == "disk full":
            return sqlite3.OperationalError("database or disk is full")
        if self._way == "raises":
            self.errors += 1
            return _Injected(place)
        self._store.dead = True
        return Death(place)

    def _steady(self) -> float:
        return self.skipped + self.loop.time()

    def _pool(self, urls: object, keys: Keys, inbox: Any, *args: object, **options: object) -> Pool:
        return Pool(self.post, inbox)

    def _replace_the_world(self) -> None:
        """Doubles for sockets, threads and chance; the evening's log instead of a terminal."""
        swap = self._stack.enter_context
        swap(mock.patch.object(app, "RelayPool", self._pool))
        swap(mock.patch.object(app, "Store", LedgerAtOnce))
        swap(mock.patch.object(app, "build_lnurl", return_value=self.addresses))
        swap(mock.patch.object(app.control, "serve", return_value=contextlib.nullcontext()))
        swap(mock.patch.object(failpoints, "Injected", self._strike))
        swap(mock.patch.object(os, "urandom", self.chance.randbytes))
        swap(mock.patch.object(settlement, "REST", 0))
        swap(mock.patch.object(settlement, "TICK", LEISURE))
        swap(mock.patch.object(claims, "LOOK_AGAIN", LEISURE))
        self.log = swap(structlog.testing.capture_logs())

    def _write_config(self, more: str) -> None:
        text = CONFIG.format(
            operator=self.operator.pubkey, organizer=self.organizer.pubkey, relay=RELAY, hold=HOLD
        )
        (self.folder / "config.toml").write_text(text + more)
        for name, secret in (("nsec", self.keys.keypair.secret), ("ticket-key", b"t" * 32)):
            file = self.folder / name
            file.touch(mode=0o600)
            file.write_text(secret.hex() + "\n")


_Injected = failpoints.Injected


def places() -> list[str]:
    """Every named failpoint of the program."""
    source = "".join(one.read_text() for one in Path(ticketbot.__file__).parent.rglob("*.py"))
    return sorted(set(re.findall(r'failpoint\("([a-z.-]+\.[a-z.-]+)"\)', source)))


def listing(town: Town, d: str, price: int, stock: int | None, **more: Any) -> Event:
    """An event note (kind 31923) of the organizer.

    `more`: tiers, ends, ago, place, cancelled, tags.
    """
    begins = BEGIN + 8 * DAY
    tags = [
        ["d", d],
        ["title", f"{d.title()} Meetup"],
        ["start", str(begins)],
        ["end", str(more.get("ends") or begins + 3 * HOUR)],
        ["start_tzid", "Europe/Lisbon"],
        ["price", str(price), "SAT"],
        ["p", town.keys.pubkey],
    ]
    tags += [["stock", str(stock)]] if stock is not None else []
    tags += [["location", more["place"]]] if more.get("place") else []
    tags += [["refund_until", "1h"], ["refund_fee", "10%"]]
    tags += [["tier", name, str(cost), "SAT", str(seats)] for name, cost, seats in more["tiers"]]
    tags += [["status", "cancelled"]] if more.get("cancelled") else []
    tags += more.get("tags", [])
    return town.organizer.note(31923, tags, "An evening among friends.", more.get("ago", 0))


def is_sabotage(error: BaseException) -> bool:
    """Whether a failpoint did it."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_sabotage, error.exceptions))
    full = isinstance(error, Retry) and "database or disk is full" in str(error)
    return full or isinstance(error, Death | _Injected)


def _fast() -> str | None:
    """A disk in memory, where there is one: durability is not what is tried here."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
