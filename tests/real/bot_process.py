"""`ticketbot` as operators run it: a process with a folder, a configuration, a log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any, NamedTuple

from tests.real.relays import free_port
from ticketbot.keys import Keys

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
WITHIN = 30.0
COMMAND = (sys.executable, "-m", "ticketbot")

CONFIG = """\
[bot]
name = "{name}"
about = "Tickets for Lisbon meetups. Send me: events"
operators = ["{operator}"]
organizers = ["{organizer}"]

[nostr]
relays = {relays}
allow_private_relays = true

[lnbits]
url = "{lnbits}"
admin_key_file = "{admin_key_file}"

[sales]
hold_seconds = {hold}
{web}"""

WEB = """
[web]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
"""


class Ran(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


class Bot:
    """`ticketbot` in `folder`, started and asked from outside as operators do."""

    def __init__(self, folder: Path, lnbits_url: str, invoice_key: str, **choices: Any) -> None:
        self.folder = folder
        self.log_file = folder / "bot.log"
        self.process: Process | None = None
        self.keys = Keys(os.urandom(32))
        self._command: tuple[str, ...] = COMMAND
        self._lnbits = lnbits_url
        self._choices = choices
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._write_key("nsec", self.keys.keypair.secret.hex())
        self._write_key("lnbits-invoice-key", invoice_key)
        self.choose()

    def choose(self, **choices: Any) -> None:
        """Write config.toml, changed in these choices."""
        self._choices |= choices
        self._write_config(**self._choices)

    def _write_config(
        self,
        *,
        relays: list[str],
        organizer: str,
        operator: str,
        name: str = "Lisbon Tickets",
        hold: int = 600,
        web: bool = True,
        admin_key: str | None = None,
        more: str = "",
    ) -> None:
        if admin_key is not None:
            self._write_key("lnbits-admin-key", admin_key)
        text = CONFIG.format(
            name=name,
            operator=operator,
            organizer=organizer,
            relays=json.dumps(relays),
            lnbits=self._lnbits,
            admin_key_file="lnbits-admin-key" if admin_key else "",
            hold=hold,
            web=WEB.format(port=self._port) if web else "",
        )
        (self.folder / "config.toml").write_text(text + more)

    async def start(self, failpoints: str = "") -> None:
        """Start it; returns when it says READY."""
        await self.launch(failpoints)
        assert self.process is not None and self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), WITHIN)
        assert line.startswith(b"READY"), self.tail()

    async def launch(self, failpoints: str = "") -> None:
        """Start it, whatever comes of it."""
        with self.log_file.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self._command,
                "run",
                cwd=self.folder,
                env=environment(TICKETBOT_FAILPOINTS=failpoints),
                stdout=PIPE,
                stderr=log,
            )

    async def ends(self, within: float = 20.0) -> int:
        """Wait until it has ended; its exit code."""
        assert self.process is not None
        process, self.process = self.process, None
        await asyncio.wait_for(process.communicate(), within)
        assert process.returncode is not None
        return process.returncode

    async def stop(self) -> int:
        """SIGTERM; the exit code, which must come within 20 seconds."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await self.ends()

    def wakes_up_later(self, hours: int) -> None:
        """For all that is started from now on, so many hours have passed."""
        self._command = (sys.executable, "-m", "tests.real.later", str(hours))

    async def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        await self.ends()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def does(self, *words: str, stdin: str = "") -> Ran:
        """`ticketbot …` beside the running bot."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *words,
            cwd=self.folder,
            env=environment(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), WITHIN)
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())

    async def shows(self, *words: str) -> Any:
        """What `ticketbot … --json` prints."""
        ran = await self.does(*words, "--json")
        assert ran.code == 0, ran
        return json.loads(ran.out)

    def log(self) -> list[Json]:
        """What it logged, line by line."""
        lines = self.log_file.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def tail(self) -> str:
        return self.log_file.read_text()[-4000:]

    def _write_key(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text + "\n")


def environment(**more: str) -> dict[str, str]:
    """This process's, without what would configure a bot; the checkout can be imported."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TICKETBOT_")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | more
