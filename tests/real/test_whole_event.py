"""A whole event, from its note to the badges: nostr-tools in every hand, money on a real LNbits."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from tests.real.bot_process import Json
from tests.real.festivities import (
    EARLY,
    STANDING,
    TITLE,
    WINE,
    Party,
    code_of,
    scanner,
)
from tests.real.payee import payee
from tests.real.people import Attendee, Ticket
from tests.real.stagehands import HOUR, evening, get, until
from tests.real.test_payouts import CONFIG, gives_invoices_of
from tests.real.test_refunds import Purse
from ticketbot.domain.payout import most

FEE = STANDING // 10
EARNED = 2 * EARLY + STANDING // 2 + 2 * STANDING  # alice, a friend's code, carol and diego
BACK = STANDING - FEE
COMMISSION = (EARNED - BACK) * 2 // 100


class Night(Party):
    """The evening in chapters; each leaves the next what it needs."""

    async def people_come(self) -> None:
        came = await asyncio.gather(*(self.guest() for _ in range(6)))
        self.alice, self.bob, self.carol, self.diego, self.gina, self.staff = came
        self.friend = await self.it.attendee("nostr-tools")

    async def goes_on_sale(self) -> None:
        self.event = await self.it.on_sale(TITLE, **self.note())
        card = await self.it.organizer.hears("Get a ticket")
        assert f"Asked when you buy: {WINE}" in card
        await self.asks_organizer(
            "promo lisbon FRIENDS 50% max 5 tier standing", "FRIENDS: 50% off"
        )
        await self.asks_organizer("rehearse lisbon", "REHEARSAL of Lisbon Meetup")
        pretended = await self.it.organizer.gets_a_ticket()
        await self.sees(self.it.organizer, f"checkin {pretended.token}", "AMBER · REHEARSAL")

    async def sells_out(self) -> None:
        """By DM at the early price, by machine message with a code, and to the last seat."""
        self.of_alice = await self.buys(self.alice, "lisbon 2 standing", "1", 2 * EARLY)
        wish: Json = {"event_id": self.event.id, "tier": "Standing", "code": "FRIENDS"}
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
        await self.diego.says("buy lisbon 1 standing")
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
        guests = {(row["holder"], row["tier"], row["sats"], row[WINE]) for row in rows}
        assert (self.gina.npub, "Table", "0", "") in guests
        assert (self.bob.npub, "Standing", str(EARLY), "Red") in guests
        assert self.carol.npub not in {row["holder"] for row in rows} and len(rows) == 5
        told = await self.signs(self.it.organizer, "/api/v1/organizer/events/lisbon/stats")
        assert self.event.id in json.dumps(told)

    async def is_kept_by_a_program(self) -> None:
        """The friend's program asks for its ticket as a JWT, and checks it with the public key."""
        ticket = await self.friend.is_told(type="ticket", version=2)
        [kept] = (await self.signs(self.friend, "/api/v1/tickets"))["tickets"]
        assert kept["token"] == ticket["token"]
        keys = await self.signs(self.friend, "/.well-known/jwks.json")
        claims = await self.friend.does("jwt", jwt=kept["jwt"], jwk=keys["keys"][0])
        assert (claims["ticket_id"], claims["version"]) == (ticket["ticket_id"], 2)
        proof = {"key": (await self.it.bot.shows("keys"))["ticket_public_key"]}
        proof["salt"] = ticket["holder_salt"]
        read = await self.friend.does("ticket", token=ticket["token"], **proof)
        assert read["genuine"] and read["mine"]
        assert not (await self.alice.does("ticket", token=ticket["token"], **proof))["mine"]

    async def is_printed(self) -> None:
        """Alice's ticket on paper, and the evening in her calendar."""
        for word, begins in (("pdf", b"%PDF-"), ("calendar", b"BEGIN:VCALENDAR")):
            await self.alice.says(word)
            link = (await self.alice.hears(f"{self.it.bot.url}/tickets/")).splitlines()[-1]
            status, file = await asyncio.to_thread(get, link)
            assert status == 200 and file.startswith(begins)
            assert begins == b"%PDF-" or b"Rua do Ouro 1" in file

    async def opens_its_door(self, handed_on: Ticket) -> None:
        """One at the door has a phone, one a scanner; of each ticket only the newest counts."""
        _, replaced = self.of_alice
        await self.asks_organizer(f"door add lisbon {self.staff.npub} 8", "can let people in")
        await self.staff.hears("You are at the door of Lisbon Meetup")
        for old in (handed_on, replaced):
            await self.sees(self.staff, f"checkin {old.token}", "RED · this ticket was replaced")
        await self.sees(self.staff, f"checkin {self.of_carol.token}", "RED · this ticket is void")
        newest = (await self.alice.gets_a_ticket()).token
        await self.sees(self.alice, f"checkin {newest}", "That is for organizers")
        await self.sees(self.staff, f"checkin {newest} gate A", "GREEN · come in. Standing")
        said = await self.sees(self.staff, f"checkin {newest}", "RED · already used at")
        assert ", gate A. Standing" in said
        await self.sees(self.staff, f"checkout {newest}", "GREEN · left")
        await self.sees(self.staff, f"checkin {newest} gate B", "GREEN · welcome back")

    async def scans_without_a_key(self) -> None:
        """A scanner has a token, which is good for one event until it is taken back."""
        bobs, diegos = await self.bob.gets_a_ticket(), await self.diego.gets_a_ticket()
        told = await self.asks_organizer("door token lisbon gate C", "door1")
        secret = next(line for line in told.splitlines() if line.startswith("door1"))
        async with scanner(self.it, secret) as device:
            seen = await device.scans("check-in", bobs.token)
            assert (seen["outcome"], seen["gate"]) == ("admitted", "C")
            assert (await device.scans("check-in", code_of(bobs)))["outcome"] == "token-needed"
            alone = {"kind": "check-in", "at": int(time.time()), "gate": "D"}
            entry, conflict = await device.tells(
                {"nonce": "offline-1", "ticket": diegos.token, **alone},
                {"nonce": "offline-2", "ticket": bobs.token, **alone},
            )
            assert (entry["outcome"], entry["conflict"]) == ("admitted", False)
            assert (conflict["outcome"], conflict["conflict"]) == ("already-used", True)
            counts = await device.gets("counts")
            assert counts["total"] == {"admitted": 3, "inside": 3, "left": 0, "sold": 5}
            number = told.split("door remove lisbon ")[1]
            await self.asks_organizer(f"door remove lisbon {number}", "is good for nothing")
            await device.gets("counts")
            assert device.status == 401

    async def wish_for_badges(self) -> None:
        await self.alice.says("badge yes")
        await self.alice.hears("Noted. If you are let in")
        await self.diego.says("insignia sí")
        await self.diego.hears("Anotado")

    async def is_over(self) -> None:
        """Thanks to who came, in their language, and a badge for who wants one."""
        for one in (self.alice, self.bob):
            assert "It was a joy." in await one.hears("a word from its organizer")
        assert "It was a joy." in await self.diego.hears("unas palabras de la organización")
        for one in (self.carol, self.gina, self.friend):
            assert [told.text for told in one.unread() if "a joy" in told.text] == []
        await self.alice.hears("Your badge of Lisbon Meetup is published")
        await self.diego.hears("está publicada")
        await self.wears_badges(self.alice, self.diego)

    async def is_paid_out(self, address: str, purse: Purse) -> None:
        """The organizer's money less the commission, and a statement that adds up."""
        paid = most((EARNED - BACK - COMMISSION) * 1000)
        await self.asks_organizer(f"payout all {address}", "are on their way to you")
        await self.it.organizer.hears("were sent to you")
        assert await purse.received() == [paid // 1000]
        [row] = await self.table("statement csv", "code,title,sold")
        assert {name: int(text) for name, text in row.items() if name.endswith("_msat")} == {
            "gross_msat": EARNED * 1000,
            "commission_msat": COMMISSION * 1000,
            "refunded_msat": BACK * 1000,
            "paid_out_msat": paid,
            "fees_msat": 0,
            "balance_msat": (EARNED - BACK - COMMISSION) * 1000 - paid,
        }
        assert await self.bots_wallet() == (EARNED - BACK) * 1000 - paid
        await self.asks_organizer("attendance lisbon", "3 came, of 5 tickets; 2 did not")
        said = await self.asks_organizer("stats lisbon", "Lisbon Meetup · over")
        assert "3 came · 2 no-shows" in said

    async def wears_badges(self, *people: Attendee) -> None:
        """What everybody can see, as nostr-tools reads it: their badges, and nobody else's."""

        async def published() -> bool:
            return bool((await self.bob.does("badges"))["awards"])

        await until(published, "the badges are published")
        shown = await self.bob.does("badges")
        [definition], [award] = shown["definitions"], shown["awards"]
        of_badge = dict(tag[:2] for tag in definition["tags"])
        assert (of_badge["name"], of_badge["a"]) == (TITLE, self.event.id)
        address, *named = award["tags"]
        assert address == ["a", f"30009:{self.it.bot.keys.pubkey}:{of_badge['d']}"]
        assert named == [["p", key] for key in sorted(one.pubkey for one in people)]


async def test_an_event_from_its_note_to_the_badge(tmp_path: Path, relay: str) -> None:
    """And at the end ledger and wallet agree: whoever leaves `evening` runs `ticketbot audit`."""
    choices: Json = {"client": "nostr-tools", "spends": True, "more": CONFIG}
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
        await night.is_kept_by_a_program()
        await night.is_printed()
        await night.opens_its_door(handed_on)
        await night.scans_without_a_key()
        await night.wish_for_badges()
        await night.hours_pass(9)
        await night.is_over()
        await night.is_paid_out(wallet.address, Purse(it.server, keys))
