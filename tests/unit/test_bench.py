"""The benchmark runs, what it sells is genuine, and its figures are those of the contract.

No test here asserts a time: a busy machine is no fault.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import FULL, QUICK, ROOT, Measure, measure
from benchmarks.bot import vault_of
from benchmarks.crowd import BadService, Buyer
from benchmarks.daemon import measure_daemon
from benchmarks.door import measure_door
from benchmarks.growth import measure_growth
from benchmarks.history import fill
from benchmarks.queue import measure_queue
from benchmarks.recovery import fill as fill_open
from benchmarks.recovery import measure_recovery
from benchmarks.refunds import measure_refunds
from benchmarks.rush import Crowd, measure_rush
from benchmarks.speed import Size, measure_speed, measure_two_cores, measure_waiting
from benchmarks.wallet import compare
from ticketbot.ledger import invoices
from ticketbot.ledger.audit import check_ledger, totals
from ticketbot.ledger.store import read_ledger
from ticketbot.wallets.fake import FakeWallet

NOW = 1_900_000_000
KEYS = {
    "speed": {"floor_per_s", "bot_per_s", "floor_ratio"},
    "two-cores": {"floor_ratio_2"},
    "waiting": {"paid_to_ticket_p50_ms", "paid_to_ticket_p99_ms"},
    "lnbits": {"lnbits_raw_per_s", "lnbits_bot_per_s", "lnbits_ratio"},
    "growth": {"growth_100k", "growth_1m"},
    "recovery": {"recovery_ready_s", "recovery_s"},
    "rush": {"rush_sold", "rush_answered", "rush_seconds", "rush_p50_ms", "rush_p99_ms"},
    "queue": {"queue_offers_per_s"},
    "refunds": {"cancel_s", "refunds_per_s"},
    "daemon": {"idle_rss_mb", "ready_s"},
    "door": {"scans_per_s", "scan_p50_ms", "scan_p99_ms"},
}


TINY: dict[str, Measure] = {
    "speed": lambda folder: measure_speed(folder, Size(1, 20, 10)),
    "two-cores": lambda folder: measure_two_cores(folder, Size(1, 20, 10)),
    "waiting": lambda folder: measure_waiting(folder, 20, 1),
    "growth": lambda folder: measure_growth(
        folder, 1, 20, {"growth_100k": 2_000, "growth_1m": 3_000}
    ),
    "daemon": lambda folder: measure_daemon(folder, 1),
    "recovery": lambda folder: measure_recovery(folder, 20),
    "rush": lambda folder: measure_rush(folder, Crowd(40, 8)),
    "queue": lambda folder: measure_queue(folder, 30, 5),
    "refunds": lambda folder: measure_refunds(folder, 30, 5),
    "door": lambda folder: measure_door(folder, 40, 20, 1),
    "lnbits": lambda folder: compare([10.0, 12.0], [11.0]),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_tiny_run_has_the_figures_of_the_contract(name: str) -> None:
    figures = measure({name: TINY[name]})
    assert figures.keys() >= KEYS[name]
    assert all(isinstance(value, float) and value > 0 for value in figures.values())
    assert json.loads(json.dumps(figures)) == figures
    table = report.table(figures).splitlines()
    assert len(table) == 1 + len(figures), "a figure without a line in the table"


def test_each_figure_of_the_contract_is_measured_by_a_full_run() -> None:
    assert FULL.keys() == QUICK.keys() == KEYS.keys()
    assert {row.key for row in report.ROWS} >= set().union(*KEYS.values())


def test_an_aim_that_is_missed_is_said() -> None:
    table = report.table({"floor_ratio": 0.59, "lnbits_ratio": 0.96, "ready_s": 3.5})
    missed = [line for line in table.splitlines() if line.endswith("missed")]
    assert len(missed) == 2
    assert "≥ 0.6" in missed[0]
    assert "≤ 3" in missed[1]


def test_lnbits_under_the_bot_is_held_against_lnbits_around_it() -> None:
    figures = compare([10.0, 20.0, 40.0], [15.0, 15.0])
    assert figures["lnbits_ratio"] == pytest.approx((15 / 15 + 15 / 30) / 2)


def test_a_made_up_history_is_one_that_the_audit_believes(tmp_path: Path) -> None:
    fill(tmp_path, 1_234, NOW)
    ledger, vault = tmp_path / "ledger.db", vault_of(tmp_path)
    assert read_ledger(ledger, vault, totals).tickets == 1_234
    findings = read_ledger(ledger, vault, check_ledger)
    assert [finding for finding in findings if not finding.kept] == []


def test_made_up_open_orders_are_those_that_the_wallet_knows(tmp_path: Path) -> None:
    fill_open(tmp_path, 123)
    ledger, vault = tmp_path / "ledger.db", vault_of(tmp_path)
    findings = read_ledger(ledger, vault, check_ledger)
    assert [finding for finding in findings if not finding.kept] == []
    watched = [one for one, _ in read_ledger(ledger, vault, invoices.watched)]

    async def known() -> int:
        wallet = FakeWallet(tmp_path / "fake-wallet.db")
        looks = await wallet.look_many(watched)
        await wallet.close()
        return len(looks)

    assert len(watched) == asyncio.run(known()) == 123


def test_a_buyer_who_is_refused_is_told_so() -> None:
    buyer = Buyer("ab" * 32, "ws://127.0.0.1:1", "buy lisbon", keeps=True)
    with pytest.raises(BadService):
        buyer.check_refused()


def test_a_buyer_without_a_ticket_is_noticed() -> None:
    buyer = Buyer("ab" * 32, "ws://127.0.0.1:1", "buy lisbon", keeps=True)
    assert not buyer.served
    with pytest.raises(BadService):
        buyer.check(bytes(32))


def test_the_command_measures_what_it_is_told(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "daemon", "--out", out]
    done = subprocess.run(
        [*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text()).keys() == KEYS["daemon"]
    assert "idle memory" in done.stdout
