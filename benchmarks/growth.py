"""What a purchase costs on top of a long history, as a ratio to a short one."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.history import fill
from benchmarks.rig import Slice, open_rig

Figures = dict[str, float]

SHORT = 1_000


def measure_growth(
    folder: Path, slices: int, purchases: int, histories: Mapping[str, int]
) -> Figures:
    """For each history (its name and its number of tickets) the cost relative to `SHORT`.

    The bots, one per history, take turns, slice by slice, so that whatever else the machine
    does meets all of them.
    """
    sizes = {"short": SHORT, **histories}
    for name, tickets in sizes.items():
        fill(folder / name, tickets, int(time.time()))
    costs: dict[str, list[Slice]] = {name: [] for name in sizes}
    with contextlib.ExitStack() as stack:
        rigs = {name: stack.enter_context(open_rig(folder / name)) for name in sizes}
        for rig in rigs.values():
            rig.sell(purchases)
        for _ in range(slices):
            for name, rig in rigs.items():
                costs[name].append(rig.sell(purchases))
    rounds = range(slices)
    return {
        name: statistics.median(costs[name][n].cost / costs["short"][n].cost for n in rounds)
        for name in histories
    }
