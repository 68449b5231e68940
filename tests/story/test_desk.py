"""The organizer's desk: stats, attendees, find, order, pause and resume."""

from __future__ import annotations

import pytest

from tests.story.cast import Organizer, Person, Stage
from ticketbot.domain.nip19 import npub_encode


async def test_an_organizer_asks_how_it_sells(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale(tier=[["GA", "5000", "SAT", "20"], ["VIP", "9000", "SAT", "2"]])
    await alice.buys("lisbon 2 ga")
    await bob.buys("lisbon vip")
    await bob.says("buy lisbon vip")
    await bob.gets_an_invoice()
    await organizer.says("stats lisbon")
    said = (await organizer.hears("Lisbon Meetup")).splitlines()
    print("\n".join(said))
    assert said[0] == "Lisbon Meetup · on sale"
    assert said[1] == "All: 3 of 100 sold · 1 held · 96 free"
    assert said[2] == "GA: 2 of 20 sold · 0 held · 18 free"
    assert said[3] == "VIP: 1 of 2 sold · 1 held · 0 free"
    assert said[4] == "Paid 19,000 sats · given back 0 sats · commission 0 sats · yours 19,000 sats"
