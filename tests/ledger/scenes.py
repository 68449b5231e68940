"""Scenes for the recorded session of test_plans.py: what bots are asked beside buying."""

from __future__ import annotations

import asyncio

from tests.real.payee import payee
from tests.story.cast import DAY, HOUR, Person, Stage
from tests.story.handing_on import code_of, is_offered
from tests.story.memory import rows


async def plans_change(stage: Stage, alice: Person) -> None:
    """A ticket is handed on, an event is moved, tickets go back, and the rest are reminded."""
    organizer, bob = stage.organizer, await stage.enters()
    start = int(stage.clock()) + 5 * DAY
    await organizer.has_on_sale("Braga Fair", price=None, start=start, end=start + HOUR)
    await alice.says("buy braga 4")
    codes = [code_of(stage, await alice.gets_a_ticket()) for _ in range(4)]
    offer = await is_offered(alice, bob, codes[0])
    await bob.says(f"accept {offer}")
    await bob.gets_a_ticket()
    await is_offered(alice, bob, codes[1])
    at = int(stage.clock()) + 1
    await organizer.announces("Braga Fair", price=None, start=start, end=start + 2 * DAY, at=at)
    await bob.hears("has changed")
    await alice.says(f"refund {codes[2]} yes")
    await alice.hears("is void, as you asked")
    await organizer.says(f"give back braga {codes[3]} yes")
    await organizer.hears("is void")
    await is_gone(stage, "change")
    stage.clock.forward(5 * DAY - HOUR)
    await alice.hears("Nobody accepted")
    await is_gone(stage, "reminder")
    await is_gone(stage, "last-call")


async def is_gone(stage: Stage, what: str) -> None:
    """Wait until nothing of the kind is left to do."""
    now = int(stage.clock())
    left = f"SELECT 1 FROM outbox WHERE due <= {now} AND key >= '{what}:' AND key < '{what}~'"
    async with asyncio.timeout(20):
        while await rows(stage, left):
            await asyncio.sleep(0.05)


async def organizer_is_paid(stage: Stage, alice: Person) -> None:
    """To an address that gives nothing, to one that does, by the clock, and by hand."""
    organizer, now = stage.organizer, int(stage.clock())
    await organizer.has_on_sale("Sintra Hike", start=now + 60, end=now + 120)
    for _ in range(3):
        await alice.buys("sintra")
    stage.clock.forward(DAY + HOUR)
    async with payee() as wallet:
        wallet.clock = stage.clock
        for words in ("balance", "statement", "payout to nobody@127.0.0.1:9"):
            await organizer.says(words)
            await organizer.hears()
        wallet.spoil_offer["tag"] = "withdrawRequest"
        await organizer.says(f"payout to {wallet.address}")
        await organizer.hears("from now on")
        await organizer.says("payout sintra")
        await organizer.hears("gives me no invoice")
        del wallet.spoil_offer["tag"]
        await organizer.says(f"payout to {wallet.address}")
        await organizer.hears("were sent to you")
        await stage.app._payer.pay_by_the_clock()
    for words in ("payouts", "payouts done sintra 1", "resume payouts"):
        await stage.operator.says(words)
        await stage.operator.hears()
