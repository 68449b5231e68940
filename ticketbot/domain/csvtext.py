"""Tables as CSV (RFC 4180), safe to be opened in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_UNSEEN = "\u200b\u200c\u200d\u2060\ufeff"  # what some programs leave out before they look


def defuse(cell: object) -> str:
    """The cell as text that no spreadsheet takes for a formula, on one line; numbers stay numbers.

    A spreadsheet computes what begins with = + - or @, also behind blanks, a tab or a line's end,
    and in the wide forms of Asian keyboards; an apostrophe before it makes it text (OWASP, CSV
    injection).
    """
    if isinstance(cell, int):
        return str(cell)
    text = " ".join(str(cell).split())
    begins = text.lstrip(_UNSEEN + " ")
    return f"'{text}" if begins.startswith(_BEGINS_A_FORMULA) else text


def write_csv(rows: Iterable[Sequence[object]]) -> str:
    """The rows, one a line, each cell defused; without a line's end behind the last."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([defuse(cell) for cell in row] for row in rows)
    return out.getvalue().rstrip("\n")
