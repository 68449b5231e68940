"""Tables as CSV (RFC 4180), safe to be opened in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def defuse(cell: object) -> str:
    """The cell as text that no spreadsheet takes for a formula, on one line.

    A spreadsheet computes what begins with = + - or @, also behind a tab or a line's end, and
    in the wide forms of Asian keyboards; an apostrophe before it makes it text (OWASP, CSV
    injection).
    """
    text = str(cell)
    guard = "'" if text.startswith(_BEGINS_A_FORMULA) else ""
    return guard + " ".join(text.split())


def write_csv(rows: Iterable[Sequence[object]]) -> str:
    """The rows, one a line, each cell defused; without a line's end behind the last."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([defuse(cell) for cell in row] for row in rows)
    return out.getvalue().rstrip("\n")
