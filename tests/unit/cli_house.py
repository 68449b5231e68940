"""A bot's folder for the command line's tests: configuration, keys, a ledger with a history."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from ticketbot.app.parts import settings_of
from ticketbot.cli import main
from ticketbot.cli.opening import House, open_house
from ticketbot.config import load
from ticketbot.crew import Crew
from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.domain.command import Buy
from ticketbot.domain.listing import Listing
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.offer import Tier
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.domain.ticket import TicketKey
from ticketbot.engine import Engine
from ticketbot.handlers.buying import checkout
from ticketbot.handlers.context import Context, Request
from ticketbot.handlers.money import cashier
from ticketbot.handlers.money.cashier import Credit
from ticketbot.keys import Keys
from ticketbot.ledger import invoices, listings, marks, orders, outbox, people
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.vault import open_vault
from ticketbot.replies.outcome import Reply, TicketShown, Told
from ticketbot.wallets.fake import FakeWallet

ROOT = Path(__file__).resolve().parents[2]
DAY = 86_400
CONFIG = """\
[bot]
name = "Lisbon Tickets"
operators = ["{npub}"]
organizers = ["{npub}"]

[nostr]
relays = ["{relay}"]

[lightning]
wallet = "fake"
"""

T = TypeVar("T")


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Sold(NamedTuple):
    """What happened before: ids and tokens to look for."""

    paid: str
    waiting: str
    owed: str
    tokens: tuple[str, ...]


def run(*words: str | Path, cwd: Path, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
    """`ticketbot …` as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "ticketbot", *map(str, words)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TZ": "UTC", **(env or {})},
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def one_sentence(ran: Ran, code: int, *parts: str) -> None:
    """It failed as it should: the code, one line under the program's name, no traceback.

    The log of `run`, which is JSON where nobody looks on, is not counted.
    """
    said = [line for line in ran.err.splitlines() if not line.startswith("{")]
    assert ran.code == code, ran
    assert len(said) == 1, ran
    assert said[0].startswith("ticketbot: "), ran
    assert "Traceback" not in ran.err + ran.out
    for part in parts:
        assert part in said[0], ran


