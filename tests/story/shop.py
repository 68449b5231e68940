"""A shop in the middle of its life, small and without a network: one of everything there is.

It is built from letters, as people send them, on the fake wallet's file, so that the very same
folder can be opened by a real bot as well. Nothing in it is left to chance but seals.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import orjson

from benchmarks.bot import on_sale
from tests.machine.clockwork import LedgerAtOnce
from ticketbot.domain.listing import Listing
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.nostr import Event
from ticketbot.domain.order import order_id
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.domain.terms import Terms
from ticketbot.domain.ticket import TicketKey, group_id
from ticketbot.domain.when import DAY, HOUR
from ticketbot.engine import Engine
from ticketbot.envelopes import Opened
from ticketbot.handlers.buying import offering
from ticketbot.handlers.context import Settings
from ticketbot.handlers.money.cashier import Credit
from ticketbot.keys import Keys
from ticketbot.ledger import listings, orphans, outbox
from ticketbot.ledger.audit import check_ledger
from ticketbot.ledger.orphans import Orphan
from ticketbot.ledger.store import Tx
from ticketbot.ledger.vault import open_vault
from ticketbot.outbox.invoicer import Invoicer
from ticketbot.wallets.fake import FakeWallet

TICKET_KEY = b"k" * 32
PRICE = 2_100_000  # msat, as `on_sale` has it
WRAP, MACHINE = 1059, 24133


class Told(NamedTuple):
    """A message as it is to leave."""

    to: str
    via: str
    text: str


def keys_of(name: str) -> Keys:
    """Everybody's key is made of their name, the bot's too."""
    return Keys(hashlib.sha256(f"person {name}".encode()).digest())


def key_of(name: str) -> str:
    """Somebody's public key, hex."""
    return keys_of(name).pubkey


class Unsealed:
    """Opens letters that nobody has sealed: programs' begin with a brace."""

    async def open(self, events: Sequence[Event]) -> list[Opened]:
        return [
            Opened(
                "24133" if event.kind == MACHINE else "nip17",
                event.pubkey,
                hashlib.sha256(bytes.fromhex(event.pubkey + event.id)).digest(),
                event.created_at,
                event.content,
                event.kind if event.kind == MACHINE else 14,
            )
            for event in events
        ]


class Shop:
    """The bot over `folder`, from when it starts until it ends or dies."""

    def __init__(self, folder: Path, now: int) -> None:
        self.now = now
        self.wallet = FakeWallet(
            folder / "fake-wallet.db", accept_late=True, clock=lambda: self.now
        )
        settings = Settings(
            bot=key_of("bot"),
            name="Lisbon Tickets",
            relays=(),
            operators=frozenset({key_of("operator")}),
            organizers=frozenset({key_of("organizer")}),
            public_url="https://tickets.example",
            payout_delay=0,
        )
        self.store = LedgerAtOnce(folder / "ledger.db", open_vault(keys_of("bot")))
        self.engine = Engine(
            self.store,
            Unsealed(),  # type: ignore[arg-type]
            settings,
            TicketKey.from_bytes(TICKET_KEY),
            lambda: self.now,
            dice=random.Random(now).randbytes,
        )
        self._invoicer = Invoicer(self.store, self.engine, self.wallet, lambda: self.now)
        self._letters = itertools.count(now)

    def letter(self, who: str, text: str, sent_at: int | None = None) -> Event:
        """What somebody writes: the same words are another letter."""
        number = next(self._letters)
        kind = MACHINE if text.startswith("{") else WRAP
        digest = hashlib.sha256(f"{number}".encode()).hexdigest()
        return Event(digest, key_of(who), sent_at or self.now, kind, [], text, "")

    async def hears(self, *letters: Event) -> None:
        """Answered, and its invoices made."""
        await self.engine.receive(letters, {})
        while rows := await self.store.transaction(lambda tx: self._due(tx, "invoice")):
            await self._invoicer._make_all(rows)

    async def told(self) -> list[Told]:
        """Every message that is to leave and was not read yet."""

        def work(tx: Tx) -> list[Told]:
            rows = self._due(tx, "message")
            for row in rows:
                outbox.done(tx, row.id)
            return [Told(row.body["to"], row.body["via"], row.body["text"]) for row in rows]

        found: list[Told] = []
        while more := await self.store.transaction(work):
            found += more
        return found

    async def says(self, who: str, text: str) -> list[str]:
        """What somebody is told when they write that."""
        await self.told()
        await self.hears(self.letter(who, text))
        return [one.text for one in await self.told() if one.to == key_of(who)]

    async def buys(self, who: str, what: str, paid_msat: int | None = None) -> list[str]:
        """A whole purchase; what they are told then."""
        answers = await self.says(who, f"buy {what}")
        bolt11 = next(text for text in answers if text.startswith("lnbc"))
        await self.wallet.receive(bolt11, paid_msat)
        settled = await self.wallet.settled_since(0)
        await self.engine.settle([Credit(one.payment_hash, one.amount_msat) for one in settled])
        return [one.text for one in await self.told() if one.to == key_of(who)]

    async def sells(self, name: str, code: str, **event: object) -> Listing:
        """An event in three hours."""
        listing = on_sale(key_of("organizer"), self.now)
        begins = self.now + 3 * HOUR
        given = {
            "event_id": f"31923:{listing.organizer}:{code.lower()}",
            "title": name,
            "start": begins,
            "end": begins + 3 * HOUR,
            "terms": Terms(refund_until=begins),
        }
        listing = replace(listing, **given | event)  # type: ignore[arg-type]
        await self.store.transaction(lambda tx: listings.save(tx, listing, code))
        return listing

    async def broken(self) -> list[str]:
        """The invariants that do not hold."""
        findings = await self.store.transaction(check_ledger)
        return [one.name for one in findings if not one.kept]

    async def closes(self) -> None:
        await self.store.close()
        await self.wallet.close()

    def _due(self, tx: Tx, kind: str) -> list[outbox.Due]:
        return outbox.due(tx, kind, self.now, frozenset(), 500)


