"""What was measured beside what is aimed at, as a table and as bench.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """A figure of bench.json, as people read it. `aim`: at least, or with `below` at most."""

    key: str
    says: str
    form: str
    aim: float | None = None
    below: bool = False

    def reached(self, value: float) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        if self.aim is None:
            return None
        return value <= self.aim if self.below else value >= self.aim


ROWS = (
    Row("floor_per_s", "purchases/s, cryptography alone, one core", "{:.0f}"),
    Row("bot_per_s", "purchases/s, the whole bot, one core", "{:.0f}"),
    Row("floor_ratio", "the bot ÷ the floor", "{:.2f}", 0.6),
    Row("floor_ratio_cpu", "the same in processor time", "{:.2f}"),
    Row("floor_cpu_ms", "processor ms a purchase, floor", "{:.2f}"),
    Row("bot_cpu_ms", "processor ms a purchase, bot", "{:.2f}"),
    Row("bot_2_per_s", "purchases/s, the whole bot, two cores", "{:.0f}"),
    Row("floor_ratio_2", "the bot on two cores ÷ the floor", "{:.2f}", 1.0),
    Row("lnbits_raw_per_s", "purchases/s, LNbits alone", "{:.1f}"),
    Row("lnbits_bot_per_s", "purchases/s, LNbits under the bot", "{:.1f}"),
    Row("lnbits_ratio", "the bot ÷ LNbits alone", "{:.2f}", 0.95),
    Row("paid_to_ticket_p50_ms", "paid → ticket accepted, median, ms", "{:.1f}", 50, below=True),
    Row("paid_to_ticket_p99_ms", "paid → ticket accepted, p99, ms", "{:.1f}", 250, below=True),
    Row("rush_sold", "a rush: seats sold, of 500", "{:.0f}", 500),
    Row("rush_answered", "… buyers answered, of 5,000", "{:.0f}", 5000),
    Row("rush_seconds", "… until all have what they get, s", "{:.2f}", 10, below=True),
    Row("rush_p50_ms", "… request → first word, median, ms", "{:.0f}"),
    Row("rush_p99_ms", "… request → first word, p99, ms", "{:.0f}"),
    Row("scans_per_s", "a door: durable scans/s, without HTTP", "{:.0f}", 1000),
    Row("scan_p50_ms", "… over HTTP at 200/s, median, ms", "{:.1f}"),
    Row("scan_p99_ms", "… over HTTP at 200/s, p99, ms", "{:.1f}", 20, below=True),
    Row("recovery_ready_s", "kill -9 with 10,000 open orders → READY, s", "{:.2f}"),
    Row("recovery_s", "… → the first new invoice, s", "{:.2f}", 5, below=True),
    Row("cancel_s", "an event of 10,000 orders called off, all told, s", "{:.1f}"),
    Row("refunds_per_s", "refunds paid by the wallet, per second", "{:.0f}"),
    Row("growth_100k", "cost at 100,000 tickets ÷ at 1,000", "{:.2f}"),
    Row("growth_1m", "cost at 1,000,000 tickets ÷ at 1,000", "{:.2f}", 1.2, below=True),
    Row("idle_rss_mb", "idle memory, MB", "{:.0f}", 100, below=True),
    Row("ready_s", "start → READY, s", "{:.2f}", 3, below=True),
)


def table(figures: Mapping[str, float]) -> str:
    """A line for each figure that was measured."""
    return "\n".join(_lines(figures))


def _lines(figures: Mapping[str, float]) -> Iterator[str]:
    yield f"{'':44}{'measured':>10}{'aim':>9}"
    for row in ROWS:
        if row.key in figures:
            value = figures[row.key]
            aim = "" if row.aim is None else f"{'≤' if row.below else '≥'} {row.aim:g}"
            missed = "   missed" if row.reached(value) is False else ""
            yield f"{row.says:44}{row.form.format(value):>10}{aim:>9}{missed}"
