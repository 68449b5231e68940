"""A whole event, from its note to the badges: nostr-tools in every hand, money on a real LNbits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.real.festivities import EARLY, STANDING, TITLE, WINE, Party, code_of, hours_later, scanner
from tests.real.payee import payee
from tests.real.people import Attendee, Ticket
from tests.real.relays import local_relay
from tests.real.stagehands import HOUR, evening
from tests.real.test_payouts import gives_invoices_of
from tests.real.test_refunds import Purse
from ticketbot.domain.payout import most

CONFIG = """
[lightning]
allow_private_lnurl = true

[payouts]
delay_hours = 0
minimum_sats = 1

[commission]
ppm = 20000
"""
FEE = STANDING // 10
EARNED = 2 * EARLY + STANDING // 2 + 2 * STANDING  # alice, a friend's code, carol and diego
BACK = STANDING - FEE
COMMISSION = (EARNED - BACK) * 2 // 100


@pytest.fixture
async def relay() -> AsyncIterator[str]:
    async with local_relay() as url:
        yield url


class Night(Party):
    """The evening in chapters; each leaves the next what it needs."""

    alice: Attendee
    bob: Attendee
    carol: Attendee
    diego: Attendee
    gina: Attendee
    friend: Attendee
    staff: Attendee

    async def people_come(self) -> None:
        names = ("alice", "bob", "carol", "diego", "gina", "staff")
        for name, person in zip(names, await asyncio.gather(*(self.guest() for _ in names))):
            setattr(self, name, person)
        self.friend = await self.it.attendee("nostr-tools")

    async def goes_on_sale(self) -> None:
        self.event = await self.it.on_sale(TITLE, **self.note())
        card = await self.it.organizer.hears("Get a ticket")
        assert f"Asked when you buy: {WINE}" in card
        await self.asks_organizer("promo lisbon FRIENDS 50% max 5 tier standing", "FRIENDS: 50% off")
        await self.asks_organizer("rehearse lisbon", "REHEARSAL of Lisbon Meetup")
        pretended = await self.it.organizer.gets_a_ticket()
        await self.sees(self.it.organizer, f"checkin {pretended.token}", "AMBER · REHEARSAL")

    async def sells_out(self) -> None:
        """By DM at the early price, by machine message with a code, and to the last seat."""
        self.of_alice = await self.buys(self.alice, "lisbon 2 standing", "1", 2 * EARLY)
        wish = {"event_id": self.event.id, "tier": "Standing", "code": "FRIENDS"}
        refused = await self.friend.asks("buy", **wish)
        assert (refused["type"], refused["code"]) == ("error", "bad-request")
        wish |= {"accept_age": True, "answers": {WINE: "White"}}
        asked = await self.friend.asks("buy", **wish)
        assert asked["amount_msat"] == STANDING // 2 * 1000
        await self.it.pays(asked["invoice"])
        await self.friend.is_told(type="ticket", order_id=asked["order_id"])
        [self.of_carol] = await self.buys(self.carol, "lisbon 1 standing", "White", STANDING)

    async def waits_in_spanish(self) -> None:
        """Diego comes too late, and gets the seat that Carol gives back."""
        await self.diego.says("hola")
        await self.diego.hears("Hola, soy Lisbon Tickets")
        await self.diego.says("comprar lisbon 1 standing")
        await self.diego.hears("Agotado")
        await self.diego.says("cola lisbon 1 standing")
        await self.diego.hears("Eres el número 1 en la cola")
        purse = await Purse.of(self.it)
        await self.gives_back(self.carol, await purse.invoice(BACK), BACK, FEE)
        assert await purse.received() == [BACK]
        await self.diego.hears("Te toca a ti: Lisbon Meetup")
        await self.diego.says("comprar lisbon 1 standing")
        await self.diego.hears("¿Lo eres?")
        await self.diego.says("sí")
        await self.diego.hears("Pregunta 1 de 1")
        await self.diego.says("2")
        await self.it.pays(await self.diego.gets_an_invoice())
        assert "enséñalo en la puerta" in (await self.diego.gets_a_ticket()).text

    async def changes_hands(self) -> Ticket:
        """Alice gives one of hers to Bob; the organizer gives one to Gina. Alice's old ticket."""
        old, _ = self.of_alice
        await self.hands_on(old, self.alice, self.bob)
        given = f"comp lisbon {self.gina.npub} 1 table"
        await self.asks_organizer(given, "is given")
        await self.gina.hears("The organizer of Lisbon Meetup gives you a ticket")
        await self.gina.gets_a_ticket()
        return old

    async def is_told_to_all(self) -> None:
        """An announcement, and a new place and a later end, with new tickets for everybody."""
        holders = [self.alice, self.bob, self.diego, self.gina]
        await self.asks_organizer("announce lisbon Bring a glass.", "5 people hold a ticket")
        await self.asks_organizer("announce lisbon yes", "your announcement has left, to 5 people")
        for one in holders:
            await one.hears("Bring a glass.")
        where = {"location": "Rua do Ouro 1", "end": self.now + 7 * HOUR}
        await self.moves(*holders[:2], holders[3], **where)
        await self.diego.hears("ha cambiado")
        moved = await self.friend.is_told(type="event-moved")
        assert (moved["place"], moved["end"]) == ("Rua do Ouro 1", where["end"])

    async def is_looked_at(self) -> None:
        """Figures and guests, by DM and over the API with a signature."""
        said = await self.asks_organizer("stats lisbon", "Standing: 4 of 4 sold")
        assert f"Paid {EARNED:,} sats · given back {BACK} sats" in said
        rows = await self.table("attendees lisbon", "ticket,holder")
        answers = [[row["holder"], row["tier"], row["sats"]] for row in rows]
        assert [self.gina.npub, "Table", "0"] in answers
        assert [self.bob.npub, "Standing", str(EARLY)] in answers
        assert self.carol.npub not in {row["holder"] for row in rows} and len(rows) == 5
        told = await self.signs_in("/api/v1/organizer/events/lisbon/stats")
        assert self.event.id in json.dumps(told)

    async def opens_its_door(self, handed_on: Ticket) -> None:
        """One at the door with a phone, one with a scanner; of each ticket only the newest counts."""
        _, replaced = self.of_alice
        alices, bobs = await self.alice.gets_a_ticket(), await self.bob.gets_a_ticket()
        await self.asks_organizer(f"door add lisbon {self.staff.npub} 8", "can let people in")
        await self.staff.hears("You are at the door of Lisbon Meetup")
        for old in (handed_on, replaced):
            await self.sees(self.staff, f"checkin {old.token}", "RED · this ticket was replaced")
        await self.sees(self.staff, f"checkin {alices.token} gate A", "GREEN · come in. Standing")
        await self.sees(self.staff, f"checkin {alices.token}", "RED · already used at")
        await self.sees(self.staff, f"checkout {alices.token}", "GREEN · left")
        await self.sees(self.staff, f"checkin {alices.token}", "GREEN · welcome back")
        await self.sees(self.alice, f"checkin {bobs.token}", "That is for organizers")
        told = await self.asks_organizer("door token lisbon gate B", "door1")
        secret = next(line for line in told.splitlines() if line.startswith("door1"))
        async with scanner(self.it, secret) as device:
            seen = await device.scans("check-in", bobs.token)
            assert (seen["outcome"], seen["gate"]) == ("admitted", "B")
            seen = await device.scans("check-in", code_of(alices))
            assert seen["outcome"] == "token-needed"
            [late] = await device.tells(
                {"nonce": "off-line-1", "ticket": bobs.token, "at": self.now, "kind": "check-in"}
            )
            assert (late["outcome"], late["conflict"]) == ("already-used", True)
            counts = await device.gets("counts")
            assert counts["total"] == {"admitted": 2, "inside": 2, "left": 0, "sold": 5}

    async def is_over(self, address: str, purse: Purse) -> None:
        """The morning after: thanks, badges, the organizer's money, a statement that adds up."""
        await self.alice.says("badge yes")
        await self.alice.hears("Noted. If you are let in")
        async with hours_later(self.it, 9) as bot:
            await bot.epilogue.play()
            for one in (self.alice, self.bob):
                assert "It was a joy." in await one.hears("a word from its organizer")
            await self.alice.hears("Your badge of Lisbon Meetup is published")
            await self.wears_a_badge()
            paid = most((EARNED - BACK - COMMISSION) * 1000)
            await self.asks_organizer(f"payout all {address}", "are on their way to you")
            await self.it.organizer.hears("were sent to you")
            assert await purse.received() == [paid // 1000]
            [row] = await self.table("statement csv", "code,title,sold")
            sums = {name: int(amount) for name, amount in row.items() if name.endswith("_msat")}
            assert sums == {
                "gross_msat": EARNED * 1000,
                "commission_msat": COMMISSION * 1000,
                "refunded_msat": BACK * 1000,
                "paid_out_msat": paid,
                "fees_msat": 0,
                "balance_msat": (EARNED - BACK - COMMISSION) * 1000 - paid,
            }
            await self.asks_organizer("attendance lisbon", "2 came, of 5 tickets; 3 did not")
            assert "2 came · 3 no-shows" in await self.asks_organizer("stats lisbon", "over")
        for one in (self.carol, self.diego, self.gina):
            assert [told.text for told in one.unread() if "a joy" in told.text] == []

    async def wears_a_badge(self) -> None:
        """What everybody can see, as nostr-tools reads it: Alice's badge, and no other."""
        shown = await self.bob.does("badges")
        [definition], [award] = shown["definitions"], shown["awards"]
        of_badge = dict(tag[:2] for tag in definition["tags"])
        assert (of_badge["name"], of_badge["a"]) == (TITLE, self.event.id)
        address = f"30009:{self.it.bot.keys.pubkey}:{of_badge['d']}"
        assert award["tags"] == [["a", address], ["p", self.alice.pubkey]]


async def test_an_event_from_its_note_to_the_badge(tmp_path: Path, relay: str) -> None:
    choices = {"client": "nostr-tools", "spends": True, "more": CONFIG}
    async with payee() as wallet, evening(tmp_path, [relay], **choices) as it:
        keys = await asyncio.to_thread(it.server.new_wallet, "organizer")
        gives_invoices_of(wallet, it.server, keys)
        night = Night(it)
        await night.people_come()
        await night.goes_on_sale()
        await night.sells_out()
        await night.waits_in_spanish()
        handed_on = await night.changes_hands()
        await night.is_told_to_all()
        await night.is_looked_at()
        await night.opens_its_door(handed_on)
        await night.is_over(wallet.address, Purse(it.server, keys))
