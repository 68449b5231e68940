"""How the command line speaks: plain tables, local times, sats with separators, or JSON."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType

SAT = 1000
_GAP = "  "
_SPANS = ((86_400, "days"), (3600, "h"), (60, "min"), (1, "s"))


def show(text: str) -> None:
    """A line, or several, on standard output."""
    sys.stdout.write(f"{text}\n")


def show_json(value: object) -> None:
    """`value` as JSON on standard output: times in unix seconds, amounts in msat."""
    show(json.dumps(value, indent=2, ensure_ascii=False))


def warn(text: str) -> None:
    """A line on standard error, under the program's name."""
    sys.stderr.write(f"ticketbot: {text}\n")


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Aligned columns. A heading that begins with `>` is of numbers: they align to the right."""
    right = [heading.startswith(">") for heading in headings]
    lines = [[heading.removeprefix(">") for heading in headings]]
    lines += [[str(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(line, widths, right) for line in lines)


def pairs(rows: Iterable[tuple[str, object]]) -> str:
    """`name  value` on each line, the values in one column."""
    known = list(rows)
    widest = max(width(name) for name, _ in known)
    return "\n".join(f"{_pad(name, widest)}{_GAP}{value}".rstrip() for name, value in known)


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def at(moment: int | None) -> str:
    """Unix seconds as local ISO time, to the minute, with its offset; `-` for never."""
    if moment is None:
        return "-"
    return datetime.fromtimestamp(moment).astimezone().isoformat(sep=" ", timespec="minutes")


def utc(moment: int) -> str:
    """Unix seconds as ISO time in UTC, to the second."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"


def span(seconds: float) -> str:
    """A length of time in its largest unit: `40 s`, `3 min`, `5 h`, `2 days`."""
    whole = max(0, int(seconds))
    size, unit = next(one for one in _SPANS if whole >= one[0] * 2 or one[0] == 1)
    return f"{whole // size} {unit}"


def sats(msat: int) -> str:
    """`42,000`; a rest below one sat is shown as decimals."""
    whole, rest = divmod(abs(msat), SAT)
    fraction = f".{rest:03}".rstrip("0") if rest else ""
    return f"{'-' if msat < 0 else ''}{whole:,}{fraction}"


def count(number: int, thing: str) -> str:
    """`1 order`, `2,000 orders`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


class Progress:
    """What is being done just now, on one line of a terminal; nothing where nobody looks on."""

    def __init__(self) -> None:
        self._seen = sys.stderr.isatty()
        self._said = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write("")

    def step(self, text: str) -> None:
        """Say what comes next."""
        self._write(f"{text} …")

    def part(self, text: str, done: int, whole: int) -> None:
        """Say how far it is, in hundredths."""
        self._write(f"{text} … {done * 100 // max(whole, 1)} %")

    def _write(self, text: str) -> None:
        if self._seen and text != self._said:
            self._said = text
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [_pad(*one) for one in zip(cells, widths, right, strict=True)]
    return _GAP.join(padded).rstrip()


def _pad(text: str, size: int, right: bool = False) -> str:
    blank = " " * (size - width(text))
    return blank + text if right else text + blank
