"""What operators say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ticketbot.domain.command import (
    CloseOrphan,
    Command,
    ListOrphans,
    ListRefunds,
    ResumeRefunds,
    ResumeSales,
    RetryJobs,
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
    return RetryJobs(all=bool(words)) if words in ([], ["all"]) else None


READERS: Mapping[str, Reader] = {
    "refunds": lambda rest: ListRefunds(),
    "orphans": _orphans,
    "retry": _retry,
    "stop sales": lambda rest: None if rest else StopSales(),
    "resume refunds": lambda rest: None if rest else ResumeRefunds(),
    "resume sales": lambda rest: None if rest else ResumeSales(),
}
