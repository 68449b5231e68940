"""Named places where a test can make the program die, fail or hang.

`TICKETBOT_FAILPOINTS="paid.before-commit=kill@2,sealed=raise"` arms two of them when the
process starts: `kill` is SIGKILL, `raise` raises `Injected`, `hang` never returns; `@n` means
the n-th visit (default: the first). Without the variable a failpoint costs one truth test.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import time
from collections.abc import Iterator
from typing import NamedTuple

_SPEC = re.compile(r"([a-z0-9._-]+)=(kill|raise|hang)(?:@([1-9][0-9]*))?")


class Injected(Exception):
    """A failpoint was told to raise."""


class _Trap(NamedTuple):
    action: str
    due: int
    visits: Iterator[int]


def _read(spec: str) -> dict[str, _Trap]:
    traps: dict[str, _Trap] = {}
    for part in filter(None, (part.strip() for part in spec.split(","))):
        match = _SPEC.fullmatch(part)
        if match is None:
            raise ValueError(f"TICKETBOT_FAILPOINTS: {part!r} is not name=kill|raise|hang[@n]")
        name, action, due = match.groups()
        traps[name] = _Trap(action, int(due or 1), itertools.count(1))
    return traps


_armed = _read(os.environ.get("TICKETBOT_FAILPOINTS", ""))


def arm(spec: str) -> None:
    """Replace what is armed by `spec`, for a test in the same process; "" disarms."""
    traps = _read(spec)
    _armed.clear()
    _armed.update(traps)


def failpoint(name: str) -> None:
    """Mark a place that a test can fail. Names are literals, so that tests can list them."""
    if _armed:
        _visit(name)


def _visit(name: str) -> None:
    trap = _armed.get(name)
    if trap is None or next(trap.visits) != trap.due:
        return
    os.write(2, f"failpoint {name}: {trap.action}\n".encode())
    if trap.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if trap.action == "raise":
        raise Injected(name)
    while True:
        time.sleep(3600)
