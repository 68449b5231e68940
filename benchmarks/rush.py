"""An event that sells out at once: all of a crowd write in the same moment, few can have a seat.

Everybody must be answered: so many with a ticket, all others with a word that it is sold out.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from benchmarks.crowd import BadService
from benchmarks.rig import open_rig
from benchmarks.speed import percentile

Figures = dict[str, float]


class Crowd(NamedTuple):
    """How many want a seat, and how many there are."""

    buyers: int
    seats: int


def measure_rush(folder: Path, crowd: Crowd) -> Figures:
    """How many were sold and answered, in how many seconds, and how long one waited.

    rush_seconds lasts until the last ticket is out; what one waits for is the first word.
    """
    with open_rig(folder / "rush", seats=crowd.seats) as rig:
        rush = rig.rush(*crowd)
        sold: int = rig.bot.ask("sold")
        rig.audit()
    if (sold, rush.tickets, rush.refused) != (*[crowd.seats] * 2, crowd.buyers - crowd.seats):
        raise BadService(f"{crowd}: {sold} sold, {rush.tickets} tickets, {rush.refused} refused")
    return {
        "rush_sold": float(sold),
        "rush_answered": float(rush.tickets + rush.refused),
        "rush_seconds": rush.seconds,
        "rush_p50_ms": percentile(rush.waits, 50) * 1e3,
        "rush_p99_ms": percentile(rush.waits, 99) * 1e3,
    }