class BotHouse:
    """A folder in which the commands can be called."""

    def __init__(self, folder: Path, relay: str = "ws://127.0.0.1:9") -> None:
        self.folder = folder
        self.keys = Keys(os.urandom(32))
        self.ticket_key = TicketKey.from_bytes(seed := os.urandom(32))
        self.organizer = Keys(os.urandom(32))
        self.ledger = folder / "ledger.db"
        folder.mkdir(parents=True, exist_ok=True)
        npub = npub_encode(self.organizer.pubkey)
        self.write("config.toml", CONFIG.format(npub=npub, relay=relay))
        self.write("nsec", self.keys.keypair.secret.hex())
        self.write("ticket-key", seed.hex())

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def configure(self, old: str, new: str) -> None:
        """Change a line of the configuration."""
        text = (self.folder / "config.toml").read_text()
        assert old in text
        self.write("config.toml", text.replace(old, new))

    def run(self, *words: str | Path, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
        return run(*words, cwd=self.folder, stdin=stdin, env=env)

    def python(self, code: str) -> Ran:
        """A program of its own that is told what to do in Python."""
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def calls(self, *words: str | Path, stdin: str = "") -> Ran:
        """The same in this process: thirty times as fast."""
        out, err = io.StringIO(), io.StringIO()
        heard, sys.stdin = sys.stdin, io.StringIO(stdin)
        try:
            with (
                contextlib.chdir(self.folder),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                code = main([*map(str, words)])
        finally:
            sys.stdin = heard
        return Ran(code, out.getvalue(), err.getvalue())

    def context(self) -> Context:
        """What the bot's handlers are given."""
        settings = settings_of(load(self.folder / "config.toml", {}), self.keys.pubkey)
        no_store = cast(Store, None)
        return Engine(no_store, Crew(self.keys), settings, self.ticket_key).context()

    def change(self, work: Callable[[Tx], T]) -> T:
        """One transaction of the bot's writer."""

        async def once() -> T:
            store = Store(self.ledger, open_vault(self.keys))
            store.start()
            try:
                return await store.transaction(work)
            finally:
                await store.close()

        return asyncio.run(once())

    def lists(self, title: str = "Lisbon Meetup", code: str = "LISBON", **fields: Any) -> Listing:
        """Put an event on sale, a week from now."""
        start = int(time.time()) + 7 * DAY
        given: dict[str, Any] = {
            "event_id": f"31923:{self.organizer.pubkey}:{code.lower()}",
            "organizer": self.organizer.pubkey,
            "kind": 31923,
            "note_id": os.urandom(32).hex(),
            "created_at": start - 8 * DAY,
            "title": title,
            "summary": "",
            "place": "Praça do Comércio",
            "start": start,
            "end": start + 3 * 3600,
            "timezone": "Europe/Lisbon",
            "all_day": False,
            "price_msat": 5_000_000,
            "stock": 100,
            "tiers": (Tier("VIP", 9_000_000, 10),),
            "sales_start": None,
            "sales_end": None,
            "max_per_buyer": None,
            "ephemeral": True,
            "categories": (),
            "cancelled": False,
            "image": None,
        }
        listing = Listing(**given | fields)
        self.change(lambda tx: listings.save(tx, listing, code))
        return listing

    def sells(self) -> Sold:
        """One order that is paid (2 tickets), one that waits, one whose money goes back."""
        self.lists()
        paid, tokens = self.pays(self.orders(2))
        waiting = self.orders(1)
        owed, _ = self.pays(self.orders(1), amount_msat=4_000_000)
        return Sold(paid, waiting, owed, tokens)

    def orders(self, quantity: int, code: str = "lisbon") -> str:
        """Somebody new orders, and is shown an invoice; the order's id."""
        ctx = self.context()

        def buy(tx: Tx) -> str:
            person = people.meet(tx, Keys(os.urandom(32)).pubkey, "nip17")
            wish, key = Buy((code,), quantity), os.urandom(32)
            checkout.buy(Request(person, "nip17", wish, key=key, sent_at=ctx.now), tx, ctx)
            return orders.latest_of(tx, person.id)[0].id

        order_id = self.change(buy)
        amount = quantity * 5_000_000

        async def make() -> InvoiceRow:
            wallet = FakeWallet(self.folder / "fake-wallet.db")
            made = await wallet.create(InvoiceAsk(f"{order_id}-1", amount, "tickets", 660))
            await wallet.close()
            rest = (made.payment_hash, made.bolt11, made.amount_msat, made.expires_at)
            return InvoiceRow(made.external_id, order_id, ctx.now, *rest)

        invoice = asyncio.run(make())

        def show(tx: Tx) -> None:
            cashier.invoiced(invoice, tx, ctx)
            for asked in outbox.due(tx, "invoice", ctx.now, frozenset(), 9):
                outbox.done(tx, asked.id)

        self.change(show)
        return order_id

    def pays(self, order_id: str, amount_msat: int | None = None) -> tuple[str, tuple[str, ...]]:
        """Its buyer pays; the order's id and the tokens that are issued."""
        invoice = self.change(lambda tx: invoices.shown(tx, order_id))
        assert invoice is not None
        assert invoice.bolt11 is not None
        assert invoice.payment_hash is not None
        bolt11, payment_hash = invoice.bolt11, invoice.payment_hash
        self.wallet(lambda wallet: wallet.receive(bolt11, amount_msat))
        credit = Credit(payment_hash, amount_msat or invoice.amount_msat or 0)
        reply: Reply = self.change(lambda tx: cashier.settled(credit, tx, self.context()))
        told = [one.outcome for one in reply if isinstance(one, Told)]
        return order_id, tuple(one.token for one in told if isinstance(one, TicketShown))

    def credits(self, order_id: str) -> None:
        """The bot sees that the wallet was paid."""
        invoice = self.change(lambda tx: invoices.shown(tx, order_id))
        assert invoice is not None
        credit = Credit(invoice.payment_hash or "", invoice.amount_msat or 0)
        self.change(lambda tx: cashier.settled(credit, tx, self.context()))

    def spends(self, amount_msat: int, fee_msat: int, *, to_itself: bool = False) -> str:
        """Somebody's bolt11 is paid from the wallet; its payment hash."""
        hashes = []

        async def pay(wallet: FakeWallet) -> None:
            wallet.fee_msat = fee_msat
            bolt11 = wallet.foreign_invoice(amount_msat)
            if to_itself:
                ask = InvoiceAsk("none-of-ours", amount_msat, "?", 600)
                bolt11 = (await wallet.create(ask)).bolt11
            await wallet.pay(bolt11)
            hashes.append(read_bolt11(bolt11).payment_hash)

        self.wallet(pay)
        return hashes[0]

    def spoil(self, sql: str) -> None:
        """Change the ledger behind its back."""
        db = sqlite3.connect(self.ledger)
        db.executescript(sql)
        db.close()

    def invoice_of(self, order_id: str) -> dict[str, str]:
        """The invoice that an order's buyer was shown."""
        story = self.calls("orders", "show", order_id, "--json").data
        invoice: dict[str, str] = story["invoices"][0]
        return invoice

    def differences(self) -> dict[str, list[str]]:
        """Every invariant that `audit` calls broken, with what breaks it."""
        ran = self.calls("audit", "--json")
        found = {one["name"]: one["broken"] for one in ran.data["findings"] if not one["kept"]}
        assert ran.code == (1 if found else 0)
        assert ran.data["agree"] == (not found)
        return found

    def wallet(self, does: Callable[[FakeWallet], Any]) -> None:
        """Something happens at the wallet."""

        async def once() -> None:
            wallet = FakeWallet(self.folder / "fake-wallet.db")
            await does(wallet)
            await wallet.close()

        asyncio.run(once())

    def beats(self, ago: int = 0, **facts: object) -> None:
        """The running bot's heartbeat."""
        now = int(time.time()) - ago
        beat = {
            "at": now,
            "started": now - 3600,
            "relays": "2/3",
            "deaf": False,
            "wallet": "ok",
            "paused": None,
        } | facts
        self.change(lambda tx: marks.put(tx, "heartbeat", json.dumps(beat)))


def opened(house: BotHouse) -> House:
    """The house as the commands open it."""
    return open_house(Namespace(config=house.folder / "config.toml"))
