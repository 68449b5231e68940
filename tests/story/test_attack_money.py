"""Money where streams meet: commission, transfers, returns, restores, closings, payouts."""

from __future__ import annotations

import pytest

from tests.story.cast import DAY, HOUR, Organizer, Person, Stage
from tests.story.handing_on import code_of, is_offered, npub
from tests.story.memory import rows
from tests.story.test_restore import back_up, caught_up, lose_the_ledger

ODD = 33_333  # ppm: nothing divides evenly


async def share(stage: Stage) -> dict[str, int]:
    names = "gross_msat, commission_msat, refunded_msat, paid_msat, fees_msat"
    ((gross, commission, refunded, paid, fees),) = await rows(stage, f"SELECT {names} FROM share")
    return {
        "gross": gross,
        "commission": commission,
        "refunded": refunded,
        "paid": paid,
        "fees": fees,
    }


@pytest.mark.choices(ppm=ODD)
async def test_three_tickets_go_back_one_by_one_with_fees_and_a_transfer(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    until = int(stage.clock()) + DAY
    await organizer.has_on_sale(refund_until=until, refund_fee="10%", price=["1001", "SAT"])
    tokens = [
        await alice.buys("lisbon 3"),
        await alice.gets_a_ticket(),
        await alice.gets_a_ticket(),
    ]
    codes = [code_of(stage, token) for token in tokens]
    offer = await is_offered(alice, bob, codes[0])
    await bob.says(f"accept {offer}")
    await bob.gets_a_ticket()
    for person, code in ((bob, codes[0]), (alice, codes[1]), (alice, codes[2])):
        await person.says(f"refund {code} yes")
        await person.hears("goes back")
        await stage.audit()
    assert await share(stage) == {
        "gross": 3_003_000, "commission": 10_000, "refunded": 2_703_000, "paid": 0, "fees": 0
    }  # fmt: skip


@pytest.mark.choices(ppm=ODD)
async def test_money_that_is_claimed_after_a_restore_is_on_the_account(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await organizer.has_on_sale()
    made_at = back_up(stage)
    stage.clock.forward(5)
    await alice.buys("lisbon 2")
    await bob.says("buy lisbon")
    bolt11 = await bob.gets_an_invoice()
    before = await share(stage)
    stage.clock.forward(2 * HOUR)
    await lose_the_ledger(stage, made_at)
    await stage.opens()
    await caught_up(stage)
    await alice.gets_a_ticket()
    assert await share(stage) == before
    await bob.pays(bolt11)
    stage.wallet.hang_up()  # no hash of it is known: the wallet's list tells
    await bob.gets_a_ticket()
    assert (await share(stage))["gross"] == 15_000_000
    await stage.audit()


@pytest.mark.choices(ppm=ODD)
async def test_an_event_with_everything_in_it_is_closed_and_the_books_are_right(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    """Admitted, transferred, given, free by code, paid twice, and somebody in the queue."""
    carol = await stage.enters()
    now = int(stage.clock())
    await organizer.has_on_sale(stock=5, start=now + HOUR, end=now + 3 * HOUR, doors=now)
    await organizer.says("promo lisbon CREW 100% max 1")
    await organizer.hears("CREW")
    first = await alice.buys("lisbon 2")
    second = await alice.gets_a_ticket()
    offer = await is_offered(alice, bob, code_of(stage, second))
    await bob.says(f"accept {offer}")
    await bob.gets_a_ticket()
    await bob.says("buy lisbon crew")
    await bob.gets_a_ticket()
    await organizer.says(f"comp lisbon {npub(carol)}")
    await carol.gets_a_ticket()
    await carol.says("buy lisbon")
    bolt11 = await carol.gets_an_invoice()
    dan = await stage.enters()
    await dan.says("join lisbon")
    await dan.hears("in the queue")
    await carol.says("cancel")
    await carol.hears("is cancelled")
    await stage.app._turnstile.look()
    await dan.hears("It is your turn")
    await carol.pays(bolt11)
    await carol.hears("goes back to you")  # the last seat is kept for dan
    await organizer.says(f"checkin {first}")
    await organizer.hears("GREEN")
    await stage.audit()
    await organizer.announces(
        stock=5, start=now + HOUR, end=now + 3 * HOUR, status="cancelled", at=now + 60
    )
    await organizer.hears("is off sale")
    await organizer.says("cancel lisbon")
    await organizer.hears("done. The tickets")
    await stage.app._turnstile.look()
    await dan.hears("is not sold any more")
    got = await share(stage)
    assert got["gross"] == got["refunded"] == 10_000_000
    assert got["commission"] == 0
    assert await rows(stage, "SELECT held, sold FROM seats") == [(0, 0)]
    await stage.audit()
