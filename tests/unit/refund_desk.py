"""A bot without relays that owes money: ledger, engine, a fake wallet, and who pays it back."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import orjson

from tests.ledger import shelf
from ticketbot.crew import Crew
from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.domain.command import Buy, Refund
from ticketbot.domain.listing import Listing
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.domain.spending import State
from ticketbot.domain.ticket import TicketKey
from ticketbot.engine import Engine
from ticketbot.errors import NoInvoice, Retry
from ticketbot.handlers.buying import checkout
from ticketbot.handlers.context import Request, Settings
from ticketbot.handlers.holding import owed
from ticketbot.handlers.money.cashier import Credit
from ticketbot.keys import Keys
from ticketbot.ledger import journal, listings, orders, people, refunds
from ticketbot.ledger.audit import check_ledger
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.vault import Vault
from ticketbot.lnurl import Lnurl
from ticketbot.outbox.refunder import Refunder
from ticketbot.relay.directory import Directory, Reach
from ticketbot.replies.outcome import Reply, Told
from ticketbot.wallets.fake import FakeWallet

NOON = 1_800_000_000
HOUR, DAY = 3600, 86_400
OWED = 4_000_000


class Services:
    """Lightning addresses: what each gives, how often it was asked, and for how long it is good."""

    def __init__(self, wallet: FakeWallet) -> None:
        self.gave: defaultdict[str, list[str]] = defaultdict(list)
        self.down = False
        self.refuses: set[str] = set()
        self.lives = 600
        self.factor = 1
        self._wallet = wallet

    async def resolve(self, where: str, amount_msat: int) -> str:
        if self.down:
            raise Retry("the address does not answer")
        if where in self.refuses:
            raise NoInvoice("refund-address-odd")
        bolt11 = self._wallet.foreign_invoice(amount_msat * self.factor, self.lives)
        self.gave[where].append(bolt11)
        return bolt11


class Profiles:
    """What people's own profiles say."""

    def __init__(self) -> None:
        self.lud16: dict[str, str] = {}

    async def reach(self, pubkeys: list[str]) -> dict[str, Reach]:
        return {one: Reach(lud16=self.lud16.get(one)) for one in pubkeys}


