"""Thousands of fresh keys in front of everybody in a queue, and what honest people get."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.counter import Counter, key_of
from tests.story.labour import says_with_work
from tests.story.test_queue import KEPT, all_is_well, looks, sold_out
from ticketbot.domain.waiting import MOST_LAPSED, Standing, Turns
from ticketbot.ledger import listings, places, turns
from ticketbot.turnstile import Turnstile

BITS = 8
KEPT_FOR = 2 * HOUR
SYBILS = 5000
CUSTOMER, WORKER, ORDINARY = 10_001, 10_002, 10_003  # none of the sybils has so high a number


class Hall(Counter):
    """A counter in front of which people wait for seats."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, proof_of_work_bits=BITS, keep_seconds=KEPT_FOR)
        self.turnstile = Turnstile(self.store, self.engine, lambda: self.now)

    async def joins(self, people: Iterable[int], bits: int = 0) -> list[dict[str, Any]]:
        """They join; what each is answered."""
        event_id = self.listing.event_id
        wishes = [self.asks(who, "join", bits, event_id=event_id, quantity=1) for who in people]
        told = await self.hears(wishes)
        return [told[one.pubkey][0] for one in wishes]

    async def offers(self) -> set[str]:
        """The bot looks; the keys of those to whom it offers a seat now."""
        await self.turnstile.look()
        told = await self.answers()
        return {key for key, said in told.items() for one in said if one["type"] == "queue-offer"}

    async def time_passes(self) -> set[str]:
        """All that is kept lapses; to whom it is offered next."""
        await self.waits(KEPT_FOR)
        return await self.offers()

    async def has_seats(self, number: int) -> None:
        """The organizer adds some."""
        self.listing = replace(self.listing, stock=number)
        listing = self.listing
        await self.store.transaction(lambda tx: listings.save(tx, listing, "LISBON"))

    async def line(self) -> Turns:
        event_id = self.listing.event_id
        return await self.store.transaction(lambda tx: turns.of(tx, event_id))


async def sold_out_hall(folder: Path) -> Hall:
    """One seat, sold to a customer."""
    hall = Hall(folder)
    await hall.opens(stock=1)
    answers = await hall.hears([hall.wish(CUSTOMER)])
    await hall.pays(answers[key_of(CUSTOMER)][0])
    return hall


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    hall = await sold_out_hall(tmp_path)
    yield hall
    await hall.closes()


async def test_behind_five_thousand_sybils_who_has_shown_work_gets_a_seat(hall: Hall) -> None:
    """They take ten seats once. Two hours later they are served last."""
    await hall.joins(range(SYBILS))
    await hall.has_seats(11)
    assert len(await hall.offers()) == 10
    answers = await hall.joins([WORKER], BITS)
    assert answers[0]["position"] == SYBILS - 10 + 1
    assert key_of(WORKER) in await hall.time_passes()
    invoice = (await hall.hears([hall.wish(WORKER)]))[key_of(WORKER)][0]
    assert invoice["type"] == "invoice"
    await hall.pays(invoice)
    assert (await hall.seats()).sold == 2


async def test_control_without_the_rule_they_keep_every_seat_for_weeks(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Turns, "doubtful", property(lambda self: False))
    await hall.joins(range(500))
    await hall.has_seats(11)
    await hall.offers()
    await hall.joins([WORKER], BITS)
    rounds = 1
    while key_of(WORKER) not in await hall.time_passes():
        rounds += 1
    assert rounds == 500 // 10  # a hundred hours, and a thousand behind ten times as many


async def test_one_seat_at_a_time_is_theirs_five_times_and_then_every_fifth(hall: Hall) -> None:
    await hall.joins(range(200))
    await hall.joins(range(WORKER, WORKER + 40), BITS)
    await hall.has_seats(2)
    workers = {key_of(who) for who in range(WORKER, WORKER + 40)}
    served = ""
    offered = await hall.offers()
    for _ in range(20):
        (key,) = offered
        served += "w" if key in workers else "s"
        offered = await hall.time_passes()  # nobody takes it: only so does it come free again
    assert served == "s" * (MOST_LAPSED + 1) + "wwwws" * 3


async def test_who_takes_what_is_kept_and_does_not_pay_gains_nothing(hall: Hall) -> None:
    """An order that lapses is an offer that was let go."""
    await hall.joins(range(100))
    await hall.has_seats(6)
    for _ in range(2):
        for key in await hall.offers():
            who = next(number for number in range(100) if key_of(number) == key)
            assert (await hall.hears([hall.wish(who)]))[key][0]["type"] == "invoice"
        await hall.waits(601)
    assert (await hall.line()).doubtful
    await hall.joins([WORKER], BITS)
    assert key_of(WORKER) in await hall.time_passes()


