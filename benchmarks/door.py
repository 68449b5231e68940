"""The door of a full house: how many scans a second become durable, and how long one waits.

A bot with an event of many tickets has a core for itself. First its engine is asked, without HTTP,
by as many at once as scanners there are. Then a door in another process scans over HTTP at a steady
rate; each scan is timed from the moment at which it was due, so that a stall is not forgiven.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp

from benchmarks.bot import ORGANIZER, RunningBot, Spec, on_sale
from benchmarks.crowd import BadService
from benchmarks.network import run_network
from benchmarks.speed import percentile
from benchmarks.worker import Answers, Worker, answer, cores, wire
from ticketbot.domain.admission import Kind
from ticketbot.domain.listing import Listing
from ticketbot.domain.order import Order, State, order_id
from ticketbot.domain.scanning import Scan, read_shown
from ticketbot.errors import Refused
from ticketbot.handlers import issuing
from ticketbot.handlers.door.scanners import Caller
from ticketbot.ledger import listings, orders, people, staff
from ticketbot.ledger.store import Tx

HOUR = 3600
CODE = "DOOR"
SECRET = "door1benchmark"
SCANNERS = 64  # that scan at the same time
EACH = 2  # tickets of an order
AT_ONCE = 100  # orders in a transaction
Figures = dict[str, float]


class Doors(RunningBot):
    """A bot whose doors are open, with tickets that nobody has shown yet."""

    async def sell(self, number: int) -> tuple[int, list[str]]:
        """So many tickets of an event that begins in an hour: the port, and their tokens."""
        now = int(time.time())
        event_id, start = f"31923:{ORGANIZER}:door", now + HOUR
        listing = replace(
            on_sale(ORGANIZER, now, number),
            event_id=event_id,
            price_msat=0,
            start=start,
            end=start + 3 * HOUR,
        )
        store, tokens = self._app.store, list[str]()

        def open_doors(tx: Tx) -> None:
            listings.save(tx, listing, CODE)
            staff.give_secret(tx, event_id, SECRET, "A", now, start + HOUR)

        await store.transaction(open_doors)
        for first in range(0, number // EACH, AT_ONCE):
            page = range(first, min(first + AT_ONCE, number // EACH))
            tokens += await store.transaction(
                lambda tx, page=page: list(self._issue(tx, listing, page, now))
            )
        return self._app.web_port, tokens

    async def scan(self, tokens: Sequence[str]) -> float:
        """Check all of them in, `SCANNERS` at once; the seconds until the last is durable."""
        waiting = iter(tokens)
        began = time.perf_counter()
        await asyncio.gather(*(self._scanner(waiting) for _ in range(SCANNERS)))
        return time.perf_counter() - began

    def _issue(self, tx: Tx, listing: Listing, page: range, now: int) -> Iterator[str]:
        ctx = self._app.engine.context()
        for number in page:
            key = (number + 1).to_bytes(32, "big")
            buyer = people.meet(tx, key.hex())
            order = Order(
                order_id(now + number, key[-4:]),
                buyer.id,
                listing.event_id,
                "",
                EACH,
                0,
                0,
                State.PAID,
                "nip17",
                None,
                now,
                now,
            )
            orders.place(tx, order)
            listings.sell_free(tx, listing.event_id, "", EACH)
            yield from (one.token for one in issuing.issue(tx, ctx, order, listing, None, buyer))

    async def _scanner(self, tokens: Iterator[str]) -> None:
        caller, key = Caller(secret=SECRET), self._app.desk.ticket_public_key
        for token in tokens:
            scan = Scan(Kind.CHECK_IN, read_shown(token, key))
            (seen,) = await self._app.engine.scan(caller, CODE, [scan])
            if isinstance(seen, Refused) or seen.facts["outcome"] != "admitted":
                raise BadService(f"a good ticket was not admitted: {seen}")


class Scanners:
    """A door with many phones, on a network of its own."""

    async def scan(self, port: int, tokens: Sequence[str], per_second: float) -> list[float]:
        """Check all of them in at this rate; the seconds that each waited."""
        connector = aiohttp.TCPConnector(limit=SCANNERS)
        headers = {"Authorization": f"Bearer {SECRET}"}
        url = f"http://127.0.0.1:{port}/api/v1/door/{CODE}/check-in"
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            began = time.perf_counter() + 0.1
            dues = (began + number / per_second for number in range(len(tokens)))
            scans = map(_scan, [session] * len(tokens), [url] * len(tokens), tokens, dues)
            return list(await asyncio.gather(*scans))


async def _scan(session: aiohttp.ClientSession, url: str, token: str, due: float) -> float:
    await asyncio.sleep(due - time.perf_counter())
    async with session.post(url, json={"ticket": token, "gate": "A"}) as response:
        seen = await response.json()
    if seen.get("outcome") != "admitted":
        raise BadService(f"a good ticket was not admitted: {seen}")
    return time.perf_counter() - due


async def run_doors(pipe: Connection, spec: Spec, handed_out: Connection) -> None:
    """What the bot's worker does."""
    bot = Doors(spec, handed_out)
    answers: Answers = {
        "start": bot.start,
        "sell": bot.sell,
        "scan": bot.scan,
        "cpu": bot.cpu_seconds,
        "audit": bot.audit,
        "stop": bot.stop,
    }
    await answer(pipe, answers)


async def run_scanners(pipe: Connection) -> None:
    """What the door's worker does."""

    async def stop() -> None:
        pass

    await answer(pipe, {"scan": Scanners().scan, "stop": stop})


def measure_door(folder: Path, scans: int, per_second: int, seconds: int) -> Figures:
    """Scans a second over the engine; over HTTP at a steady rate the wait, and what a scan costs.

    The bot's processor time stays what it is while others use the machine, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bots, others = cores()
    handed_out, paid = wire()
    over_http = per_second * seconds
    with (
        Worker(run_network, paid, core=others) as network,
        Worker(run_doors, Spec(folder, network.ask("open")), handed_out, core=bots) as bot,
        Worker(run_scanners, core=others) as door,
    ):
        bot.ask("start")
        port, tokens = bot.ask("sell", scans + over_http)
        elapsed: float = bot.ask("scan", tokens[:scans])
        before: float = bot.ask("cpu")
        waits: list[float] = door.ask("scan", port, tokens[scans:], per_second)
        used: float = bot.ask("cpu") - before
        if broken := bot.ask("audit"):
            raise BadService("; ".join(broken))
    return {
        "scans_per_s": scans / elapsed,
        "scan_p50_ms": percentile(waits, 50) * 1e3,
        "scan_p99_ms": percentile(waits, 99) * 1e3,
        "scan_cpu_ms": used / len(waits) * 1e3,
    }