class Buyer:
    """Somebody to whom money is owed."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.pubkey = Keys(os.urandom(32)).pubkey

    async def says(self, *words: str, order: str | None = None) -> list[Any]:
        """`refund …`; what is answered. Raises Refused, with everything taken back."""

        def work(tx: Tx) -> Reply:
            person = people.meet(tx, self.pubkey, "nip17")
            request = Request(person, "nip17", Refund(words, order))
            with tx.savepoint():
                return owed.refund(request, tx, self.desk.engine.context())

        reply = await self.desk.store.transaction(work)
        self.desk.stir()
        return [one.outcome if isinstance(one, Told) else one for one in reply]

    async def hears(self) -> list[str]:
        """Every message to them so far."""
        rows = await self.desk.store.transaction(_messages)
        return [body["text"] for body in rows if body["to"] == self.pubkey]


class Desk:
    """`owes()` makes a refund; while `refunding()` runs, it is paid."""

    def __init__(self, folder: Path, *, pays: bool = True) -> None:
        self.now = float(NOON)
        self.store = Store(folder / "ledger.db", Vault(b"f" * 32, b"l" * 32))
        self.wallet = FakeWallet(clock=lambda: self.now)
        self.wallet.can_pay = pays
        self.services = Services(self.wallet)
        self.profiles = Profiles()
        self.operator = Keys(os.urandom(32)).pubkey
        self.organizer = Keys(os.urandom(32)).pubkey
        keys = Keys(os.urandom(32))
        settings = Settings(
            keys.pubkey,
            "Lisbon Tickets",
            ("ws://127.0.0.1:9",),
            frozenset({self.operator}),
            None,
            refunds_by_hand=not pays,
        )
        signer = TicketKey.from_bytes(os.urandom(32))
        self.engine = Engine(self.store, Crew(keys), settings, signer, lambda: self.now)
        self.refunders: list[Refunder] = []
        self.store.start()

    async def opens(self) -> None:
        await self.wallet.pay_in(1_000_000_000)
        await self.store.transaction(lambda tx: listings.save(tx, self._listing(), "LISBON"))

    async def closes(self) -> None:
        """The books must be right, whatever happened."""
        findings = await self.store.transaction(check_ledger)
        await self.wallet.close()
        await self.store.close()
        assert [one for one in findings if not one.kept] == []

    async def owes(self, buyer: Buyer, msat: int = OWED) -> str:
        """A payment of a wrong amount comes; the id of the refund, later than any before."""
        self.now += 1

        def buy(tx: Tx) -> str:
            person = people.meet(tx, buyer.pubkey, "nip17")
            checkout.buy(Request(person, "nip17", Buy(("lisbon",))), tx, self.engine.context())
            return orders.latest_of(tx, person.id)[0].id

        order_id = await self.store.transaction(buy)
        made = await self.wallet.create(InvoiceAsk(f"{order_id}-1", 5_000_000, "ticket", 660))
        rest = (made.payment_hash, made.bolt11, made.amount_msat, made.expires_at)
        await self.engine.invoiced([InvoiceRow(made.external_id, order_id, NOON, *rest)])
        await self.wallet.receive(made.bolt11, msat)
        await self.engine.settle([Credit(made.payment_hash, msat)])
        return f"{order_id}-r1"

    @contextlib.asynccontextmanager
    async def refunding(self, refunders: int = 1) -> AsyncIterator[None]:
        """As long as the block lasts, refunds are carried out; each time by a new process."""
        self.refunders = [self.refunder() for _ in range(refunders)]
        tasks = [asyncio.create_task(one.run()) for one in self.refunders]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def refunder(self) -> Refunder:
        return Refunder(
            self.store,
            self.engine,
            self.wallet,
            cast(Lnurl, self.services),
            cast(Directory, self.profiles),
            lambda: self.now,
        )

    def stir(self) -> None:
        for one in self.refunders:
            one.claims.stirred.set()

    def forward(self, seconds: float) -> None:
        self.now += seconds
        self.stir()

    async def state(self, refund_id: str) -> State:
        found = await self.store.transaction(lambda tx: refunds.get(tx, refund_id))
        assert found is not None
        return found.state

    async def becomes(self, refund_id: str, state: State) -> None:
        await self.until(lambda tx: _is(tx, refund_id, state))

    async def until(self, happened: Callable[[Tx], bool]) -> None:
        async with asyncio.timeout(30):
            while not await self.store.transaction(happened):
                await asyncio.sleep(0.01)

    async def settles_down(self) -> None:
        """Nothing is due and nothing is in hand any more."""

        def quiet(tx: Tx) -> bool:
            due = "SELECT 1 FROM outbox WHERE kind = 'refund' AND due <= ?"
            return tx.row(due, (int(self.now),)) is None

        await asyncio.sleep(0.02)
        self.stir()
        await self.until(quiet)

    async def passes(self, seconds: int, step: int = 30) -> None:
        """Time goes by, in steps, so that everything that is due in between is done."""
        await self.settles_down()
        for _ in range(0, seconds, step):
            self.forward(step)
            await self.settles_down()

    async def paid_out(self) -> list[int]:
        """What has left the wallet: the amount of every payment, msat."""
        return [one.amount_msat for one in await self.wallet.spent_since(0)]

    async def journal(self, refund_id: str) -> list[str]:
        order_id = refund_id.rpartition("-")[0]
        noted = await self.store.transaction(lambda tx: journal.of(tx, order_id))
        return [one.what for one in noted if "refund" in one.what]

    async def operator_hears(self) -> list[str]:
        rows = await self.store.transaction(_messages)
        return [body["text"] for body in rows if body["to"] == self.operator]

    def _listing(self) -> Listing:
        return shelf.listing(
            event_id=f"31923:{self.organizer}:lisbon",
            organizer=self.organizer,
            created_at=NOON - DAY,
            title="Lisbon Meetup",
            start=NOON + 300 * DAY,
            end=NOON + 301 * DAY,
            timezone="Europe/Lisbon",
            stock=100,
        )


def hash_of(bolt11: str) -> str:
    return read_bolt11(bolt11).payment_hash


def _is(tx: Tx, refund_id: str, state: State) -> bool:
    found = refunds.get(tx, refund_id)
    return found is not None and found.state is state


def _messages(tx: Tx) -> list[dict[str, Any]]:
    rows = tx.rows("SELECT body FROM outbox WHERE kind = 'message' ORDER BY id")
    return [orjson.loads(tx.vault.open(row[0], b"outbox")) for row in rows]
