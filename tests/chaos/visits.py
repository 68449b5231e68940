"""Which named places the bots of a run were really cut off at, by what they logged themselves.

Where `FAILPOINT_VISITS` names a file, every evening writes down there what its bot met.
`python -m tests.chaos.visits FILE WAY…` says what is missing of every name in the program × these
ways, and exits 1 when anything is: `make test` asks for kill, `make test-long` for raise and hang.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import ticketbot

_MET = re.compile(r"^failpoint ([a-z-]+\.[a-z-]+): (kill|raise|hang)$", re.MULTILINE)


def names() -> set[str]:
    """Every failpoint that the program has."""
    source = (file.read_text() for file in Path(ticketbot.__file__).parent.rglob("*.py"))
    return set(re.findall(r'failpoint\("([a-z-]+\.[a-z-]+)"\)', "".join(source)))


def met(log: str) -> set[tuple[str, str]]:
    """Names and ways of which a bot's log says that they happened to it."""
    return set(_MET.findall(log))


def keep(log: Path) -> None:
    """Write down what stands in a bot's log. Many processes may do so at once."""
    file = os.environ.get("FAILPOINT_VISITS")
    if file is None:
        return
    with Path(file).open("a") as kept:
        kept.write("".join(f"failpoint {name}: {way}\n" for name, way in met(log.read_text())))


def missing(kept: str, ways: Iterable[str]) -> list[str]:
    """What no bot has met, of every name × these ways."""
    seen = met(kept)
    return sorted(f"{name}={way}" for way in ways for name in names() if (name, way) not in seen)


def main() -> int:
    """Say what is missing."""
    file, *ways = sys.argv[1:]
    kept = Path(file).read_text() if Path(file).exists() else ""
    left = missing(kept, ways)
    for one in left:
        sys.stderr.write(f"no test has met {one}\n")
    if not left:
        sys.stdout.write(f"All {len(names())} failpoints were met: {', '.join(ways)}\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