async def test_who_has_paid_comes_before_who_has_worked(hall: Hall) -> None:
    await hall.joins(range(50))
    await hall.joins(range(WORKER, WORKER + 20), BITS)
    await hall.has_seats(1 + MOST_LAPSED + 1)
    await hall.offers()
    answers = await hall.joins([CUSTOMER])
    assert answers[0]["position"] == 45 + 20 + 1
    await hall.waits(KEPT_FOR)
    await hall.has_seats(2)
    assert await hall.offers() == {key_of(CUSTOMER)}


async def test_people_who_pay_end_the_rule(hall: Hall) -> None:
    """Newcomers with ordinary clients, alone in the queue, are served as ever."""
    await hall.joins(range(30))
    await hall.has_seats(6)
    await hall.offers()
    await hall.waits(KEPT_FOR)
    for _ in range(8):
        for key in await hall.offers():
            who = next(number for number in range(30) if key_of(number) == key)
            await hall.pays((await hall.hears([hall.wish(who)]))[key][0])
    line = await hall.line()
    assert (line.doubtful, (await hall.seats()).sold) == (False, 6)


async def test_it_survives_a_restart(tmp_path: Path) -> None:
    before = await sold_out_hall(tmp_path)
    await before.joins(range(50))
    await before.has_seats(7)
    await before.offers()
    await before.time_passes()
    await before.closes()
    hall = Hall(tmp_path)
    hall.now, hall.listing, hall._letters = before.now, before.listing, before._letters
    hall.store.start()
    assert (await hall.line()).doubtful
    await hall.joins([WORKER], BITS)
    assert key_of(WORKER) in await hall.time_passes()
    await hall.closes()


async def test_a_queue_ends_somewhere_and_not_for_who_has_shown_work(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketbot.domain.waiting.MOST_WAITING", 20)
    await hall.joins(range(20))
    (answer,) = await hall.joins([ORDINARY])
    assert (answer["code"], answer["pow"]) == ("try-later", BITS)
    assert "people wait for" in answer["message"]
    answers = await hall.joins(range(WORKER, WORKER + 21), BITS)
    assert [one["type"] for one in answers] == ["queue-place"] * 20 + ["error"]
    assert "pow" not in answers[-1]
    assert (await hall.joins([0]))[0]["position"] == 1  # who stands there stays there


async def test_who_shows_work_later_keeps_the_place(hall: Hall) -> None:
    await hall.joins([ORDINARY])
    await hall.joins([ORDINARY], BITS)
    await hall.joins([ORDINARY])  # and what was shown once counts
    person = await hall.store.transaction(lambda tx: places.of_event(tx, hall.listing.event_id, 5))
    assert [one.standing for one in person] == [Standing.WORKED]


async def test_people_are_told_why_they_wait_and_keep_their_place(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await sold_out(stage, organizer, alice)
    strangers = [await stage.enters() for _ in range(MOST_LAPSED + 1)]
    for one in strangers:
        await one.says("join lisbon")
        await one.hears("in the queue for")
    await organizer.announces(stock=1 + len(strangers), at=int(stage.clock()) + 5)
    await organizer.hears("Updated")
    await looks(stage)
    for one in strangers:
        await one.hears(KEPT)
        await one.says("leave lisbon")
        await one.hears("You do not wait")
    await organizer.announces(stock=1, at=int(stage.clock()) + 10)
    await organizer.hears("Updated")
    await bob.says("join lisbon")
    told = await bob.hears("You are number 1 in the queue")
    assert "whoever has paid here before, or joins with 20 bits of proof of work" in told
    assert "you keep your place" in told
    carla = await stage.enters()
    await carla.says("cola lisbon")
    assert "tú conservas tu puesto" in await carla.hears("Eres el número 2")
    dana = await stage.enters()
    stage.app.engine.settings = replace(stage.app.engine.settings, proof_of_work_bits=BITS)
    await says_with_work(dana, "join lisbon", BITS)
    assert "proof of work" not in await dana.hears("You are number 1")
    await bob.says("waiting")
    await bob.hears("number 2 in the queue")
    await alice.says("cancel")
    await alice.hears("is cancelled")
    await looks(stage)
    await dana.hears(KEPT)
    await dana.says("buy lisbon")
    await dana.pays(await dana.gets_an_invoice())
    await dana.gets_a_ticket()
    assert await all_is_well(stage)
