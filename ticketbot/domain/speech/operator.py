"""What operators say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ticketbot.domain.command import (
    CloseOrphan,
    Command,
    ListOrphans,
    ListPending,
    ListRefunds,
    ListStuck,
    ResumeRefunds,
    ResumeSales,
    RetryStuck,
    StopSales,
)
from ticketbot.domain.speech.words import ORDER_ID, Reader


def _orphans(rest: Sequence[str]) -> Command | None:
    if not rest:
        return ListOrphans()
    named = [word for word in rest if word.lower() != "done"]
    if len(rest) == 2 and len(named) == 1 and ORDER_ID.fullmatch(named[0]):
        return CloseOrphan(named[0].lower())
    return None


def _retry(rest: Sequence[str]) -> Command | None:
    words = [word.lower() for word in rest]
    if not words:
        return ListStuck()
    return RetryStuck(None if words == ["all"] else words[0]) if len(words) == 1 else None


READERS: Mapping[str, Reader] = {
    "refunds": lambda rest: ListRefunds(),
    "orphans": _orphans,
    "pending": lambda rest: None if rest else ListPending(),
    "stuck": lambda rest: None if rest else ListStuck(),
    "retry": _retry,
    "stop sales": lambda rest: None if rest else StopSales(),
    "resume refunds": lambda rest: None if rest else ResumeRefunds(),
    "resume sales": lambda rest: None if rest else ResumeSales(),
}
