"""The crew: opens and seals in processes of its own, so that the bot's core is free to decide.

With `[performance] crypto_workers = 0`, and while there is little to do, all is done in place.
A hand that dies is noticed, what it had in work is done in place, and another takes its turn.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog

from ticketbot import hand
from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Envelopes, Letter, Opened, Sealed
from ticketbot.errors import Malformed
from ticketbot.hand import LENGTH_BYTES, Kind
from ticketbot.keys import Keys

CHUNK = 16  # letters handed over at once
AHEAD = 2  # chunks a hand is given: one in work, one so that it need not wait
WORTH = 4  # letters: fewer are done sooner than they are sent
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0  # seconds until a hand that died is replaced
HANGS = 20.0  # seconds for one chunk, after which a hand is given up
CHECK = 5.0  # seconds between two looks at that
PATIENCE = 5.0  # seconds that a hand has to end


class Job(NamedTuple):
    """A chunk, and where its answers are awaited."""

    kind: Kind
    batch: Sequence[Any]
    answers: asyncio.Future[list[Any]]


class Crew:
    """Opens what was written to `keys` and seals what they answer, as `Envelopes` does.

    `size` hands are started when there is work for them, once `run` runs. `clock` dates what
    has no mould; hands have only the machine's.
    """

    def __init__(self, keys: Keys, size: int = 0, clock: Callable[[], float] = time.time) -> None:
        self._size = size
        self._keys = keys
        self._envelopes = Envelopes(keys, clock=clock)
        self._wanted = asyncio.Event()
        self._hands: list[_Hand] = []
        self._letters_in: deque[Job] = deque()
        self._letters_out: deque[Job] = deque()
        self._log = structlog.get_logger()

    @property
    def at_work(self) -> list[int]:
        """The process ids of the hands that are ready."""
        return [one.pid for one in self._hands]

    async def open(self, events: Sequence[Event]) -> list[Opened | Malformed]:
        """Each event's letter, or why there is none, in the order of `events`."""
        return await self._do("open", events)

    async def seal(self, letters: Sequence[Letter]) -> list[Sealed | Malformed]:
        """A signed event for each letter, or why it cannot be sealed, in their order."""
        return await self._do("seal", letters)

    async def run(self) -> None:
        """Keep the hands at work, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._size):
                tasks.create_task(self._keep_a_hand())
            if self._size:
                tasks.create_task(self._watch())

    async def _do(self, kind: Kind, batch: Sequence[Any]) -> list[Any]:
        if len(batch) >= WORTH:
            self._wanted.set()
        if not self._hands or len(batch) < WORTH:
            return hand.do(self._envelopes, kind, batch)
        loop = asyncio.get_running_loop()
        chunks = [batch[at : at + CHUNK] for at in range(0, len(batch), CHUNK)]
        jobs = [Job(kind, chunk, loop.create_future()) for chunk in chunks]
        (self._letters_in if kind == "open" else self._letters_out).extend(jobs)
        for one in self._hands:
            self._employ(one)
        return [answer for job in jobs for answer in await job.answers]

    def _employ(self, one: _Hand) -> None:
        """Give it what waits: who writes to us comes before what we write."""
        while len(one.in_work) < AHEAD and (waiting := self._letters_in or self._letters_out):
            one.take(waiting.popleft())

    def _do_here(self, jobs: deque[Job]) -> None:
        while jobs:
            job = jobs.popleft()
            if job.answers.done():
                continue
            try:
                job.answers.set_result(hand.do(self._envelopes, job.kind, job.batch))
            except Exception as error:  # noqa: BLE001  it belongs to whoever waits for the answers
                job.answers.set_exception(error)

    async def _keep_a_hand(self) -> None:
        await self._wanted.wait()
        pause = FIRST_PAUSE
        while True:
            answered, why = 0, ""
            try:
                one = await _Hand.start(self._keys)
            except OSError as error:
                why = str(error)
            else:
                answered, why = await self._employ_while_it_lives(one)
            pause = FIRST_PAUSE if answered else min(pause * 2, LONGEST_PAUSE)
            self._log.warning("crew.hand_lost", why=why, again_in=pause)
            await asyncio.sleep(pause)

    async def _watch(self) -> None:
        """A hand that hangs is as good as dead, and is made so."""
        while True:
            await asyncio.sleep(CHECK)
            for one in self._hands:
                if one.in_work and one.idle > HANGS:
                    one.kill()

    async def _employ_while_it_lives(self, one: _Hand) -> tuple[int, str]:
        """How many chunks it did, and how it ended."""
        self._hands.append(one)
        answered = 0
        try:
            while await one.answer():
                answered += 1
                self._employ(one)
        finally:
            self._hands.remove(one)
            self._do_here(one.in_work)
            if not self._hands:
                self._do_here(self._letters_in)
                self._do_here(self._letters_out)
            code = await one.end()
        return answered, f"exit code {code}"


class _Hand:
    """A worker process, seen from the bot."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    def __init__(self) -> None:
        """A fresh interpreter; OSError when there is none to be had."""
        self.in_work: deque[Job] = deque()
        self._process, self._socket = _spawn()
        self.pid = self._process.pid
        self._moved_at = time.monotonic()

    @property
    def idle(self) -> float:
        """Seconds since it was given work, or last did any."""
        return time.monotonic() - self._moved_at

    @classmethod
    async def start(cls, keys: Keys) -> _Hand:
        """One that is ready to work, or OSError.

        The key goes over the socket: others may read how a process was called, and its
        environment.
        """
        one = cls()
        try:
            one._reader, one._writer = await asyncio.open_connection(sock=one._socket)
            secret = keys.keypair.secret
            one._writer.write(len(secret).to_bytes(LENGTH_BYTES, "big") + secret)
            await one._hear()
        except BaseException as error:
            code = await one.end()
            if isinstance(error, _Gone):
                raise OSError(f"exit code {code}") from None
            raise
        return one

    def take(self, job: Job) -> None:
        """Start a job behind those in work."""
        if not self.in_work:
            self._moved_at = time.monotonic()
        self.in_work.append(job)
        self._writer.write(hand.write_batch(job.kind, job.batch))

    async def answer(self) -> bool:
        """Hand the next answers to whom they belong; False when the process is gone."""
        try:
            payload = await self._hear()
        except _Gone:
            return False
        job = self.in_work.popleft()
        self._moved_at = time.monotonic()
        if not job.answers.done():
            job.answers.set_result(hand.read_answers(job.kind, payload))
        return True

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    async def _hear(self) -> bytes:
        try:
            length = int.from_bytes(await self._reader.readexactly(LENGTH_BYTES), "big")
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise _Gone from None

    async def end(self) -> int:
        """Close its socket, which ends it; its exit code."""
        if hasattr(self, "_writer"):
            self._writer.close()
        else:
            self._socket.close()
        try:
            return await asyncio.to_thread(self._process.wait, PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class _Gone(Exception):
    """The process has closed its end."""


def _spawn() -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A process with one end of a socket pair as its standard input, and the other end."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", hand.__name__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={k: v for k, v in os.environ.items() if not k.startswith("TICKETBOT_")},
            )
        except OSError:
            ours.close()
            raise
    return process, ours
