"""`make bench`: measure, print the table, write bench.json (docs: design contract "Make")."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import report
from benchmarks.daemon import measure_daemon
from benchmarks.door import measure_door
from benchmarks.growth import measure_growth
from benchmarks.recovery import measure_recovery
from benchmarks.refunds import measure_refunds
from benchmarks.rush import Crowd, measure_rush
from benchmarks.speed import Size, measure_speed, measure_two_cores, measure_waiting
from benchmarks.wallet import measure_wallet

ROOT = Path(__file__).resolve().parents[1]
PER_SECOND = 100  # purchases, where waiting is measured

Measure = Callable[[Path], dict[str, float]]

FULL: Mapping[str, Measure] = {
    "daemon": lambda folder: measure_daemon(folder, starts=5),
    "speed": lambda folder: measure_speed(folder, Size(slices=15, purchases=500, floor=250)),
    "two-cores": lambda folder: measure_two_cores(
        folder, Size(slices=15, purchases=500, floor=250)
    ),
    "waiting": lambda folder: measure_waiting(folder, PER_SECOND, seconds=30),
    "rush": lambda folder: measure_rush(folder, Crowd(buyers=5000, seats=500)),
    "recovery": lambda folder: measure_recovery(folder, orders=10_000),
    "refunds": lambda folder: measure_refunds(folder, orders=10_000, paid=1_000),
    "door": lambda folder: measure_door(folder, scans=10_000, per_second=200, seconds=20),
    "lnbits": lambda folder: measure_wallet(folder, slices=4, purchases=160),
    "growth": lambda folder: measure_growth(
        folder, 9, 400, {"growth_100k": 100_000, "growth_1m": 1_000_000}
    ),
}
"""By the name that `--only` takes; each in a folder of its own."""

QUICK: Mapping[str, Measure] = {
    "daemon": lambda folder: measure_daemon(folder, starts=1),
    "speed": lambda folder: measure_speed(folder, Size(slices=3, purchases=200, floor=100)),
    "two-cores": lambda folder: measure_two_cores(folder, Size(slices=3, purchases=200, floor=100)),
    "waiting": lambda folder: measure_waiting(folder, PER_SECOND, seconds=5),
    "rush": lambda folder: measure_rush(folder, Crowd(buyers=5000, seats=500)),
    "recovery": lambda folder: measure_recovery(folder, orders=10_000),
    "refunds": lambda folder: measure_refunds(folder, orders=1_000, paid=200),
    "door": lambda folder: measure_door(folder, scans=4_000, per_second=200, seconds=5),
    "lnbits": lambda folder: measure_wallet(folder, slices=1, purchases=40),
    "growth": lambda folder: measure_growth(folder, 3, 200, {"growth_100k": 100_000}),
}


def measure(chosen: Mapping[str, Measure]) -> dict[str, float]:
    """Run these measurements, one after the other, with their ledgers on this checkout's disk."""
    figures: dict[str, float] = {}
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    for name, run in chosen.items():
        began = time.monotonic()
        print(f"{name} …", end=" ", flush=True, file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="bench-", dir=cache) as folder:
            figures |= run(Path(folder) / name)
        print(f"{time.monotonic() - began:.0f} s", flush=True, file=sys.stderr)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run, for a first look")
    parser.add_argument("--only", choices=FULL, action="append", help="measure only this")
    parser.add_argument("--out", type=Path, default=Path("bench.json"), metavar="FILE")
    args = parser.parse_args()
    plan = QUICK if args.quick else FULL
    figures = measure({name: plan[name] for name in args.only or plan})
    print(report.table(figures))
    args.out.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
