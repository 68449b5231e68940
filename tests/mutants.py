"""What became of the mutants: `make mutants` makes them, this counts and lists them.

    python -m tests.mutants          a table, module by module
    python -m tests.mutants survived the difference that each survivor makes

A mutant that only changes the case of SQL, and of no text in it, changes nothing, and is not
counted.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
from mutmut.mutation.diff_apply import get_diff_for_mutant

FOLDER = Path("mutants/ticketbot")
KILLED, SURVIVED, NO_TEST = (1, 3), 0, (5, 33)
SQL = re.compile(
    r"SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|VALUES|ORDER BY|\bAND\b|\bSET\b|BEGIN|SAVEPOINT"
    r"|RELEASE|ROLLBACK|COMMIT|PRAGMA|= \?|JOIN|LIMIT|CONFLICT|DESC|CASE|excluded\."
    r"|coalesce"
)
TEXT = re.compile(r"'[^']*'")


class Mutant(NamedTuple):
    """One of them. `fate`: killed, survived, equal, or timeout."""

    module: str
    name: str
    fate: str
    difference: str


def mutants() -> Iterator[Mutant]:
    """All that were tried."""
    for meta in sorted(FOLDER.rglob("*.meta")):
        path = Path("ticketbot") / meta.relative_to(FOLDER).with_suffix("")
        for name, code in orjson.loads(meta.read_bytes())["exit_code_by_key"].items():
            if code is None:
                continue
            difference = ""
            fate = "killed" if code in KILLED else "timeout"
            if code == SURVIVED or code in NO_TEST:
                difference = get_diff_for_mutant(name, path=path)
                fate = "equal" if _is_only_case(difference) else "survived"
            yield Mutant(str(path), name, fate, difference)


def table(found: list[Mutant]) -> str:
    """Module, mutants, and how many of them were killed."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        counts[one.module][one.fate] += 1
    lines = [f"{'module':34}{'mutants':>8}{'killed':>8}{'survived':>10}{'share':>8}"]
    for module, fates in [*counts.items(), ("all", sum(counts.values(), Counter()))]:
        killed = fates["killed"] + fates["timeout"]
        tried = killed + fates["survived"]
        if tried:
            share = f"{killed / tried:.0%}"
            lines.append(f"{module:34}{tried:8}{killed:8}{fates['survived']:10}{share:>8}")
    return "\n".join(lines)


def _is_only_case(difference: str) -> bool:
    lines = [line for line in difference.splitlines() if not line.startswith(("---", "+++"))]
    before = "\n".join(line[1:] for line in lines if line.startswith("-"))
    after = "\n".join(line[1:] for line in lines if line.startswith("+"))
    same = before.lower() == after.lower() and TEXT.findall(before) == TEXT.findall(after)
    return same and SQL.search(before) is not None


def main() -> None:
    found = list(mutants())
    if sys.argv[1:] == ["survived"]:
        for one in found:
            if one.fate == "survived":
                sys.stdout.write(f"{one.name}\n{one.difference}\n\n")
    sys.stdout.write(table(found) + "\n")


if __name__ == "__main__":
    main()
