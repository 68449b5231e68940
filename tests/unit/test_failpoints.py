"""Failpoints: off by default, exact when armed, and every name written as a literal, once."""

from __future__ import annotations

import ast
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ticketbot.failpoints import Injected, arm, failpoint

PACKAGE = Path(__file__).parents[2] / "ticketbot"


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm("")


def calls() -> list[ast.Call]:
    """Every call of `failpoint` in the program."""
    found: list[ast.Call] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("failpoint"):
                found.append(node)
    return found


def run(spec: str, name: str = "here") -> subprocess.CompletedProcess[str]:
    program = f"from ticketbot.failpoints import failpoint\nfailpoint({name!r})\nprint('passed')"
    return subprocess.run(
        [sys.executable, "-c", program],
        env={"TICKETBOT_FAILPOINTS": spec},
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_nothing_happens_when_off() -> None:
    failpoint("here")
    arm("elsewhere=raise")
    failpoint("here")
    assert run("").stdout == "passed\n"


def test_raise() -> None:
    arm("here=raise")
    with pytest.raises(Injected, match="here"):
        failpoint("here")
    failpoint("here")


def test_only_the_named_visit_is_hit() -> None:
    arm("here=raise@3, other=raise")
    failpoint("here")
    failpoint("here")
    with pytest.raises(Injected):
        failpoint("here")
    failpoint("here")


def test_kill_is_sigkill_and_says_where() -> None:
    ended = run("here=kill")
    assert ended.returncode == -signal.SIGKILL
    assert ended.stderr == "failpoint here: kill\n"
    assert ended.stdout == ""


def test_hang_does_not_return() -> None:
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        subprocess.run(
            [sys.executable, "-c", "from ticketbot.failpoints import failpoint; failpoint('a')"],
            env={"TICKETBOT_FAILPOINTS": "a=hang"},
            cwd=PACKAGE.parent,
            capture_output=True,
            timeout=2,
        )
    assert caught.value.stderr == b"failpoint a: hang\n"


@pytest.mark.parametrize("spec", ["here", "here=explode", "here=kill@0", "Here=kill", "=kill"])
def test_a_mistake_in_the_variable_stops_the_start(spec: str) -> None:
    ended = run(spec)
    assert ended.returncode == 1
    assert "TICKETBOT_FAILPOINTS" in ended.stderr


def test_every_name_is_a_literal_of_one_place() -> None:
    names = []
    for call in calls():
        (name,) = call.args
        assert isinstance(name, ast.Constant), ast.unparse(call)
        assert re.fullmatch(r"[a-z0-9-]+\.[a-z0-9-]+", str(name.value)), name.value
        names.append(name.value)
    assert names, "no failpoint is left in the program"
    assert [name for name, times in Counter(names).items() if times > 1] == []
