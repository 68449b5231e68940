"""The bot without its network: engine and ledger, letters that are not sealed, time as it is told.

For stories with thousands of people, in which cryptography would only take its time.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from benchmarks.bot import ORGANIZER, on_sale
from ticketbot.domain.listing import Listing
from ticketbot.domain.nostr import Event
from ticketbot.domain.order import Order
from ticketbot.domain.ticket import TicketKey
from ticketbot.engine import Engine
from ticketbot.envelopes import Opened
from ticketbot.handlers.context import Settings
from ticketbot.handlers.money.cashier import PAY_BEFORE_EXPIRY, Credit
from ticketbot.ledger import holds, listings, orders, outbox, people
from ticketbot.ledger.audit import check_ledger
from ticketbot.ledger.holds import Holds
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.listings import Seats
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.vault import Vault

NOON = 1_900_000_000
BOT = "b" * 64


class Unsealed:
    """Opens letters that nobody has sealed: their text is their content."""

    async def open(self, events: Sequence[Event]) -> list[Opened]:
        return [
            Opened(
                "24133",
                event.pubkey,
                hashlib.sha256(bytes.fromhex(event.pubkey + event.id)).digest(),
                event.created_at,
                event.content,
                event.kind,
            )
            for event in events
        ]


class Counter:
    """A ticket counter. Everybody has a number, from which their key is made."""

    def __init__(self, folder: Path, **choices: Any) -> None:
        self.now = NOON
        self.settings = Settings(
            bot=BOT,
            name="Lisbon Tickets",
            relays=(),
            operators=frozenset(),
            organizers=frozenset({ORGANIZER}),
            **choices,
        )
        self.store = Store(folder / "ledger.db", Vault(b"f" * 32, b"l" * 32))
        key = TicketKey.from_bytes(b"k" * 32)
        self.engine = Engine(
            self.store,
            Unsealed(),  # type: ignore[arg-type]
            self.settings,
            key,
            lambda: self.now,
        )
        self.listing = on_sale(ORGANIZER, NOON)
        self._letters = 0

    async def opens(self, **event: Any) -> Listing:
        """Start, with one event on sale."""
        self.store.start()
        self.listing = replace(self.listing, **event)
        listing = self.listing
        await self.store.transaction(lambda tx: listings.save(tx, listing, "LISBON"))
        return listing

    def wish(self, who: int, quantity: int = 1, bits: int = 0) -> Event:
        """Somebody's `buy` as a program sends it."""
        return self.asks(who, "buy", bits, event_id=self.listing.event_id, quantity=quantity)

    async def hears(self, events: Iterable[Event]) -> dict[str, list[dict[str, Any]]]:
        """All of them, and the wallet at once; what each is answered, by key."""
        await self._read_answers()  # notices of before
        waiting = list(events)
        for at in range(0, len(waiting), 32):
            await self.engine.receive(waiting[at : at + 32], {})
        return await self.answers()

    async def answers(self) -> dict[str, list[dict[str, Any]]]:
        """What was not read yet, by key."""
        await self.makes_invoices()
        return await self._read_answers()

    async def order_of(self, who: int) -> Order | None:
        """Somebody's newest order."""

        def work(tx: Tx) -> Order | None:
            found = orders.latest_of(tx, people.meet(tx, key_of(who)).id, 1)
            return found[0] if found else None

        return await self.store.transaction(work)

    def asks(self, who: int, kind: str, bits: int = 0, **fields: Any) -> Event:
        """Somebody's message, as if it had so many bits of work."""
        self._letters += 1
        text = orjson.dumps({"type": kind, "request_id": f"r{self._letters}"} | fields).decode()
        digest = hashlib.sha256(str(self._letters).encode()).hexdigest()
        digest = "0" * (bits // 4) + digest[bits // 4 :]
        tags = [["nonce", "1", str(bits)]] if bits else []
        return Event(digest, key_of(who), self.now, 24133, tags, text, "")

    async def pays(self, invoice: dict[str, Any]) -> None:
        await self.engine.settle([Credit(invoice["payment_hash"], invoice["amount_msat"])])

    async def waits(self, seconds: int) -> None:
        """Time passes; holds that are over end, as the wallet calls them unpaid."""
        self.now += seconds
        after = (0, "")
        while page := await self.engine.lapsed(after, self.now):
            await asyncio.gather(*(self.engine.release(one.id, "order-lapsed") for one, _ in page))
            order = page[-1][0]
            after = (order.hold_until, order.id)

    async def seats(self) -> Seats:
        """Those of the whole event."""
        event_id = self.listing.event_id
        return (await self.store.transaction(lambda tx: listings.seats_of(tx, event_id)))[0]

    async def holds(self) -> Holds:
        event_id = self.listing.event_id
        return await self.store.transaction(lambda tx: holds.of(tx, event_id, ""))

    async def broken(self) -> list[str]:
        """The invariants that do not hold."""
        findings = await self.store.transaction(check_ledger)
        return [one.name for one in findings if not one.kept]

    async def closes(self) -> None:
        """The books must be right."""
        broken = await self.broken()
        await self.store.close()
        assert broken == []

    async def makes_invoices(self) -> None:
        """All that are asked for, as a wallet that takes no time."""
        while rows := await self.store.transaction(lambda tx: self._due(tx, "invoice")):
            await asyncio.gather(*(self._make(row) for row in rows))

    async def _make(self, row: outbox.Due) -> None:
        order_id, amount = row.body["order"], row.body["amount_msat"]
        digest = hashlib.sha256(order_id.encode()).hexdigest()
        lives = self.now + self.settings.hold_seconds + PAY_BEFORE_EXPIRY
        fields = (order_id, self.now, digest, f"lnbc{digest}", amount, lives)
        await self.engine.invoiced([InvoiceRow(row.body["external_id"], *fields)], done=[row.id])

    async def _read_answers(self) -> dict[str, list[dict[str, Any]]]:
        told: dict[str, list[dict[str, Any]]] = defaultdict(list)

        def work(tx: Tx) -> bool:
            rows = self._due(tx, "message")
            for row in rows:
                if row.body["via"] == "24133":
                    told[row.body["to"]].append(orjson.loads(row.body["text"]))
                outbox.done(tx, row.id)
            return bool(rows)

        while await self.store.transaction(work):
            pass
        return told

    def _due(self, tx: Tx, kind: str) -> list[outbox.Due]:
        return outbox.due(tx, kind, self.now, frozenset(), 500)


def key_of(who: int) -> str:
    """Somebody's public key, hex."""
    return hashlib.sha256(f"person {who}".encode()).hexdigest()
