"""A queue of thousands in front of a sold-out event: how soon seats that come free are offered.

The queue is made up; the bot that goes through it is the whole one, with a relay and the fake
wallet. Each offer is a seat held, a line in the ledger and a message that a relay has taken.
"""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.bot import CODE, ORGANIZER, Spec, on_sale
from benchmarks.chore import BusyBot, count, made_up
from benchmarks.network import run_network
from benchmarks.worker import Answers, Worker, answer, cores, wire
from ticketbot.ledger import listings, people, places

Figures = dict[str, float]


def measure_queue(folder: Path, waiting: int, seats: int) -> Figures:
    """So many wait, and so many seats come free at once: offers per second."""
    fill(folder, waiting)
    bots, others = cores()
    _, hands = wire()
    with Worker(run_network, hands, core=others) as network:
        with Worker(run_queueing, Spec(folder, network.ask("open")), core=bots) as bot:
            bot.ask("start")
            seconds: float = bot.ask("free", seats)
    return {"queue_offers_per_s": seats / seconds}


def fill(folder: Path, waiting: int) -> None:
    """A ledger in which an event without a seat left has a queue."""
    now = int(time.time())
    with made_up(folder) as (_, tx):
        event = on_sale(ORGANIZER, now, 0)
        listings.save(tx, event, CODE)
        for _ in range(waiting):
            person = people.welcome(tx, os.urandom(32).hex(), "nip17")
            places.join(tx, event.event_id, "", person.id, 1, now)


class QueueingBot(BusyBot):
    """The bot, and seats that come free."""

    async def free(self, seats: int) -> float:
        """The organizer adds seats; seconds until whoever has one kept was told so."""
        began = time.monotonic()
        listing = on_sale(ORGANIZER, int(time.time()), seats)
        await self._app.store.transaction(lambda tx: listings.save(tx, listing, CODE))
        await self.until(lambda tx: count(tx, "place WHERE kept > 0") == seats)
        await self.until(lambda tx: count(tx, "outbox WHERE kind = 'message'") == 0)
        seconds = time.monotonic() - began
        await self.require_kept()
        return seconds


async def run_queueing(pipe: Connection, spec: Spec) -> None:
    """What the worker does."""
    bot = QueueingBot(spec)
    answers: Answers = {"start": bot.start, "free": bot.free, "stop": bot.stop}
    await answer(pipe, answers)
