"""Scenes for the recorded session of test_plans.py: what bots are asked beside buying."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from tests.real.payee import payee
from tests.story.cast import DAY, HOUR, Person, Stage
from tests.story.handing_on import code_of, is_offered
from tests.story.labour import says_with_work
from tests.story.memory import rows
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.domain.waiting import ALL, Turns
from ticketbot.ledger import questions, turns


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


async def somebody_waits(stage: Stage, alice: Person) -> None:
    """A seat of a sold-out event comes free, is offered, let go, and offered on, in doubt."""
    organizer, bob, carol = stage.organizer, await stage.enters(), await stage.enters()
    revue: dict[str, Any] = {"price": None, "stock": 2, "tier": ["Box", "0", "SAT", "1"]}
    note = await organizer.has_on_sale("Tavira Revue", **revue)
    event_id = f"31923:{organizer.pubkey}:{note.tag('d')}"
    await stage.app.store.transaction(lambda tx: turns.save(tx, event_id, Turns(fates=ALL)))
    await alice.says("buy tavira 2 box")
    await alice.hears("join tavira 2 box")
    await alice.says("buy tavira 1 box")
    token = await alice.gets_a_ticket()
    for person in (bob, carol):
        await person.says("join tavira 1 box")
        await person.hears("in the queue for Tavira Revue")
    engine = stage.app.engine
    engine.settings = replace(engine.settings, proof_of_work_bits=8)
    await says_with_work(bob, "join tavira 2 box", 8)
    await bob.hears("You are number 1")
    await organizer.says(f"give back tavira {code_of(stage, token)} yes")
    await organizer.hears("is void")
    await stage.app._turnstile.look()
    await bob.hears("It is your turn")
    await bob.says("waiting")
    await bob.hears("kept for you until")
    stage.clock.forward(3 * HOUR)
    await stage.app._turnstile.look()
    await bob.hears("goes to the next")
    await carol.says("buy tavira 1 box")
    await carol.gets_a_ticket()
    await bob.says("leave tavira")
    await bob.hears("You are in no queue")
    await bob.says("join tavira 1 box")
    await bob.hears("in the queue for")
    at = int(stage.clock()) + 1
    await organizer.announces("Tavira Revue", status="cancelled", at=at, **revue)
    await organizer.hears("is off sale")
    await organizer.says("cancel tavira")
    await organizer.hears("done. The tickets")
    await stage.app._turnstile.look()
    await bob.hears("is not sold any more")


async def sits_at_the_desk(organizer: Person, alice: Person) -> None:
    """All that an organizer asks of their own event."""
    alices = npub_encode(alice.pubkey)
    for words, part in (
        ("stats", "Which of your events"),
        ("stats lisbon", "sold ·"),
        ("attendees lisbon", "1 to "),
        (f"find lisbon {alices}", alices),
        ("find lisbon vvvv", "fits"),
        ("order lisbon vvvv", "no order"),
        ("pause lisbon", "is paused"),
        ("resume lisbon", "on sale again"),
        ("announce porto Hello", "To send it"),
        ("announce porto yes", "On its way"),
        (f"comp porto {alices}", "is given"),
    ):
        await organizer.says(words)
        await organizer.hears(part)
    lisbon = "(SELECT event_id FROM listing WHERE code = 'LISBON')"
    sold = await rows(alice.stage, f"SELECT order_id FROM ticket WHERE event_id = {lisbon}")
    for words in ("Sits in front", "none"):
        await organizer.says(f"order lisbon {sold[0][0]} note {words}")
        await organizer.hears("Sits in front")
    await organizer.says(f"order lisbon {sold[0][0]}")
    await organizer.hears("Buyer npub1")
    await alice.hears("News from the organizer")


async def buys_with_a_code(stage: Stage, alice: Person) -> None:
    """An early bird, two questions, and a code that is given back, late, and used."""
    early = ["2000", "SAT", "first", 5]
    await stage.organizer.has_on_sale("Evora", question=[["Name?"]], age=18, early_bird=early)
    for words in ("promo evora FRIENDS 20% max 5", "promos evora", "promo evora FRIENDS stop"):
        await stage.organizer.says(words)
        await stage.organizer.hears("FRIENDS: 20" if "stop" not in words else "is stopped")
    await stage.organizer.says("promo evora FRIENDS 20% max 5")
    await stage.organizer.hears("FRIENDS: 20")
    await alice.says("buy evora strangers")
    await alice.hears("neither a code")
    await alice.says("buy evora friends")
    for answer in ("yes", "Alice"):
        await alice.hears("nothing is held yet")
        await alice.says(answer)
    late = await alice.gets_an_invoice()
    await alice.says("buy evora friends")
    assert await alice.gets_an_invoice() == late
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await alice.pays(late)
    await alice.gets_a_ticket()
    (order,) = await stage.app.store.transaction(
        lambda tx: tx.rows("SELECT order_id FROM promo_use WHERE promo = 1")
    )
    assert await stage.app.store.transaction(lambda tx: questions.answers(tx, order[0]))


async def goes_home(stage: Stage, alice: Person) -> None:
    """Porto is over: its visitor is thanked and gets a badge, and its organizer asks how it was."""
    for words, part in (
        ("lang en", "From now on"),
        ("pdf porto", "To print"),
        ("calendar porto", "For your calendar"),
        ("badge yes porto", "Noted. If you are let in"),
        ("badge no porto", "no badge"),
        ("badge yes porto", "Noted. If you are let in"),
    ):
        await alice.says(words)
        await alice.hears(part)
    await stage.organizer.says("attendance porto")
    await stage.organizer.hears("so far: 1 came")
    stage.clock.forward(3 * DAY)
    await stage.app.epilogue.play()
    await alice.hears("Thank you for coming")
    await alice.hears("Your badge of Porto Dinner is published")


async def is_paid_for_an_order_that_is_lost(stage: Stage) -> None:
    """Money of a ledger that was restored from an older backup."""
    asked = InvoiceAsk("dc0s3i05abse-1", 5_000_000, "1 x Lisbon Meetup, order ABSE", 600)
    made = await stage.wallet.create(asked)
    await stage.wallet.receive(made.bolt11)


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