async def build(folder: Path, now: int) -> dict[str, str]:
    """A shop with one of everything at `now`; what its people would write into their commands."""
    (folder / "ticket-key").touch(mode=0o600)
    (folder / "ticket-key").write_text(TICKET_KEY.hex() + "\n")
    shop = Shop(folder, now - 3 * DAY)
    await shop.sells("Faro Concert", "FARO")
    await shop.buys("alice", "faro")
    shop.now = now - HOUR
    await shop.sells("Lisbon Meetup", "LISBON")
    await shop.sells("Porto Concert", "PORTO", stock=1)
    await shop.sells("Braga Concert", "BRAGA")
    await shop.says("organizer", "pause braga")
    tokens = tokens_in(await shop.buys("alice", "lisbon 2"))
    (used,) = tokens_in(await shop.buys("erin", "lisbon"))
    await shop.buys("frank", "lisbon", paid_msat=PRICE + 1000)
    await shop.says("grace", "buy porto")
    await shop.says("carol", "join porto")
    await shop.says("heidi", "join porto")
    await shop.says("grace", "cancel")
    porto = f"31923:{key_of('organizer')}:porto"
    await shop.engine.decide(lambda tx, ctx: offering.offer(porto, tx, ctx), "queue")
    await shop.says("organizer", "promo lisbon FRIENDS 20%")
    await shop.says("organizer", f"door add lisbon {npub_encode(key_of('gate'))}")
    await shop.says("gate", f"checkin {used}")
    await shop.says("organizer", "announce lisbon Doors open at 19:00")
    await shop.says("ivan", "hi")
    codes = await shop.store.transaction(lambda tx: [_code(tx, token) for token in tokens])
    assert await shop.says("alice", f"transfer {codes[1]} {npub_encode(key_of('dave'))}")
    shop.now = now - 60
    assert await shop.says("bob", "buy lisbon")
    orphan = await _is_paid_for_nothing(shop)
    values = {
        "order": await shop.store.transaction(_order),
        "lisbon": f"31923:{key_of('organizer')}:lisbon",
        "code": codes[0],
        "given": codes[1],
        "token": tokens[0],
        "used": used,
        "orphan": orphan,
        "stuck": await shop.store.transaction(lambda tx: _stuck(tx, now)),
        "gate": npub_encode(key_of("gate")),
        "grace": npub_encode(key_of("grace")),
    }
    await shop.told()
    assert await shop.broken() == []
    await shop.closes()
    return values


def tokens_in(texts: Iterable[str]) -> list[str]:
    """Tickets in messages to people."""
    return [line for text in texts for line in text.splitlines() if line.startswith("TKT1:")]


async def _is_paid_for_nothing(shop: Shop) -> str:
    """Money for an order of a ledger that is lost; the order's id."""
    name = order_id(shop.now, b"lost order")
    external = f"{name}-1"
    invoice = await shop.wallet.create(InvoiceAsk(external, PRICE, "lost", 600))
    await shop.wallet.receive(invoice.bolt11)
    orphan = Orphan(invoice.payment_hash, external, PRICE, shop.now)
    await shop.store.transaction(lambda tx: orphans.take_in(tx, orphan, shop.now))
    return name


def _code(tx: Tx, token: str) -> str:
    digest = hashlib.sha256(token.encode()).digest()
    row = tx.row("SELECT id FROM ticket WHERE token_hash = ?", (digest,))
    assert row is not None
    return group_id(row[0])


def _order(tx: Tx) -> str:
    sql = "SELECT order_id FROM ticket WHERE event_id LIKE '%:lisbon' ORDER BY rowid LIMIT 1"
    row = tx.row(sql)
    assert row is not None
    return str(row[0])


def _stuck(tx: Tx, now: int) -> str:
    """A note that no relay has taken yet."""
    body = {"kind": 1, "tags": [], "content": "We are open.", "at": now}
    outbox.put(tx, "own:test", "note", now + HOUR, body)
    tx.change("UPDATE outbox SET attempts = 5 WHERE key = 'own:test'")
    row = tx.row("SELECT id FROM outbox WHERE key = 'own:test'")
    assert row is not None
    return f"waiting:{row[0]}"


def machine(kind: str, **fields: object) -> str:
    """A program's request."""
    return orjson.dumps({"type": kind, "request_id": "r1"} | fields).decode()
