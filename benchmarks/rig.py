"""A bot on a network of its own, ready to sell; and what a slice of selling has cost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.bot import ORDER, SEATS, RealLightning, Spec, run_bot
from benchmarks.crowd import BadService, Rushed, Served
from benchmarks.network import WINDOW, run_network
from benchmarks.worker import Worker, cores, wire


class Slice(NamedTuple):
    """So many purchases, in seconds of the clock and of the bot's processor."""

    served: Served
    cpu: float

    @property
    def per_second(self) -> float:
        """Purchases per second of the clock."""
        return self.served.number / self.served.seconds

    @property
    def cost(self) -> float:
        """Seconds of the clock per purchase."""
        return self.served.seconds / self.served.number

    @property
    def cpu_cost(self) -> float:
        """Processor seconds of the bot per purchase."""
        return self.cpu / self.served.number


class Rig:
    """One bot, its network, and the wire on which its wallet hears what was handed out."""

    def __init__(self, network: Worker, bot: Worker) -> None:
        self.network = network
        self.bot = bot
        self._pubkey, self._ticket_key = bot.ask("start")

    def prepare(self, number: int) -> None:
        """Make buyers and invoices ready, which is not measured."""
        self.network.ask("gather", self._pubkey, number, ORDER)
        self.bot.ask("stock", number)

    def sell(self, number: int, window: int = WINDOW, per_second: float | None = None) -> Slice:
        """One slice of selling; BadService unless everybody got what they paid for."""
        self.prepare(number)
        before = self.bot.ask("cpu")
        served = self.network.ask("sell", window, per_second)
        used = self.bot.ask("cpu") - before
        self.network.ask("check", self._ticket_key)
        return Slice(served, used)

    def rush(self, buyers: int, seats: int) -> Rushed:
        """All want one of the seats in the same moment; BadService unless all are answered."""
        self.network.ask("gather", self._pubkey, buyers, ORDER, 1)
        self.bot.ask("stock", seats)
        rushed: Rushed = self.network.ask("rush", seats, self._ticket_key)
        return rushed

    def waits(self, served: Served) -> list[float]:
        """Seconds from each payment to the relay's OK for the last of its ticket's messages."""
        paid_at: dict[str, float] = self.bot.ask("paid_at")
        return [done - paid_at[buyer] for buyer, done in served.done.items()]

    def audit(self) -> None:
        """BadService when the ledger breaks an invariant."""
        if broken := self.bot.ask("audit"):
            raise BadService("; ".join(broken))


@contextmanager
def open_rig(
    folder: Path, lnbits: RealLightning | None = None, seats: int = SEATS, crypto_workers: int = 0
) -> Iterator[Rig]:
    """A bot that sells from a ledger in `folder`: alone on its core, or with a crew on all."""
    folder.mkdir(parents=True, exist_ok=True)
    bots, others = cores()
    handed_out, paid = wire()
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Worker(run_network, paid, core=others))
        spec = Spec(folder, network.ask("open"), lnbits, seats, crypto_workers)
        core = None if crypto_workers else bots
        bot = stack.enter_context(Worker(run_bot, spec, handed_out, core=core))
        yield Rig(network, bot)
