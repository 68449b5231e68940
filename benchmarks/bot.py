"""The whole bot in a process of its own: the real App, with everything that `run` gives it."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from benchmarks.till import InstantWallet, LnbitsTill
from benchmarks.worker import Answers, answer
from ticketbot import log
from ticketbot.app import App
from ticketbot.config import Config
from ticketbot.config.values import (
    Bot,
    Ledger,
    Lightning,
    Limits,
    Lnbits,
    Nostr,
    Performance,
    Privacy,
    Sales,
    Secret,
    Web,
)
from ticketbot.domain.listing import Listing
from ticketbot.keys import Keys
from ticketbot.ledger import listings
from ticketbot.ledger.audit import check_ledger
from ticketbot.ledger.store import Tx
from ticketbot.ledger.vault import Vault, open_vault
from ticketbot.service import spare_collections

PRICE_MSAT = 2_100_000
CODE = "LISBON"
ORGANIZER = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"  # of the key 3
ORDER = f"buy {CODE.lower()}"
WEEK = 7 * 86_400
SEATS = 10_000_000  # more than anybody will want


class RealLightning(NamedTuple):
    """An LNbits: the bot's invoice key, and the admin key of whoever pays, so many at once."""

    url: str
    invoice_key: str
    payer_key: str
    at_once: int


class Spec(NamedTuple):
    """How a bot is started. Without `lnbits` its wallet is the instant one."""

    folder: Path
    relay: str
    lnbits: RealLightning | None = None
    seats: int = SEATS
    crypto_workers: int = 0


def config_of(spec: Spec) -> Config:
    """The configuration of a bot whose keys and ledger lie in `spec.folder`."""
    lnbits = None
    if spec.lnbits is not None:
        lnbits = Lnbits(spec.lnbits.url, Secret(spec.lnbits.invoice_key), None, 1_000_000)
    ledger = spec.folder / "ledger.db"
    ticket_key = spec.folder / "ticket-key"
    return Config(
        file=spec.folder / "config.toml",
        bot=Bot(
            name="Benchmark Tickets",
            about="Tickets by the thousand. Send me: events",
            nsec=Secret(_secret(spec.folder)),
            ticket_key=Secret(ticket_key.read_text().strip()) if ticket_key.exists() else None,
            ticket_key_file=ticket_key,
            operators=frozenset(),
            organizers=frozenset({ORGANIZER}),
        ),
        nostr=Nostr((spec.relay,), "always", None, False),
        lightning=Lightning("lnbits" if lnbits else "fake"),
        lnbits=lnbits,
        ledger=Ledger(f"sqlite:///{ledger}", ledger),
        web=Web("127.0.0.1", 0, "https://tickets.example"),
        sales=Sales(600, 2, 10),
        limits=Limits(60),
        privacy=Privacy(90),
        warnings=(),
        performance=Performance(spec.crypto_workers),
    )


def on_sale(organizer: str, now: int, seats: int = SEATS) -> Listing:
    """An event in a week."""
    start = now + WEEK
    return Listing(
        event_id=f"31923:{organizer}:lisbon-meetup",
        organizer=organizer,
        kind=31923,
        note_id="0" * 64,
        created_at=now,
        title="Lisbon Meetup",
        summary="An evening among friends.",
        place="Praça do Comércio, Lisbon",
        start=start,
        end=start + 3 * 3600,
        timezone="Europe/Lisbon",
        all_day=False,
        price_msat=PRICE_MSAT,
        stock=seats,
        tiers=(),
        sales_start=None,
        sales_end=None,
        max_per_buyer=None,
        ephemeral=True,
        categories=("meetup",),
        cancelled=False,
        image=None,
    )


class RunningBot:
    """The bot and its till."""

    def __init__(self, spec: Spec, handed_out: Connection) -> None:
        config = config_of(spec)
        log.configure(
            stream=(spec.folder / "bot.log").open("a"),
            pretty=False,
            secrets=[secret.reveal() for secret in config.secrets()],
        )
        self._wallet = _wallet(spec.lnbits, handed_out)
        self._seats = spec.seats
        self._app = App(config, self._wallet)
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> tuple[str, bytes]:
        """Begin to sell; the bot's public key and that of its tickets."""
        self._tasks = [
            asyncio.create_task(self._app.run(self._stop)),
            asyncio.create_task(self._wallet.till.run()),
        ]
        ready = asyncio.create_task(self._app.ready.wait())
        await asyncio.wait([ready, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        self._check()
        spare_collections()  # as `run` does
        listing = on_sale(ORGANIZER, int(time.time()), self._seats)
        await self._app.store.transaction(lambda tx: listings.save(tx, listing, CODE))
        return self._app.keys.pubkey, self._app.desk.ticket_public_key

    async def stock(self, number: int) -> None:
        """Have so many invoices signed ahead: an instant wallet takes no time to sign."""
        if isinstance(self._wallet, InstantWallet):
            await self._wallet.stock(number, PRICE_MSAT)

    async def cpu_seconds(self) -> float:
        """What this process has used so far, in all its threads."""
        self._check()
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    async def paid_at(self) -> dict[str, float]:
        """Each buyer's public key and the monotonic time at which their payment began."""

        def work(tx: Tx) -> list[tuple[str, bytes]]:
            return tx.rows(
                "SELECT payment_hash, sealed FROM payment"
                " JOIN orders ON orders.id = order_id JOIN person ON person.id = person"
            )

        rows = await self._app.store.transaction(work)
        vault, paid = self._app.store.vault, self._wallet.till.paid_at
        return {vault.open(sealed, b"person").hex(): paid[h] for h, sealed in rows if h in paid}

    async def sold(self) -> int:
        """Seats that are somebody's."""
        row = await self._app.store.transaction(lambda tx: tx.row("SELECT sum(sold) FROM seats"))
        return int(row[0]) if row else 0

    async def audit(self) -> list[str]:
        """The invariants that the ledger breaks: none, or the speed is worth nothing."""
        findings = await self._app.store.transaction(check_ledger)
        return [f"{one.name} {one.says}: {one.broken[:3]}" for one in findings if not one.kept]

    async def stop(self) -> None:
        """As SIGTERM does."""
        self._stop.set()
        if self._tasks:
            await self._tasks[0]
            self._tasks[1].cancel()

    def _check(self) -> None:
        """Raise what ended the bot, if it has ended."""
        for task in self._tasks:
            if task.done():
                task.result()


async def run_bot(pipe: Connection, spec: Spec, handed_out: Connection) -> None:
    """What a worker does."""
    bot = RunningBot(spec, handed_out)
    answers: Answers = {
        "start": bot.start,
        "stock": bot.stock,
        "cpu": bot.cpu_seconds,
        "paid_at": bot.paid_at,
        "sold": bot.sold,
        "audit": bot.audit,
        "stop": bot.stop,
    }
    await answer(pipe, answers)


def _wallet(lnbits: RealLightning | None, handed_out: Connection) -> InstantWallet | LnbitsTill:
    if lnbits is None:
        return InstantWallet(handed_out)
    return LnbitsTill(handed_out, lnbits.url, lnbits.invoice_key, lnbits.payer_key, lnbits.at_once)


def _secret(folder: Path) -> str:
    path = folder / "nsec"
    if not path.exists():
        path.write_text(os.urandom(32).hex())
    return path.read_text()


def vault_of(folder: Path) -> Vault:
    """What seals the ledger in `folder`."""
    return open_vault(Keys.from_text(_secret(folder)))
