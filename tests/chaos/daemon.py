"""`ticketbot run` as a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.chaos.purse import FakePurse, Purse
from ticketbot.domain.ticket import TicketKey
from ticketbot.keys import Keys
from ticketbot.ledger.audit import Finding, check_ledger, check_wallet
from ticketbot.ledger.store import read_ledger
from ticketbot.ledger.vault import open_vault

READY_WITHIN = 20.0

CONFIG = """\
[bot]
name = "Chaos Tickets"
about = "Send me: events"
operators = []
organizers = ["{organizer}"]

[nostr]
relays = [{relays}]
allow_private_relays = true

{wallet}
[ledger]
url = "sqlite:///ledger.db"

[sales]
hold_seconds = {hold}
"""


class Daemon:
    """A bot in `folder`; `keys` is its identity, `purse` its wallet seen from outside."""

    def __init__(
        self,
        folder: Path,
        relays: list[str],
        organizer: str,
        hold: int = 600,
        purse: Purse | None = None,
    ) -> None:
        self.folder = folder
        self.purse = purse or FakePurse(folder)
        secret = os.urandom(32).hex()
        self.keys = Keys.from_text(secret)
        config = CONFIG.format(
            organizer=organizer,
            relays=", ".join(f'"{url}"' for url in relays),
            hold=hold,
            wallet=self.purse.config,
        )
        (folder / "config.toml").write_text(config)
        self._keep("nsec", secret)
        self._keep("lnbits-invoice-key", self.purse.secret)
        if self.purse.admin:
            self._keep("lnbits-admin-key", self.purse.admin)
        self.environment: dict[str, str] = {}
        self.exits: list[int] = []
        self.command = [sys.executable, "-m", "ticketbot"]
        self.process: subprocess.Popen[str] | None = None
        self.log = folder / "bot.log"

    @classmethod
    def beside(cls, other: Daemon) -> Daemon:
        """A second process over the same folder."""
        twin = cls.__new__(cls)
        twin.__dict__.update(other.__dict__, process=None, log=other.folder / "second.log")
        return twin

    async def start(self, failpoints: str = "", *, ready: bool = True) -> None:
        """Start it; with `ready` wait until it says READY (or dies, which a failpoint may want)."""
        env = {**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"}
        env["TICKETBOT_FAILPOINTS"] = failpoints
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "run", "--config", "config.toml"],
                cwd=self.folder,
                env=env,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        if ready:
            await self._is_ready_or_dead()

    async def dies(self, within: float = 30.0) -> int:
        """Wait until it has ended; its exit code (-9 for SIGKILL)."""
        assert self.process is not None
        code = await asyncio.wait_for(asyncio.to_thread(self.process.wait), within)
        self.exits.append(code)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    async def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.kill()
        await self.dies()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await self.dies()

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tail(self) -> str:
        return self.log.read_text()[-3000:]

    async def audit(self) -> list[Finding]:
        """Every invariant that does not hold."""
        shown = await self.purse.shown()
        path, vault = self.folder / "ledger.db", open_vault(self.keys)
        findings = read_ledger(path, vault, check_ledger)
        findings += read_ledger(
            path, vault, lambda tx: check_wallet(tx, shown.received, shown.balance, shown.sent)
        )
        return [one for one in findings if not one.kept]

    def ticket_key(self) -> bytes:
        """The public key that tickets are signed for."""
        return TicketKey.from_bytes(bytes.fromhex((self.folder / "ticket-key").read_text())).public

    def _keep(self, name: str, secret: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(secret + "\n")

    async def _is_ready_or_dead(self) -> None:
        """What never gets ready is ended: systemd's TimeoutStartSec."""
        assert self.process is not None
        first_line = asyncio.ensure_future(asyncio.to_thread(self._first_line))
        await asyncio.wait([first_line], timeout=READY_WITHIN)
        if not first_line.done():
            self.process.kill()
        if line := await first_line:
            assert line.startswith("READY"), self.tail()
        else:
            await asyncio.to_thread(self.process.wait)
            assert "failpoint" in self.tail(), self.tail()

    def _first_line(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        return self.process.stdout.readline()
