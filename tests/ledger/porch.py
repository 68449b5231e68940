"""A short while at a door, in which the ledger is asked all that a door asks."""

from __future__ import annotations

import re

from tests.story.cast import Person, Stage
from tests.story.scanner import Scanner, a_secret, at_the_door
from ticketbot.domain.nip19 import npub_encode


async def is_let_in(stage: Stage, alice: Person) -> None:
    """A door with somebody at it, and a scanner; Porto begins so soon that it is open."""
    organizer = stage.organizer
    now = int(stage.clock())
    await organizer.announces("Porto Dinner", price=None, doors=now, at=now + 1)
    await organizer.hears("Updated")
    await organizer.says(f"door add porto {npub_encode(alice.pubkey)}")
    await alice.hears("You are at the door")
    await alice.says("tickets")
    code = re.findall(r"Porto Dinner · .* · ([A-Z2-7-]{19})", await alice.hears("You hold"))[0]
    for words in (f"checkin {code} gate A", f"checkout {code}", f"undo {code}", "door"):
        await alice.says(words)
        await alice.hears()
    async with at_the_door(stage) as session:
        scanner = Scanner(session, await a_secret(organizer, "porto"), event="PORTO")
        await scanner.scans("check-in", code, nonce="nonce-01")
        await scanner.scans("check-in", code, nonce="nonce-01")
        await scanner.gets("list?used=1")
        await scanner.tells({"ticket": code, "nonce": "nonce-02", "at": now})
        await scanner.gets("conflicts")
    await stage.app.epilogue.play()
    await organizer.hears("let in without a network")
    await organizer.says("door list porto")
    await organizer.hears("2 at the door")
    await organizer.says(f"door remove porto {npub_encode(alice.pubkey)}")
    await alice.hears("no longer at the door")
