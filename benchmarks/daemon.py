"""`ticketbot run` as an operator starts it: how soon it is ready, how much memory it keeps."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bot import ORGANIZER
from benchmarks.network import run_network
from benchmarks.worker import Worker, cores, wire
from ticketbot.keys import Keys

Figures = dict[str, float]

SETTLED = 5.0  # seconds after READY at which an idle bot is looked at
MIB = 1024 * 1024
CONFIG = """
[bot]
name = "Benchmark Tickets"
nsec_file = "nsec"
organizers = ["{organizer}"]

[nostr]
relays = ["{relay}"]

[lightning]
wallet = "fake"

[ledger]
url = "sqlite:///ledger.db"

[web]
listen = "127.0.0.1:0"
public_url = "https://tickets.example"
"""


def measure_daemon(folder: Path, starts: int) -> Figures:
    """ready_s (the median of some starts) and idle_rss_mb."""
    _, others = cores()
    _, paid = wire()
    ready: list[float] = []
    with Worker(run_network, paid, core=others) as network:
        relay = network.ask("open")
        for number in range(starts):
            with running(folder / f"start-{number}", relay) as (process, seconds):
                ready.append(seconds)
                if number == starts - 1:
                    time.sleep(SETTLED)
                    resident = resident_bytes(process.pid)
    return {"idle_rss_mb": resident / MIB, "ready_s": statistics.median(ready)}


@contextmanager
def running(folder: Path, relay: str) -> Iterator[tuple[subprocess.Popen[str], float]]:
    """A bot with its ledger in `folder`, and the seconds it took to say READY."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.toml"
    config.write_text(CONFIG.format(organizer=ORGANIZER, relay=relay))
    pubkey_of(folder)
    command = [sys.executable, "-m", "ticketbot", "run", "--config", str(config)]
    with (folder / "bot.log").open("w") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=_environment()
        )
        try:
            assert process.stdout is not None
            if not any("READY" in line for line in process.stdout):
                raise RuntimeError(f"the bot ended: {(folder / 'bot.log').read_text()[-2000:]}")
            yield process, time.monotonic() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            assert process.stdout is not None
            process.stdout.close()


def pubkey_of(folder: Path) -> str:
    """Who the bot in `folder` is; its key is made when there is none."""
    secret = folder / "nsec"
    if not secret.exists():
        secret.touch(0o600)
        secret.write_text(os.urandom(32).hex())
    secret.chmod(0o600)
    return Keys.from_text(secret.read_text()).pubkey


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _environment() -> dict[str, str]:
    """Without what would configure the bot."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TICKETBOT_")}
