"""What systemd does for the bot: starts it again when it dies, ends it when it stops pinging."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from typing import Protocol

PING_WITHIN = 3.0  # seconds: WatchdogSec, as short as a busy machine allows
LOOK_EVERY = 0.05


class Minded(Protocol):
    """The process that is looked after."""

    @property
    def alive(self) -> bool: ...

    async def start(self, failpoints: str = "", *, ready: bool = True) -> None: ...

    async def dies(self, within: float = 20.0) -> int: ...

    async def kill(self) -> None: ...


class Minder:
    """Keeps one daemon alive; `deaths` counts how often it had to be started again."""

    def __init__(self, daemon: Minded) -> None:
        self.deaths = 0
        self.hung = 0
        self.rests = False
        """Nobody starts it again as long as this is so."""
        self.failpoints: list[str] = []
        """What it meets after the next starts, one after the other."""
        self._daemon = daemon
        self._name = f"@ticketbot-{os.getpid()}-{secrets.token_hex(4)}"
        self._pinged = 0.0
        self._ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._ears.bind("\0" + self._name[1:])
        self._ears.setblocking(False)

    @property
    def environment(self) -> dict[str, str]:
        """What the daemon must be started with to ping here."""
        micros = str(int(PING_WITHIN * 1_000_000))
        return {"NOTIFY_SOCKET": self._name, "WATCHDOG_USEC": micros}

    async def run(self) -> None:
        """For ever; without failpoints, unless there are some for the next start."""
        while True:
            if self.rests:
                pass
            elif self._daemon.alive and self._silent():
                self.hung += 1
                await self._daemon.kill()
            elif not self._daemon.alive:
                await self._daemon.dies()
                await self._daemon.start(self.failpoints.pop(0) if self.failpoints else "")
                self._pinged = time.monotonic()
                self.deaths += 1
            await asyncio.sleep(LOOK_EVERY)

    def begin(self) -> None:
        """From now on a ping is expected: the daemon said READY."""
        self._pinged = time.monotonic()

    def close(self) -> None:
        """Let go of the socket."""
        self._ears.close()

    def _silent(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            while word := self._ears.recv(4096):
                if b"WATCHDOG=1" in word:
                    self._pinged = time.monotonic()
        return time.monotonic() - self._pinged > PING_WITHIN
