"""A process of its own for each part of a measurement, asked one question at a time.

The bot, the network and the floor must not share an interpreter, and the bot has one core
for itself, its ledger's thread included: a process is pinned before it starts any thread.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Protocol

Answers = Mapping[str, Callable[..., Awaitable[Any]]]

_SPAWN = multiprocessing.get_context("spawn")
PATIENCE = 600.0  # seconds for one answer; filling a ledger with a million tickets takes long


class Main(Protocol):
    """What a worker does: answers over the pipe until it is told to stop."""

    def __call__(self, pipe: Connection, *args: Any) -> Coroutine[Any, Any, None]: ...


class WorkerDied(RuntimeError):
    """A worker ended, or failed at what it was asked; the text is its own traceback."""


class Worker:
    """Runs `main(pipe, *args)` in a fresh interpreter on `core`; None: on any."""

    def __init__(self, main: Main, *args: Any, core: int | None) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_run, args=(main, theirs, core, args), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.ask("stop")
        self._process.join(20 if kind is None else 0)
        self._process.kill()
        self._process.join()

    def ask(self, question: str, *args: Any) -> Any:
        """The worker's answer; WorkerDied with its traceback when it has none."""
        try:
            self._pipe.send((question, args))
            if not self._pipe.poll(PATIENCE):
                raise WorkerDied(f"no answer to {question!r} within {PATIENCE:g} s")
            good, answer = self._pipe.recv()
        except (EOFError, OSError):
            raise WorkerDied(f"the worker ended at {question!r}") from None
        if not good:
            raise WorkerDied(answer)
        return answer


def cores() -> tuple[int, int]:
    """The core of the bot and of the floor, and that of everything else."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[-1], mine[0]


def wire() -> tuple[Connection, Connection]:
    """The ends of a pipe between two workers: where it is read, and where it is written."""
    return _SPAWN.Pipe(duplex=False)


async def answer(pipe: Connection, answers: Answers) -> None:
    """Answer what is asked over `pipe` until `stop` has been answered, or the asker is gone."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(pipe.fileno(), readable.set)
    try:
        question = ""
        while question != "stop":
            await readable.wait()
            readable.clear()
            if not pipe.poll():  # the loop also wakes for what has just been read
                continue
            try:
                question, args = pipe.recv()
            except EOFError:
                return
            try:
                pipe.send((True, await answers[question](*args)))
            except Exception:  # noqa: BLE001  whoever asked raises it again
                pipe.send((False, traceback.format_exc()))
    finally:
        loop.remove_reader(pipe.fileno())


def _run(main: Main, pipe: Connection, core: int | None, args: tuple[Any, ...]) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})
    asyncio.run(main(pipe, *args))
