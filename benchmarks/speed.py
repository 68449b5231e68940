"""How fast the whole bot sells, beside the cryptographic floor; and how long a ticket takes.

Slices of the floor lie between slices of the bot, on the same core, so that whatever else
the machine does meets both. Each slice of the bot is held against the two floors around it.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from benchmarks import floor
from benchmarks.rig import Rig, Slice, open_rig
from benchmarks.worker import Worker, answer, cores
from ticketbot.envelopes import Envelopes
from ticketbot.keys import Keys

Figures = dict[str, float]

CREW = 1  # processes that open and seal, where the bot has two cores


class Size(NamedTuple):
    """How much is measured: slices of the bot, purchases in each, and in each of the floor."""

    slices: int
    purchases: int
    floor: int


class Cost(NamedTuple):
    """Seconds per purchase, of the clock and of the processor."""

    wall: float
    cpu: float


def measure_speed(folder: Path, size: Size) -> Figures:
    """floor_per_s, bot_per_s and floor_ratio, all on one core, with the instant wallet."""
    with open_rig(folder / "speed") as rig:
        return _compare(*_take_turns(rig, size))


def measure_two_cores(folder: Path, size: Size) -> Figures:
    """bot_2_per_s and floor_ratio_2: the bot and its crew on two cores, the floor on one.

    The network that the buyers are has its share of these cores, too.
    """
    with open_rig(folder / "two-cores", crypto_workers=CREW) as rig:
        figures = _compare(*_take_turns(rig, size))
    return {"bot_2_per_s": figures["bot_per_s"], "floor_ratio_2": figures["floor_ratio"]}


def measure_waiting(folder: Path, per_second: int, seconds: int) -> Figures:
    """Milliseconds from a payment to the relay's OK for its ticket, at a steady rate."""
    with open_rig(folder / "waiting") as rig:
        rig.sell(per_second)
        waits = waiting(rig, per_second * seconds, per_second)
        rig.audit()
    return {
        "paid_to_ticket_p50_ms": percentile(waits, 50) * 1e3,
        "paid_to_ticket_p99_ms": percentile(waits, 99) * 1e3,
    }


def waiting(rig: Rig, number: int, per_second: int) -> list[float]:
    """Each buyer's seconds from payment to ticket."""
    return rig.waits(rig.sell(number, per_second=per_second).served)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which `percent` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _take_turns(rig: Rig, size: Size) -> tuple[list[Cost], list[Slice]]:
    """Slices of the floor, and one of the bot between each two of them."""
    bots, _ = cores()
    with Worker(run_floor, core=bots) as worker:
        rig.sell(size.purchases // 2)  # the first purchases also import and cache
        floors, slices = [_floor(worker, size.floor)], []
        for _ in range(size.slices):
            slices.append(rig.sell(size.purchases))
            floors.append(_floor(worker, size.floor))
        rig.audit()
    return floors, slices


async def run_floor(pipe: Connection) -> None:
    """What the floor's worker does."""
    envelopes = Envelopes(Keys(os.urandom(32)))
    floor.purchase_floor(envelopes, 50)

    async def play(number: int) -> Cost:
        purchases = floor.prepare(envelopes, number)
        began = time.process_time()
        wall = floor.play(envelopes, purchases)
        return Cost(wall / number, (time.process_time() - began) / number)

    async def stop() -> None:
        pass

    await answer(pipe, {"play": play, "stop": stop})


def _floor(worker: Worker, purchases: int) -> Cost:
    cost: Cost = worker.ask("play", purchases)
    return cost


def _compare(floors: Sequence[Cost], slices: Sequence[Slice]) -> Figures:
    """Medians; `floors` has one more than `slices`, the one before the first."""
    pairs = list(zip(floors, floors[1:], slices, strict=False))
    ratios = [(a.wall + b.wall) / 2 / one.cost for a, b, one in pairs]
    cpu_ratios = [(a.cpu + b.cpu) / 2 / one.cpu_cost for a, b, one in pairs]
    return {
        "floor_per_s": 1 / statistics.median(one.wall for one in floors),
        "bot_per_s": statistics.median(one.per_second for one in slices),
        "floor_ratio": statistics.median(ratios),
        "floor_ratio_cpu": statistics.median(cpu_ratios),
        "floor_cpu_ms": statistics.median(one.cpu for one in floors) * 1e3,
        "bot_cpu_ms": statistics.median(one.cpu_cost for one in slices) * 1e3,
    }
