"""Living under systemd: readiness, the watchdog, one instance at a time, a graceful stop.

with SingleInstance(ledger.with_suffix(".lock")), stop_signals() as stop:
    ...
    await notify("READY=1", "STATUS=3/3 relays")
    await stop.wait()
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

import structlog

from ticketbot.errors import Broken, Retry

PATIENCE = 60.0  # seconds for a service manager that has much to do
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def notify(
    *states: str, patience: float = PATIENCE, env: Mapping[str, str] = os.environ
) -> bool:
    """Tell the service manager, as in `notify("READY=1", "STATUS=3/3 relays")` (sd_notify(3)).

    False when nobody listens: there is no `NOTIFY_SOCKET`, or it does not answer, or it is full
    and nobody reads it for `patience` seconds, in which the bot goes on with its work.
    """
    address = env.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    text = "\n".join(state.replace("\n", " ") for state in states)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
        link.setblocking(False)
        try:
            link.connect(address)  # only who is connected can wait for room
            async with asyncio.timeout(patience):
                await asyncio.get_running_loop().sock_sendall(link, text.encode())
        except OSError as error:
            said = str(error) or f"not read for {patience:g} s"
            structlog.get_logger().warning("notify.failed", error=said)
            return False
    return True


def watchdog_seconds(env: Mapping[str, str] = os.environ) -> float | None:
    """How often systemd wants to hear of this process; None when it does not."""
    if env.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    micros = env.get("WATCHDOG_USEC", "")
    return int(micros) / 1_000_000 if micros.isdecimal() and int(micros) > 0 else None


async def watchdog(
    ledger_answers: Callable[[], Awaitable[object]], env: Mapping[str, str] = os.environ
) -> None:
    """Ping systemd for ever, each time after the ledger's writer answered a no-op.

    That this task runs is the proof that the loop ticks. A writer that does not answer in time,
    or that fails, is not pinged for: systemd then restarts the bot. Relays and wallet have no
    part in it. Returns at once where no watchdog is set.
    """
    period = watchdog_seconds(env)
    if period is None:
        return
    log = structlog.get_logger()
    while True:
        try:
            async with asyncio.timeout(period / 2):
                await ledger_answers()
        except TimeoutError:
            log.error("watchdog.ledger_silent", seconds=period / 2)
        except (Retry, Broken) as error:
            log.error("watchdog.ledger_broken", error=str(error))
        else:
            await notify("WATCHDOG=1", patience=period, env=env)
        await asyncio.sleep(period / 4)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock at `path`; changes nothing."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


class SingleInstance:
    """A lock that ends with the process that holds it. Entering raises Broken when it is taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def __enter__(self) -> SingleInstance:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Broken(f"{self._path} cannot be opened ({error.strerror})") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise Broken(
                f"another ticketbot (process {holder}) works on this ledger, "
                f"as {self._path} shows: stop it first"
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # the file stays: removing it would let two processes lock two files of one name
        if self._file is not None:
            os.close(self._file)
            self._file = None


def spare_collections() -> None:
    """What stands when all is started stays: from now on no collection looks at it again.

    Young objects are looked through less often, too: a purchase leaves hardly any circles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@contextlib.contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM or SIGINT sets. The second such signal ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        stop.set()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        yield stop
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
