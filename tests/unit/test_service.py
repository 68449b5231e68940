"""What systemd sees of the bot: readiness, watchdog, one instance, a graceful stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ticketbot.errors import Broken
from ticketbot.service import (
    SingleInstance,
    notify,
    stop_signals,
    watchdog,
    watchdog_seconds,
)


class Systemd:
    """The listening end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)
        self.env = {"NOTIFY_SOCKET": address.replace("\0", "@")}

    def heard(self) -> list[str]:
        texts = []
        while True:
            try:
                texts.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return texts


@pytest.fixture(params=["file", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    abstract = request.param == "abstract"
    manager = Systemd(f"\0ticketbot-test-{os.getpid()}" if abstract else str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


async def test_notify_reaches_systemd(systemd: Systemd) -> None:
    assert await notify("READY=1", "STATUS=3/3 relays,\n2 events", env=systemd.env)
    assert systemd.heard() == ["READY=1\nSTATUS=3/3 relays, 2 events"]


@pytest.mark.parametrize("address", [None, "", "notify", "/nowhere/notify"])
async def test_without_systemd_nobody_is_told(address: str | None) -> None:
    env = {} if address is None else {"NOTIFY_SOCKET": address}
    assert not await notify("READY=1", env=env)


async def test_a_systemd_that_reads_nothing_holds_nobody_up(systemd: Systemd) -> None:
    """Its socket takes ten or so and is full then; what waits comes when it reads again."""
    while await notify("STATUS=early", patience=0.05, env=systemd.env):
        pass
    waiting = asyncio.create_task(notify("READY=1", env=systemd.env))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    early = systemd.heard()
    assert set(early) == {"STATUS=early"}
    assert await asyncio.wait_for(waiting, 5)
    assert systemd.heard() == ["READY=1"]


@pytest.mark.parametrize(
    ("env", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_whether_there_is_a_watchdog(env: dict[str, str], seconds: float | None) -> None:
    assert watchdog_seconds(env) == seconds


class Writer:
    """A ledger whose writer answers, hangs or is broken."""

    def __init__(self) -> None:
        self.asked = asyncio.Semaphore(0)
        self.well = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> None:
        self.asked.release()
        if self.error is not None:
            raise self.error
        await self.well.wait()

    async def was_asked(self, times: int) -> None:
        for _ in range(times):
            await self.asked.acquire()


async def test_the_watchdog_pings_only_for_a_ledger_that_answers(systemd: Systemd) -> None:
    writer = Writer()
    writer.well.set()
    task = asyncio.create_task(watchdog(writer, {**systemd.env, "WATCHDOG_USEC": "80000"}))
    await writer.was_asked(3)
    assert set(systemd.heard()) == {"WATCHDOG=1"}

    writer.well.clear()  # it hangs
    await writer.was_asked(2)
    systemd.heard()
    await writer.was_asked(2)
    assert systemd.heard() == []

    writer.error = Broken("the disk is gone")
    await writer.was_asked(3)
    assert systemd.heard() == []

    writer.error = None
    writer.well.set()  # it lives again
    await writer.was_asked(3)
    assert "WATCHDOG=1" in systemd.heard()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_bug_in_the_ledger_ends_the_watchdog_loudly(systemd: Systemd) -> None:
    writer = Writer()
    writer.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await watchdog(writer, {**systemd.env, "WATCHDOG_USEC": "80000"})


async def test_without_a_watchdog_the_task_ends() -> None:
    await watchdog(Writer(), {})


def test_the_second_instance_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "ledger.lock"
    with SingleInstance(path):
        with pytest.raises(Broken) as caught, SingleInstance(path):
            pass
        assert f"process {os.getpid()}" in str(caught.value)
        assert "\n" not in str(caught.value)
    with SingleInstance(path):
        assert path.read_text() == f"{os.getpid()}\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger.lock"
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from ticketbot.service import SingleInstance\n"
        "with SingleInstance(Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Broken, match=f"process {other.pid}"), SingleInstance(path):
            pass
        other.kill()
    with SingleInstance(path):
        pass


def test_a_lock_that_cannot_be_made(tmp_path: Path) -> None:
    with (
        pytest.raises(Broken, match="No such file"),
        SingleInstance(tmp_path / "no" / "ledger.lock"),
    ):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_asks_for_the_end(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        async with asyncio.timeout(5):
            await stop.wait()
    signal.signal(number, before)


def test_the_second_signal_does_not_wait() -> None:
    program = (
        "import asyncio, sys\n"
        "from ticketbot.service import stop_signals\n"
        "async def main():\n"
        "    with stop_signals() as stop:\n"
        "        print('up', flush=True)\n"
        "        await stop.wait()\n"
        "        print('stopping', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as bot:
        assert bot.stdout is not None
        assert bot.stdout.readline() == b"up\n"
        bot.terminate()
        assert bot.stdout.readline() == b"stopping\n"
        bot.terminate()
        assert bot.wait(timeout=10) == -signal.SIGTERM
